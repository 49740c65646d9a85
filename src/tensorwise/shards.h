/* Which tensors of the output go into which file. For this folder. */
#ifndef PWEMOE_TENSORWISE_SHARDS_H
#define PWEMOE_TENSORWISE_SHARDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "checkpoint/safetensors.h"
#include "tensorwise/models.h"

struct shards {
    const struct models *models;
    struct tensor_source *sources; /* [tensors] as models->tensors */
    size_t *first;                 /* [count + 1]: where each file's tensors begin */
    size_t count;
    uint64_t bytes; /* of all tensors */
};

/* dtype: of every tensor of weights; NULL: each tensor's own. size: bytes of tensors in
 * a file, more only for a single larger tensor; 0: one file. */
int shards_plan(const struct models *models, const enum dtype *dtype, uint64_t size,
                struct shards *shards, struct error *error);
void shards_free(struct shards *shards);

/* "model.safetensors", or "model-00002-of-00003.safetensors"; free(). */
char *shards_name(const struct shards *shards, size_t shard);

/* The text of model.safetensors.index.json; free(). NULL when memory is out. */
char *shards_index(const struct shards *shards);

#endif
