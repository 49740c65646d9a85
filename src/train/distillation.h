/* Training the correction D of moe/correction.h by distillation: at every preference
 * the merged model should answer each task's examples as that task's expert does. A
 * step draws r from Dirichlet(alpha), merges once, takes one batch of every task and
 * descends
 *
 *     sum_t r_t KL(softmax of expert t's logits || softmax of the merged model's)
 *
 * at temperature 1 in D alone (Adam; the gradient of D is g(r) times that of the
 * weights). No label is looked at: the experts' logits of the examples that will be
 * drawn are computed once, before the first step, and stay on the device. With
 * cross-entropy in place of the divergence labels are, for comparison; the entropy of
 * the merged model's own answers, AdaMerging's loss (arXiv 2310.02575), asks nobody.
 *
 * Some examples of each task are held back (held_back.h). Every few steps the losses on
 * them at equal weights are looked at: the result is D as it was at the last look that
 * was not worse, beyond chance, than the best one, and where a quarter of the steps
 * have passed since then training ends.
 *
 * D starts at the difference between the closed form (merge/wudi.h, its ridge chosen on
 * the examples) at equal weights and the mean of the experts. Where there are several
 * vectors (of the form task or pair) each starts so; the gradient of each is its share
 * of the weights' gradient. Routers that stand beside D start at no change: their last
 * layer is 0. They learn by the same loss, at a rate of their own; and by themselves
 * where D is fixed.
 *
 * The tasks' heads learn with it: what they change is added g(r) times, too
 * (moe/correction_heads.h), starts at 0, and descends the same losses.
 *
 * With an average what is looked at, and kept, is not the state after the last step but
 * the average over the last part of the steps, which that of n steps tells from n. */
#ifndef PWEMOE_TRAIN_DISTILLATION_H
#define PWEMOE_TRAIN_DISTILLATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "data/dataset.h"
#include "moe/correction.h"
#include "moe/pool.h"
#include "train/trainer.h"

enum distillation_loss { DISTILLATION_DISTIL, DISTILLATION_CE, DISTILLATION_ENTROPY };
/* In the order of the enum, for an option of choices. */
#define DISTILLATION_LOSSES "distil|ce|entropy"

/* DISTILLATION_BASE: task arithmetic, of the form linear (tensor_factors.h); it is no
 * choice of the option. */
enum distillation_start { DISTILLATION_WUDI, DISTILLATION_ZERO, DISTILLATION_BASE };
#define DISTILLATION_STARTS "wudi|zero"

/* The tasks' own heads, or such as learn with D; not where they follow a merged text
 * tower. */
enum distillation_heads { DISTILLATION_HEADS_OWN, DISTILLATION_HEADS_TRAINED };
#define DISTILLATION_HEADS "own|trained"

struct ranks;

struct distillation_options {
    unsigned loss, start; /* of the enums above */
    double alpha;         /* of the Dirichlet distribution: 1 */
    double learning_rate; /* cosine to a tenth; 0: DISTILLATION_RATE, or with a rank
                             DISTILLATION_RATE_OF_RANK, times distillation_change */
    uint64_t steps;       /* 1,200 */
    uint64_t batch;       /* examples of each task: 16 */
    uint64_t held_back;   /* examples of each task that no step sees, at most a tenth of
                             them: 64; 0: none, and training goes on to its last step */
    uint64_t rank; /* of D's linear layers beyond its start (factors.h); 0: D whole; of
                      the form linear that of tensors (tensor_factors.h) */
    double lambda; /* of DISTILLATION_BASE */
    enum correction_form form; /* one, unless there are to be several vectors */
    bool fixed;                /* D stays as it starts, and the routers learn alone */
    /* Routers beside D: at which modules, UPSCALE_NONE for none; of how many layers;
     * and the rate, cosine to a tenth. */
    enum granularity beside;
    uint64_t layers;
    double router_rate;
    unsigned heads; /* of the enum above */
    double average; /* of the last so large a part of the steps; 0: the last step */
    uint64_t seed;
    /* Those that share the examples of each step, the experts' answers and what is held
     * back; NULL: this process has them all. A step then adds up the gradient of the
     * weights, which is as large as the model. */
    struct ranks *ranks;
};

/* The rule for the rate: 0.16 and 0.15 of the change were best on two pools whose
 * changes are 30 apart (docs/methods.md). */
#define DISTILLATION_RATE 0.15
/* With a rank a third of it: at the rate of the whole one seed of three of a pool went
 * astray. */
#define DISTILLATION_RATE_OF_RANK 0.05
/* That of heads, times the mean magnitude of a weight of the tasks' own. */
#define DISTILLATION_RATE_OF_HEADS 0.01

/* The mean magnitude of a number of the task vectors: how far fine-tuning moved a
 * weight. */
int distillation_change(struct pool *pool, double *change, struct error *error);

struct distillation;

/* train [tasks]: the training examples, the caller's until free. Where work says stop
 * it fails with the text "stopped". With ranks, collective, as its steps are. With
 * routers beside D a pool that keeps factors has a backend whose reals are f32. */
int distillation_new(struct pool *pool, const struct dataset *const *train,
                     const struct distillation_options *options,
                     struct distillation **distillation, const struct work *work,
                     struct error *error);
void distillation_free(struct distillation *distillation); /* NULL is fine */

/* As what the loop drives (trainer.h), which frees it. Its state is a file; its result
 * is a correction's bytes, and is there when all steps are done. */
struct trainer distillation_trainer(struct distillation *distillation);

/* D [vectors, layout size] as it is now, and to replace it, for tests. */
int distillation_vector(struct distillation *distillation, float *vector,
                        struct error *error);
int distillation_set_vector(struct distillation *distillation, const float *vector,
                            struct error *error);
/* The losses [tasks] of the first n examples of each task, at most options.batch, at a
 * preference, and the gradient of sum_t preference[t] losses[t] in D [vectors, layout
 * size]: what a step computes, for tests. */
int distillation_gradient(struct distillation *distillation, const double *preference,
                          size_t n, double *losses, float *gradient,
                          struct error *error);
/* The heads' changes [tasks], to be written before that, and their gradient after it
 * (or NULL after a failure); where heads learn, for tests. */
int distillation_set_heads(struct distillation *distillation,
                           const struct head *changes, struct error *error);
const struct head *distillation_heads_slopes(struct distillation *distillation,
                                             struct error *error);
/* The routers beside D, to be written before that, and their gradient after it; for
 * tests. */
struct routers *distillation_routers(struct distillation *distillation);
const float *distillation_routers_slopes(const struct distillation *distillation);

#endif
