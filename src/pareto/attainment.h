/* Attainment surfaces of several sets of points in two objectives: what a method that
 * was run several times attains at its best, mostly, and always (the empirical
 * attainment function: Grunert da Fonseca, Fonseca & Hall 2001). */
#ifndef PWEMOE_PARETO_ATTAINMENT_H
#define PWEMOE_PARETO_ATTAINMENT_H

#include <stddef.h>

#include "base/error.h"

/* points [count, 2], minimised; set_of [count] < sets says whose each is, sets > 0. The
 * surface is the border of what at least `level` of the sets attain, level from 1 (the
 * best) to sets (the worst): its corners into surface [corners, 2], owned by the
 * caller, by rising first objective. There are none where fewer sets have points. Takes
 * n log n + n sets. Fails without memory. */
int attainment_surface(const double *points, const size_t *set_of, size_t count,
                       size_t sets, size_t level, double **surface, size_t *corners,
                       struct error *error);

/* The level of the median surface: half of the sets, or the next more. */
static inline size_t attainment_median(size_t sets) {
    return (sets + 1) / 2;
}

#endif
