/* Training every parameter of a model: one task's expert, or several tasks at once
 * by LS, EPO or MGDA (the full-model baselines). AdamW; the rate rises linearly
 * over the first twentieth of the steps, then falls to 0 along a cosine. A step waits
 * for the device once, and draws the next batch before that (task_batch.h). */
#ifndef PWEMOE_TRAIN_FINETUNING_H
#define PWEMOE_TRAIN_FINETUNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "model/heads.h"
#include "model/layout.h"
#include "train/combine.h"
#include "train/trainer.h"

struct finetuning_options {
    enum combine method;  /* of several tasks; with one task all are the same */
    double smoothing;     /* of stch: 0.1 */
    double learning_rate; /* 1e-4 */
    double head_rate;     /* factor of the learning rate of a trained head: 10 */
    double weight_decay;  /* 0.01 */
    uint64_t steps;
    uint64_t batch; /* examples of each task: 32 */
    uint64_t seed;
    bool train_heads; /* else they stay as given, as CLIP's do */
};

/* What is trained, the caller's until free. */
struct finetuning_task_set {
    size_t tasks;
    const struct dataset *const *train; /* [tasks] */
    const struct head *heads;           /* [tasks] where they start */
    const double *preference;           /* [tasks], sums to 1; for one task {1} */
};

struct finetuning;

/* weights [layout size]: where the model starts, on the host, copied. */
int finetuning_new(struct backend *backend, const struct layout *layout,
                   const struct preprocess *preprocess, const float *weights,
                   const struct finetuning_task_set *set,
                   const struct finetuning_options *options,
                   struct finetuning **finetuning, struct error *error);
void finetuning_free(struct finetuning *finetuning); /* NULL is fine */
/* The same as what a loop drives, which then frees it. Its state is a file; it has no
 * result before the end. */
struct trainer finetuning_trainer(struct finetuning *finetuning);

/* The weights [layout size], and a task's head where heads are trained, as they are
 * now. */
int finetuning_weights(struct finetuning *finetuning, float *weights,
                       struct error *error);
int finetuning_head(struct finetuning *finetuning, size_t task, struct head *head,
                    struct error *error);

/* The mean loss of one given batch of the only task and its gradient [layout size],
 * for tests: the first n examples of data, n at most options.batch. */
int finetuning_gradient(struct finetuning *finetuning, const struct dataset *data,
                        size_t n, double *loss, float *gradient, struct error *error);

/* A new head for a kind of model: weights N(0, 0.02^2), bias 0, or none for GPT-2. */
int finetuning_new_head(const struct model_config *config, size_t classes,
                        uint64_t seed, struct head *head, struct error *error);

#endif
