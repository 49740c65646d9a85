#include "pareto/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/wfg.h"

static int check_finite(const double *rows, size_t count, size_t objectives,
                        const double *reference, struct error *error) {
    if (objectives == 0 || objectives > WFG_OBJECTIVES)
        return error_set(error,
                         "the hypervolume of %zu objectives cannot be computed; give "
                         "1 to %d of them",
                         objectives, WFG_OBJECTIVES);
    for (size_t j = 0; j < objectives; j++)
        if (!isfinite(reference[j]))
            return error_set(error,
                             "the reference point is not finite in objective %zu; "
                             "give a finite one",
                             j + 1);
    for (size_t i = 0; i < count * objectives; i++)
        if (!isfinite(rows[i]))
            return error_set(error,
                             "a point is not finite in objective %zu; its hypervolume "
                             "has no bound",
                             i % objectives + 1);
    return 0;
}

double *inside_points(const double *points, size_t count, size_t objectives,
                      const double *reference, size_t *inside, struct error *error) {
    size_t cells;
    double *rows = size_multiply(count, objectives, &cells)
                       ? array_new(cells, sizeof *rows)
                       : NULL;
    *inside = 0;
    if (!rows) {
        error_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const double *p = points + i * objectives;
        if (inside_box(p, reference, objectives))
            memcpy(rows + (*inside)++ * objectives, p, objectives * sizeof *p);
    }
    if (check_finite(rows, *inside, objectives, reference, error)) {
        free(rows);
        return NULL;
    }
    return rows;
}
