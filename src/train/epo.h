/* The weights of exact Pareto optimal search: Mahapatra & Rajan, "Multi-Task Learning
 * with User Preferences: Gradient Descent with Controlled Ascent in Pareto
 * Optimization", 2020. */
#ifndef PWEMOE_TRAIN_EPO_H
#define PWEMOE_TRAIN_EPO_H

#include <stddef.h>

#include "base/error.h"

enum epo_step {
    EPO_BALANCE, /* the losses are not yet in the proportions asked for */
    EPO_DESCENT, /* they are: all of them down */
    EPO_NONE,    /* the programme has no solution, or its numbers are not finite */
};

/* weights [tasks], not negative, that sum to `tasks`, from the inner products of the
 * tasks' gradients gram [tasks, tasks], the losses [tasks] (> 0) and the preference
 * [tasks]. With p = r L / sum(r L), the non-uniformity mu = sum p log(T p) and the
 * adjustments a = r (log(T p) - mu), where 0 log 0 = 0, alpha solves over the
 * simplex
 *   mu > 1e-4: max alpha.Ca  where (C alpha)_j >= (Ca)_j for each j of (Ca)_j <= 0,
 *              and >= 0 for each j of the greatest r L; where no (Ca)_j is
 *              above 0: C alpha >= 0;
 *   else:      max sum(C alpha)  where C alpha >= 0, alpha.Ca >= min(0, max Ca);
 * C being gram; what roundings alone tell from 0, or from the greatest, is not told
 * apart. Without a solution the preference stands for alpha. Weights are T
 * alpha in every case. step may be NULL. Fails only without memory. */
int epo_weights(const double *gram, const double *losses, const double *preference,
                size_t tasks, double *weights, enum epo_step *step,
                struct error *error);

#endif
