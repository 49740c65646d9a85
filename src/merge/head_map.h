/* One linear map for the heads of all tasks, in closed form: representation correction
 * that knows the preference, after Wu, Yang, Wang, Wen & Yu, "From parameter to
 * representation: a closed-form approach for controllable model merging", 2025 (arXiv
 * 2511.10943). The merged body's features are mapped to those of each task's own
 * expert, a least-squares problem that the preference weighs:
 *
 *     min over M, m of sum_t r_t / n_t sum_i |z_ti - f_ti - M f_ti - m|^2 + ridge |M|^2
 *
 * with the ridge of head_ridge.h (e times the mean of the diagonal of the weighted
 * features' products), and the map is folded into every head: W' = W (I + M), b' =
 * b + W m. With the whole weight on one task that task's head is the one that
 * head_fit.h gives it. Where a head has no bias there is no m, as there. */
#ifndef PWEMOE_MERGE_HEAD_MAP_H
#define PWEMOE_MERGE_HEAD_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/heads.h"

/* What the map is fitted to, of each task: [tasks]. */
struct head_map_input {
    size_t tasks;
    const struct head *heads;
    const float *const *merged, *const *expert; /* each [counts, features] */
    const size_t *counts;
    const double *preference;
    bool with_bias;
};

/* fitted [tasks], each filled (head_clear), or all empty after a failure. */
int head_map_solve(const struct head_map_input *input, unsigned threads,
                   struct head *fitted, struct error *error);

#endif
