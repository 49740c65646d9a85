/* Methods that make the matrices inside numbered layers from whole task vectors, while
 * everything else is the mean. */
#ifndef PWEMOE_TENSORWISE_MATRICES_H
#define PWEMOE_TENSORWISE_MATRICES_H

#include <stdint.h>

#include "merge/linear_layer.h"
#include "tensorwise/method.h"

/* Of such a matrix (naming_is_linear): blend->made by `make`, from the task vectors
 * [experts] of all experts. BLAS has all threads. */
int matrices_make(const struct tensor_input *input, struct blend *blend,
                  int (*make)(void *self, const struct linear_layer *layer,
                              const float *const *vectors, float *made,
                              struct error *error),
                  void *self, struct error *error);

/* What that takes: the vectors, what is made, and the `room` of the matrix, the larger
 * of both ways round where its name does not tell; 0 of other tensors. */
uint64_t matrices_room(const struct model_tensor *tensor, size_t experts,
                       size_t (*room)(const struct linear_layer *layer,
                                      size_t experts));

#endif
