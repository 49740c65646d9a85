/* Heads fitted to what was learnt. */
#include <stdlib.h>

#include "merge/head_fit.h"
#include "moe/correction_bytes.h"
#include "moe/correction_heads.h"
#include "train/distillation_state.h"

/* The merged model of equal weights by these parts into d->weights. Other ranks are not
 * asked: they have ended. What was trained keeps its own numbers, the merges' become
 * those of the parts. */
static int merge_equal(struct distillation *d, struct correction_parts *parts,
                       struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    double equal[POOL_TASKS_MAX];
    struct closed_base *base = NULL;
    for (size_t t = 0; t < pool->tasks; t++)
        equal[t] = 1 / (double)pool->tasks;
    if (parts->routers) {
        if (correction_use_routers(d->correction, parts->routers, error))
            return -1;
        parts->routers = NULL; /* the correction's now */
    }
    b->upload_real(b, correction_vector(d->correction), parts->vectors,
                   d->count * pool->layout->size);
    if (b->synchronise(b, error) ||
        (d->base && closed_base_new(pool, d->ridge, NULL, &base, error)))
        return -1;
    int result = closed_base_merge(base, d->correction, equal, d->weights, error) ||
                         b->synchronise(b, error)
                     ? -1
                     : 0;
    closed_base_free(base);
    return result;
}

static int fit(struct distillation *d, struct correction_parts *parts,
               struct error *error) {
    struct pool *pool = d->pool;
    const struct work *work = d->sharing.work;
    struct head fitted[POOL_TASKS_MAX] = {{0}};
    struct head_fit *fit = NULL;
    work_report(work, "fitting heads", 0, 1);
    int result = merge_equal(d, parts, error) ||
                         head_fit_new(pool, d->train, HEAD_FIT_EXAMPLES_ONCE, work,
                                      &fit, error) ||
                         head_fit_run(fit, d->weights, NULL, work, fitted, error)
                     ? -1
                     : 0;
    head_fit_free(fit);
    if (result == 0) {
        parts->heads =
            correction_heads_changes(pool->heads, fitted, pool->tasks, error);
        parts->tasks = pool->tasks;
        result = parts->heads ? 0 : -1;
    }
    for (size_t t = 0; t < pool->tasks; t++)
        head_clear(&fitted[t]);
    return result;
}

bool distillation_fits_heads(const struct distillation *d) {
    return d->options.heads && !d->pool->text;
}

int distillation_fit_heads(struct distillation *d, void **bytes, size_t *size,
                           struct error *error) {
    const struct layout *l = d->pool->layout;
    struct correction_parts parts;
    void *with = NULL;
    if (correction_from_memory(*bytes, *size, "the correction", l, d->pool->tasks,
                               &parts, error))
        return -1;
    int result = fit(d, &parts, error);
    if (result == 0) {
        struct correction_parts written = parts;
        written.routers = correction_routers(d->correction);
        result = correction_to_memory(l, d->pool->tasks, &written, &with, size, error);
    }
    correction_parts_clear(&parts);
    if (result)
        return -1;
    free(*bytes);
    *bytes = with;
    return 0;
}
