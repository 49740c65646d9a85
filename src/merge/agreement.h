/* How far merged models are from the experts on the experts' own examples, by what they
 * answer: no labels are looked at. For choosing a setting of a method. */
#ifndef PWEMOE_MERGE_AGREEMENT_H
#define PWEMOE_MERGE_AGREEMENT_H

#include <stddef.h>

#include "merge/method.h"

struct agreement;

/* Runs up to `examples` training examples of each task (of input->train) through that
 * task's expert and keeps its logits. The input outlives the agreement. Stops between
 * batches, with the error "stopped". */
int agreement_new(const struct merge_input *input, size_t examples,
                  struct agreement **agreement, struct error *error);
void agreement_free(struct agreement *agreement); /* NULL is fine */

/* The mean over tasks of the mean over their examples of
 * KL(softmax of the expert's logits || softmax of the merged model's) in nats, for the
 * model theta_0 + vector (layout size, on the host) with the task's own head, or that
 * of the merged text tower. Infinite where logits are not finite. */
int agreement_distance(struct agreement *agreement, const float *vector,
                       double *distance, struct error *error);

#endif
