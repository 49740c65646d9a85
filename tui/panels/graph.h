/* Axes with round numbers, and places on them: what the scatters and the curves
 * are drawn with. */
#ifndef PWEMOE_TUI_PANELS_GRAPH_H
#define PWEMOE_TUI_PANELS_GRAPH_H

#include "terminal/canvas.h"
#include "terminal/raster.h"

struct range {
    double low, high;
};

struct graph {
    struct view inside; /* between the axes */
    struct range x, y;
};

/* Nothing yet: low above high. */
struct range range_empty(void);
void range_add(struct range *range, double value); /* NaN is passed over */
/* At least `least` wide, with a margin of that share of its width. */
struct range range_widen(struct range range, double least, double margin);

/* Ticks at round distances: the first at or above low, and the step, so that at
 * most `most` of them fit. */
double range_step(struct range range, int most);

/* Draws axes and their numbers into view. */
struct graph graph_begin(const struct view *view, struct range x, struct range y);
/* The cell of a value (not clipped). */
int graph_column(const struct graph *graph, double x);
int graph_row(const struct graph *graph, double y);
/* The same in dots of a plot over chart.inside. */
int graph_dot_x(const struct graph *graph, const struct raster *raster, double x);
int graph_dot_y(const struct graph *graph, const struct raster *raster, double y);
/* A line between two points, clipped at the edges by the plot. */
void graph_line(const struct graph *graph, struct raster *raster, double x0, double y0,
                double x1, double y1, int step, enum ink ink);
/* A mark at its place; where that is outside, an arrow at the edge. */
void graph_point(const struct graph *graph, double x, double y, wchar_t mark,
                 enum ink ink, unsigned look);

#endif
