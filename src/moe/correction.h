/* The distilled correction: more vectors D_k of all parameters beside the task vectors,
 *
 *     W(r) = W_0 + sum_t r_t tau_t + sum_k h_k(r) D_k,
 *
 * the same for every preference. Of which functions h_k there are is the form:
 *
 *     one      D alone, h = g(r) = (1 - sum_t r_t^2) / (1 - 1/T)
 *     task     one for each task, h_t = g(r) r_t
 *     pair     one for each pair of tasks, h_st = 2 r_s r_t / (1 - 1/T)
 *     linear   one for each task, h_t = r_t
 *     wudi     D alone, h = g(r), and in the place of sum_t r_t tau_t the closed form
 *              of these at r (merge/closed_base.h puts it there)
 *
 * All but `linear` add up to g(r), so that the whole weight on one task is exactly that
 * task's expert (all are 0), and vectors that are alike are one. With `linear` the
 * models are a simplex whose corners are what was learnt. A merge is one pass over
 * T + K vectors. Where CLIP's text tower is merged too, D is 0 there: it is the
 * experts' weighted mean.
 *
 * Routers may stand beside them (moe/routers.h): of T + K numbers, the weights above, a
 * router of module m makes as many, R_m, and what multiplies the vectors in that module
 * is the weights plus g(r) R_m. */
#ifndef PWEMOE_MOE_CORRECTION_H
#define PWEMOE_MOE_CORRECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "model/layout.h"
#include "moe/pool.h"
#include "moe/routers.h"

enum correction_form {
    CORRECTION_ONE,
    CORRECTION_TASK,
    CORRECTION_PAIR,
    CORRECTION_LINEAR,
    CORRECTION_WUDI
};

/* How many vectors D_k a form has for so many tasks. */
size_t correction_count(enum correction_form form, size_t tasks);
/* g(r); 0 for one task. */
double correction_weight(const double *preference, size_t tasks);
/* h_k(r) = scale shares[k], and the scale: g(r), of `linear` 1. shares [count] add up
 * to 1 unless the scale is 0. */
double correction_shares(enum correction_form form, const double *preference,
                         size_t tasks, double *shares);
/* The numbers of the above for a merge, weights [tasks + count]: r and then h. */
void correction_weights(enum correction_form form, const double *preference,
                        size_t tasks, double *weights);

/* The D_k in the pool's memory behind the task vectors, and what merging them needs. */
struct correction;

/* pool is the caller's, and gets room for the vectors where it has less: what pointed
 * to its vectors points nowhere then. They are 0, or those of the correction before.
 * More than ROUTE_TASKS_MAX vectors in all are refused. */
int correction_new(struct pool *pool, enum correction_form form,
                   struct correction **correction, struct error *error);
void correction_free(struct correction *correction); /* NULL is fine */
/* Routers of tasks + count inputs to stand beside the vectors: taken, unless it fails.
 */
int correction_use_routers(struct correction *correction, struct routers *routers,
                           struct error *error);
/* NULL: there are none. What steers which part of the arena comes with them. */
struct routers *correction_routers(const struct correction *correction);
const struct upscaling *correction_upscaling(const struct correction *correction);
enum correction_form correction_form(const struct correction *correction);

/* The vectors [count, layout size] on the device, to be written. */
real *correction_vector(const struct correction *correction);
/* Of the form wudi: where its closed form at the preference stands before a merge
 * (layout size, on the device); else NULL. */
real *correction_base(const struct correction *correction);
/* out (layout size) on the device = W(preference [tasks]). */
void correction_merge(struct correction *correction, const double *preference,
                      real *out);
/* The numbers [tasks + count] that multiplied the vectors in the last merge, at an
 * offset of the arena: the correction's, until the next one. Of the form wudi those of
 * the tasks are 0. */
const float *correction_row(const struct correction *correction, size_t offset);

#endif
