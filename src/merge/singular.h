/* One linear layer of a merged model from the singular vectors of the task vectors, by
 * LAPACK in f64. The arithmetic alone, on arrays on the host; no data, no preference.
 *
 * tau_t [outputs, inputs] are T task vectors, r = min(outputs, inputs), and a thin
 * decomposition is tau = U diag(s) V', s falling. "polar" is the nearest matrix with
 * orthonormal columns (or rows): P Q' for a decomposition P D Q'. Singular values that
 * are rounding errors of f32 beside the largest (at most 2^-23 max(outputs, inputs) of
 * it, as of low-rank task vectors) count as 0 together with their vectors, so that no
 * method gives weight to directions that are noise.
 *
 * TSV-M (Gargiulo et al. 2025): of each task the first floor(r / T) singular vectors,
 * at least one, side by side, merged = polar([U_1 .. U_T]) diag(s_1 .. s_T) polar([V_1
 * .. V_T])'. Iso-C (Marczak et al. 2025): U diag(s) V' of the sum of the task vectors,
 *     merged = mean(s) U V'.
 * Iso-CTS (same paper): of that sum the first k vectors; of each task the first
 * (r - k) / T of (I - U_k U_k') tau_t; side by side and made orthonormal as in TSV-M,
 * with the mean of all their singular values for each. k is `common` r, rounded down
 * and then changed so that the rest is T equal parts. */
#ifndef PWEMOE_MERGE_SINGULAR_H
#define PWEMOE_MERGE_SINGULAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "merge/linear_layer.h"

enum singular_method { SINGULAR_TSV, SINGULAR_ISO_C, SINGULAR_ISO_CTS };

/* About how many bytes singular_merge needs for such a layer beside what it is given.
 */
size_t singular_room(const struct linear_layer *layer, size_t tasks);

/* merged, of the layer's shape, from vectors [tasks] of that shape. common, from 0 to
 * 1, is of Iso-CTS. By one thread. Fails without memory, and where numbers are not
 * finite.
 */
int singular_merge(const struct linear_layer *layer, enum singular_method method,
                   const float *const *vectors, size_t tasks, double common,
                   float *merged, struct error *error);

#endif
