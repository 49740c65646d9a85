#include "plot/cells_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/look.h"

/* Middles of edges have rows of their own up to so many tasks. */
enum { EDGES_TASKS_MAX = 5 };

/* A row for a preference that was measured. */
static int add_preference(struct cells_data *data, const struct catalog *catalog,
                          const bool *wanted, int64_t routers, const double *preference,
                          char *name, struct error *error) {
    size_t tasks = catalog->tasks, row = catalog_find(catalog, preference, routers);
    if (!name)
        return error_memory(error);
    if (row == SIZE_MAX || (wanted && !wanted[row]) ||
        !store_state_settled(catalog->rows[row].state)) {
        free(name);
        return 0;
    }
    data->rows[data->cells.row_count] = name;
    memcpy(data->values + data->cells.row_count++ * tasks,
           catalog->values + row * tasks, tasks * sizeof *data->values);
    return 0;
}

static int add_preferences(struct cells_data *data, const struct catalog *catalog,
                           const bool *wanted, int64_t routers, struct error *error) {
    const struct store_task *tasks = catalog->recipe->tasks;
    size_t n = catalog->tasks;
    double r[STORE_TASKS_MAX] = {0};
    int result = 0;
    for (size_t t = 0; result == 0 && t < n; t++) {
        r[t] = 1;
        result = add_preference(data, catalog, wanted, routers, r,
                                text_format("all for %s", tasks[t].name), error);
        r[t] = 0;
    }
    for (size_t a = 0; n > 2 && n <= EDGES_TASKS_MAX && a < n; a++)
        for (size_t b = a + 1; result == 0 && b < n; b++) {
            r[a] = r[b] = 0.5;
            result = add_preference(
                data, catalog, wanted, routers, r,
                text_format("%s and %s", tasks[a].name, tasks[b].name), error);
            r[a] = r[b] = 0;
        }
    for (size_t t = 0; t < n; t++)
        r[t] = 1 / (double)n;
    return result ? result
                  : add_preference(data, catalog, wanted, routers, r,
                                   text_format("equal weights"), error);
}

/* An empty table of at most so many rows, a column for each task. */
static int begin(struct cells_data *data, const struct store_recipe *recipe,
                 size_t most, struct error *error) {
    size_t n = recipe->task_count, cells;
    memset(data, 0, sizeof *data);
    if (size_multiply(most, n, &cells))
        data->values = array_new(cells, sizeof *data->values);
    data->rows = array_new(most, sizeof *data->rows);
    data->columns = array_new(n, sizeof *data->columns);
    data->apart = array_new(most, sizeof *data->apart);
    int result = data->rows && data->columns && data->values && data->apart ? 0 : -1;
    data->cells = (struct plot_cells){.rows = (const char *const *)data->rows,
                                      .columns = (const char *const *)data->columns,
                                      .column_count = n,
                                      .values = data->values,
                                      .apart = data->apart};
    for (size_t t = 0; result == 0 && t < n; t++) {
        data->columns[t] = text_format("%s", recipe->tasks[t].name);
        result = data->columns[t] ? 0 : -1;
    }
    if (result == 0)
        return 0;
    cells_data_clear(data);
    return error_memory(error);
}

int cells_data_simplex(const struct catalog *catalog, const bool *wanted,
                       int64_t routers, struct cells_data *data, struct error *error) {
    size_t n = catalog->tasks;
    if (begin(data, catalog->recipe, n + n * n / 2 + 1, error))
        return -1;
    data->cells.decimals = 1;
    data->cells.value_label = "figure";
    int result = add_preferences(data, catalog, wanted, routers, error);
    if (result == 0 && !data->cells.row_count)
        result = error_set(error, "no model at a task's whole weight is measured here; "
                                  "run `pwemoe front FILE --grid 1`");
    if (result)
        cells_data_clear(data);
    return result;
}

int cells_data_routing(const struct store_recipe *recipe, const float *weights,
                       const char (*names)[64], size_t modules, struct cells_data *data,
                       struct error *error) {
    size_t tasks = recipe->task_count;
    if (begin(data, recipe, modules, error))
        return -1;
    data->cells.decimals = 3;
    data->cells.value_label = "routing weight";
    data->cells.apart_label = "of norms";
    for (size_t m = 0; m < modules; m++) {
        if (!(data->rows[m] = text_format("%s", names[m]))) {
            cells_data_clear(data);
            return error_memory(error);
        }
        data->cells.row_count++;
        data->apart[m] = look_is_norm(names[m]);
        for (size_t t = 0; t < tasks; t++)
            data->values[m * tasks + t] = (double)weights[m * tasks + t];
    }
    return 0;
}

void cells_data_clear(struct cells_data *data) {
    for (size_t i = 0; data->rows && i < data->cells.row_count; i++)
        free(data->rows[i]);
    for (size_t t = 0; data->columns && t < data->cells.column_count; t++)
        free(data->columns[t]);
    free(data->rows);
    free(data->columns);
    free(data->values);
    free(data->apart);
    memset(data, 0, sizeof *data);
}
