#include "train/merged_pass.h"

#include <stdlib.h>

#include "base/memory.h"

int merged_pass_open(struct merged_pass *pass, struct pool *pool,
                     const struct dataset *const *train, enum granularity granularity,
                     size_t batch, size_t groups, uint64_t seed, struct error *error) {
    struct backend *b = pool->backend;
    const struct layout *l = pool->layout;
    size_t rows = pool->tasks * batch, features = model_config_features(&l->config);
    *pass = (struct merged_pass){.pool = pool};
    pass->ready = array_new(l->config.layers + 2, sizeof *pass->ready);
    if (!pass->ready)
        return error_memory(error);
    return upscaling_new(l, granularity, &pass->upscaling, error) ||
                   unloader_new(pool, pass->upscaling, &pass->unloader, error) ||
                   head_bank_new(b, &l->config, pool->heads, pool->tasks, batch,
                                 &pass->heads, error) ||
                   task_batch_new(b, l, train, pool->tasks, batch,
                                  pass->upscaling->modules * groups * pool->tasks, seed,
                                  &pass->batch, error) ||
                   task_batch_transformer(pass->batch, &pool->form.preprocess,
                                          &pass->transformer, error) ||
                   b->allocate(b, l->size * b->real_size, (void **)&pass->weights,
                               error) ||
                   b->allocate(b, rows * features * b->real_size,
                               (void **)&pass->dfeatures, error)
               ? -1
               : 0;
}

void merged_pass_merge(struct merged_pass *pass) {
    unloader_merge_ahead(pass->unloader, pass->weights, pass->ready);
    transformer_follow(pass->transformer, pass->ready);
}

void merged_pass_close(struct merged_pass *pass) {
    struct backend *b = pass->pool->backend;
    task_batch_free(pass->batch);
    b->release(b, pass->weights);
    b->release(b, pass->dfeatures);
    head_bank_free(pass->heads);
    transformer_free(pass->transformer);
    unloader_free(pass->unloader);
    upscaling_free(pass->upscaling);
    free(pass->ready);
}
