/* Vectors of LANES floats, and exp and the normal distribution on them.
 *
 * The functions are ours because libm's are scalar here. Accuracy in f32, checked
 * against f64 by tests/backend/test_cpu: exp 1.5e-7 relative; the normal
 * distribution function Phi 4e-7 (1 + x^2 / 2) relative, both tails. */

typedef float vf __attribute__((vector_size(LANES * 4)));
typedef int32_t vi __attribute__((vector_size(LANES * 4)));
typedef float vf_unaligned
    __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vf v_load(const float *from) {
    return *(const vf_unaligned *)from;
}

INLINE void v_store(float *to, vf x) {
    *(vf_unaligned *)to = x;
}

INLINE vf v_splat(float x) {
    return x - (vf){0};
}

/* The first count < LANES floats, the rest filled with `fill`. */
INLINE vf v_load_part(const float *from, size_t count, float fill) {
    float lanes[LANES];
    for (size_t i = 0; i < LANES; i++)
        lanes[i] = i < count ? from[i] : fill;
    return v_load(lanes);
}

INLINE void v_store_part(float *to, vf x, size_t count) {
    float lanes[LANES];
    v_store(lanes, x);
    for (size_t i = 0; i < count; i++)
        to[i] = lanes[i];
}

/* Past the caches; to is aligned to the vector. */
INLINE void v_stream(float *to, vf x) {
#if !defined(__x86_64__)
    v_store(to, x);
#elif LANES == 16
    _mm512_stream_ps(to, (__m512)x);
#elif LANES == 8
    _mm256_stream_ps(to, (__m256)x);
#else
    _mm_stream_ps(to, (__m128)x);
#endif
}

INLINE void v_stream_end(void) {
#ifdef __x86_64__
    _mm_sfence();
#endif
}

