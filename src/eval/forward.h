/* Batches of held-out examples through a model on the device, from their inputs to
 * predictions and losses.
 *
 * A batch is queued and, later, collected, in that order. On a device with memory of
 * its own some are queued ahead and their results come back beside what runs, so that
 * the device never waits for the host between two of them. A batch that occurs again,
 * as every one does with a new preference, is recorded: whole, where all that it reads
 * is on the device, or else what follows the inputs of the first block. */
#ifndef PWEMOE_EVAL_FORWARD_H
#define PWEMOE_EVAL_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "eval/held_out.h"
#include "eval/inputs.h"
#include "eval/recorded.h"
#include "model/heads.h"
#include "model/layout.h"

struct forward;

/* Examples of a batch where nobody says how many, on a device with memory of its own or
 * the host: of the first batches after an interruption, and of the others, large. */
size_t forward_default(const struct model_config *config, bool device, bool large);

/* held_out [tasks]: the caller's, as are layout and backend. batch: examples at most;
 * 0: a default for the device. */
int forward_new(struct backend *backend, const struct layout *layout,
                const struct preprocess *preprocess, const struct held_out *held_out,
                size_t tasks, size_t batch, struct forward **forward,
                struct error *error);
void forward_free(struct forward *forward); /* NULL is fine */

/* The heads of most models, which outlive this: batches with these, whose inputs are
 * on the device, are recorded whole. */
void forward_heads(struct forward *forward, struct head_bank *heads);

/* Another model: what is queued and not collected is dropped. shared: as for
 * inputs_begin. */
void forward_begin(struct forward *forward, bool shared, float lambda);

/* The model is yet to be merged into weights, at what maker was aimed at: beside the
 * next batch that is queued, where that one is recorded whole, or before it; or now. */
void forward_make(struct forward *forward, struct unloader *maker, real *weights);
void forward_make_now(struct forward *forward);
/* Nothing here names that one any more. */
void forward_forget(struct forward *forward, const struct unloader *maker);

/* Examples that a batch may have at most, and the next one; how many of one task it
 * takes at a time, and of how many parts it may be made. */
size_t forward_batch_size(const struct forward *forward);
size_t forward_room(const struct forward *forward);
size_t forward_share(const struct forward *forward);
size_t forward_parts(const struct forward *forward);
/* Batches that are queued and not collected, and whether one more may be. */
size_t forward_queued(const struct forward *forward);
bool forward_has_room(const struct forward *forward);

/* Queues a batch for the model `weights` (as they are
 * at that point of the device's queue), each part with the head of its task. */
int forward_queue(struct forward *forward, real *weights, struct head_bank *heads,
                  const struct part *parts, size_t count, struct error *error);

struct forward_result {
    const struct part *parts; /* [count] */
    size_t count;
    const int32_t *predictions; /* of all parts, one after the other; this and */
    const float *loss;          /* all else here until the next call */
};
/* Waits for the oldest batch that was queued and not collected. */
int forward_collect(struct forward *forward, struct forward_result *result,
                    struct error *error);

#endif
