/* Tables of cells, owned. */
#ifndef PWEMOE_PLOT_CELLS_DATA_H
#define PWEMOE_PLOT_CELLS_DATA_H

#include <stdint.h>

#include "plot/kinds.h"
#include "results/catalog.h"

struct cells_data {
    struct plot_cells cells; /* points into what follows */
    char **rows, **columns;
    double *values;
    bool *apart;
};

/* What the models at each task's whole weight, between two tasks and at equal weights
 * score, of these routers or this closed form; of the rows that wanted [count] marks
 * (NULL: all). None is an error. */
int cells_data_simplex(const struct catalog *catalog, const bool *wanted,
                       int64_t routers, struct cells_data *data, struct error *error);
/* Routing weights [modules, tasks] of one preference; those of norms, which are of
 * another size, on a scale of their own. */
int cells_data_routing(const struct store_recipe *recipe, const float *weights,
                       const char (*names)[64], size_t modules, struct cells_data *data,
                       struct error *error);
void cells_data_clear(struct cells_data *data);

#endif
