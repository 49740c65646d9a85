/* One thread for each 16 bytes, with a grid's stride; the last few elements, or all
 * where a pointer is not aligned, one by one. */
#include <math.h>
#include <string.h>

#define ROUNDING static __device__ __forceinline__

#include "cuda.h"
#include "element.h"

#include "backend/adam.h" /* after cuda.h, which has __device__ */

enum { THREADS = 256 };

/* Where the result is narrowed to bf16 (a unit of 2^-8), exp and division as the
 * hardware has them (some 2^-20): an activation is then bound by memory, else by the
 * instructions. Emulated, both are the exact ones. */
template <class T> static __device__ __forceinline__ float sigmoid(float x) {
#ifndef PWEMOE_EMULATION
    if (sizeof(T) == 2)
        return __fdividef(1.0f, 1.0f + __expf(-x));
#endif
    return 1.0f / (1.0f + expf(-x));
}

/* x sigmoid(2 u) is x/2 (1 + tanh(u)); u = sqrt(2/pi) (x + 0.044715 x^3). */
static __device__ __forceinline__ float gelu_argument(float x) {
    return 1.5957691216f * (x + 0.044715f * x * x * x);
}

template <class T, int kind> static __device__ __forceinline__ float activate(float x) {
    switch (kind) {
    case ACTIVATION_GELU:
        return x * 0.5f * erfcf(x * -0.70710678119f);
    case ACTIVATION_GELU_TANH:
        return x * sigmoid<T>(gelu_argument(x));
    case ACTIVATION_QUICK_GELU:
        return x * sigmoid<T>(1.702f * x);
    case ACTIVATION_RELU: /* NaN is not < 0, so it stays */
        return x < 0 ? 0 : x;
    case ACTIVATION_NONE:
        break;
    }
    return x;
}

template <class T, int kind>
static __device__ __forceinline__ float activation_slope(float x) {
    float s;
    switch (kind) {
    case ACTIVATION_GELU:
        return 0.5f * erfcf(x * -0.70710678119f) +
               x * 0.3989422804f * expf(-0.5f * x * x);
    case ACTIVATION_GELU_TANH:
        s = sigmoid<T>(gelu_argument(x));
        return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
    case ACTIVATION_QUICK_GELU:
        s = sigmoid<T>(1.702f * x);
        return s + 1.702f * x * s * (1.0f - s);
    case ACTIVATION_RELU: /* x * 0 keeps a NaN */
        return x > 0 ? 1 : x * 0;
    case ACTIVATION_NONE:
        break;
    }
    return 1;
}

/* A kernel for each activation, chosen where it is launched: a switch in every element
 * costs more than what it chooses. KERNEL<T, V, kind> */
#define FOR_KIND(kernel, kind, T, V)                                         \
    ((kind) == ACTIVATION_GELU         ? kernel<T, V, ACTIVATION_GELU>       \
     : (kind) == ACTIVATION_GELU_TANH  ? kernel<T, V, ACTIVATION_GELU_TANH>  \
     : (kind) == ACTIVATION_QUICK_GELU ? kernel<T, V, ACTIVATION_QUICK_GELU> \
     : (kind) == ACTIVATION_RELU       ? kernel<T, V, ACTIVATION_RELU>       \
                                       : kernel<T, V, ACTIVATION_NONE>)

/* The loop of every kernel here: whole(i) for V elements, single(i) for one. */
template <int V, class Whole, class Single>
static __device__ __forceinline__ void each(size_t count, Whole whole, Single single) {
    size_t step = (size_t)gridDim.x * blockDim.x * V;
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step)
        if (i + V <= count)
            whole(i);
        else
            for (size_t j = i; j < count; j++)
                single(j);
}

template <class T, int V>
static __global__ void add_kernel(T *to, const T *x, size_t count) {
    each<V>(
        count,
        [=](size_t i) {
            float a[V], b[V];
            load<T, V>(a, to + i);
            load<T, V>(b, x + i);
            for (int j = 0; j < V; j++)
                a[j] += b[j];
            store<T, V>(to + i, a);
        },
        [=](size_t i) { to[i] = narrow<T>(widen(to[i]) + widen(x[i])); });
}

template <class T>
static void add(struct backend *backend, real *to, const real *x, size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0)
        return;
    bool aligned = all_aligned(to, x);
    auto kernel = aligned ? add_kernel<T, wide<T>> : add_kernel<T, 1>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(to), typed<T>(x), count);
}

template <class T, int V, int kind>
static __global__ void activation_kernel(T *y, const T *x, size_t count) {
    each<V>(
        count,
        [=](size_t i) {
            float a[V];
            load<T, V>(a, x + i);
            for (int j = 0; j < V; j++)
                a[j] = activate<T, kind>(a[j]);
            store<T, V>(y + i, a);
        },
        [=](size_t i) { y[i] = narrow<T>(activate<T, kind>(widen(x[i]))); });
}

