/* e4m3 on the host: a sign, four bits of exponent (bias 7), three of fraction; the
 * greatest number is 448, there is no infinity, and all ones are NaN. */
#ifndef EMULATION_CUDA_FP8_H
#define EMULATION_CUDA_FP8_H

#include <math.h>

#include "cuda_runtime.h"

enum __nv_saturation_t { __NV_SATFINITE = 1 };
enum __nv_fp8_interpretation_t { __NV_E4M3 = 0 };

struct float2 {
    float x, y;
};

static inline float2 make_float2(float x, float y) {
    return {x, y};
}

static inline unsigned char emulation_to_e4m3(float x) {
    unsigned char sign = signbit(x) ? 0x80 : 0;
    if (x != x)
        return sign | 0x7f;
    float size = fabsf(x);
    if (size >= 448)
        return sign | 0x7e;
    /* The step between numbers: of 2^-9 below 2^-6, and of an eighth of a power. */
    int exponent = size < 0x1p-6f ? -6 : ilogbf(size);
    int steps = (int)nearbyintf(ldexpf(size, 3 - exponent)); /* 0 to 16 */
    return (unsigned char)(sign | (((exponent + 6) << 3) + steps));
}

static inline unsigned short __nv_cvt_float2_to_fp8x2(float2 x, __nv_saturation_t,
                                                      __nv_fp8_interpretation_t) {
    return (unsigned short)(emulation_to_e4m3(x.x) | emulation_to_e4m3(x.y) << 8);
}

static inline float emulation_from_e4m3(unsigned char bits) {
    int exponent = bits >> 3 & 15, fraction = bits & 7;
    float size = (bits & 0x7f) == 0x7f ? NAN
                 : exponent == 0       ? ldexpf((float)fraction, -9)
                                       : ldexpf((float)(8 + fraction), exponent - 10);
    return bits & 0x80 ? -size : size;
}

#endif
