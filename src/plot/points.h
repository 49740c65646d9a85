/* What scatter, parallel and ternary charts are drawn from, gathered point by point
 * and owned: for callers whose own data may be gone when the chart is drawn. */
#ifndef PWEMOE_PLOT_POINTS_H
#define PWEMOE_PLOT_POINTS_H

#include "plot/kinds.h"

struct catalog; /* of results/ */

struct plot_points {
    struct plot_cloud cloud; /* points into what follows */
    char **labels;           /* [objectives] */
    struct plot_series *series;
    struct plot_point *points;
    double *values; /* [most, objectives] */
};

/* One more point [objectives], NaN where it is not known; a new name begins a series.
 */
int plot_points_add(struct plot_points *points, const struct plot_series *series,
                    const double *values, bool dimmed, struct error *error);
void plot_points_clear(struct plot_points *points);

/* The rows that take [count] marks, in the order of the legend, and the axes' labels;
 * room for one point more. dimmed [count]. */
int plot_solutions(struct plot_points *points, const struct catalog *catalog,
                   const bool *take, const bool *dimmed, struct error *error);

/* Preferences over three tasks with a value each. */
struct plot_shares {
    double *preferences, *values; /* [most, 3], [most] */
    size_t count;
};
int plot_shares_begin(struct plot_shares *shares, size_t most, struct error *error);
void plot_shares_add(struct plot_shares *shares, const double *preference,
                     double value);
void plot_shares_clear(struct plot_shares *shares);

#endif
