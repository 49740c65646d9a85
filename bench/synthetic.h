/* Models and data of random numbers: for speed alone, which does not depend on them. */
#ifndef PWEMOE_BENCH_SYNTHETIC_H
#define PWEMOE_BENCH_SYNTHETIC_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "moe/pool.h"
#include "shapes.h"
#include "store/store.h"

enum { SYNTHETIC_CLASSES = 10 };

/* Uniform in [-scale / 2, scale / 2). Freed with free(); NULL when memory is out. */
float *synthetic_array(size_t count, float scale, uint64_t seed);

/* Device memory of count numbers, as real and as f32. Beyond a million they repeat. */
int synthetic_reals(struct backend *backend, size_t count, float scale, real **memory,
                    struct error *error);
int synthetic_floats(struct backend *backend, size_t count, float scale, float **memory,
                     struct error *error);

/* A pool of random weights, without files; closed with pool_close. */
int synthetic_pool(struct backend *backend, const struct shape *shape, size_t tasks,
                   struct pool **pool, struct error *error);

/* So many random images with random labels; closed with dataset_close. */
struct dataset *synthetic_dataset(size_t image_size, size_t count); /* NULL: memory */

/* The same in the formats of real ones: writes a pretrained model, one expert (in
 * bf16), a head and held-out images (idx) into the folder at path, which must exist,
 * and describes `tasks` tasks that share them. Only CLIP's shapes. The recipe is
 * freed with synthetic_recipe_free; synthetic_remove deletes what was written and the
 * folder. */
int synthetic_write(const char *path, const struct shape *shape, size_t tasks,
                    size_t images, struct store_recipe **recipe, struct error *error);
void synthetic_recipe_free(struct store_recipe *recipe); /* NULL is fine */
void synthetic_remove(const char *path);

#endif
