/* Delaunay triangulation of points in the plane, by Bowyer and Watson's insertion. */
#ifndef PWEMOE_PLOT_TRIANGLES_H
#define PWEMOE_PLOT_TRIANGLES_H

#include <stddef.h>

#include "base/error.h"

struct triangle {
    size_t corner[3]; /* points, in one sense of turn */
};

/* points [count, 2], all different, about as far from 0 as 1 is. Takes count^2 at the
 * worst. *triangles: free(); none where the points lie on one line. */
int triangles_make(const double *points, size_t count, struct triangle **triangles,
                   size_t *triangle_count, struct error *error);

#endif
