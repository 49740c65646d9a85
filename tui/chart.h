/* Axes with round numbers, and places on them: what the scatters and the curves
 * are drawn with. */
#ifndef PWEMOE_TUI_CHART_H
#define PWEMOE_TUI_CHART_H

#include "canvas.h"
#include "plot.h"

struct range {
    double low, high;
};

struct chart {
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
struct chart chart_begin(const struct view *view, struct range x, struct range y);
/* The cell of a value (not clipped). */
int chart_column(const struct chart *chart, double x);
int chart_row(const struct chart *chart, double y);
/* The same in dots of a plot over chart.inside. */
int chart_dot_x(const struct chart *chart, const struct plot *plot, double x);
int chart_dot_y(const struct chart *chart, const struct plot *plot, double y);
/* A line between two points, clipped at the edges by the plot. */
void chart_line(const struct chart *chart, struct plot *plot, double x0, double y0,
                double x1, double y1, int step, enum ink ink);
/* A mark at its place; where that is outside, an arrow at the edge. */
void chart_point(const struct chart *chart, double x, double y, wchar_t mark,
                 enum ink ink, unsigned look);

#endif