INLINE vf v_select(vi mask, vf yes, vf no) {
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* The greater; a NaN in b is dropped, one in a is kept. */
INLINE vf v_max(vf a, vf b) {
#if !defined(__x86_64__)
    return v_select((vi)(b > a), b, a);
#elif LANES == 16
    return (vf)_mm512_max_ps((__m512)b, (__m512)a);
#elif LANES == 8
    return (vf)_mm256_max_ps((__m256)b, (__m256)a);
#else
    return (vf)_mm_max_ps((__m128)b, (__m128)a);
#endif
}

/* The lesser, likewise. */
INLINE vf v_min(vf a, vf b) {
#if !defined(__x86_64__)
    return v_select((vi)(b < a), b, a);
#elif LANES == 16
    return (vf)_mm512_min_ps((__m512)b, (__m512)a);
#elif LANES == 8
    return (vf)_mm256_min_ps((__m256)b, (__m256)a);
#else
    return (vf)_mm_min_ps((__m128)b, (__m128)a);
#endif
}

INLINE vf v_sqrt(vf x) {
#if !defined(__x86_64__)
    for (size_t i = 0; i < LANES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#elif LANES == 16
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif LANES == 8
    return (vf)_mm256_sqrt_ps((__m256)x);
#else
    return (vf)_mm_sqrt_ps((__m128)x);
#endif
}

/* Lane i becomes lane (i + n) % LANES. */
#if LANES == 16
#define V_LANE(n, i) (((n) + (i)) % 16)
#define V_TURN(x, n)                                                                 \
    __builtin_shufflevector(x, x, V_LANE(n, 0), V_LANE(n, 1), V_LANE(n, 2),          \
                            V_LANE(n, 3), V_LANE(n, 4), V_LANE(n, 5), V_LANE(n, 6),  \
                            V_LANE(n, 7), V_LANE(n, 8), V_LANE(n, 9), V_LANE(n, 10), \
                            V_LANE(n, 11), V_LANE(n, 12), V_LANE(n, 13),             \
                            V_LANE(n, 14), V_LANE(n, 15))
#elif LANES == 8
#define V_LANE(n, i) (((n) + (i)) % 8)
#define V_TURN(x, n)                                                                \
    __builtin_shufflevector(x, x, V_LANE(n, 0), V_LANE(n, 1), V_LANE(n, 2),         \
                            V_LANE(n, 3), V_LANE(n, 4), V_LANE(n, 5), V_LANE(n, 6), \
                            V_LANE(n, 7))
#else
#define V_LANE(n, i) (((n) + (i)) % 4)
#define V_TURN(x, n)                                                        \
    __builtin_shufflevector(x, x, V_LANE(n, 0), V_LANE(n, 1), V_LANE(n, 2), \
                            V_LANE(n, 3))
#endif

/* Lanes 0 to n - 1. */
INLINE vi v_first(size_t n) {
    static const int32_t index[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                      8, 9, 10, 11, 12, 13, 14, 15};
    vi lane;
    memcpy(&lane, index, sizeof lane);
    return (vi)(lane < (int32_t)n);
}

/* Bit i is set where lane i, all ones or all zeros, is. */
INLINE unsigned v_bits(vi mask) {
#if !defined(__x86_64__)
    unsigned bits = 0;
    for (size_t i = 0; i < LANES; i++)
        bits |= (unsigned)(mask[i] & 1) << i;
    return bits;
#elif LANES == 16
    return _mm512_movepi32_mask((__m512i)mask);
#elif LANES == 8
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#else
    return (unsigned)_mm_movemask_ps((__m128)mask);
#endif
}

#if LANES == 8
/* LANES rows of LANES become columns. AVX2 moves within halves of a vector at no cost:
 * pairs, fours, and in the end halves change places. */
INLINE void v_transpose(vf rows[8]) {
    vf pairs[8], fours[8];
#pragma GCC unroll 4
    for (size_t i = 0; i < 8; i += 2) {
        vf a = rows[i], b = rows[i + 1];
        pairs[i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
        pairs[i + 1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        size_t from = i / 2 * 4 + i % 2, to = i / 2 * 4 + i % 2 * 2;
        vf a = pairs[from], b = pairs[from + 2];
        fours[to] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        fours[to + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        vf a = fours[i], b = fours[i + 4];
        rows[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        rows[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#else
/* Lane by lane a's and b's first halves, and their second halves. */
#if LANES == 16
#define V_LOW(a, b)                                                                   \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, \
                            23)
#define V_HIGH(a, b)                                                                \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, \
                            30, 15, 31)
#else
#define V_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define V_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/* LANES rows of LANES become columns. Each round turns the bits of (row, lane) by
 * one place; after log2(LANES) rounds row and lane have changed places. */
INLINE void v_transpose(vf rows[LANES]) {
#pragma GCC unroll 4
    for (size_t size = 1; size < LANES; size *= 2) {
        vf next[LANES];
#pragma GCC unroll 8
        for (size_t i = 0; i < LANES / 2; i++) {
            next[2 * i] = V_LOW(rows[i], rows[i + LANES / 2]);
            next[2 * i + 1] = V_HIGH(rows[i], rows[i + LANES / 2]);
        }
#pragma GCC unroll 16
        for (size_t i = 0; i < LANES; i++)
            rows[i] = next[i];
    }
}
#endif

/* Lanes are added by halves: always in the same order. */
INLINE float v_sum(vf x) {
#if LANES == 16
    x += V_TURN(x, 8);
#endif
#if LANES >= 8
    x += V_TURN(x, 4);
#endif
    x += V_TURN(x, 2);
    x += V_TURN(x, 1);
    return x[0];
}

INLINE float v_greatest(vf x) {
#if LANES == 16
    x = v_max(x, V_TURN(x, 8));
#endif
#if LANES >= 8
    x = v_max(x, V_TURN(x, 4));
#endif
    x = v_max(x, V_TURN(x, 2));
    x = v_max(x, V_TURN(x, 1));
    return x[0];
}

/* exp(x) = 2^n exp(r), |r| <= ln 2 / 2, exp(r) by a polynomial fitted to it on that
 * interval. Adding 1.5 * 2^23 rounds to an integer, whose low bits are then the
 * float's low bits. Under -87.3 (the least normal number) the result is 0,
 * from 88.4 on it is infinite. */
INLINE vf v_exp(vf x) {
    const vf low = v_splat(-87.33f);
    vi vanishes = (vi)(x < low);
    vf y = v_max(v_min(x, v_splat(88.7f)), low);
    vf t = y * 1.44269504f + 12582912.0f;
    vf n = t - 12582912.0f;
    vf r = y - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vf p = v_splat(0.0013814222f);
    p = p * r + 0.008368899f;
    p = p * r + 0.041668404f;
    p = p * r + 0.1666652f;
    p = p * r + 0.49999994f;
    p = (p * r) * r + r + 1.0f;
    /* A NaN stays one, whatever power of two its bits have turned into. */
    vf power = (vf)((((vi)t - 0x4b400000) + 127) << 23);
    return v_select(vanishes, v_splat(0.0f), p * power);
}

/* log(x) of normal numbers: from the exponent and a parabola of the mantissa, which is
 * 0.006 off at most, by one step of Halley's method, whose error is a twelfth of its
 * third power. */
INLINE vf v_log(vf x) {
    vi bits = (vi)x;
    vf m = (vf)((bits & 0x007fffff) | 0x3f800000);
    vf e = __builtin_convertvector((bits >> 23) - 127, vf);
    vf y = (e + (m - 1.0f) * (1.0f + 0.3465f * (2.0f - m))) * 0.69314718f;
    vf power = v_exp(y);
    return y + 2.0f * (x - power) / (x + power);
}

INLINE vf v_sigmoid(vf x) {
    return 1.0f / (1.0f + v_exp(-x));
}

/* Phi(x), with exp(-x^2 / 2) on the side. For x < 0, Phi(x) = exp(-x^2 / 2) q(t),
 * t = 1 / (1 + 0.35 |x|), q fitted to erfcx(|x| / sqrt(2)) / 2 for |x| <= 15 with a
 * relative error of 3.2e-8; Phi(-x) = 1 - Phi(x). */
INLINE vf v_phi(vf x, vf *gauss) {
    vf size = (vf)((vi)x & 0x7fffffff);
    vf t = 1.0f / (1.0f + 0.35f * size);
    vf q = v_splat(-0.029163806f);
    q = q * t + 0.14406024f;
    q = q * t - 0.25590074f;
    q = q * t + 0.15939167f;
    q = q * t - 0.023263017f;
    q = q * t + 0.10557447f;
    q = q * t + 0.11981557f;
    q = q * t + 0.13986433f;
    q = q * t + 0.13962126f;
    vf e = v_exp(x * x * -0.5f);
    *gauss = e;
    vf tail = e * q * t;
    return v_select((vi)(x < 0.0f), tail, 1.0f - tail);
}
