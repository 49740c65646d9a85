/* Batches of a forward pass that were recorded, by what they are of. The second time
 * that a batch occurs it is recorded: the first one has settled all that cannot be
 * within a recording. */
#ifndef PWEMOE_EVAL_RECORDED_H
#define PWEMOE_EVAL_RECORDED_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "eval/inputs.h"
#include "model/heads.h"
#include "moe/unloader.h"

/* Runs of examples that a batch may be made of. */
enum { FORWARD_PARTS_MAX = 64 };

/* What a recording is of: a whole batch, or its blocks alone. */
struct batch {
    real *weights;
    size_t examples;
    /* What makes the weights beside it, in a whole one; NULL: they are made. */
    struct unloader *maker;
    struct head_bank
        *heads; /* NULL: the blocks alone, and nothing that follows counts */
    size_t slot;
    bool kept; /* the inputs of the first block are */
    size_t count;
    struct part parts[FORWARD_PARTS_MAX];
};

struct recorded;
typedef void batch_run(void *self, const struct batch *);

/* records: false where there is nothing to be recorded. */
int recorded_new(struct backend *backend, bool records, struct recorded **recorded,
                 struct error *error);
void recorded_free(struct recorded *recorded); /* NULL is fine */

/* Runs a batch, or replays what was recorded of it. False where there is no room for it
 * any more, or nothing can be recorded: it was not run. */
bool recorded_run(struct recorded *recorded, const struct batch *batch, batch_run *run,
                  void *self);
/* Recordings that name what this one has are freed. */
void recorded_forget(struct recorded *recorded, const struct unloader *maker);

#endif
