#include "results/catalog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool same_preference(const double *a, const double *b, size_t tasks) {
    for (size_t t = 0; t < tasks; t++)
        if (fabs(a[t] - b[t]) > 1e-9)
            return false;
    return true;
}

int64_t catalog_answerer(const struct store_solution *solution) {
    if (!solution->preference)
        return 0;
    if (solution->routers) /* with each task's own head */
        return strcmp(solution->parameters, "{}") ? 0 : solution->routers;
    if (solution->kind != STORE_KIND_MERGE ||
        store_method_role(solution->method) != STORE_ROLE_CLOSED_FORM)
        return 0;
    for (int64_t closed = CATALOG_CLOSED_FORM; closed >= CATALOG_CLOSED_FITTED;
         closed--)
        if (strcmp(solution->parameters, catalog_parameters(closed)) == 0)
            return closed;
    return 0;
}

const char *catalog_parameters(int64_t answerer) {
    return answerer == CATALOG_CLOSED_FORM ? "{\"ridge\":0,\"shrink\":0.3}"
           : answerer == CATALOG_CLOSED_FITTED
               ? "{\"heads\":\"fitted\",\"ridge\":0,\"shrink\":0.3}"
               : "{}";
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

char *catalog_routers_text(const struct catalog *catalog, int64_t routers, char *out,
                           size_t size) {
    const struct store_run *run = catalog_run_of(catalog, routers);
    if (catalog_is_closed(routers))
        snprintf(out, size, "none trained, closed form %s%s",
                 store_role_name(STORE_ROLE_CLOSED_FORM),
                 routers == CATALOG_CLOSED_FITTED ? ", heads fitted" : "");
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
