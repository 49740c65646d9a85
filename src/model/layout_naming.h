/* Inside a layout: what checkpoints call the tensors of each kind of model. */
#ifndef PWEMOE_MODEL_LAYOUT_NAMING_H
#define PWEMOE_MODEL_LAYOUT_NAMING_H

#include "model/config.h"

/* Names of a model's tensors; %zu stands for the block. */
struct naming {
    const char *prefixes[3]; /* that checkpoints are seen with, "" last */
    /* NULL: the model has none */
    const char *class_vector, *patch_weight, *patch_bias, *tokens, *position;
    const char *pre_norm, *post_norm, *projection;
    const char *block; /* what precedes a block's names */
    const char *norm1, *norm2, *out, *fc1, *fc2;
    const char *query, *key, *value; /* or the three as one: */
    const char *qkv;
};

const struct naming *naming_of(enum model_kind kind);

#endif
