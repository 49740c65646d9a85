/* Lines that are alike, for drawing them in bundles. */
#ifndef PWEMOE_PLOT_BUNDLES_H
#define PWEMOE_PLOT_BUNDLES_H

#include <stddef.h>

#include "base/error.h"

enum { BUNDLES_MAX = 8 };

/* Divides points [count, axes], values 0 .. 1 or NaN, among at most BUNDLES_MAX groups
 * by Lloyd's k-means, which begins at quantiles of the mean and is the same every time.
 * of [count] becomes each one's group, centres [BUNDLES_MAX, axes] their means. */
int bundles_find(const double *points, size_t count, size_t axes, unsigned char *of,
                 double *centres, struct error *error);

#endif
