/* Which of the points a volume looks at. Internal to src/pareto. */
#ifndef PWEMOE_PARETO_INSIDE_H
#define PWEMOE_PARETO_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Is it strictly below the reference point in every objective? */
static inline bool inside_box(const double *point, const double *reference,
                              size_t objectives) {
    size_t j = 0;
    while (j < objectives && point[j] < reference[j])
        j++;
    return j == objectives;
}

/* The points inside, packed, [*inside, objectives]; free(). NULL where memory is out,
 * or where the reference point, a point inside or the number of objectives has no
 * volume, as pareto_hypervolume tells. */
double *inside_points(const double *points, size_t count, size_t objectives,
                      const double *reference, size_t *inside, struct error *error);

#endif
