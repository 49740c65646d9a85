/* What a tower makes of the rows that are read of its last block: the final norm and,
 * where the model has one, the projection. */
#ifndef PWEMOE_MODEL_FEATURES_H
#define PWEMOE_MODEL_FEATURES_H

#include <stddef.h>

#include "backend/backend.h"
#include "model/layout.h"

/* On the device, of `rows` rows; each has room for them. */
struct features {
    real *normed;       /* (rows, width) */
    float *mean, *rstd; /* (rows) */
    real *projected;    /* (rows, projection); not touched without a projection */
};

void features_forward(struct backend *backend, const struct layout *layout,
                      const real *weights, const real *read, size_t rows,
                      const struct features *out);

#endif
