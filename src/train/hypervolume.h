/* The hypervolume of a batch of preferences as what training ascends: every preference
 * of a step is a model, its losses are a point, and the gradient of the volume that the
 * points dominate says how much each task of each model matters. After Deist, Grewal,
 * Dankers, Alderliesten & Bosman, "Multi-objective learning to predict Pareto fronts
 * using hypervolume maximization", 2021 (arXiv 2102.04523): points that others dominate
 * are a front of their own, and each point's weights are brought to one sum. A penalty
 * on the angle to the preference's ray keeps the preference felt, as in Hoang, Le, Tuan
 * & Thang, "Improving Pareto front learning via multi-sample hypernetworks", 2023
 * (arXiv 2212.01130). */
#ifndef PWEMOE_TRAIN_HYPERVOLUME_H
#define PWEMOE_TRAIN_HYPERVOLUME_H

#include <stddef.h>

#include "base/error.h"

/* The reference point is so many times the greatest loss of a task in the batch, a ray
 * is that of 1 / r with r no less than the floor, and the penalty counts so much. */
#define HYPERVOLUME_REACH 1.1
#define HYPERVOLUME_FLOOR 0.05
#define HYPERVOLUME_PENALTY 1.0

/* weights [count, tasks] of the gradients of the losses [count, tasks] of so many
 * models, each at its preference [count, tasks]: of each point the slopes in its front
 * (pareto/slopes.h) divided by their sum, plus HYPERVOLUME_PENALTY times
 *
 *     |L| d (1 - cos(a, L)) / d L_t,    a_t = 1 / max(r_t, floor),
 *
 * and what is below 0 is 0. They are divided by count. Preferences where losses are not
 * finite. */
int hypervolume_weights(const double *losses, const double *preferences, size_t count,
                        size_t tasks, double *weights, struct error *error);

#endif
