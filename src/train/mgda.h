/* The weights of the multiple-gradient descent algorithm (Desideri 2012; Sener &
 * Koltun 2018): the point of least norm in the convex hull of the gradients. */
#ifndef PWEMOE_TRAIN_MGDA_H
#define PWEMOE_TRAIN_MGDA_H

#include <stddef.h>

#include "base/error.h"

/* weights [tasks], not negative, that sum to 1 and make weights.C weights least, C
 * being the inner products of the gradients, gram [tasks, tasks]. By Wolfe's finite
 * algorithm ("Finding the nearest point in a polytope", 1976): within roundings of C,
 * no task's gradient is less along the direction than the direction itself. Where
 * gram has numbers that are not finite, or is all 0, the weights are equal. Fails
 * only without memory. */
int mgda_weights(const double *gram, size_t tasks, double *weights,
                 struct error *error);

#endif
