/* What attention's two sets of kernels share: the shape, and where a head lies. A
 * block's head is blockIdx.x: sequence by sequence, head by head. */
#ifndef PWEMOE_GPU_ATTENTION_H
#define PWEMOE_GPU_ATTENTION_H

#include "cuda.h"

struct heads {
    size_t tokens, heads, head_width, width; /* width = heads * head_width */
    bool causal;
    float scale;
};

/* Where the block's head begins in qkv, and in out. */
static __device__ __forceinline__ size_t qkv_begin(const struct heads &h) {
    return blockIdx.x / h.heads * h.tokens * 3 * h.width +
           blockIdx.x % h.heads * h.head_width;
}

static __device__ __forceinline__ size_t out_begin(const struct heads &h) {
    return blockIdx.x / h.heads * h.tokens * h.width +
           blockIdx.x % h.heads * h.head_width;
}

static inline struct heads heads_of(const struct attention_shape *s) {
    struct heads h;
    h.tokens = s->tokens;
    h.heads = s->heads;
    h.head_width = s->head_width;
    h.width = s->heads * s->head_width;
    h.causal = s->causal;
    h.scale = 1.0f / sqrtf((float)s->head_width);
    return h;
}

/* More than 48 KiB of shared memory, counting the kernel's static arrays, have to be
 * asked for; they always are, so that nothing has to be counted. */
template <class Kernel>
static bool allow_shared(struct cuda *cuda, Kernel kernel, size_t bytes) {
    return cuda_check(cuda,
                      cudaFuncSetAttribute(kernel,
                                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           (int)bytes),
                      "shared memory for attention");
}

/* Attention in bf16 on the tensor cores (attention_forward.cu, attention_backward.cu).
 * False: this shape, or how its memory lies, is not for them, and nothing was done.
 * Arguments as in backend.h. */
bool cuda_attention_tiled(struct cuda *cuda, real *out, float *log_sums,
                          const real *qkv, const struct attention_shape *s);
bool cuda_attention_tiled_backward(struct cuda *cuda, real *dqkv, const real *dout,
                                   const real *out, const float *log_sums,
                                   const real *qkv, const struct attention_shape *s);

#endif
