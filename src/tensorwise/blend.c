#include "tensorwise/blend.h"

#include <string.h>

#include "backend/simd/kernels.h"
#include "merge/ties.h"

typedef uint32_t bits_of_float __attribute__((may_alias));

static void trim_stretch(uint32_t low, uint32_t high, size_t count, float *x) {
    bits_of_float *bits = (bits_of_float *)x;
    const int32_t from = (int32_t)low, to = (int32_t)high;
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        int32_t magnitude = (int32_t)(bits[i] & INT32_MAX);
        bits[i] &= -(uint32_t)((magnitude >= from) & (magnitude <= to));
    }
}

/* What is outside the range becomes 0; from: the place of x[0]. The bounds change at
 * the cuts, of which most tensors have none inside. */
static void trim_range(const struct blend_bounds *bounds, size_t from, size_t count,
                       float *x) {
    const size_t cuts[2] = {bounds->low_cut, bounds->high_cut};
    for (size_t at = from, end = from + count, stop; at < end; at = stop) {
        stop = end;
        for (int k = 0; k < 2; k++)
            if (at < cuts[k] && cuts[k] < stop)
                stop = cuts[k];
        trim_stretch(bounds->low + (at >= bounds->low_cut),
                     bounds->high - (at >= bounds->high_cut), stop - at,
                     x + (at - from));
    }
}

static void trim(const struct blend *blend, size_t experts, size_t from, size_t count,
                 float *vectors, size_t stride) {
    for (size_t t = 0; t < experts; t++) {
        float *x = vectors + t * stride;
        if (blend->trim == BLEND_RANGE)
            trim_range(&blend->bounds[t], from, count, x);
        else
            ties_draw(blend->bounds[t].sequence, blend->keep, from, count, x, x);
    }
}

static void add_all(const struct blend *blend, size_t experts, size_t count,
                    const float *vectors, size_t stride, float *sum) {
    memset(sum, 0, count * sizeof *sum);
    for (size_t t = 0; t < experts; t++) {
        const float *x = vectors + t * stride, weight = (float)blend->weights[t];
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            sum[i] += weight * x[i];
    }
}

/* Whether the mean of the weighted entries is that of the entries as they are. */
static bool same_weights(const struct blend *blend, size_t experts) {
    bool same = blend->weights[0] > 0;
    for (size_t t = 1; t < experts; t++)
        same &= blend->weights[t] == blend->weights[0];
    return same;
}

/* As the kernel, divided by the weights of the entries that agree. */
static void weighted_mean(const struct blend *blend, size_t experts, size_t count,
                          const float *vectors, size_t stride, float *merged) {
    for (size_t i = 0; i < count; i++) {
        float sum = 0, agreeing = 0, divisor = 0;
        for (size_t t = 0; t < experts; t++)
            sum += vectors[t * stride + i];
        bool positive = sum >= 0;
        for (size_t t = 0; t < experts; t++) {
            float x = vectors[t * stride + i];
            if (positive ? x > 0 : x < 0) {
                agreeing += x;
                divisor += (float)blend->weights[t];
            }
        }
        merged[i] = divisor != 0 ? agreeing / divisor : agreeing;
    }
}

static void elect(const struct blend *blend, size_t experts, size_t count,
                  float *vectors, size_t stride, float *merged) {
    bool mean = blend->sum == BLEND_MEAN, same = same_weights(blend, experts);
    int32_t least[MODELS_MAX];
    for (size_t t = 0; t < experts; t++) {
        float *x = vectors + t * stride, weight = (float)blend->weights[t];
        least[t] = 1;
        if (weight == 1 || (mean && same))
            continue;
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            x[i] *= weight;
    }
    if (mean && !same) {
        weighted_mean(blend, experts, count, vectors, stride, merged);
        return;
    }
    const struct ties_stretch stretch = {.vectors = vectors,
                                         .stride = stride,
                                         .tasks = experts,
                                         .count = count,
                                         .least = least,
                                         .mean = mean,
                                         .zero_positive = true,
                                         .merged = merged};
    kernels_best()->ties(&stretch);
}

void blend_block(const struct blend *blend, size_t experts, size_t from, size_t count,
                 float *base, float *vectors, size_t stride, float *room) {
    const float *merged = room;
    if (blend->sum == BLEND_MADE) {
        merged = blend->made + from;
    } else {
        if (blend->trim != BLEND_KEEP)
            trim(blend, experts, from, count, vectors, stride);
        if (blend->sum == BLEND_ALL)
            add_all(blend, experts, count, vectors, stride, room);
        else
            elect(blend, experts, count, vectors, stride, room);
    }
    const float own = (float)blend->base, scale = (float)blend->scale;
    if (own == 1) {
#pragma omp simd
        for (size_t i = 0; i < count; i++)
            base[i] += scale * merged[i];
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        base[i] = own * base[i] + scale * merged[i];
}
