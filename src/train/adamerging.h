/* AdaMerging (Yang et al. 2024, arXiv 2310.02575): merging coefficients learnt without
 * labels, by making the merged model's answers to training examples certain. One
 * coefficient a task for the whole model, or one for each tensor,
 *
 *     W_l = W_l,0 + sum_t clamp(lambda_l,t, 0, 1) tau_l,t,
 *
 * by Adam down sum_t of the mean entropy of task t's answers, at a constant rate. There
 * is no preference. What comes of it is kept as routers whose outputs are these
 * coefficients at every preference (upscaling.h: whole, tensor). */
#ifndef PWEMOE_TRAIN_ADAMERGING_H
#define PWEMOE_TRAIN_ADAMERGING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/dataset.h"
#include "moe/pool.h"
#include "moe/upscaling.h"
#include "train/trainer.h"

struct adamerging_options {
    enum granularity upscale; /* UPSCALE_WHOLE or UPSCALE_TENSOR */
    double lambda;            /* that all coefficients start from: 0.3 */
    double learning_rate;     /* 0.001 */
    uint64_t steps, batch;    /* 500; examples of each task: 16 */
    uint64_t seed;
};

struct adamerging;

/* train [tasks]: the training splits, the caller's until free. Refused where a text
 * tower is merged too. A pool that keeps factors has a backend whose reals are f32. */
int adamerging_new(struct pool *pool, const struct dataset *const *train,
                   const struct adamerging_options *options,
                   struct adamerging **adamerging, struct error *error);
void adamerging_free(struct adamerging *adamerging); /* NULL is fine */
/* The same as what a loop drives, which then frees it. */
struct trainer adamerging_trainer(struct adamerging *adamerging);

/* How many coefficients there are: rows times tasks, and where they lie
 * [rows, tasks], to be read or written between steps. */
size_t adamerging_count(const struct adamerging *adamerging);
float *adamerging_coefficients(struct adamerging *adamerging);
/* Losses [tasks] and the gradient [rows, tasks] of their sum, of the first n examples
 * of each task, at most options.batch: what a step computes, for tests. */
int adamerging_gradient(struct adamerging *adamerging,
                        const struct dataset *const *data, size_t n, double *losses,
                        float *gradient, struct error *error);

#endif
