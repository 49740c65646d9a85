/* What the parts of `pwemoe report` share. */
#ifndef PWEMOE_COMMAND_WORK_REPORT_H
#define PWEMOE_COMMAND_WORK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/io/page.h"
#include "pareto/approximate.h"
#include "results/catalog.h"
#include "results/row.h"

struct report {
    struct page *page;
    struct approximation approximation; /* of hypervolumes; epsilon 0: exact */
    const struct work *work;
    struct store *store;
    struct catalog *catalog;
    const struct store_recipe *recipe; /* the catalog's, as what follows */
    const struct store_row *rows;
    size_t count;
    struct store_run *runs;
    size_t run_count;
    /* [count] each: whether a row's routers are the last of their run that were
     * measured; and the first row of the same sweep over scaling coefficients, which
     * differs in that alone. */
    bool *last;
    size_t *sweep;
    size_t *next; /* the row after it in its sweep, or SIZE_MAX */
    /* [run_count], [count]: the rows of each run that are `last`, chained as sweeps
     * are.
     */
    size_t *run_first, *run_next;
};

/* Merged by a method without training: rows that form a sweep. */
static inline bool report_is_sweep(const struct report *report, size_t row) {
    return catalog_series(report->catalog, row)->merged &&
           !report->rows[row].solution.routers;
}

/* The run whose routers, or model, a row is; NULL: of none. */
const struct store_run *report_run(const struct report *report, size_t row);

/* Cells of a header: every task, and the average. */
void report_task_headers(const struct report *report);

/* Sections of the page: figures of every method on every task, also in percent of the
 * experts'; fronts; what training and making took; pictures. */
int report_accuracies(const struct report *report, const char *split,
                      struct error *error);
int report_fronts(const struct report *report, struct error *error);
int report_costs(const struct report *report, struct error *error);
int report_charts(const struct report *report, struct error *error);

#endif
