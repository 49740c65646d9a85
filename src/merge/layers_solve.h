/* Systems of many linear layers, solved on a device: those of one size together. */
#ifndef PWEMOE_MERGE_LAYERS_SOLVE_H
#define PWEMOE_MERGE_LAYERS_SOLVE_H

#include "merge/linear_layer.h"
#include "merge/method.h"

struct layers_systems {
    size_t count;
    size_t room; /* as for layers_make, of one layer while its system is filled */
    void *self;
    struct linear_layer (*shape)(void *self, size_t index);
    /* Fills a layer's system [inputs, inputs], of which the lower triangle is read, and
     * its right side, shaped as the layer's array; by several threads at a time. */
    int (*fill)(void *self, size_t index, float *system, float *right,
                struct error *error);
    void (*take)(void *self, size_t index, const float *solved);
    /* Sets the error where a system is not positive definite. Returns -1. */
    int (*unsolved)(void *self, size_t index, struct error *error);
};

/* Puts the indices [count] of layers shaped as the first one at their beginning; how
 * many there are. */
size_t layers_alike(const struct layers_systems *systems, size_t *indices,
                    size_t count);

/* All of them. *done is false where this is none of the device's business (it has the
 * host's memory, too little of its own or not the libraries); nothing was then taken,
 * or what was is to be made again. */
int layers_solve(const struct merge_input *input, const struct layers_systems *systems,
                 bool *done, struct error *error);

#endif
