#include "pareto/slopes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pareto/pareto.h"

enum { OBJECTIVES_MAX = 64 }; /* pareto_hypervolume's */

/* The volume that point p adds to those that are no greater in coordinate t, without
 * that coordinate; room [count, objectives]. */
static int slope(const double *points, size_t count, size_t objectives,
                 const double *reference, size_t p, size_t t, double *room,
                 double *volume, struct error *error) {
    double bound[OBJECTIVES_MAX], with = 0, without = 0;
    size_t rows = 0, width = objectives - 1;
    for (size_t q = 0; q < count; q++) {
        const double *point = points + q * objectives;
        if (q == p || point[t] > points[p * objectives + t])
            continue;
        for (size_t i = 0, at = 0; i < objectives; i++)
            if (i != t)
                room[rows * width + at++] = point[i];
        rows++;
    }
    for (size_t i = 0, at = 0; i < objectives; i++)
        if (i != t) {
            bound[at] = reference[i];
            room[rows * width + at++] = points[p * objectives + i];
        }
    if (width == 0)
        with = rows ? 0 : 1;
    else if ((rows &&
              pareto_hypervolume(room, rows, width, bound, &without, NULL, error)) ||
             pareto_hypervolume(room, rows + 1, width, bound, &with, NULL, error))
        return -1;
    *volume = fmax(0, with - without);
    return 0;
}

int pareto_hypervolume_slopes(const double *points, size_t count, size_t objectives,
                              const double *reference, double *slopes,
                              struct error *error) {
    double *room = array_new(count + 1, objectives * sizeof *room);
    int result = room ? 0 : error_memory(error);
    if (objectives > OBJECTIVES_MAX)
        result = error_set(error, "the hypervolume of %zu objectives is not worked out",
                           objectives);
    for (size_t p = 0; result == 0 && p < count; p++) {
        bool inside = true;
        for (size_t t = 0; t < objectives; t++)
            inside = inside && points[p * objectives + t] < reference[t];
        for (size_t t = 0; result == 0 && t < objectives; t++) {
            slopes[p * objectives + t] = 0;
            if (inside)
                result = slope(points, count, objectives, reference, p, t, room,
                               &slopes[p * objectives + t], error);
        }
    }
    free(room);
    return result;
}
