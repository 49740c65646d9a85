/* An f32 rounded to the nearest value of a narrower float, ties to even: what a file of
 * that dtype gives back. On the host and, where ROUNDING is defined so, on a device. */
#ifndef PWEMOE_BACKEND_ROUNDING_H
#define PWEMOE_BACKEND_ROUNDING_H

#include <stdint.h>
#include <string.h>

#ifndef ROUNDING
#define ROUNDING static inline
#endif

enum rounding { ROUNDING_BF16, ROUNDING_F16 };

ROUNDING uint32_t rounding_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

ROUNDING float rounding_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* A carry into the exponent is right as it is, up to infinity; a NaN stays one. */
ROUNDING float round_to_bf16(float x) {
    uint32_t bits = rounding_bits(x);
    uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    uint32_t quiet = bits | 0x00400000u;
    uint32_t kept = (bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
    return rounding_float(kept & 0xffff0000u);
}

/* Ten bits of fraction; below 2^-14 multiples of 2^-24, which is the last place of a
 * float in [1/2, 1), so that the addition rounds to it; from 65520 on infinity. */
ROUNDING float round_to_f16(float x) {
    uint32_t bits = rounding_bits(x), sign = bits & 0x80000000u;
    bits &= 0x7fffffffu;
    uint32_t normal = (bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu;
    uint32_t small = rounding_bits(rounding_float(bits) + 0.5f - 0.5f);
    uint32_t special = bits > 0x7f800000u ? bits | 0x00400000u : 0x7f800000u;
    uint32_t result = bits < (113u << 23) ? small : normal;
    return rounding_float(sign | (normal >= (143u << 23) ? special : result));
}

#endif
