/* The hypervolume by sampling, within a bound that is stated, for sets whose exact one
 * would take days. Points as in pareto.h. */
#ifndef PWEMOE_PARETO_APPROXIMATE_H
#define PWEMOE_PARETO_APPROXIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"

struct approximation {
    double epsilon; /* APPROXIMATE_LEAST .. APPROXIMATE_MOST; 0: exact */
    uint64_t seed;
};

#define APPROXIMATE_LEAST 1e-4
#define APPROXIMATE_MOST 0.5
/* How sure it is that all of an answer keeps its bound. */
#define APPROXIMATE_SURE 0.99

/* By how much of itself a volume of such a set may be off: epsilon, or 0 where the
 * exact one takes no time, which is up to four objectives or few points. */
double approximate_within(const struct approximation *how, size_t count,
                          size_t objectives);

/* As pareto_hypervolume and pareto_contributions (contributions [count]; NULL: they are
 * not wanted), exact where approximate_within says so. Else with a probability
 * of APPROXIMATE_SURE the volume is within epsilon times itself of the exact one, and
 * every contribution within epsilon times the volume of its own. The same seed gives
 * the same numbers, whatever the number of threads; all that OpenMP gives are used.
 *
 * Points are drawn in the union of the boxes by drawing a box by its volume and a place
 * in it, and count where no box before theirs has them (Karp, Luby & Madras, "Monte-
 * Carlo approximation algorithms for enumeration problems", 1989; for hypervolumes
 * Bringmann & Friedrich 2010). The share m that counts is the volume over the sum of
 * the boxes'. It is drawn until 1 + (1 + e) 4 (exp(1) - 2) ln(2/d) / e^2 have counted,
 * which puts m within e m with probability 1 - d (the stopping rule of Dagum, Karp,
 * Luby & Ross, "An optimal algorithm for Monte Carlo estimation", 2000, theorem 1).
 * Contributions are shares of at most m that no other box has; of
 * (2 + 2e/3) ln(2n/d) / (e^2 m) places none of n is off by more than e m (Bernstein).
 * d is half of what APPROXIMATE_SURE leaves, for each of the two. */
int approximate_hypervolume(const double *points, size_t count, size_t objectives,
                            const double *reference, const struct approximation *how,
                            double *volume, double *contributions,
                            const struct work *work, struct error *error);

#endif
