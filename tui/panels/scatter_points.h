/* What a scatter draws of many solutions, kept from one frame to the next: how many of
 * those without a mark of their own lie at each dot, and which rows have a mark. */
#ifndef PWEMOE_TUI_PANELS_SCATTER_POINTS_H
#define PWEMOE_TUI_PANELS_SCATTER_POINTS_H

#include "panels/graph.h"
#include "state/explorer.h"

/* From the lowest to the highest: what is outside the selection lies below, ours above
 * it, then baselines, so that they are not hidden; what is selected and knees above
 * all.
 */
enum scatter_layer {
    LAYER_OUTSIDE,
    LAYER_ANSWER,
    LAYER_BASELINE,
    LAYER_SELECTED,
    LAYER_KNEE
};
enum scatter_layer scatter_points_layer(const struct explorer *explorer, size_t row);

/* Brought up to date for a graph of objectives a and b; NULL where memory is out. */
const struct scatter_points *scatter_points_of(struct explorer *explorer,
                                               const struct graph *graph,
                                               const struct raster *raster, size_t a,
                                               size_t b);
/* The dots; from some hundred points on the more closely the more lie there. */
void scatter_points_draw(const struct scatter_points *points, struct raster *raster);

#endif
