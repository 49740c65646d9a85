/* Values of tensors to and from f32. The narrow floats are taken apart as bits, in
 * loops without branches that a compiler makes vectors of, and never through f32
 * subnormals: their results do not depend on a processor mode that flushes those. */
#include <math.h>
#include <string.h>

#include "checkpoint/safetensors.h"

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* F16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Exact. Infinity and NaN
 * keep their exponent of all ones. */
static float f16_to_f32(uint16_t half) {
    uint32_t magnitude = half & 0x7fffu, sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t normal = (magnitude << 13) + (112u << 23);
    /* A subnormal is a multiple of 2^-24: put under a leading 2^-14, which is then
     * taken away again. */
    uint32_t subnormal =
        bits_of(float_of((magnitude << 13) + (113u << 23)) - float_of(113u << 23));
    uint32_t special = (magnitude << 13) | (255u << 23);
    uint32_t result = magnitude < 0x0400u ? subnormal : normal;
    return float_of(sign | (magnitude >= 0x7c00u ? special : result));
}

static uint16_t f32_to_f16(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    /* Adding one half of the last place, less one, and the bit that makes a tie go
     * to even; a carry into the exponent is right as it is, up to infinity. */
    uint32_t normal = (bits + 0xfffu + (bits >> 13 & 1u) - (112u << 23)) >> 13;
    /* Below 2^-14 the last place is 2^-24, which is the last place of a float in
     * [1/2, 1): the addition rounds to it. */
    uint32_t subnormal = bits_of(float_of(bits) + 0.5f) - bits_of(0.5f);
    uint32_t special = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t result = bits < (113u << 23) ? subnormal : normal;
    return (uint16_t)(sign | (bits >= (143u << 23) ? special : result));
}

static uint16_t f32_to_bf16(float value) {
    uint32_t bits = bits_of(value);
    uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    uint32_t quiet = bits | 0x00400000u; /* a NaN stays one */
    return (uint16_t)(((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded) >> 16);
}

/* Whether all count values are finite. */
static int all_finite(const float *values, size_t count) {
    uint32_t bad = 0;
#pragma omp simd reduction(| : bad)
    for (size_t i = 0; i < count; i++)
        bad |= (bits_of(values[i]) & 0x7f800000u) == 0x7f800000u;
    return !bad;
}

/* Elements [from, from + count) of the tensor. */
static void convert(const struct tensor *tensor, size_t from, size_t count,
                    float *out) {
    const unsigned char *data =
        (const unsigned char *)tensor->data + from * dtype_size(tensor->dtype);
    switch (tensor->dtype) {
    case DTYPE_F32:
        memcpy(out, data, count * sizeof *out);
        break;
    case DTYPE_F64:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, data + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        break;
    case DTYPE_F16:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, data + i * sizeof half, sizeof half);
            out[i] = f16_to_f32(half);
        }
        break;
    default: /* BF16 */
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, data + i * sizeof half, sizeof half);
            out[i] = float_of((uint32_t)half << 16);
        }
    }
}

/* The message for a value that is no finite f32. */
static int refuse_value(const struct tensor *tensor, const char *where, size_t element,
                        float value, struct error *error) {
    char shape[128];
    double whole = value;
    if (tensor->dtype == DTYPE_F64)
        memcpy(&whole, (const unsigned char *)tensor->data + element * sizeof whole,
               sizeof whole);
    tensor_shape_text(tensor, shape, sizeof shape);
    if (isfinite(whole))
        return error_set(error,
                         "%s: %s: element %zu of %s is %g, too large for 32 bits",
                         where, tensor->name, element, shape, whole);
    return error_set(error, "%s: %s: element %zu of %s is %s, not a finite number",
                     where, tensor->name, element, shape,
                     isnan(whole) ? "NaN" : "infinite");
}

int tensor_to_f32(const struct tensor *tensor, const char *where, float *out,
                  struct error *error) {
    return tensor_part_to_f32(tensor, where, 0, (size_t)tensor->count, out, error);
}

int tensor_part_to_f32(const struct tensor *tensor, const char *where, size_t begin,
                       size_t count, float *out, struct error *error) {
    enum { BLOCK = 1 << 12 }; /* checked while it is in the first cache */
    switch (tensor->dtype) {
    case DTYPE_F64:
    case DTYPE_F32:
    case DTYPE_F16:
    case DTYPE_BF16:
        break;
    default:
        return error_set(error,
                         "%s: %s is %s; only F64, F32, F16 and BF16 hold weights",
                         where, tensor->name, tensor->dtype_name);
    }
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t block = count - from < BLOCK ? count - from : BLOCK;
        convert(tensor, begin + from, block, out + from);
        if (all_finite(out + from, block))
            continue;
        size_t element = from;
        while (isfinite(out[element]))
            element++;
        return refuse_value(tensor, where, begin + element, out[element], error);
    }
    return 0;
}

void tensor_from_f32(enum dtype dtype, const float *values, size_t count, void *out) {
    unsigned char *bytes = out;
    switch (dtype) {
    case DTYPE_F32:
        if (count)
            memcpy(out, values, count * sizeof *values);
        break;
    case DTYPE_F64:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            double value = values[i];
            memcpy(bytes + i * sizeof value, &value, sizeof value);
        }
        break;
    case DTYPE_F16:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            uint16_t half = f32_to_f16(values[i]);
            memcpy(bytes + i * sizeof half, &half, sizeof half);
        }
        break;
    case DTYPE_BF16:
#pragma omp simd
        for (size_t i = 0; i < count; i++) {
            uint16_t half = f32_to_bf16(values[i]);
            memcpy(bytes + i * sizeof half, &half, sizeof half);
        }
        break;
    default:
        break;
    }
}

/* The exponent, which is all ones in what is not finite, as it lies in the upper two
 * bytes of an element. */
static uint16_t exponent_of(enum dtype dtype) {
    return dtype == DTYPE_F64 ? 0x7ff0 : dtype == DTYPE_F16 ? 0x7c00 : 0x7f80;
}

/* The first of count elements that is infinite or NaN, or count. */
static size_t find_not_finite(enum dtype dtype, const unsigned char *elements,
                              size_t count) {
    size_t size = dtype_size(dtype);
    uint16_t exponent = exponent_of(dtype), upper;
    const unsigned char *top = elements + size - sizeof upper;
    for (size_t i = 0; i < count; i++) {
        memcpy(&upper, top + i * size, sizeof upper);
        if ((upper & exponent) == exponent)
            return i;
    }
    return count;
}

/* A value that is not finite, or not any more, must not reach a file. */
int tensor_round(const char *name, enum dtype dtype, const float *values, size_t begin,
                 size_t count, void *out, struct error *error) {
    tensor_from_f32(dtype, values, count, out);
    size_t i = find_not_finite(dtype, out, count);
    if (i == count)
        return 0;
    if (isfinite(values[i]))
        return error_set(error, "%s: element %zu is %g, too large for %s", name,
                         begin + i, (double)values[i], dtype_entry_of(dtype)->name);
    return error_set(error, "%s: element %zu is %s", name, begin + i,
                     isnan(values[i]) ? "NaN" : "infinite");
}
