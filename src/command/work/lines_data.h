/* Lines in panels, made one by one and owned together. */
#ifndef PWEMOE_COMMAND_WORK_LINES_DATA_H
#define PWEMOE_COMMAND_WORK_LINES_DATA_H

#include "command/work/plot_data.h"

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
/* Frees data; memory is out. */
int lines_data_fail(struct lines_data *data, struct error *error);

#endif
