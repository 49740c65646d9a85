/* d loss / d routing weights where task vectors are factors (moe/task_factors.h). Of a
 * linear layer whose weights' gradient is dW = a^T b, for every task
 *
 *     <dW, left_t right_t> = <a left_t, b right_t^T>     from activations, or
 *                          = trace(left_t^T (dW right_t^T))
 *
 * whichever has fewer operations; the second in f32 alone, as a gradient is f32. */
#ifndef PWEMOE_TRAIN_FACTOR_SLOPES_H
#define PWEMOE_TRAIN_FACTOR_SLOPES_H

#include "model/transformer.h"
#include "moe/task_factors.h"

struct factor_slopes;

/* The factors are the caller's, and live as long. */
int factor_slopes_new(const struct task_factors *factors, struct factor_slopes **slopes,
                      struct error *error);
void factor_slopes_free(struct factor_slopes *slopes); /* NULL is fine */

/* Adds those of a layer to out (modules, groups, tasks) on the device, each part's to
 * the row of its module, if it has one. gradient: f32 on the device with room for dW.
 */
void factor_slopes_add(struct factor_slopes *slopes, const struct upscaling *upscaling,
                       const struct gradient_product *product, float *gradient,
                       float *out);

/* The same of the whole model's gradient: adds <gradient, tau_t> of each part to out at
 * row * stride + t, row being the one of upscaling that steers it; parts of rows from
 * `rows` on are left out. gradient (layout size): f32 on the device, whose reals are
 * f32 too. */
void factor_slopes_sum(struct factor_slopes *slopes, const struct upscaling *upscaling,
                       const float *gradient, size_t rows, size_t stride, float *out);

/* The way that all layers go from now on, for tests. */
enum factor_way { FACTOR_WAY_FEWER, FACTOR_WAY_ACTIVATIONS, FACTOR_WAY_GRADIENT };
void factor_slopes_force(struct factor_slopes *slopes, enum factor_way way);

#endif
