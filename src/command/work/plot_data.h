/* From the store's rows to what the charts of src/plot take. */
#ifndef PWEMOE_COMMAND_WORK_PLOT_DATA_H
#define PWEMOE_COMMAND_WORK_PLOT_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/work/analysis.h"
#include "plot/cells_data.h"
#include "plot/lines_data.h"
#include "plot/points.h"
#include "results/catalog.h"
#include "store/store.h"

/* The solutions that wanted [count] marks (NULL: all) and that have complete or
 * imported figures, as points. If there are none, that is an error. plot_points_clear
 * frees. */
int points_make(const struct catalog *catalog, const bool *wanted,
                struct plot_points *points, struct error *error);

/* The preferences over three tasks of one set of routers, with a task's figures; task
 * SIZE_MAX: every task's and their mean. plot_shares_clear frees. */
int shares_make(const struct catalog *catalog, const bool *wanted, int64_t routers,
                size_t task, struct plot_shares *shares, struct error *error);

int lines_data_routing(const struct store_recipe *recipe, const struct routing *routing,
                       struct lines_data *data, struct error *error);
/* What several runs of one method that differ in their seed alone attain in two
 * objectives: the median as a line, and from the worst to the best as a band. */
int lines_data_attainment(struct store *store, const struct catalog *catalog,
                          const bool *wanted, size_t x, size_t y,
                          struct lines_data *data, struct error *error);
/* run 0: the newest with a curve, of this method where it is not NULL. *name: that
 * run's for people; free(). */
int lines_data_training(struct store *store, const struct store_recipe *recipe,
                        uint64_t run, const char *method, struct lines_data *data,
                        char **name, struct error *error);

#endif
