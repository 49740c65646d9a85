/* Pareto Merging (Chen & Kwok, "Pareto Merging: multi-objective optimization for
 * preference-aware model merging", ICML 2025, arXiv 2408.12105): a base model that no
 * preference changes, and of each linear layer of the blocks a tensor of low rank that
 * it contracts,
 *
 *     W(r) = W_0 + lambda sum_t tau_t + G x_1 A x_2 B x_3 r
 *          = W_0 + lambda sum_t tau_t + sum_t r_t A G_t B,
 *
 * A [rows, rank], G_t [rank, rank], B [rank, columns]; everything else is the base's.
 * As a correction of the form `linear` it is D_t = lambda sum_s tau_s - tau_t + A G_t
 * B. G starts at 0, A and B at normal numbers of variance 1 / rank, so that a step of
 * Adam moves a number of D by about the learning rate. In f32 alone, as factors.h. */
#ifndef PWEMOE_TRAIN_TENSOR_FACTORS_H
#define PWEMOE_TRAIN_TENSOR_FACTORS_H

#include <stddef.h>
#include <stdint.h>

#include "model/layout.h"
#include "train/trained.h"

struct tensor_factors;

/* start [tasks, layout size] on the host: what the D_t are without their tensors.
 * Layers whose rows or columns are not more than rank are left as they start. split: of
 * the numbers, in one piece; may be NULL. */
int tensor_factors_new(struct backend *backend, const struct layout *layout,
                       size_t tasks, size_t rank, uint64_t seed, const float *start,
                       const struct trained_split *split,
                       struct tensor_factors **factors, struct error *error);
void tensor_factors_free(struct tensor_factors *factors); /* NULL is fine */

/* Of each layer, in the order of their places, A, B and the G_t, with Adam's state. */
struct trained *tensor_factors_numbers(struct tensor_factors *factors);

/* The D_t [tasks, layout size] on the device as the numbers have them. */
void tensor_factors_put(const struct tensor_factors *factors, float *vectors);
/* The numbers' gradient from that of the merged weights (layout size) on the device, at
 * a preference [tasks]. */
void tensor_factors_gradient(struct tensor_factors *factors, const float *slope,
                             const double *preference);

#endif
