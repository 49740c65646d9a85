/* What methods that make linear layers one by one share: the weighted mean that all
 * other parameters get, and the layers divided among threads. */
#ifndef PWEMOE_MERGE_LAYERS_H
#define PWEMOE_MERGE_LAYERS_H

#include <stddef.h>

#include "merge/method.h"

/* merged [layout size] = scale sum_t weights[t] of vectors [tasks, layout size], the
 * pool's task vectors on the host, or NULL where it keeps factors. */
void layers_mean(const struct merge_input *input, const float *vectors,
                 const double *weights, float scale, float *merged);

/* What is reported while layers are made: `before` of `total` were begun before. */
struct layers_progress {
    const char *what;
    size_t before, total;
};

/* Calls make(self, index, error) once for each index below count, on as many threads as
 * the pool's backend has, or as `room` bytes for each leave; BLAS inside of it is one
 * thread's, so that the bits do not depend on how many layers are made beside it. The
 * first error that is met is the result's. Stops between layers: "stopped". progress:
 * NULL for none. */
int layers_make(const struct merge_input *input, const struct layers_progress *progress,
                size_t count, size_t room,
                int (*make)(void *self, size_t index, struct error *error), void *self,
                struct error *error);

#endif
