/* The inputs of held-out batches on the device: what is kept there for all models, and
 * what is brought for each batch.
 *
 * Labels are always kept. On a device with memory of its own so are the images, where
 * they fit into a share of what is free; else each batch's travel through pinned
 * memory, beside what runs. Inputs of the first block are kept, too, where they fit and
 * do not depend on the preference. Texts, which are short, are sent with each batch. */
#ifndef PWEMOE_EVAL_INPUTS_H
#define PWEMOE_EVAL_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "eval/held_out.h"
#include "model/feed.h"
#include "model/layout.h"
#include "model/transformer.h"

/* A run of examples of one task, in its order. */
struct part {
    size_t task, first, count;
};

struct inputs;

/* held_out [tasks], layout, backend and feed are the caller's. feed: of texts, for
 * `batch` of them; NULL for images. batch: examples at most; slots: batches that may be
 * under way at a time. */
int inputs_new(struct backend *backend, const struct layout *layout, struct feed *feed,
               const struct held_out *held_out, size_t tasks, size_t batch,
               size_t slots, struct inputs **inputs, struct error *error);
void inputs_free(struct inputs *inputs); /* NULL is fine */

/* Another model. shared: below its blocks it is pretrained + lambda * (sum of the task
 * vectors), as every model with that lambda is. */
void inputs_begin(struct inputs *inputs, bool shared, float lambda);

/* Queues the making of the transformer's tokens for a batch of parts, one after the
 * other. The batch that last had this slot is done. Failures are the backend's. */
void inputs_put(struct inputs *inputs, struct transformer *transformer,
                const real *weights, const struct part *parts, size_t count,
                size_t slot);
/* Whether inputs_put for these parts only reads what is on the device for good, and may
 * so be recorded. kept: whether that is the inputs of the first block. */
bool inputs_last(const struct inputs *inputs, const struct part *parts, size_t count,
                 bool *kept);
/* The part's labels, on the device. */
const int32_t *inputs_labels(const struct inputs *inputs, const struct part *part);

#endif
