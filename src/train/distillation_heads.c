/* Heads fitted to what was learnt. */
#include <stdlib.h>

#include "base/memory.h"
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

/* Fitted to the model in d->weights; for head_clear, also after a failure. */
static int fit(struct distillation *d, struct head *fitted, struct error *error) {
    const struct work *work = d->sharing.work;
    struct head_fit *fit = NULL;
    const struct head_fit_examples which = {.most = HEAD_FIT_EXAMPLES_ONCE,
                                            .skip = d->held.held,
                                            .skip_counts = d->held.held_count};
    work_report(work, "fitting heads", 0, 1);
    int result = head_fit_new(d->pool, d->train, &which, work, &fit, error) ||
                         head_fit_run(fit, d->weights, NULL, work, fitted, error)
                     ? -1
                     : 0;
    head_fit_free(fit);
    return result;
}

/* held_back_mean by the model in d->weights and these heads. */
static int judge(struct distillation *d, const struct head *heads, double *mean,
                 struct error *error) {
    struct pool *pool = d->pool;
    struct head_bank *bank, *trained = d->heads;
    float *losses = array_new(d->held.count, sizeof *losses);
    if (!losses)
        return error_memory(error);
    if (head_bank_new(pool->backend, &pool->layout->config, heads, pool->tasks, d->part,
                      &bank, error)) {
        free(losses);
        return -1;
    }
    d->heads = bank;
    int result = distillation_look_alone(d, losses, error);
    d->heads = trained;
    head_bank_free(bank);
    if (result == 0)
        *mean = held_back_mean(&d->held, losses);
    free(losses);
    return result;
}

/* Whether the fitted heads are to be kept. A mean that is not a number is no better. */
static int choose(struct distillation *d, const struct head *fitted,
                  struct error *error) {
    if (d->options.heads == DISTILLATION_HEADS_FITTED) {
        d->fitted = true;
        return 0;
    }
    if (judge(d, d->pool->heads, &d->own_heads, error) ||
        judge(d, fitted, &d->fitted_heads, error))
        return -1;
    d->fitted = d->fitted_heads < d->own_heads;
    return 0;
}

bool distillation_fits_heads(const struct distillation *d) {
    bool asked =
        d->options.heads == DISTILLATION_HEADS_FITTED ||
        (d->options.heads == DISTILLATION_HEADS_AUTO && held_back_any(&d->held));
    return asked && !d->pool->text && d->options.form != CORRECTION_LINEAR;
}

/* The bytes of the parts with what fitted heads change. */
static int add_heads(struct distillation *d, struct correction_parts *parts,
                     const struct head *fitted, void **bytes, size_t *size,
                     struct error *error) {
    struct pool *pool = d->pool;
    struct correction_parts written;
    void *with = NULL;
    parts->heads = correction_heads_changes(pool->heads, fitted, pool->tasks, error);
    parts->tasks = pool->tasks;
    if (!parts->heads)
        return -1;
    written = *parts;
    written.routers = correction_routers(d->correction);
    if (correction_to_memory(pool->layout, pool->tasks, &written, &with, size, error))
        return -1;
    free(*bytes);
    *bytes = with;
    return 0;
}

int distillation_fit_heads(struct distillation *d, void **bytes, size_t *size,
                           struct error *error) {
    struct pool *pool = d->pool;
    struct correction_parts parts;
    struct head fitted[POOL_TASKS_MAX] = {{0}};
    if (correction_from_memory(*bytes, *size, "the correction", pool->layout,
                               pool->tasks, &parts, error))
        return -1;
    int result = merge_equal(d, &parts, error) || fit(d, fitted, error) ||
                         choose(d, fitted, error)
                     ? -1
                     : 0;
    if (result == 0 && d->fitted)
        result = add_heads(d, &parts, fitted, bytes, size, error);
    for (size_t t = 0; t < pool->tasks; t++)
        head_clear(&fitted[t]);
    correction_parts_clear(&parts);
    return result;
}
