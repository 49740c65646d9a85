/* Where a panel shows each solution, so that one can be pointed at: what a click hits,
 * and which is the next in a direction. */
#ifndef PWEMOE_TUI_PANELS_PLACES_H
#define PWEMOE_TUI_PANELS_PLACES_H

#include "state/explorer.h"
#include "terminal/canvas.h"

struct row_place {
    size_t row;  /* of the catalog */
    double x, y; /* columns and rows of the panel, the middle of a cell whole */
};

/* The objectives (across and upwards) that a scatter's panel shows. */
void places_pair(const struct explorer *explorer, const struct arrangement *arrangement,
                 enum panel panel, size_t *a, size_t *b);

/* Places of the visible rows in a panel that has any: the objective space, or the
 * preference's (stored points of the present routers). column: where lines of parallel
 * coordinates are looked at. out [catalog->count]; how many there are. */
size_t places_of(const struct view *view, struct explorer *explorer,
                 const struct arrangement *arrangement, enum panel panel, int column,
                 struct row_place *out);

/* The place at most `reach` rows (or twice as many columns) from (x, y) and nearest to
 * it, or NULL. */
const struct row_place *places_at(const struct row_place *places, size_t count,
                                  double x, double y, double reach);
/* The nearest from (x, y) on in a direction, of dx and dy in -1, 0, 1; one that lies
 * more aside than ahead only where nothing else is. NULL: none. */
const struct row_place *places_next(const struct row_place *places, size_t count,
                                    double x, double y, int dx, int dy);

/* Of one kind of panel each (scatter_view.c, solid_view.c, parallel_view.c,
 * simplex_view.c). */
size_t scatter_view_places(const struct view *view, const struct explorer *explorer,
                           size_t a, size_t b, struct row_place *out);
/* The values at a place of it; false outside the axes. */
bool scatter_view_values(const struct view *view, const struct explorer *explorer,
                         size_t a, size_t b, double x, double y, double *value_a,
                         double *value_b);
/* The cell of values; false outside the axes. */
bool scatter_view_cell(const struct view *view, const struct explorer *explorer,
                       size_t a, size_t b, double value_a, double value_b, int *x,
                       int *y);
size_t solid_view_places(const struct view *view, struct explorer *explorer,
                         struct row_place *out);
size_t parallel_view_places(const struct view *view, struct explorer *explorer,
                            int column, struct row_place *out);
size_t simplex_view_places(const struct view *view, const struct explorer *explorer,
                           struct row_place *out);
/* The column of an objective's axis; brought into view where it is outside. */
int parallel_view_column(const struct view *view, struct explorer *explorer,
                         size_t objective);
/* The value at a height of an objective's axis, also beyond its ends; false where the
 * axis is not on the screen. */
bool parallel_view_value(const struct view *view, struct explorer *explorer,
                         size_t objective, double y, double *value);
/* The objective whose axis is nearest to a column. */
size_t parallel_view_axis(const struct view *view, struct explorer *explorer,
                          int column);

#endif