template <class T>
static void activation(struct backend *backend, real *y, const real *x, size_t count,
                       enum activation kind) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0)
        return;
    bool aligned = all_aligned(y, x);
    auto kernel = aligned ? FOR_KIND(activation_kernel, kind, T, wide<T>)
                          : FOR_KIND(activation_kernel, kind, T, 1);
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(y), typed<T>(x), count);
}

template <class T, int V, int kind>
static __global__ void activation_backward_kernel(T *dx, const T *dy, const T *x,
                                                  size_t count) {
    each<V>(
        count,
        [=](size_t i) {
            float a[V], g[V];
            load<T, V>(a, x + i);
            load<T, V>(g, dy + i);
            for (int j = 0; j < V; j++)
                g[j] *= activation_slope<T, kind>(a[j]);
            store<T, V>(dx + i, g);
        },
        [=](size_t i) {
            dx[i] = narrow<T>(widen(dy[i]) * activation_slope<T, kind>(widen(x[i])));
        });
}

template <class T>
static void activation_backward(struct backend *backend, real *dx, const real *dy,
                                const real *x, size_t count, enum activation kind) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0)
        return;
    bool aligned = all_aligned(dx, dy, x);
    auto kernel = aligned ? FOR_KIND(activation_backward_kernel, kind, T, wide<T>)
                          : FOR_KIND(activation_backward_kernel, kind, T, 1);
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(dx), typed<T>(dy), typed<T>(x), count);
}

/* --- what follows a product ------------------------------------------------ */
/* A block has FINISH_ROWS rows of threads, each with one row at a time (dividing places
 * by the width would cost more than what is done there); V divides width and stride. */
enum { FINISH_ROWS = 4, FINISH_THREADS = 64 };

template <class T, int V, int kind>
static __global__ void finish_kernel(T *c, T *before, const T *from, const T *bias,
                                     size_t rows, size_t width, size_t stride) {
    size_t row = (size_t)blockIdx.x * FINISH_ROWS + threadIdx.y;
    for (; row < rows; row += (size_t)gridDim.x * FINISH_ROWS)
        for (size_t column = threadIdx.x * V; column < width;
             column += FINISH_THREADS * V) {
            size_t at = row * stride + column;
            float x[V], b[V];
            load<T, V>(x, from + at);
            if (bias) {
                load<T, V>(b, bias + column);
                for (int j = 0; j < V; j++)
                    x[j] += b[j];
            }
            if (before)
                store<T, V>(before + at, x);
            for (int j = 0; j < V; j++)
                x[j] = activate<T, kind>(x[j]);
            store<T, V>(c + at, x);
        }
}

template <class T>
static void finish(struct cuda *cuda, T *c, T *before, const T *from, const T *bias,
                   size_t rows, size_t width, size_t stride, enum activation kind) {
    bool aligned = all_aligned(c, before, from, bias) && width % wide<T> == 0 &&
                   stride % wide<T> == 0;
    auto kernel = aligned ? FOR_KIND(finish_kernel, kind, T, wide<T>)
                          : FOR_KIND(finish_kernel, kind, T, 1);
    LAUNCH(cuda, kernel, cuda_blocks(cuda, rows, FINISH_ROWS),
           dim3(FINISH_THREADS, FINISH_ROWS), 0, c, before, from, bias, rows, width,
           stride);
}

void cuda_finish_product(struct cuda *cuda, real *c, real *before, const real *from,
                         const real *bias, size_t rows, size_t width, size_t stride,
                         enum activation kind) {
    if (cuda->table.precision == PRECISION_BF16)
        finish<bf16>(cuda, typed<bf16>(c), typed<bf16>(before), typed<bf16>(from),
                     typed<bf16>(bias), rows, width, stride, kind);
    else
        finish<float>(cuda, typed<float>(c), typed<float>(before), typed<float>(from),
                      typed<float>(bias), rows, width, stride, kind);
}

template <class T>
static __global__ void add_bias_kernel(float *c, const T *bias, size_t count,
                                       size_t width, size_t stride) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        c[i / width * stride + i % width] += widen(bias[i % width]);
}

void cuda_add_bias_f32(struct cuda *cuda, float *c, const real *bias, size_t rows,
                       size_t width, size_t stride) {
    size_t count = rows * width;
    if (cuda->table.precision == PRECISION_BF16)
        LAUNCH(cuda, add_bias_kernel<bf16>, cuda_blocks(cuda, count, THREADS), THREADS,
               0, c, typed<bf16>(bias), count, width, stride);
    else
        LAUNCH(cuda, add_bias_kernel<float>, cuda_blocks(cuda, count, THREADS), THREADS,
               0, c, typed<float>(bias), count, width, stride);
}

