/* Running statistics of normalisation layers (running_mean and running_var of
 * BatchNorm) are measured and not learnt: sums of their differences mean nothing, and a
 * variance may come out below 0. They become a mean of the models' own,
 *
 *     s = (1 - sum_t c_t) s_0 + sum_t c_t s_t,    c_t >= 0, sum_t c_t <= 1,
 *
 * where c_t is the coefficient of expert t, by a common factor less where they sum to
 * more than 1; the preference, or the experts' shares, for methods that go by these. */
#ifndef PWEMOE_TENSORWISE_STATISTICS_H
#define PWEMOE_TENSORWISE_STATISTICS_H

#include "tensorwise/method.h"

/* Whether a tensor of this name is one. */
bool statistics_is(const char *name);

/* Decides about such a tensor, for any method. */
void statistics_decide(const struct tensor_input *input, struct blend *blend);

#endif
