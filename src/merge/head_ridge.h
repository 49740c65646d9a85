/* The ridge regression that maps the features of a merged body: of head_fit.h and
 * head_map.h. */
#ifndef PWEMOE_MERGE_HEAD_RIDGE_H
#define PWEMOE_MERGE_HEAD_RIDGE_H

#include <stddef.h>

#include "base/error.h"

#define HEAD_RIDGE 0.1 /* e of both */

/* map [outputs, features] = lack' inputs (inputs' inputs + e m I)^-1 of inputs [n,
 * features] and lack [n, outputs], m the mean of the diagonal of inputs' inputs; 0
 * where that is 0. gram [features, features] is room; it and map are zeroed beforehand.
 */
int head_ridge(const double *inputs, size_t features, const double *lack,
               size_t outputs, size_t n, double *gram, double *map, unsigned threads,
               struct error *error);

#endif
