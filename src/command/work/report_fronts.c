/* What each set of models has for a front, for `pwemoe report`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "command/work/report.h"
#include "pareto/approximate.h"
#include "pareto/pareto.h"
#include "results/front.h"

/* A set of models: how many, how many of them no other of it dominates, its volume, and
 * how far it is from the front of all. Nothing where no row is complete. */
static int set_row(const struct report *r, const char *name, struct oriented *set,
                   const struct oriented *all, struct error *error) {
    double volume = 0;
    size_t count = set->count;
    int result = oriented_keep(set, false, error);
    if (result == 0 && count)
        result = oriented_volume(set, &r->approximation, &volume, NULL, r->work, error);
    if (result == 0 && count) {
        page_cell(r->page, "%s", name);
        page_cell(r->page, "%zu", count);
        page_cell(r->page, "%zu", set->count);
        page_cell(r->page, "%.6g", volume);
        page_number(r->page,
                    pareto_igd_plus(set->values, set->count, all->values, all->count,
                                    all->objectives),
                    3);
    }
    return result;
}

/* Of a chain of rows: `first`, and after each the one that `next` has. */
static int chain_row(const struct report *r, const char *name, size_t first,
                     const size_t *next, size_t *rows, const struct oriented *all,
                     struct error *error) {
    struct oriented set;
    size_t count = 0;
    for (size_t k = first; k != SIZE_MAX; k = next[k])
        rows[count++] = k;
    if (front_points_of(r->catalog, rows, count, &set, error))
        return -1;
    int result = set_row(r, name, &set, all, error);
    oriented_clear(&set);
    return result;
}

static int front_rows(const struct report *r, size_t *rows, const struct oriented *all,
                      struct error *error) {
    for (size_t i = 0; i < r->count; i++)
        if (report_is_sweep(r, i) && r->sweep[i] == i &&
            chain_row(r, catalog_series(r->catalog, i)->name, i, r->next, rows, all,
                      error))
            return -1;
    for (size_t n = 0; n < r->run_count; n++) {
        char *name = series_run_name(&r->runs[n]);
        int result =
            name ? chain_row(r, name, r->run_first[n], r->run_next, rows, all, error)
                 : error_memory(error);
        free(name);
        if (result)
            return -1;
    }
    struct oriented set;
    if (front_points(r->catalog, NULL, NULL, 0, &set, error))
        return -1;
    int result = set_row(r, "all of these", &set, all, error);
    oriented_clear(&set);
    return result;
}

int report_fronts(const struct report *r, struct error *error) {
    size_t tasks = r->recipe->task_count;
    struct oriented all;
    if (front_points(r->catalog, NULL, NULL, 0, &all, error))
        return -1;
    size_t models = all.count, fp8 = front_in_fp8(r->catalog, &all);
    if (oriented_keep(&all, true, error)) {
        oriented_clear(&all);
        return -1;
    }
    page_heading(r->page, "Fronts");
    char reference[1024] = "";
    size_t used = 0;
    for (size_t t = 0; t < tasks && used < sizeof reference - 32; t++)
        used +=
            (size_t)snprintf(reference + used, sizeof reference - used, "%s%g",
                             t ? ", " : "", r->recipe->tasks[t].objective.reference);
    char within[64] = "";
    double part = approximate_within(&r->approximation, SIZE_MAX, tasks);
    if (part > 0)
        snprintf(within, sizeof within, ", by sampling within %g %% of itself",
                 100 * part);
    page_paragraph(
        r->page,
        "Models merged and measured here, one set for each method: how many, how many "
        "of them no other of the set dominates, the hypervolume up to the "
        "reference point (%s)%s, and IGD+ to the front of all sets together (0: "
        "nothing of it is out of reach; in percentage points).",
        reference, within);
    if (fp8 > 0 && fp8 < models)
        page_paragraph(r->page,
                       "%zu of the %zu models are measured in fp8, the others are not: "
                       "these fronts compare two precisions.",
                       fp8, models);
    page_table(r->page, 5, 1);
    page_table_csv(r->page, "fronts", false);
    static const char *const headers[] = {"Set", "points", "non-dominated",
                                          "hypervolume", "IGD+"};
    for (size_t i = 0; i < 5; i++)
        page_cell(r->page, "%s", headers[i]);
    size_t *rows = array_new(r->count, sizeof *rows);
    int result = rows ? front_rows(r, rows, &all, error) : error_memory(error);
    free(rows);
    page_table_end(r->page);
    oriented_clear(&all);
    return result;
}
