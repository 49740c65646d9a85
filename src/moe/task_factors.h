/* The task vectors of LoRA adapters as their factors, on a device: tau_t of a matrix is
 * left_t right_t (checkpoint/low_rank.h), 0 of everything else. A model is merged by
 * one product a matrix, W_0 + [left_1 .. left_T] [w_1 right_1; ..; w_T right_T], and
 * the inner product of its gradient dW = a^T b with tau_t is that of a left_t and b
 * right_t^T: neither needs a dense task vector.
 *
 * T tasks, r the room that each has for its rank, R = T r. */
#ifndef PWEMOE_MOE_TASK_FACTORS_H
#define PWEMOE_MOE_TASK_FACTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "checkpoint/directory.h"
#include "model/layout.h"
#include "moe/upscaling.h"

/* A matrix of the arena that some adapter changes. */
struct factors_part {
    size_t offset, rows, columns;
    size_t left, right; /* where its factors begin: (rows, R), and (R, columns) */
};

struct task_factors {
    struct backend *backend; /* the caller's */
    size_t tasks, rank;      /* T, r: a multiple of 8 */
    size_t part_count;
    struct factors_part *parts; /* by their offsets */
    real *left, *right;         /* what has no rank is 0 */
    real *scaled, *none;        /* as right: that times weights, and zeros */
    /* left and right as f32 on the host: the device's own memory where it can be read
     * in place, else what is owned. */
    const float *host_left, *host_right;
    float *owned_left, *owned_right;
};

/* experts [tasks] are paths. *out is NULL where they are not all adapters that fit and
 * have products alone for what the layout has, or where, unless `always`, their factors
 * take more than half of what the task vectors would. */
int task_factors_new(struct backend *backend, const struct layout *layout,
                     const struct model_directory *pretrained,
                     const char *const *experts, size_t tasks, bool always,
                     struct task_factors **out, struct error *error);
void task_factors_free(struct task_factors *factors); /* NULL is fine */

/* out [count] = sum_t weights[t] tau_t, as f32 on the host, of the elements from begin
 * on: those of whole parameters. The terms of an element are added task by task,
 * whatever the range. Several threads may ask at once. */
void task_factors_sum(const struct task_factors *factors, const double *weights,
                      size_t begin, size_t count, float *out);

/* What scales right by routing weights: one for each part and task, in fresh memory.
 * upscaling: NULL for one row. */
struct merge_segment *task_factors_segments(const struct task_factors *factors,
                                            const struct upscaling *upscaling,
                                            size_t *count, struct error *error);
/* out (layout size) = base + sum_t weights[row][t] tau_t. segments are those on the
 * device, weights (rows, T), too. base may be out. */
void task_factors_merge(const struct task_factors *factors, const struct layout *layout,
                        const struct merge_segment *segments, size_t segment_count,
                        const float *weights, const real *base, real *out);

#endif
