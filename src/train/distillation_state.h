/* What the files of the distillation share. */
#ifndef PWEMOE_TRAIN_DISTILLATION_STATE_H
#define PWEMOE_TRAIN_DISTILLATION_STATE_H

#include "base/random.h"
#include "merge/closed_base.h"
#include "model/feed.h"
#include "model/heads.h"
#include "model/transformer.h"
#include "moe/correction.h"
#include "moe/correction_bytes.h"
#include "parallel/behind.h"
#include "train/distillation.h"
#include "train/factors.h"
#include "train/held_back.h"
#include "train/shared_layers.h"
#include "train/sharing.h"
#include "train/task_batch.h"
#include "train/tensor_factors.h"
#include "train/trained.h"

/* What one task's expert answers. A row is of an example; the task's data are given to
 * the batches with the rows' numbers in place of labels. */
struct answers {
    struct dataset data; /* the caller's, but labels */
    float *logits;       /* (rows, classes) on the device */
    size_t rows;
};

/* The routers beside D: their numbers on the device are what Adam trains, those that
 * merges read are the correction's, on the host. */
struct router_part {
    struct trained numbers; /* count 0: there are none */
    float *sums;            /* (modules, tasks + count): d loss / d weights, over g */
    float *weights, *gradient;    /* the same on the host; [numbers.count] */
    struct factor_slopes *slopes; /* where the pool keeps factors; else NULL */
};

/* The heads' changes beside D: distillation_heads.c. */
struct head_part {
    struct trained numbers; /* count 0: heads do not learn */
    double rate;
    float *values;        /* [numbers.count] the same on the host */
    struct head *changes; /* [tasks] parts of values; NULL: heads do not learn */
};

struct distillation {
    struct distillation_options options;
    struct pool *pool;
    struct correction *correction;
    struct closed_base *base; /* of the form wudi; or NULL */
    double ridge;             /* its */
    struct transformer *transformer;
    struct head_bank *heads;
    struct task_batch *batch;
    struct answers *answers;     /* [tasks] */
    const struct dataset **data; /* [tasks] what batches are drawn from */
    struct random random;        /* of the preferences */
    unsigned step;
    struct held_back held;
    struct feed *held_feed; /* NULL where nothing is held back */
    struct sharing sharing;
    struct shared_layers layers; /* of closed forms */
    size_t part;                 /* examples of each task in a pass of this process */
    float *gathered; /* (text_begin) on the host, where ranks share no moments */
    size_t *begins;  /* [pieces + 1] of the pieces in which d->slope is added up */
    size_t pieces;
    bool on_hosts;        /* no rank records what runs */
    bool travels;         /* it does, while the rest is being made */
    struct behind behind; /* what does that */
    size_t brought;       /* from here on it is on the host */
    int result;           /* of bringing it there */
    struct error why;
    char *resumed; /* the file that the state is from; NULL: none */

    /* What is trained in place of D; NULL: D itself. */
    struct factors *factors;
    struct tensor_factors *tensors;
    struct trained vector; /* D; merges read its reals, which are the correction's */
    /* (text_begin) of the merged weights, over g where D_k's is another; of one vector
     * that of the vector itself. */
    float *slope;
    size_t count;                   /* of the D_k */
    double shares[ROUTE_TASKS_MAX]; /* [count] of the batch's preference */
    struct router_part routers;
    struct head_part head_part;
    real *weights;      /* (layout size) the merged model */
    real *dfeatures;    /* (tasks batch, D) */
    double *preference; /* [tasks] */
};

/* The start of the D_k into vector [count, layout size]: distillation_start.c. */
int distillation_start(struct distillation *distillation,
                       const struct dataset *const *train, float *vector,
                       const struct work *work, struct error *error);

/* Losses of n rows of a task's features by its head, labels as the feeds have them, and
 * where dfeatures is not NULL the gradient of sum_i scale[i] loss[i] there. n is at
 * most options.batch. */
void distillation_loss(struct distillation *distillation, size_t task,
                       const real *features, size_t n, const int32_t *labels,
                       float *loss, const float *scale, real *dfeatures);

/* What Adam trains: D, or its factors; and the routers and heads where there are any.
 * Returns how many of list[DISTILLATION_LISTS]. */
enum { DISTILLATION_LISTS = 3 };
size_t distillation_list(struct distillation *distillation, struct trained **list);

/* Routers beside D: distillation_routers.c. Made as the options want them; their
 * gradient from d->slope, at a preference; and merges read what was trained. */
int distillation_routers_new(struct distillation *distillation, struct error *error);
void distillation_routers_free(struct distillation *distillation);
void distillation_routers_sum(struct distillation *distillation);
int distillation_routers_gradient(struct distillation *distillation,
                                  const double *preference, struct error *error);
int distillation_routers_put(struct distillation *distillation, struct error *error);

/* Heads that learn with D: distillation_heads.c. Made as the options want them;
 * after a task's loss the gradient of its head's change, which ranks add up; the heads
 * of a preference in place; and the changes for the bytes, which stay this one's. */
int distillation_heads_new(struct distillation *distillation, struct error *error);
void distillation_heads_free(struct distillation *distillation);
void distillation_heads_slope(struct distillation *distillation, size_t task);
int distillation_heads_gather(struct distillation *distillation, struct error *error);
int distillation_heads_put(struct distillation *distillation, const double *preference,
                           struct error *error);
int distillation_heads_part(struct distillation *distillation,
                            struct correction_parts *parts, struct error *error);

/* What ranks share: distillation_sharing.c. A task's answers, of which each rank has
 * computed its own rows: whole on every rank. result: of computing them. */
int distillation_share_answers(struct distillation *distillation, size_t task,
                               int result, struct error *error);
/* Before a batch's forward: its gradient is added up behind the backward pass, where
 * that can be. passed is the gradient sink's. */
void distillation_begin_sum(struct distillation *distillation);
void distillation_passed(void *self, size_t offset);
/* After a batch's forward and backward, with that as result: losses [tasks] and the
 * gradient of what is trained become those of the whole batch, the latter where this
 * rank has the moments. Of several vectors it is d->slope. */
int distillation_gather(struct distillation *distillation, int result, double *losses,
                        struct error *error);
/* The trainer's. */
int distillation_spread(void *self, struct ranks *ranks, struct error *error);
int distillation_lend(void *self, struct error *error);
bool distillation_asked(const void *self);

/* A step, as the trainer's. */
int distillation_step(struct distillation *distillation, double *losses,
                      struct error *error);
/* D, with its routers, as a correction's bytes, for free(): as it is, and as it is to
 * be kept. */
int distillation_bytes(struct distillation *distillation, void **bytes, size_t *size,
                       struct error *error);
int distillation_best_bytes(struct distillation *distillation, void **bytes,
                            size_t *size, struct error *error);

/* What merges read, from what is trained. */
int distillation_put(struct distillation *distillation, struct error *error);

/* The model of a preference into d->weights, with its heads. Collective where there is
 * a base: then it fails on all ranks or on none. */
int distillation_merge(struct distillation *d, const double *preference,
                       struct error *error);

/* The losses [held.count] of what is held back, at equal weights: distillation_look.c.
 * With ranks, collective, and of all of them. result: of what comes before. */
int distillation_look(struct distillation *distillation, int result, float *losses,
                      struct error *error);

#endif
