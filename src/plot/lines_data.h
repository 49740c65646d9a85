/* Lines in panels, made one by one and owned together. */
#ifndef PWEMOE_PLOT_LINES_DATA_H
#define PWEMOE_PLOT_LINES_DATA_H

#include "base/error.h"
#include "eval/similarity.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "results/catalog.h"

/* Lines in panels, with all that they point to. */
struct lines_data {
    struct plot_grid grid; /* its panels and keys are these */
    struct plot_panel *panels;
    struct plot_line *keys;
    struct owned_line *owned; /* a list */
};

struct owned_line {
    struct owned_line *next;
    char *name;
    double *x, *y;
};

/* So many empty panels. -1: memory is out. */
int lines_data_begin(struct lines_data *data, size_t count);
/* The line to fill in; style's x, y, name and count are set here. NULL where memory
 * is out; of too many lines the last is replaced. */
struct owned_line *lines_data_add(struct lines_data *data, size_t panel,
                                  struct plot_line style, const char *name,
                                  size_t count);
/* One more entry of a legend that is not that of the lines' own names. */
int lines_data_key(struct lines_data *data, struct plot_line style, const char *name);
/* To the first panel what `sets` sets of points [count, 2], of which each belongs to
 * set_of, attain in two objectives: the median surface as a line and, from that of all
 * to that of the best, a band (pareto/attainment.h). Points are minimised; figures are
 * sign times these. */
int lines_data_band(struct lines_data *data, const double *points, const size_t *set_of,
                    size_t count, size_t sets, const double sign[2],
                    struct plot_line style, const char *name, struct error *error);
void lines_data_clear(struct lines_data *data);
/* Frees data; memory is out. */
int lines_data_fail(struct lines_data *data, struct error *error);

/* Modules inside blocks, which alone have a place along the depth, in the order in
 * which their lines differ. */
enum { LINES_KINDS = 4 };
extern const enum module_kind lines_data_kinds[LINES_KINDS];

/* Figures along the scaling coefficient, of the solutions that wanted marks (NULL:
 * all): their mean, where there is one, then task by task. */
int lines_data_scaling(const struct catalog *catalog, const bool *wanted,
                       struct lines_data *data, struct error *error);
/* Each task's losses along a training run, and their moving average. */
int lines_data_losses(const struct store_recipe *recipe,
                      const struct store_curve_point *points, size_t count,
                      struct lines_data *data, struct error *error);
/* Cosines of the task vectors by depth. */
int lines_data_similarity(const struct similarity *similarity, struct lines_data *data,
                          struct error *error);

#endif
