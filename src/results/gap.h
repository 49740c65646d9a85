/* Where a front is measured least: the preference whose estimated figures are farthest
 * from everything that was measured. */
#ifndef PWEMOE_RESULTS_GAP_H
#define PWEMOE_RESULTS_GAP_H

#include "results/estimate.h"

struct gap {
    double preference[STORE_TASKS_MAX];
    double width; /* distance to the nearest measured figures, each objective divided
                     by the range of what was measured */
};

/* Looks at preferences all over the simplex (a lattice and, between its points, draws
 * that are the same every time) and leaves out those that a measured model is expected
 * to beat in every objective. false: fewer are measured than there are tasks, no gap is
 * left, or memory is out. */
bool gap_widest(const struct samples *samples, struct gap *gap);

#endif
