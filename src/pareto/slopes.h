/* How a hypervolume changes with the points that dominate it. */
#ifndef PWEMOE_PARETO_SLOPES_H
#define PWEMOE_PARETO_SLOPES_H

#include <stddef.h>

#include "base/error.h"

/* slopes [count, objectives] >= 0: minus the derivative of the hypervolume of points
 * [count, objectives], minimised, by each coordinate: for coordinate t of point p the
 * volume, in the other coordinates, that p adds to the points q with q_t <= p_t. 0 for
 * points that are dominated or not inside the reference. At most 64 objectives. */
int pareto_hypervolume_slopes(const double *points, size_t count, size_t objectives,
                              const double *reference, double *slopes,
                              struct error *error);

#endif
