/* Where a model's answers stop being numbers. */
#ifndef PWEMOE_EVAL_FINITE_H
#define PWEMOE_EVAL_FINITE_H

#include "eval/evaluator_state.h"

/* Checks what a batch gave for a part of it: losses [part->count] that are finite and
 * predictions that are a class. Where one is not, runs that example alone and fails
 * with a line that names the task, the example, by its place in the held-out order, the
 * batch of `batch` examples it is in, and the first layer whose numbers are not finite.
 * The evaluation has failed then: it has no figures. */
int finite_check(struct evaluator *evaluator, const struct part *part,
                 const int32_t *predictions, const float *loss, size_t batch,
                 struct error *error);

#endif
