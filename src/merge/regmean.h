/* RegMean (Jin et al. 2023) for one linear layer: the weights whose outputs are nearest
 * to every expert's on that expert's own inputs. The arithmetic alone, on arrays on
 * the host; a task's inner products are needed only while it is added.
 *
 * merged = (sum_t w_t tau_t G_t) (sum_t w_t G_t)^-1, where G_t [inputs, inputs] is X^T
 * X / rows of the task's inputs X with all off the diagonal multiplied by `ratio`;
 * tau_t [outputs, inputs] are task vectors, for which this holds as for the weights.
 * Along directions that no task's inputs have, the result is the mean weighted by w_t:
 * of one task alone, that task's vector. Equal weights are RegMean; others are a
 * preference. */
#ifndef PWEMOE_MERGE_REGMEAN_H
#define PWEMOE_MERGE_REGMEAN_H

#include <stddef.h>

#include "base/error.h"

struct regmean;

/* ratio in [0, 1], 0.95 by default; threads > 0. Holds 8 inputs (inputs + 2 outputs)
 * bytes. NULL when memory is out. */
struct regmean *regmean_new(size_t inputs, size_t outputs, double ratio,
                            unsigned threads);
void regmean_free(struct regmean *regmean); /* NULL is fine */

/* One task joins with a weight of at least 0, which are 1 on average: gram [inputs,
 * inputs], symmetric, before the reduction; vector [outputs, inputs]. Fails without
 * memory. */
int regmean_join(struct regmean *regmean, const float *gram, const float *vector,
                 double weight, struct error *error);

/* merged [outputs, inputs], once, after at least one task. Fails where inner products
 * are not finite and without memory. */
int regmean_finish(struct regmean *regmean, float *merged, struct error *error);

#endif
