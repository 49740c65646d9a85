/* Adam on host arrays, and the learning-rate schedules. */
#ifndef PWEMOE_TRAIN_OPTIMISER_H
#define PWEMOE_TRAIN_OPTIMISER_H

#include <stddef.h>

#include "backend/backend.h"

/* One step of Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov &
 * Hutter 2019), as torch.optim.Adam and AdamW do it: first and second [count] are
 * the moments, adam->step is 1 for the first step. */
void optimiser_adam(float *parameters, const float *gradient, float *first,
                    float *second, size_t count, const struct adam *adam);

/* Cosine annealing from `rate` at step 0 towards rate * last at step `steps`
 * (torch's CosineAnnealingLR with eta_min = rate * last), after a linear rise over
 * the first `warmup` steps; step counts from 0. */
double optimiser_cosine(double rate, double last, unsigned warmup, unsigned step,
                        unsigned steps);

#endif
