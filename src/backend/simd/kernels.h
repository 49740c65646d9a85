/* The CPU backend's inner loops, compiled once for each instruction set from the
 * same source (simd/baseline.c, simd/x86_64_v3.c, simd/x86_64_v4.c) and chosen
 * when the backend is opened. They use one thread, allocate nothing and cannot
 * fail; the cpu_*.c files divide the work among threads. */
#ifndef PWEMOE_BACKEND_SIMD_KERNELS_H
#define PWEMOE_BACKEND_SIMD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/adam.h"
#include "backend/backend.h"

/* Longest sequences that are short: the scores of a vector's heads fit the second
 * cache. */
enum { SHORT_TOKENS = 36, MOST_LANES = 16 };

/* One head of one sequence. Rows of q, k, v (and of their gradients) lie
 * qkv_stride apart, rows of out and dout out_stride apart. */
struct attention_head {
    size_t tokens, width;
    size_t qkv_stride, out_stride;
    bool causal;
    const float *q, *k, *v;
    float *out;      /* written by forward, read by backward */
    float *log_sums; /* [tokens], likewise */
    const float *dout;
    float *dq, *dk, *dv;
    float *scratch; /* at least attention_scratch() floats */
};

/* Magnitudes of f32 numbers are in the order of their bits as integers, without the
 * sign; those from low to high are counted in bins of 2^shift. */
struct magnitude_bins {
    int32_t low, high;
    unsigned shift;
    uint64_t *counts; /* added to */
};

/* A stretch of task vectors for which each task has one threshold (merge/ties.h). */
struct ties_stretch {
    const float *vectors; /* [tasks], stride apart */
    size_t stride, tasks, count;
    const int32_t *least; /* [tasks] bits of the least magnitude kept, at least 1 */
    bool mean;            /* of the entries that agree, not their sum */
    bool zero_positive;   /* the sign elected by a sum of 0 */
    float *merged;        /* [count] */
};

/* How many sums of a stretch have which sign, and whether one of entries that are not
 * 0 is 0. */
struct ties_signs {
    size_t positive, negative;
    bool cancelled;
};

struct kernels {
    const char *instruction_set;
    bool (*usable)(void); /* on this processor */

    void (*activation)(float *y, const float *x, size_t count, enum activation kind);
    void (*activation_backward)(float *dx, const float *dy, const float *x,
                                size_t count, enum activation kind);
    /* x = c + bias (bias may be NULL); before (may be NULL) = x; c = kind(x). */
    void (*bias_activation)(float *c, float *before, const float *bias, size_t count,
                            enum activation kind);
    void (*add)(float *to, const float *x, size_t count);

    void (*layer_norm_row)(float *y, float *mean, float *rstd, const float *x,
                           const float *gamma, const float *beta, size_t width,
                           float epsilon);
    void (*layer_norm_backward_row)(float *dx, const float *dy, const float *x,
                                    float mean, float rstd, const float *gamma,
                                    size_t width);
    /* Both over `columns` columns of rows that lie `stride` apart; added to. */
    void (*layer_norm_gradient)(float *dgamma, float *dbeta, const float *dy,
                                const float *x, const float *mean, const float *rstd,
                                size_t rows, size_t stride, size_t columns);
    void (*column_sums)(float *sums, const float *x, size_t rows, size_t stride,
                        size_t columns);
    void (*l2_normalise_row)(float *y, float *norm, const float *x, size_t width);
    void (*l2_normalise_backward_row)(float *dx, const float *dy, const float *y,
                                      float norm, size_t width);
    /* dlogits may be NULL. */
    void (*cross_entropy_row)(float *loss, float *dlogits, const float *logits,
                              size_t label, float scale, size_t classes);
    /* dlogits may be NULL. */
    void (*divergence_row)(float *loss, float *dlogits, const float *logits,
                           const float *wanted, float scale, size_t classes);
    /* dlogits may be NULL. */
    void (*entropy_row)(float *loss, float *dlogits, const float *logits, float scale,
                        size_t classes);

    /* Floats of scratch that one head needs. */
    size_t (*attention_scratch)(size_t tokens, size_t width, bool backward);
    void (*attention)(const struct attention_head *head);
    void (*attention_backward)(const struct attention_head *head);
    /* The same of up to `lanes` heads of one shape at a time, of at most SHORT_TOKENS
     * tokens. heads[0].scratch is that of all, attention_short_scratch() floats;
     * heads[].out is not read by backward. */
    size_t lanes; /* floats in a vector */
    size_t (*attention_short_scratch)(size_t tokens, size_t width, bool backward);
    void (*attention_short)(const struct attention_head *heads, size_t count);
    void (*attention_short_backward)(const struct attention_head *heads, size_t count);

    /* out = base + sum_t weights[t] * vectors[t * stride ...]; out aligned to 64
     * bytes. stream: write past the caches. */
    void (*merge)(float *out, const float *base, const float *vectors, size_t stride,
                  size_t tasks, const float *weights, size_t count, bool stream);
    /* sums[g * tasks + t] += <gradient[g], vectors[t]>. */
    void (*products)(double *sums, const float *gradient, size_t gradient_stride,
                     size_t groups, const float *vectors, size_t stride, size_t tasks,
                     size_t count);

    void (*adam)(float *parameters, float *compute, const float *gradient, float *first,
                 float *second, size_t count, const struct adam_factors *factors);
    void (*add_scaled)(float *to, const float *x, float scale, size_t count);
    void (*add_squares)(float *to, const float *x, float scale, size_t count);
    /* to [m, n] += scale (A^T b)^2, element by element; a [depth] rows, lda apart, of
     * which the first m elements count; b [depth, n]. */
    void (*add_squared_product)(float *to, const float *a, size_t lda, const float *b,
                                float scale, size_t depth, size_t m, size_t n);

    /* Returns how many of count <= 2^30 magnitudes are below the bins. */
    size_t (*count_magnitudes)(const float *x, size_t count,
                               const struct magnitude_bins *bins);
    /* Every set gives the same bits. */
    struct ties_signs (*ties)(const struct ties_stretch *stretch);
};

extern const struct kernels kernels_baseline;
#ifdef __x86_64__
extern const struct kernels kernels_x86_64_v3;
extern const struct kernels kernels_x86_64_v4;
#endif

/* The fastest set that this processor has. */
const struct kernels *kernels_best(void);

#endif
