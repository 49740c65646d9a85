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
    e->image = 3 * pool->layout->config.image_size * pool->layout->config.image_size;
    e->host_pixels = array_new(batch, e->image);
    if (!e->host_pixels) {
        error_memory(error);
        goto failed;
    }
    if (transformer_new(b, pool->layout, &pool->preprocess, batch, true,
                        &e->transformer, error) ||
        upscaling_new(pool->layout, UPSCALE_NONE, &e->upscaling, error) ||
        unloader_new(pool, e->upscaling, &e->unloader, error) ||
        b->allocate(b, pool->layout->size * b->real_size, (void **)&e->weights,
                    error) ||
        b->allocate(b, batch * e->image, (void **)&e->pixels, error))
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
    b->release(b, e->pixels);
    unloader_free(e->unloader);
    upscaling_free(e->upscaling);
    transformer_free(e->transformer);
    free(e->host_pixels);
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
    struct backend *b = e->input->pool->backend;
    const struct dataset *data = e->input->train[e->task];
    for (size_t i = 0; i < n; i++) {
        size_t example = e->order[(first + i) / copies];
        memcpy(e->host_pixels + i * e->image, data->pixels + example * e->image,
               e->image);
    }
    b->upload(b, e->pixels, e->host_pixels, n * e->image);
    transformer_embed(e->transformer, e->weights, e->pixels, n);
    return transformer_run(e->transformer, e->weights, n);
}
