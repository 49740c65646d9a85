/* What follows from a catalog's recipe and rows: series, figures, the front, baselines.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "results/front.h"
#include "results/row.h"

static bool better(const struct catalog *catalog, size_t t, double a, double b) {
    const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
    return isnan(b) || oriented_turn(objective, a) < oriented_turn(objective, b);
}

/* What frames ask for, without a walk over all rows each time. */
static int find_besides(struct catalog *catalog) {
    size_t count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        count += !catalog_series(catalog, i)->answers;
    catalog->besides = array_new(count, sizeof *catalog->besides);
    if (!catalog->besides)
        return -1;
    catalog->knee = SIZE_MAX;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        if (!catalog_series(catalog, i)->answers)
            catalog->besides[catalog->beside_count++] = i;
        else
            catalog->dominated = catalog->dominated || !solution->front;
        if (solution->knee)
            catalog->knee = i;
    }
    return 0;
}

static void find_baselines(struct catalog *catalog) {
    for (size_t t = 0; t < catalog->tasks; t++) {
        catalog->stl[t] = catalog->pretrained[t] = catalog->best[t] = NAN;
        catalog->best_row[t] = SIZE_MAX;
    }
    for (size_t b = 0; b < catalog->beside_count; b++) {
        size_t i = catalog->besides[b];
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (catalog->solutions[i].stale)
            continue;
        for (size_t t = 0; t < catalog->tasks; t++) {
            double value = catalog_value(catalog, i, t);
            if (isnan(value) || !catalog_settled(catalog, i, t))
                continue;
            enum store_role role = store_method_role(solution->method);
            if (role == STORE_ROLE_EXPERTS) {
                catalog->stl[t] = value;
            } else if (role == STORE_ROLE_PRETRAINED) {
                catalog->pretrained[t] = value;
            } else if (solution->kind == STORE_KIND_MERGE &&
                       better(catalog, t, value, catalog->best[t])) {
                catalog->best[t] = value;
                catalog->best_row[t] = i;
            }
        }
    }
}

static void take_values(struct catalog *catalog, size_t row) {
    const struct store_row *from = &catalog->rows[row];
    struct solution *solution = &catalog->solutions[row];
    double *values = catalog->values + row * catalog->tasks;
    solution->whole = true;
    for (size_t t = 0; t < catalog->tasks; t++) {
        const struct store_evaluation *evaluation = &from->evaluations[t];
        bool known = evaluation->present && isfinite(evaluation->value);
        values[t] = known ? evaluation->value : NAN;
        solution->whole =
            solution->whole && known && (evaluation->complete || evaluation->imported);
        solution->stale = solution->stale || (known && evaluation->stale);
        solution->fp8 = solution->fp8 || (known && evaluation->fp8);
    }
}

int catalog_derive(struct catalog *catalog, const struct solution *known,
                   struct error *error) {
    size_t count = catalog->count, tasks = catalog->tasks, cells;
    size_t *place = array_new(count, sizeof *place);
    catalog->solutions = array_new(count, sizeof *catalog->solutions);
    if (size_multiply(count, tasks, &cells))
        catalog->values = array_new(cells, sizeof *catalog->values);
    catalog->stl = array_new(tasks, sizeof *catalog->stl);
    catalog->pretrained = array_new(tasks, sizeof *catalog->pretrained);
    catalog->best = array_new(tasks, sizeof *catalog->best);
    catalog->best_row = array_new(tasks, sizeof *catalog->best_row);
    if (!place || catalog_index(catalog) || !catalog->solutions || !catalog->values ||
        !catalog->stl || !catalog->pretrained || !catalog->best || !catalog->best_row ||
        series_list(catalog->rows, count, place, &catalog->series,
                    &catalog->series_count)) {
        free(place);
        return error_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        struct solution *solution = &catalog->solutions[i];
        solution->series = place[i];
        solution->scale = row_scale(&catalog->rows[i]);
        take_values(catalog, i);
        if (known) {
            solution->front = known[i].front;
            solution->knee = known[i].knee;
        }
    }
    free(place);
    if (!known && front_mark(catalog, error))
        return -1;
    if (find_besides(catalog))
        return error_memory(error);
    find_baselines(catalog);
    return 0;
}
