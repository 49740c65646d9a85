/* Which solutions no other dominates, where their front bends, and over which
 * objectives. */
#ifndef PWEMOE_RESULTS_FRONT_H
#define PWEMOE_RESULTS_FRONT_H

#include "results/catalog.h"
#include "results/oriented.h"

/* The rows that take [count] marks (NULL: what was merged here) as points over these
 * objectives (NULL: all): those whose figures there are final and of the present
 * models. oriented_clear. */
int front_points(const struct catalog *catalog, const bool *take, const size_t *which,
                 size_t objectives, struct oriented *points, struct error *error);

/* The same of these rows [count], in their order. */
int front_points_of(const struct catalog *catalog, const size_t *rows, size_t count,
                    struct oriented *points, struct error *error);

/* How many of these points have figures in fp8: where that is some and not all, ranks
 * and volumes compare two precisions. */
size_t front_in_fp8(const struct catalog *catalog, const struct oriented *points);

/* Sets `front` of what was merged here and is not dominated, and `knee` of the one
 * solution where the front bends most, if it bends. */
int front_mark(struct catalog *catalog, struct error *error);

/* Is the figure of a nowhere worse than that of b, and somewhere better? false where
 * one of either is missing. */
bool front_dominates(const struct catalog *catalog, size_t a, size_t b);

/* The front over these objectives alone, of visible [series_count] series: of those
 * that answer preferences where any is visible, else of all whose rows are one model
 * each. rows, with room for every row, are in order of the first objective; of equal
 * points one is there. Returns how many; 0 where memory is out. */
size_t front_over(const struct catalog *catalog, const bool *visible,
                  const size_t *which, size_t objectives, size_t *rows);

#endif
