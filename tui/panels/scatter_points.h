/* What a scatter draws of many solutions, kept from one frame to the next: how many of
 * those without a mark of their own lie at each dot, and which rows have a mark. */
#ifndef PWEMOE_TUI_PANELS_SCATTER_POINTS_H
#define PWEMOE_TUI_PANELS_SCATTER_POINTS_H

#include "panels/graph.h"
#include "state/explorer.h"

/* Brought up to date for a graph of objectives a and b; NULL where memory is out. */
const struct scatter_points *scatter_points_of(struct explorer *explorer,
                                               const struct graph *graph,
                                               const struct raster *raster, size_t a,
                                               size_t b);
/* The dots; from some hundred points on the more closely the more lie there. */
void scatter_points_draw(const struct scatter_points *points, struct raster *raster);

#endif
