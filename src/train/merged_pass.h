/* What every kind of training has that goes forward and backward through a merged model
 * of which each module, or tensor, has weights of its own. */
#ifndef PWEMOE_TRAIN_MERGED_PASS_H
#define PWEMOE_TRAIN_MERGED_PASS_H

#include "model/transformer.h"
#include "moe/pool.h"
#include "moe/unloader.h"
#include "moe/upscaling.h"
#include "train/task_batch.h"

struct merged_pass {
    struct pool *pool; /* the caller's */
    struct upscaling *upscaling;
    struct unloader *unloader;
    struct transformer *transformer;
    struct head_bank *heads;
    struct task_batch *batch;
    real *weights;   /* (layout size) the merged model */
    unsigned *ready; /* of its parts, where they are made beside what reads them */
    real *dfeatures; /* (tasks batch, D) */
};

/* batch: examples of each task a step. groups: batch->more is (modules, groups, tasks).
 * After a failure merged_pass_close frees what is there. */
int merged_pass_open(struct merged_pass *pass, struct pool *pool,
                     const struct dataset *const *train, enum granularity granularity,
                     size_t batch, size_t groups, uint64_t seed, struct error *error);
/* The merged model by the weights that the unloader has; what is called next on the
 * transformer follows it part by part. */
void merged_pass_merge(struct merged_pass *pass);
void merged_pass_close(struct merged_pass *pass);

#endif
