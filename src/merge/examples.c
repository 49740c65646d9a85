#include "merge/examples.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum { ORDER_SEED = 256 };

int examples_new(const struct merge_input *input, size_t batch, struct examples **out,
                 struct error *error) {
    struct pool *pool = input->pool;
    struct backend *b = pool->backend;
    struct examples *e = array_new(1, sizeof *e);
    if (!e)
        return error_memory(error);
    e->input = input;
    e->batch = batch;
    if (feed_new(b, pool->layout, input->train, pool->tasks, batch, &e->feed, error) ||
        feed_transformer(e->feed, &pool->form.preprocess, true, &e->transformer,
                         error) ||
        upscaling_new(pool->layout, UPSCALE_NONE, &e->upscaling, error) ||
        unloader_new(pool, e->upscaling, &e->unloader, error) ||
        b->allocate(b, pool->layout->size * b->real_size, (void **)&e->weights, error))
        goto failed;
    *out = e;
    return 0;
failed:
    examples_free(e);
    return -1;
}

void examples_free(struct examples *e) {
    if (!e)
        return;
    struct backend *b = e->input->pool->backend;
    b->release(b, e->weights);
    feed_free(e->feed);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    transformer_free(e->transformer);
    free(e->order);
    free(e);
}

int examples_begin(struct examples *e, size_t task, size_t most, struct error *error) {
    const struct dataset *data = e->input->train[task];
    float weights[POOL_TASKS_MAX] = {0};
    weights[task] = 1;
    unloader_merge(e->unloader, weights, e->weights);
    free(e->order);
    e->order = array_new(data->count, sizeof *e->order);
    if (!e->order)
        return error_memory(error);
    struct random random;
    random_seed(&random, ORDER_SEED, task);
    random_permutation(&random, data->count, e->order);
    e->task = task;
    e->count = most < data->count ? most : data->count;
    return 0;
}

const real *examples_run(struct examples *e, size_t first, size_t n, size_t copies) {
    const struct dataset *data = e->input->train[e->task];
    for (size_t i = 0; i < n; i++)
        feed_put(e->feed, i, data, e->order[(first + i) / copies]);
    feed_embed(e->feed, e->transformer, e->weights, n);
    return transformer_run(e->transformer, e->weights, n);
}
