/* One linear layer of a merged model by a closed form that knows the preference: what
 * the merged layer does to the inputs that an expert's own task vector responds to
 * should be what that expert does to them. The rows of a task vector span such inputs,
 * so that no data are needed (the objective of WUDI-Merging, arXiv 2503.08099, solved
 * exactly and with the tasks weighted). The arithmetic alone, on arrays on the host.
 *
 * For task vectors tau_t [outputs, inputs] and weights q on the simplex
 *
 *     G_t    = tau_t' tau_t / |tau_t|_F^2
 *     merged = (sum_t q_t tau_t G_t + e m M) (sum_t q_t G_t + e m I)^-1
 *
 * with M = sum_t q_t tau_t, m the mean of the diagonal of sum_t q_t G_t, and e the
 * ridge: it pulls towards the weighted mean of the task vectors, which is the limit of
 * large e. At a vertex of q the result is that task's vector, whatever e. */
#ifndef PWEMOE_MERGE_WUDI_H
#define PWEMOE_MERGE_WUDI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "merge/linear_layer.h"

/* Of one task vector, times a common factor: G_t, of which the lower triangle is there
 * [inputs, inputs], and tau_t G_t, shaped as tau_t. They know no preference, and making
 * them is most of the work. */
struct wudi_products {
    float *gram, *cube;
    bool zero; /* the task vector is; both are then 0 */
};
/* Fills them, which have room. Fails without memory, and where numbers are not finite.
 */
int wudi_prepare(const struct linear_layer *layer, const float *vector,
                 struct wudi_products *products, struct error *error);
/* The bytes of one task's. */
size_t wudi_products_bytes(const struct linear_layer *layer);

/* Bytes that wudi_solve needs for such a layer beside what it is given. */
size_t wudi_room(const struct linear_layer *layer);

/* The two sides of it, for who solves many at once (backend.h's solve): merged is to be
 * multiplied by the inverse of system [inputs, inputs], whose lower triangle is filled.
 * Both are f32 and what was in them is lost. The rest is as for wudi_solve. */
int wudi_system(const struct linear_layer *layer, const float *const *vectors,
                const struct wudi_products *products, const double *weights,
                size_t tasks, double ridge, float *system, float *merged,
                struct error *error);
/* The error where it is not positive definite. Returns -1. */
int wudi_unsolved(const struct linear_layer *layer, double ridge, struct error *error);

/* merged [outputs, inputs] from vectors [tasks], each of that shape, and weights
 * [tasks] on the simplex; ridge > 0. products [tasks] are those of the vectors, or
 * NULL: the result is the same. In f32, by one thread, so that the bits do not depend
 * on how many layers are solved beside it. Fails without memory, and where the system
 * is not positive definite in f32 (numbers that are not finite, a tiny ridge).
 */
int wudi_solve(const struct linear_layer *layer, const float *const *vectors,
               const struct wudi_products *products, const double *weights,
               size_t tasks, double ridge, float *merged, struct error *error);

#endif
