/* Which numbers an axis of cells has: equal steps, three at least where that can be. */
#ifndef PWEMOE_TUI_PANELS_GRAPH_AXIS_H
#define PWEMOE_TUI_PANELS_GRAPH_AXIS_H

#include "results/ticks.h"
#include "state/range.h"
#include "terminal/canvas.h"

struct graph_axis {
    struct range range; /* what was asked for, or somewhat more */
    struct ticks ticks; /* those of one step, each in cells of its own */
};

/* Along `cells` cells, upright (a row for each number) or across, where numbers are
 * centred below their places with a blank between them; `before` and `behind` are the
 * columns that they may take beside the cells. Where no round step has three of its
 * multiples in the range, that grows by up to three fifths until one has. Two or fewer
 * are left only where even then there is no room. */
struct graph_axis graph_axis_upright(struct range range, int cells);
struct graph_axis graph_axis_across(const struct marks *marks, struct range range,
                                    int cells, int before, int behind);

/* The cell of a value (not clipped). */
int graph_axis_cell(struct range range, double value, int cells);
/* Where the text of a number at a cell begins, from the first cell on. */
int graph_axis_text(int cell, int columns, int cells, int behind);

#endif
