/* Pareto dominance and the hypervolume of a set of objective vectors.
 *
 * Points are rows of a double array [count, objectives], minimised in every
 * column; callers turn the sign of what is maximised. NaN is refused by the
 * callers' readers and must not be passed. */
#ifndef PWEMOE_PARETO_PARETO_H
#define PWEMOE_PARETO_PARETO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

/* a dominates b: no worse anywhere, better somewhere. */
bool pareto_dominates(const double *a, const double *b, size_t objectives);

/* keep[i] = no point dominates point i. Of equal points all are kept, unless
 * first_of_equals: then only the first. Returns how many are kept, or -1. */
long pareto_filter(const double *points, size_t count, size_t objectives,
                   bool first_of_equals, bool *keep, struct error *error);

/* Exact volume dominated by the points and bounded by reference (the union of
 * the boxes [point, reference]); points not strictly inside add nothing. Fails on a
 * reference, a point inside or a volume that is not finite, on 0 or more than 64
 * objectives, and without memory, and says "stopped" where work was; work may be NULL.
 * Time grows steeply with objectives: n log n for 2 and 3, n^2 for 4, then
 * exponentially (WFG: While, Bradstreet & Barone 2012). */
int pareto_hypervolume(const double *points, size_t count, size_t objectives,
                       const double *reference, double *volume, const struct work *work,
                       struct error *error);

/* contributions[i] = volume of all points less that without point i: 0 for dominated
 * points and for each of equal ones. Fails as above. */
int pareto_contributions(const double *points, size_t count, size_t objectives,
                         const double *reference, double *contributions,
                         const struct work *work, struct error *error);

/* Mean over the reference set of the distance to the nearest point, counting only the
 * amounts by which that point is worse (IGD+; Ishibuchi et al. 2015). Both sets are not
 * empty. The other indicators are in indicators.h. */
double pareto_igd_plus(const double *points, size_t count, const double *references,
                       size_t reference_count, size_t objectives);

#endif
