/* Inside an evaluator: what its files share. evaluator_run.c opens, steps and closes
 * it, evaluator_make.c and evaluator_method.c make models, evaluator_export.c writes
 * them; held_out.h is the data, forward.h the batches on the device. */
#ifndef PWEMOE_EVAL_EVALUATOR_STATE_H
#define PWEMOE_EVAL_EVALUATOR_STATE_H

#include <jansson.h>

#include "eval/commanded.h"
#include "eval/evaluator.h"
#include "eval/forward.h"
#include "eval/held_out.h"
#include "merge/closed_base.h"
#include "merge/head_fit.h"
#include "merge/method.h"
#include "moe/correction.h"
#include "moe/pool.h"
#include "moe/routers.h"
#include "moe/stored_dtype.h"
#include "moe/surrogate.h"
#include "moe/unloader.h"

enum current {
    CURRENT_NONE,
    CURRENT_PREFERENCE,
    CURRENT_METHOD,
    CURRENT_SINGLE,
    CURRENT_DIRECTORY
};

struct evaluator {
    struct commanded *commanded; /* does it all where commands measure; else NULL */
    struct backend *backend;
    struct pool *pool;
    json_t *sources;             /* what was loaded, for pwemoe.json */
    struct store_recipe *recipe; /* the caller's */
    char *directory;
    const char *split; /* static */
    unsigned threads;
    const struct dataset **train; /* [tasks] for the methods that need it, or NULL */
    size_t tasks;
    struct held_out *held_out; /* [tasks] */
    struct forward *forward;
    size_t *queued;     /* [tasks] examples of the current model given to forward */
    uint64_t preferred; /* tasks whose batches come first, a bit each */
    struct head_bank *heads;
    struct head_bank *own_heads; /* of the current model; NULL: the pool's */
    /* Of a method with heads=fitted: what fits them, kept from one preference to the
     * next with its examples; or NULLs. */
    struct head_fit *head_fit;
    const struct dataset **head_examples;
    struct head *fitted; /* [tasks] own_heads of a fit or a correction; or NULL */

    struct upscaling *plain; /* one row for the whole model */
    struct unloader *plain_unloader;
    struct upscaling *upscaling; /* of the current routers, or NULL */
    struct unloader *unloader;
    struct routers *routers;
    float *routing;    /* (upscaling->rows, tasks) of the preference */
    char (*names)[48]; /* [modules] */
    /* In place of routers; or NULL. */
    struct correction *correction;
    struct head *head_changes;   /* [tasks] of the correction; or NULL */
    struct closed_base *base;    /* under a correction of the form wudi; or NULL */
    struct surrogate *surrogate; /* the same; commanded ones have it, too */
    json_t *answered; /* of the current preference: the method that made the model and
                         its parameters; or NULL */

    double began, seconds; /* of making the current model */
    /* It is made beside its first batch, and what that took is known behind it. */
    bool due;
    uint64_t peak_bytes;

    enum current current;
    size_t single;              /* CURRENT_SINGLE: whose weights are in place */
    struct merge_result merged; /* CURRENT_METHOD */
    /* Parameters as they were asked for last, and with what they leave to the method
     * decided; or NULLs. */
    const struct merge_method *settled_method;
    json_t *asked, *settled;
    /* What the last method keeps for its next model. */
    const struct merge_method *kept_method;
    struct merge_kept kept;
    const struct merge_share *share; /* the caller's; NULL: none */
    real *weights;                   /* (size) on the device */
    struct stored_dtype *stored;     /* what they are rounded to once they are made */
};

/* A new model begins: the last one's figures and what is queued of it are dropped. */
void evaluator_restart(struct evaluator *evaluator);
/* Around the making of a model, for evaluator_cost. */
void evaluator_make_begin(struct evaluator *evaluator);
void evaluator_make_end(struct evaluator *evaluator);
/* The current model's weights are there, and what it took to make it is known. */
int evaluator_settle(struct evaluator *evaluator, struct error *error);
/* What answered preferences until now does so no longer, and is freed. */
void evaluator_drop_answers(struct evaluator *evaluator);
void evaluator_forget_settled(struct evaluator *evaluator);
void evaluator_clear_fitted(struct evaluator *evaluator);
/* heads [tasks], taken, answer the batches of the current model. */
int evaluator_put_heads(struct evaluator *evaluator, struct head *heads,
                        struct error *error);
/* What fits heads, with its examples. */
void evaluator_free_head_fit(struct evaluator *evaluator);

/* theta_0 plus one task vector, the task's own expert, into the weights. */
void evaluator_put_expert(struct evaluator *evaluator, size_t task);

#endif
