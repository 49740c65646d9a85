/* Axes with round numbers, and places on them: what the scatters and the curves
 * are drawn with. */
#ifndef PWEMOE_TUI_PANELS_GRAPH_H
#define PWEMOE_TUI_PANELS_GRAPH_H

#include "panels/graph_axis.h"
#include "state/range.h"
#include "terminal/canvas.h"
#include "terminal/raster.h"

struct graph {
    struct view inside; /* between the axes */
    struct range x, y;  /* what was asked for, or more, for the numbers' sake */
    struct graph_axis across, upright;
};

/* Where things would be drawn in view. */
struct graph graph_place(const struct view *view, struct range x, struct range y);
/* Draws axes and their numbers into view. */
struct graph graph_begin(const struct view *view, struct range x, struct range y);
/* The cell of a value (not clipped). */
int graph_column(const struct graph *graph, double x);
int graph_row(const struct graph *graph, double y);
/* The same in dots of a raster over graph.inside. */
int graph_dot_x(const struct graph *graph, const struct raster *raster, double x);
int graph_dot_y(const struct graph *graph, const struct raster *raster, double y);
/* A line between two points, clipped at the edges by the raster. */
void graph_line(const struct graph *graph, struct raster *raster, double x0, double y0,
                double x1, double y1, int step, enum ink ink);
/* Drawn at the edge for something beyond it; no series uses this mark. */
enum graph_side { GRAPH_LEFT, GRAPH_RIGHT, GRAPH_UP, GRAPH_DOWN };
wchar_t graph_arrow(bool fine, enum graph_side side);
/* A mark at its place; where that is outside, an arrow at the edge. */
void graph_point(const struct graph *graph, double x, double y, wchar_t mark,
                 enum ink ink, unsigned look);

#endif
