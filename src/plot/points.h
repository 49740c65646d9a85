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
    void *names; /* the tree of series by name (search.h) */
    struct plot_point *points;
    double *values; /* [most, objectives] */
    double *low, *high;
    bool *less; /* [objectives] */
};

/* One more point: figures [objectives] and their intervals, NaN where they are not
 * known. A new name begins a series. */
struct plot_figures {
    const double *values, *low, *high; /* low and high may be NULL */
    bool dimmed, knee;
};
int plot_points_add(struct plot_points *points, const struct plot_series *series,
                    const struct plot_figures *figures, struct error *error);
void plot_points_clear(struct plot_points *points);

/* The rows that take [count] marks, in the order of the legend, and the axes' labels;
 * room for one point more. dimmed [count]. */
int plot_solutions(struct plot_points *points, const struct catalog *catalog,
                   const bool *take, const bool *dimmed, struct error *error);

/* Preferences over three tasks with their values: the figure of each task and the mean
 * of these, or one of them. */
enum { PLOT_SHARES_ALL = 4 };
struct plot_shares {
    double *preferences, *values; /* [most, 3], [most, panels] */
    size_t count, panels;
    char *labels[PLOT_SHARES_ALL]; /* [panels] */
    char *corners[3];
};
/* Room for most preferences of a catalog of three tasks; task SIZE_MAX: every task and
 * the mean. */
int plot_shares_begin(struct plot_shares *shares, const struct catalog *catalog,
                      size_t task, size_t most, struct error *error);
/* figures [3] */
void plot_shares_add(struct plot_shares *shares, const double *preference,
                     const double *figures, size_t task);
/* Points into shares. */
struct plot_surface plot_shares_surface(const struct plot_shares *shares);
void plot_shares_clear(struct plot_shares *shares);

#endif
