#include "train/tchebycheff.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void tchebycheff_weights(const double *losses, const double *preference, size_t tasks,
                         double smoothing, double *weights) {
    double greatest = -INFINITY, sum = 0;
    bool finite = true;
    for (size_t t = 0; t < tasks; t++) {
        weights[t] = preference[t] * losses[t];
        finite &= isfinite(weights[t]) != 0;
        greatest = fmax(greatest, weights[t]);
    }
    if (!finite) {
        memcpy(weights, preference, tasks * sizeof *weights);
        return;
    }
    /* No exponent is above 0, and one is 0: nothing overflows, and the sum is not 0. */
    for (size_t t = 0; t < tasks; t++) {
        weights[t] = exp((weights[t] - greatest) / smoothing);
        sum += weights[t];
    }
    for (size_t t = 0; t < tasks; t++)
        weights[t] *= preference[t] / sum;
}
