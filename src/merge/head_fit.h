/* Heads fitted to a merged body, without labels: the body's features of a task's
 * training examples are mapped by a ridge regression to the features that the task's
 * own expert has, and that linear map is folded into the task's head, which stays an
 * ordinary linear head.
 *
 * With f_i the merged body's features of example i (normalised for CLIP), z_i the
 * expert's, W and b the task's head, bars for means over the n examples:
 *
 *     A  = sum_i (f_i - f)(f_i - f)'                       [D, D]
 *     X  = sum_i W (z_i - f_i)(f_i - f)' (A + e m I)^-1    [classes, D]
 *     W' = W + X
 *     b' = b + W (z - f) - X f
 *
 * m is the mean of A's diagonal, e the ridge HEAD_RIDGE. It is W (I + M) for the M
 * that a regression of z - f on f would give. Where a head has no bias in the model's
 * files (GPT-2's score) there are no means: f and z are taken as 0 in A, X and W'. A
 * body that is the expert's has the expert's own head. */
#ifndef PWEMOE_MERGE_HEAD_FIT_H
#define PWEMOE_MERGE_HEAD_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "merge/head_map.h"
#include "merge/method.h"

/* Training examples of each task that heads are fitted on, where there are so many. */
enum { HEAD_FIT_EXAMPLES = 400 };

/* The arithmetic: fitted (filled, for head_clear) from head and merged, expert
 * [n, features]. with_bias: whether fitted has a bias, also where head has none. */
int head_fit_solve(const struct head *head, const float *merged, const float *expert,
                   size_t n, bool with_bias, unsigned threads, struct head *fitted,
                   struct error *error);

struct head_fit;

/* Runs examples of each of train [tasks] through that task's expert and keeps its
 * features; pool and train outlive it. Stops between batches, with the error
 * "stopped". */
int head_fit_new(struct pool *pool, const struct dataset *const *train,
                 const struct work *work, struct head_fit **fit, struct error *error);
void head_fit_free(struct head_fit *fit); /* NULL is fine */
/* heads [tasks], each filled or all empty after a failure, for the merged model
 * `weights` (layout size) on the device. preference: NULL, or [tasks] for one map that
 * all heads share (head_map.h). */
int head_fit_run(struct head_fit *fit, const real *weights, const double *preference,
                 const struct work *work, struct head *heads, struct error *error);

#endif
