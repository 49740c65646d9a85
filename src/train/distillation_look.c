/* How well the merged model does on what is held back. */
#include <string.h>

#include "parallel/ranks.h"
#include "train/distillation_state.h"

/* The losses of n examples of a task, from number `first` of those held back; n is at
 * most what the feed has room for. */
static int fetch_losses(struct distillation *d, size_t task, size_t first, size_t n,
                        float *losses, struct error *error) {
    struct backend *b = d->pool->backend;
    size_t features = model_config_features(&d->pool->layout->config);
    size_t most = d->part;
    for (size_t i = 0; i < n; i++)
        feed_put(d->held_feed, i, d->data[task], d->held.held[task][first + i]);
    feed_embed(d->held_feed, d->transformer, d->weights, n);
    const real *x = transformer_run(d->transformer, d->weights, n);
    const int32_t *labels = feed_labels(d->held_feed);
    for (size_t i = 0; i < n; i += most)
        distillation_loss(d, task, backend_at(b, x, i * features),
                          n - i < most ? n - i : most, labels + i, d->batch->loss + i,
                          NULL, NULL);
    return b->download(b, losses, d->batch->loss, n * sizeof *losses, error);
}

/* The losses of a task's examples that are this one's of the ranks. */
static int look_at_task(struct distillation *d, const struct ranks *ranks, size_t task,
                        float *losses, struct error *error) {
    size_t most = d->pool->tasks * d->part, first, end;
    sharing_range(ranks, d->held.held_count[task], &first, &end);
    for (size_t n; first < end; first += n) {
        n = end - first < most ? end - first : most;
        if (fetch_losses(d, task, first, n, losses + first, error))
            return -1;
    }
    return 0;
}

static int look_at_tasks(struct distillation *d, const struct ranks *ranks,
                         float *losses, struct error *error) {
    int result = 0;
    for (size_t t = 0, at = 0; result == 0 && t < d->pool->tasks;
         at += d->held.held_count[t++])
        result = look_at_task(d, ranks, t, losses + at, error);
    return result;
}

int distillation_look(struct distillation *d, int result, float *losses,
                      struct error *error) {
    size_t tasks = d->pool->tasks, count = d->held.count;
    double equal[POOL_TASKS_MAX], sums[POOL_TASKS_MAX] = {0};
    for (size_t t = 0; t < tasks; t++)
        equal[t] = 1 / (double)tasks;
    if (d->base) /* which all ranks make together */
        result = ranks_agree(d->sharing.ranks, result, error);
    if (result == 0) {
        memset(losses, 0, count * sizeof *losses);
        result = distillation_merge(d, equal, error);
    }
    if (result == 0)
        result = look_at_tasks(d, d->sharing.ranks, losses, error);
    if (!d->sharing.ranks)
        return result;
    if (sharing_add(&d->sharing, result, losses, count, sums, error))
        return -1;
    for (size_t i = 0; i < count; i++) /* of one rank, and the others' zeros */
        losses[i] = (float)d->sharing.sums[i];
    return 0;
}
