/* What names of tensors say of them, in any model. */
#ifndef PWEMOE_TENSORWISE_NAMING_H
#define PWEMOE_TENSORWISE_NAMING_H

#include <stdbool.h>

#include "checkpoint/directory.h"

/* A part of the name between dots is a number: "model.layers.3.mlp.up_proj.weight". */
bool naming_in_layers(const char *name);

/* A weight matrix of a numbered layer that is no embedding and no bias of attention. */
bool naming_is_linear(const struct tensor *tensor);

/* Whether it is the table of an embedding: PEFT keeps factors of these under names and
 * in an order of their own. */
bool naming_is_embedding(const struct tensor *tensor);

#endif
