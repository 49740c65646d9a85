/* One block of the pre-norm transformer, forward: layer norm, attention, layer norm,
 * MLP, each pair added to the residual stream. CLIP's vision tower, ViT and GPT-2
 * (transformer.h, which has backward too) and CLIP's text tower (clip_text.h) are
 * rows of this one block. */
#ifndef PWEMOE_MODEL_BLOCK_H
#define PWEMOE_MODEL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"

/* Where a block's parameters lie in an arena, in elements. */
struct block_offsets {
    size_t norm1_gamma, norm1_beta;
    size_t qkv_weight, qkv_bias; /* [3 width, width], [3 width] */
    size_t out_weight, out_bias;
    size_t norm2_gamma, norm2_beta;
    size_t fc1_weight, fc1_bias; /* [mlp_width, width] */
    size_t fc2_weight, fc2_bias; /* [width, mlp_width] */
}; /* block_shape.conv1d: the weights are stored the other way round */

/* `batch` sequences of `tokens` rows; n = batch tokens. */
struct block_shape {
    size_t batch, tokens;
    size_t width, heads, mlp_width;
    float epsilon; /* of the layer norms */
    enum activation activation;
    bool causal;
    bool conv1d; /* weights of linear layers are stored [inputs, outputs] */
    bool fp8;    /* products are in fp8 where the backend was opened so */
};

/* What a block computes on the way, on the device. */
struct block_activations {
    real *input;          /* (n, width) the residual stream */
    real *norm1;          /* (n, width) */
    float *mean1, *rstd1; /* (n) */
    real *qkv;            /* (n, 3 width) */
    float *log_sums;      /* (batch, heads, tokens) */
    real *mixed;          /* (n, width) attention before its output product */
    real *middle;         /* (n, width) the stream between attention and MLP */
    real *norm2;          /* (n, width) */
    float *mean2, *rstd2; /* (n) */
    real *before, *after; /* (n, mlp_width) around the activation */
};

/* Buffers carved from one allocation: carve all once with memory NULL, allocate
 * `used` bytes, then carve the same again. */
struct carver {
    char *memory;
    size_t used;
    bool overflow; /* the sizes do not fit a size_t */
};

/* count elements of `size` bytes, aligned to 256; NULL while memory is NULL. */
void *carve(struct carver *carver, size_t count, size_t size);

/* One block's buffers. kept: backward will need them, so that none serves twice;
 * else `middle` is `input`, `norm2` is `norm1`, and `before` is NULL. */
void block_carve(struct carver *carver, const struct backend *backend,
                 const struct block_shape *shape, bool kept,
                 struct block_activations *activations);

/* From activations->input to output (n, width), which may be activations->input
 * where the buffers are not kept. */
void block_forward(struct backend *backend, const struct block_shape *shape,
                   const struct block_offsets *offsets, const real *weights,
                   const struct block_activations *activations, real *output);

/* Its two halves: from activations->input to mixed; and, of the rows that are wanted,
 * from input and mixed (which may be activations->input and ->mixed) to output. Where
 * these are fewer rows than attention has, the second half's shape says so, and what it
 * leaves in the activations has so many. input may be activations->middle. */
void block_attention(struct backend *backend, const struct block_shape *shape,
                     const struct block_offsets *offsets, const real *weights,
                     const struct block_activations *activations);
void block_rest(struct backend *backend, const struct block_shape *shape,
                const struct block_offsets *offsets, const real *weights,
                const struct block_activations *activations, const real *input,
                const real *mixed, real *output);

#endif
