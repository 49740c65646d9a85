/* A tensor of an expert, as its files have it. For this folder. */
#ifndef PWEMOE_TENSORWISE_EXPERT_TENSOR_H
#define PWEMOE_TENSORWISE_EXPERT_TENSOR_H

#include "checkpoint/low_rank.h"
#include "checkpoint/safetensors.h"

/* What an expert has of one tensor: values of its own; or the pretrained model's, with
 * a product added, or, where both are NULL, unchanged. */
struct expert_tensor {
    const struct tensor *whole;
    const struct low_rank *product;
};

#endif
