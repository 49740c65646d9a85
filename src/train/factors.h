/* A correction of low rank: of each linear layer of the blocks
 *
 *     D = D_start + U V,    U [rows, rank], V [rank, columns],
 *
 * with U and V trained in place of D; all other parameters are trained as they are. U
 * starts at 0, and V at normal numbers of variance 1 / rank, so that a step of Adam
 * moves a number of D by about the learning rate, as it does where D itself is trained.
 * In f32 alone, where what is trained is what the model reads. */
#ifndef PWEMOE_TRAIN_FACTORS_H
#define PWEMOE_TRAIN_FACTORS_H

#include <stddef.h>
#include <stdint.h>

#include "model/layout.h"
#include "train/trained.h"

struct factors;

/* A linear layer of the blocks as it is stored in an arena. */
struct factors_layer {
    size_t offset, rows, columns;
};
/* Those with more than rank rows and columns, in the order of their places; there is
 * room for the most that there can be. */
size_t factors_layers_most(const struct layout *layout);
size_t factors_layers(const struct layout *layout, size_t rank,
                      struct factors_layer *layers);

/* For a layout's parameters but a text tower's. A layer whose rows or columns are not
 * more than rank has all of its numbers trained. start [layout size] on the host.
 * split: of the numbers, in one piece; may be NULL. */
int factors_new(struct backend *backend, const struct layout *layout, size_t rank,
                uint64_t seed, const float *start, const struct trained_split *split,
                struct factors **factors, struct error *error);
void factors_free(struct factors *factors); /* NULL is fine */

/* The factors and the other parameters, with Adam's state. */
struct trained *factors_numbers(struct factors *factors);

/* D (layout size) on the device as the numbers have it. */
void factors_put(const struct factors *factors, float *vector);
/* The numbers' gradient from that of D (layout size) on the device. */
void factors_gradient(struct factors *factors, const float *gradient);

#endif
