/* Smooth Tchebycheff scalarisation: Lin, Zhang, Yang, Liu, Wang & Zhang, "Smooth
 * Tchebycheff Scalarization for Multi-Objective Optimization", 2024 (arXiv 2402.19078).
 */
#ifndef PWEMOE_TRAIN_TCHEBYCHEFF_H
#define PWEMOE_TRAIN_TCHEBYCHEFF_H

#include <stddef.h>

/* weights [tasks] of the tasks' gradients, from losses [tasks] and the preference
 * [tasks]: the gradient, with respect to the losses, of
 *     mu log sum_t exp(r_t (L_t - z_t) / mu)
 * where the ideal point z is 0, below which no loss is: r_t times the softmax of
 * r L / mu. mu > 0, the smoothing: towards 0 only the greatest r_t L_t is looked at,
 * with large mu the weights are r_t / tasks, those of the weighted sum. They are those
 * of the preference where losses are not finite. */
void tchebycheff_weights(const double *losses, const double *preference, size_t tasks,
                         double smoothing, double *weights);

#endif
