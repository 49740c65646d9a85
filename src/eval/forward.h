/* Batches of held-out examples through a model on the device, from pixels to
 * predictions and losses.
 *
 * A batch is queued and, later, collected, in that order; on the CPU each is done when
 * it is collected, at the latest. What is kept on the device between models, so that
 * the next one need not compute it again, is known here only. */
#ifndef PWEMOE_EVAL_FORWARD_H
#define PWEMOE_EVAL_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "eval/held_out.h"
#include "model/heads.h"
#include "model/layout.h"

struct forward;

/* held_out [tasks]: the caller's, as are layout and backend. batch: examples at most.
 */
int forward_new(struct backend *backend, const struct layout *layout,
                const struct preprocess *preprocess, const struct held_out *held_out,
                size_t tasks, size_t batch, struct forward **forward,
                struct error *error);
void forward_free(struct forward *forward); /* NULL is fine */

/* Another model: what is queued and not collected is dropped. shared: below its blocks
 * the model is pretrained + lambda * (sum of the task vectors), as every model with
 * that lambda is, so that inputs of the first block can be kept for them all. */
void forward_begin(struct forward *forward, bool shared, float lambda);

/* Batches that may be queued before one is collected. */
size_t forward_depth(const struct forward *forward);
size_t forward_batch_size(const struct forward *forward);

/* Queues examples first to first + n - 1 of a task's order, for the model `weights`
 * (as they are at that point of the device's queue) with the task's head. */
int forward_queue(struct forward *forward, const real *weights, struct head_bank *heads,
                  size_t task, size_t first, size_t n, struct error *error);

struct forward_result {
    size_t task, count;
    const int32_t *predictions; /* [count], until the next call of these functions */
    const float *loss;          /* [count] */
};
/* Waits for the oldest batch that was queued and not collected. */
int forward_collect(struct forward *forward, struct forward_result *result,
                    struct error *error);

#endif