/* --- the optimiser, on f32 -------------------------------------------------- */
template <class T>
static __global__ void adam_kernel(float *parameters, T *compute, const float *gradient,
                                   float *first, float *second, size_t count,
                                   struct adam_factors f) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count;
         i += step) {
        float g = gradient[i];
        float m = first[i] * f.beta1 + g * (1.0f - f.beta1);
        float v = second[i] * f.beta2 + g * g * (1.0f - f.beta2);
        float root = sqrtf(v) * f.root_correction + f.epsilon;
        float p = parameters[i] * f.keep - f.step * (m / root);
        first[i] = m;
        second[i] = v;
        parameters[i] = p;
        if (compute)
            compute[i] = narrow<T>(p);
    }
}

template <class T>
static void adam_step(struct backend *backend, float *parameters, real *compute,
                      const float *gradient, float *first, float *second, size_t count,
                      const struct adam *settings) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0)
        return;
    struct adam_factors f = adam_factors_of(settings);
    auto kernel = adam_kernel<T>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS), THREADS, 0, parameters,
           typed<T>(compute), gradient, first, second, count, f);
}

static __global__ void add_scaled_kernel(float *to, const float *x, float scale,
                                         size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] += scale * x[i];
}

static void add_scaled(struct backend *backend, float *to, const float *x, float scale,
                       size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && count > 0)
        LAUNCH(cuda, add_scaled_kernel, cuda_blocks(cuda, count, THREADS), THREADS, 0,
               to, x, scale, count);
}

struct sum_weights {
    float of[ROUTE_TASKS_MAX];
};

template <int V>
static __global__ void weighted_sum_kernel(float *out, const float *x, size_t apart,
                                           struct sum_weights weights, int vectors,
                                           size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x * V;
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step) {
        float sum[V] = {}, a[V];
#pragma unroll 4 /* loads on their way at a time */
        for (int v = 0; v < vectors; v++) {
            load<float, V>(a, x + (size_t)v * apart + i);
#pragma unroll
            for (int k = 0; k < V; k++)
                sum[k] += weights.of[v] * a[k];
        }
        store<float, V>(out + i, sum);
    }
}

static void weighted_sum(struct backend *backend, float *out, const float *x,
                         size_t apart, const float *weights, size_t vectors,
                         size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0)
        return;
    struct sum_weights w = {};
    memcpy(w.of, weights, vectors * sizeof *weights);
    bool aligned = count % 4 == 0 && apart % 4 == 0 && all_aligned(out, x);
    auto kernel = aligned ? weighted_sum_kernel<4> : weighted_sum_kernel<1>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? 4 : 1)), THREADS,
           0, out, x, apart, w, (int)vectors, count);
}

template <class T>
static __global__ void narrow_kernel(T *to, const float *x, size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] = narrow<T>(x[i]);
}

template <class T>
static void narrow_values(struct backend *backend, real *to, const float *x,
                          size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    auto kernel = narrow_kernel<T>;
    if (cuda && count > 0)
        LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS), THREADS, 0,
               typed<T>(to), x, count);
}

static __global__ void add_squares_kernel(float *to, const float *x, float scale,
                                          size_t count) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step)
        to[i] += scale * (x[i] * x[i]);
}

static void add_squares(struct backend *backend, float *to, const float *x, float scale,
                        size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && count > 0)
        LAUNCH(cuda, add_squares_kernel, cuda_blocks(cuda, count, THREADS), THREADS, 0,
               to, x, scale, count);
}

template <class T>
static __global__ void round_kernel(T *x, size_t count, enum rounding to) {
    size_t step = (size_t)gridDim.x * blockDim.x;
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < count;
         i += step) {
        float value = widen(x[i]);
        x[i] =
            narrow<T>(to == ROUNDING_BF16 ? round_to_bf16(value) : round_to_f16(value));
    }
}

template <class T>
static void round_values(struct backend *backend, real *x, size_t count,
                         enum rounding to) {
    struct cuda *cuda = cuda_ready(backend);
    auto kernel = round_kernel<T>;
    if (cuda && count > 0 && !(sizeof(T) == 2 && to == ROUNDING_BF16))
        LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS), THREADS, 0,
               reinterpret_cast<T *>(x), count, to);
}

void cuda_fill_elementwise(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->add = narrow_type ? add<bf16> : add<float>;
    table->activation = narrow_type ? activation<bf16> : activation<float>;
    table->activation_backward =
        narrow_type ? activation_backward<bf16> : activation_backward<float>;
    table->adam = narrow_type ? adam_step<bf16> : adam_step<float>;
    table->add_scaled = add_scaled;
    table->weighted_sum = weighted_sum;
    table->narrow = narrow_type ? narrow_values<bf16> : narrow_values<float>;
    table->round_values = narrow_type ? round_values<bf16> : round_values<float>;
    table->add_squares = add_squares;
}
