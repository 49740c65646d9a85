/* What the parts of `pwemoe report` share. */
#ifndef PWEMOE_COMMAND_WORK_REPORT_H
#define PWEMOE_COMMAND_WORK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/io/page.h"
#include "store/store.h"

struct report {
    struct page *page;
    struct store *store;
    struct store_recipe *recipe;
    struct store_row *rows;
    size_t count;
    struct store_run *runs;
    size_t run_count;
    /* [count] each: the run of a row's routers (0 for none); whether these are the
     * last of the run that were measured; the scaling coefficient (NaN for none);
     * and the first row of the same sweep, which differs in that alone. */
    int64_t *run_of;
    bool *last;
    double *scale;
    size_t *sweep;
    double *points; /* [count, tasks] minimised; only those of complete rows hold */
    double reference[STORE_TASKS_MAX]; /* minimised */
    double *front; /* [front_count, tasks] of all models merged here */
    size_t front_count;
};

/* "routers, ls, mlp (run 1)", "ls (full model, run 2)", "stl for cars (run 3)"; free()
 */
char *report_run_name(const struct store_run *run);

/* Sections of the page: what training and making took; pictures. */
int report_costs(const struct report *report, struct error *error);
int report_charts(const struct report *report, struct error *error);

#endif
