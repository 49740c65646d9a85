/* The distilled correction: one more vector D of all parameters beside the task
 * vectors, the same for every preference,
 *
 *     W(r) = W_0 + sum_t r_t tau_t + g(r) D,    g(r) = (1 - sum_t r_t^2) / (1 - 1/T),
 *
 * so that the whole weight on one task is exactly that task's expert (g = 0), and equal
 * weights have all of D (g = 1). A merge is one pass over T + 1 vectors. Where CLIP's
 * text tower is merged too, D is 0 there: it is the experts' weighted mean. */
#ifndef PWEMOE_MOE_CORRECTION_H
#define PWEMOE_MOE_CORRECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "model/layout.h"
#include "moe/pool.h"

/* g(r); 0 for one task. */
double correction_weight(const double *preference, size_t tasks);

/* D in the pool's memory behind the task vectors, and what merging it needs. */
struct correction;

/* pool is the caller's, and gets room for one vector more where it has none yet: what
 * pointed to its vectors points nowhere then. D is 0, or that of the correction before,
 * of which the pool has room for one. */
int correction_new(struct pool *pool, struct correction **correction,
                   struct error *error);
void correction_free(struct correction *correction); /* NULL is fine */
/* D (layout size) on the device, to be written. */
real *correction_vector(const struct correction *correction);
/* out (layout size) on the device = W(preference [tasks]). */
void correction_merge(struct correction *correction, const double *preference,
                      real *out);

/* D [layout size] on the host as safetensors bytes (freed with free()), a tensor for
 * each parameter but a text tower's, by its checkpoint's name, in BF16, and back. Every
 * name and shape is checked on the way in; label names the bytes in errors. */
int correction_to_memory(const struct layout *layout, size_t tasks, const float *vector,
                         void **bytes, size_t *size, struct error *error);
int correction_from_memory(const void *bytes, size_t size, const char *label,
                           const struct layout *layout, size_t tasks, float *vector,
                           struct error *error);
/* Whether bytes say of themselves that they are one (and not routers). */
bool correction_is(const void *bytes, size_t size);
/* The greatest number of bytes that takes; an error where it is more than a results.db
 * can keep in one value. */
int correction_fits(const struct layout *layout, struct error *error);

#endif
