/* Training the routers of a mixture. Per step: draw a preference r from
 * Dirichlet(alpha), evaluate the routers, merge once, one batch of every task
 * forward and backward, reduce each layer's weight gradient against the task
 * vectors as soon as it exists, combine the tasks (combine.h), one Adam step on
 * the routers. DESIGN: W_m(r) = W_m,0 + sum_t R_m(r)_t tau_m,t.
 *
 * A step waits for the device once, for the losses and d losses / d routing weights,
 * and draws the next batch before that (task_batch.h). */
#ifndef PWEMOE_TRAIN_ROUTER_TRAINING_H
#define PWEMOE_TRAIN_ROUTER_TRAINING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "moe/pool.h"
#include "moe/routers.h"
#include "moe/unloader.h"
#include "train/combine.h"
#include "train/factor_slopes.h"
#include "train/trainer.h"

struct ranks;

struct router_training_options {
    enum combine method;
    double smoothing; /* of stch: 0.1 */
    uint64_t rays;    /* of hv: preferences a step, on the same batch: 4 */
    enum granularity upscale;
    uint64_t layers;      /* of a router: 2 (default) or 1 */
    double lambda;        /* 0.3 */
    double alpha;         /* of the Dirichlet distribution: 1 */
    double learning_rate; /* 0.01; cosine to a tenth over all steps */
    double weight_decay;  /* 0: Adam; else AdamW, 0.01 for GPT-2 */
    uint64_t steps;       /* 4,000; 2,000 for GPT-2 */
    uint64_t batch;       /* examples of each task: 16 */
    uint64_t seed;
    /* Processes that train together, or NULL: each goes through its part of every
     * task's batch, and what those give is added up once a step (parallel/ranks.h), as
     * f64: d losses / d routing weights, losses, and whether `work` of any asks to
     * stop. All have the same routers then. */
    struct ranks *ranks;
    const struct work *work; /* of this process; with ranks only */
};

/* The defaults above (ls, attn+mlp, seed 0) for a kind of model. */
struct router_training_options router_training_defaults(enum model_kind kind);

struct router_training;

/* train [tasks]: the training splits, the caller's until free. */
int router_training_new(struct pool *pool, const struct dataset *const *train,
                        const struct router_training_options *options,
                        struct router_training **training, struct error *error);
void router_training_free(struct router_training *training); /* NULL is fine */
/* The same as what a loop drives, which then frees it; its result is the routers. */
struct trainer router_training_trainer(struct router_training *training);

/* The routers as they are now, for tests. */
const struct routers *router_training_routers(const struct router_training *training);

/* Losses [tasks] and d losses[g] / d router parameters, gradients [groups, count],
 * of one given batch at one preference: what a step computes, for tests. groups is 1
 * (of sum_t preference[t] losses[t]) or tasks. The batch is the first n examples of
 * each of data [tasks], n at most options.batch, texts no longer than the longest of
 * the training data. */
int router_training_gradients(struct router_training *training,
                              const double *preference,
                              const struct dataset *const *data, size_t n,
                              size_t groups, double *losses, float *gradients,
                              struct error *error);

/* Of a pool with factors: the way that their slopes go from now on, for tests. */
void router_training_way(struct router_training *training, enum factor_way way);

/* Replaces the routers' parameters (of the same shape), for tests. */
int router_training_set_routers(struct router_training *training,
                                const struct routers *routers, struct error *error);

#endif
