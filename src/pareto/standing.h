/* What each point of a set is in it: its Pareto rank, how crowded it is, which weights
 * of the objectives it represents, and whether a few that cover the most take it.
 * Points are minimised, as in pareto.h. */
#ifndef PWEMOE_PARETO_STANDING_H
#define PWEMOE_PARETO_STANDING_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

/* ranks[i] = 1 for points that none dominates, 2 for those that only such dominate, and
 * so on (nondominated sorting). Equal points have one rank. */
int standing_ranks(const double *points, size_t count, size_t objectives, size_t *ranks,
                   struct error *error);

/* Deb et al. 2002: among the points of its rank, the sum over objectives of the gap
 * between its two neighbours, divided by the rank's range. INFINITY at the ends of an
 * objective; of equal values there the first, or the last, is the end. */
int standing_crowding(const double *points, size_t count, size_t objectives,
                      const size_t *ranks, double *crowding, struct error *error);

/* weights [count, objectives]: how far from the worst of the first rank the point is in
 * each objective, divided by the range, made to sum to 1 (Deb 2001, section 8.8). NaN
 * for points of other ranks. Where the first rank has no range in an objective, every
 * point is at its best. */
void standing_pseudo_weights(const double *points, size_t count, size_t objectives,
                             const size_t *ranks, double *weights);

/* place[i] = 1 for the point that covers most of the hypervolume by itself, 2 for the
 * one that adds most to it, ... up to `most`; 0 for the others, and for all that would
 * add nothing. Of equal ones the first. The volume is within 1 - 1/e of the best
 * choice's. Fails as pareto_hypervolume. */
int standing_subset(const double *points, size_t count, size_t objectives,
                    const double *reference, size_t most, size_t *place,
                    const struct work *work, struct error *error);

#endif
