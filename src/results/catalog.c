#include "results/catalog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/front.h"
#include "results/oriented.h"
#include "results/row.h"

static bool better(const struct catalog *catalog, size_t t, double a, double b) {
    const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
    return isnan(b) || oriented_turn(objective, a) < oriented_turn(objective, b);
}

static void find_baselines(struct catalog *catalog) {
    for (size_t t = 0; t < catalog->tasks; t++) {
        catalog->stl[t] = catalog->pretrained[t] = catalog->best[t] = NAN;
        catalog->best_row[t] = SIZE_MAX;
    }
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (catalog->solutions[i].stale || catalog_series(catalog, i)->answers)
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
    if (!place || !catalog->solutions || !catalog->values || !catalog->stl ||
        !catalog->pretrained || !catalog->best || !catalog->best_row ||
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
    find_baselines(catalog);
    return 0;
}

static bool same_preference(const double *a, const double *b, size_t tasks) {
    for (size_t t = 0; t < tasks; t++)
        if (fabs(a[t] - b[t]) > 1e-9)
            return false;
    return true;
}

int64_t catalog_answerer(const struct store_solution *solution) {
    if (!solution->preference || solution->routers)
        return solution->preference ? solution->routers : 0;
    bool closed = solution->kind == STORE_KIND_MERGE &&
                  !strcmp(solution->method, CATALOG_CLOSED_METHOD) &&
                  !strcmp(solution->parameters, CATALOG_CLOSED_PARAMETERS);
    return closed ? CATALOG_CLOSED_FORM : 0;
}

size_t catalog_find(const struct catalog *catalog, const double *preference,
                    int64_t routers) {
    for (size_t i = catalog->count; i-- > 0;) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (routers && catalog_answerer(solution) == routers &&
            same_preference(solution->preference, preference, catalog->tasks))
            return i;
    }
    return SIZE_MAX;
}

size_t catalog_nearest(const struct catalog *catalog, const double *preference,
                       int64_t routers, bool front_only) {
    size_t nearest = SIZE_MAX;
    double best = INFINITY;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        if (!routers || catalog_answerer(solution) != routers ||
            !catalog->solutions[i].whole || catalog->solutions[i].stale ||
            (front_only && !catalog->solutions[i].front))
            continue;
        double distance = 0;
        for (size_t t = 0; t < catalog->tasks; t++) {
            double d = solution->preference[t] - preference[t];
            distance += d * d;
        }
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    return nearest;
}

const struct store_run *catalog_run_of(const struct catalog *catalog, int64_t routers) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->run_routers[i] == routers && routers)
            return &catalog->runs[i];
    return NULL;
}

const struct routers *catalog_network_of(const struct catalog *catalog,
                                         int64_t routers) {
    for (size_t i = 0; i < catalog->run_count; i++)
        if (catalog->run_routers[i] == routers && routers)
            return catalog->run_networks[i];
    return NULL;
}

int64_t catalog_default_routers(const struct catalog *catalog) {
    int64_t complete = 0, any = 0, complete_run = 0, any_run = 0;
    for (size_t i = 0; i < catalog->run_count; i++) {
        if (!catalog->run_routers[i])
            continue;
        if (catalog->runs[i].complete && catalog->runs[i].id > complete_run) {
            complete_run = catalog->runs[i].id;
            complete = catalog->run_routers[i];
        }
        if (catalog->runs[i].id > any_run) {
            any_run = catalog->runs[i].id;
            any = catalog->run_routers[i];
        }
    }
    if (!any)
        return catalog->tasks > 1 ? CATALOG_CLOSED_FORM : 0;
    return complete ? complete : any;
}

char *catalog_routers_text(const struct catalog *catalog, int64_t routers, char *out,
                           size_t size) {
    const struct store_run *run = catalog_run_of(catalog, routers);
    if (routers == CATALOG_CLOSED_FORM)
        snprintf(out, size, "none trained, closed form " CATALOG_CLOSED_METHOD);
    else if (!run)
        snprintf(out, size, "%s",
                 routers ? "routers of an earlier step" : "no routers");
    else if (run->complete)
        snprintf(out, size, "%s %s, %u steps", run->method, run->upscale, run->steps);
    else
        snprintf(out, size, "%s %s, step %u of %u", run->method, run->upscale,
                 run->steps_done, run->steps);
    return out;
}

char *catalog_row_text(const struct catalog *catalog, size_t row, char *out,
                       size_t size) {
    const struct store_solution *solution = &catalog->rows[row].solution;
    const struct solution *known = &catalog->solutions[row];
    const char *name = catalog_series(catalog, row)->name;
    if (solution->label && solution->label[0])
        snprintf(out, size, "%s", solution->label);
    else if (!isnan(known->scale))
        snprintf(out, size, "%s %.2g", name, known->scale);
    else
        snprintf(out, size, "%s", name);
    return out;
}
