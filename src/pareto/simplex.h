/* Preference vectors on the simplex. */
#ifndef PWEMOE_PARETO_SIMPLEX_H
#define PWEMOE_PARETO_SIMPLEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* How many vectors of `tasks` multiples of 1/(edge-1) sum to 1:
 * C(edge-2+tasks, tasks-1); edge >= 2. 0 when it does not fit size_t. */
size_t simplex_grid_count(size_t tasks, size_t edge);
/* Vector `index` of that grid, lexicographic, first coordinate falling: the
 * first is (1, 0, ...), the last (..., 0, 1). Components are k/(edge-1), exact. */
void simplex_grid_at(size_t tasks, size_t edge, size_t index, double *preference);
/* The other way round: false where it is none of them, to 1e-9 in each component. */
bool simplex_grid_find(size_t tasks, size_t edge, const double *preference,
                       size_t *index);

/* "0.3,0.7" (commas or white space) into tasks numbers. Refused, saying why: a
 * wrong number of them, a negative one, NaN, a sum further than 1e-6 from 1. */
int simplex_parse(const char *text, size_t tasks, double *preference,
                  struct error *error);
/* The same, but numbers may be fractions ("1/3") and have any sum above 0, by which
 * they are divided; *sum is what it was. */
int simplex_parse_shares(const char *text, size_t tasks, double *preference,
                         double *sum, struct error *error);
/* Six significant digits, commas; returns out. */
char *simplex_text(const double *preference, size_t tasks, char *out, size_t size);

/* The nearest point of the simplex in Euclidean distance (Duchi et al. 2008). */
void simplex_project(double *vector, size_t tasks);

/* An estimate of the objective vector at a preference from `count` stored pairs
 * (preferences [count, tasks], values [count, objectives]): moving least squares of a
 * plane, weighted by a Gaussian of the distance (its width the distance of the
 * neighbour that makes a plane determined) over its square. Exact at stored points
 * (the mean where one is stored twice) and for values linear in the preference;
 * where the stored preferences do not spread in some direction, the weighted mean
 * along it. Never outside the range of the stored values. Fails on count 0 and
 * without memory. */
int simplex_interpolate(const double *preferences, const double *values, size_t count,
                        size_t tasks, size_t objectives, const double *preference,
                        double *estimate, struct error *error);

#endif
