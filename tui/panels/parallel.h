/* What the parts of the panel of parallel coordinates share. */
#ifndef PWEMOE_TUI_PANELS_PARALLEL_H
#define PWEMOE_TUI_PANELS_PARALLEL_H

#include "panels/views.h"
#include "state/space.h"
#include "terminal/raster.h"

enum { PARALLEL_MOST = STORE_TASKS_MAX + 1 };

struct parallel_axes {
    struct view inside;         /* below the names and numbers, above the numbers */
    size_t first, count;        /* of those that are not hidden */
    bool mean;                  /* the last of them is the mean, which stays in sight */
    size_t axis[PARALLEL_MOST]; /* [count] the objective in each place; space.h */
    int left, gap; /* columns: of the first axis, and from one to the next */
    double low[PARALLEL_MOST], high[PARALLEL_MOST]; /* bottom and top, by place */
};

/* Which axes fit into a view, and where they stand; the wheel and PgDn go on to the
 * others. false: an objective has no figures yet. */
bool parallel_axes_place(const struct view *view, struct explorer *explorer,
                         struct parallel_axes *axes);

/* The column of the axis in this place (0: the first one shown). */
int parallel_axis_column(const struct parallel_axes *axes, size_t place);
/* The height of a value on an axis, from 0 at the top to 1; values beyond its ends are
 * at its ends; NaN of NaN. */
double parallel_axis_share(const struct parallel_axes *axes, size_t place,
                           double value);
/* The same in dots, of so many. */
int parallel_axis_dot(const struct parallel_axes *axes, size_t place, double value,
                      int dots);

/* "98.5", or "98" or ".7" where there is no room for more, "1e+30" of what is large, ""
 * where there is none. Returns out. */
const char *parallel_number(double value, int most, char *out, size_t size);
/* One more number on each axis, between those of its ends, as near the middle as leaves
 * what is looked at in sight. The last that is drawn. */
void parallel_ticks_draw(const struct parallel_axes *axes);

/* Counts how many solutions' lines pass each dot, where that is not known already. -1:
 * memory is out. */
int parallel_density_make(struct explorer *explorer, const struct parallel_axes *axes,
                          const struct raster *raster);
void parallel_density_draw(const struct parallel_axes *axes,
                           const struct density *density, struct raster *raster);

#endif
