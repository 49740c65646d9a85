/* bf16 on the host: the upper half of an f32, rounded to nearest even. */
#ifndef EMULATION_CUDA_BF16_H
#define EMULATION_CUDA_BF16_H

#include "cuda_runtime.h"

struct __nv_bfloat16 {
    unsigned short bits;
};

static inline float __bfloat162float(__nv_bfloat16 x) {
    return __uint_as_float((uint32_t)x.bits << 16);
}

static inline __nv_bfloat16 __float2bfloat16_rn(float x) {
    __nv_bfloat16 result;
    uint32_t bits = __float_as_uint(x);
    if (x != x)
        result.bits = 0x7fff;
    else
        result.bits = (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    return result;
}

static inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) {
    return x.bits;
}

#endif
