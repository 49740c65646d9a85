/* Cross-entropy, divergence, entropy and argmax on f32 logits: a warp for each row. */
#include <math.h>

#include "cuda.h"
#include "element.h"

enum { ROWS = 4 };

template <class T>
static __global__ void cross_entropy_kernel(float *loss, T *dlogits,
                                            const float *logits, const int32_t *labels,
                                            const float *scale, size_t rows,
                                            size_t classes) {
    size_t row = (size_t)blockIdx.x * ROWS + threadIdx.y;
    if (row >= rows)
        return;
    const float *x = logits + row * classes;
    T *d = dlogits ? dlogits + row * classes : NULL;
    bool known = labels[row] >= 0 && (size_t)labels[row] < classes;
    size_t label = known ? (size_t)labels[row] : 0;
    float greatest = -INFINITY, sum = 0;
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        greatest = fmaxf(greatest, x[i]);
    greatest = warp_greatest(greatest);
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        sum += expf(x[i] - greatest);
    sum = warp_sum(sum);
    if (threadIdx.x == 0)
        loss[row] = known ? logf(sum) + (greatest - x[label]) : NAN;
    if (!d)
        return;
    float by = known ? scale[row] : NAN;
    for (size_t i = threadIdx.x; i < classes; i += WARP) {
        float p = expf(x[i] - greatest) / sum;
        d[i] = narrow<T>(by * (p - (i == label ? 1.0f : 0.0f)));
    }
}

template <class T>
static void cross_entropy(struct backend *backend, float *loss, real *dlogits,
                          const float *logits, const int32_t *labels,
                          const float *scale, size_t rows, size_t classes) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || classes == 0)
        return;
    auto kernel = cross_entropy_kernel<T>;
    LAUNCH(cuda, kernel, (unsigned)((rows + ROWS - 1) / ROWS), dim3(WARP, ROWS), 0,
           loss, typed<T>(dlogits), logits, labels, scale, rows, classes);
}

/* The greatest of a row, and the sum of the exponentials of what it is less. */
static __device__ float row_exp_sum(const float *x, size_t classes, float *greatest) {
    float top = -INFINITY, sum = 0;
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        top = fmaxf(top, x[i]);
    top = warp_greatest(top);
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        sum += expf(x[i] - top);
    *greatest = top;
    return warp_sum(sum);
}

template <class T>
static __global__ void divergence_kernel(float *loss, T *dlogits, const float *logits,
                                         const float *wanted, size_t count,
                                         const int32_t *index, const float *scale,
                                         size_t rows, size_t classes) {
    size_t row = (size_t)blockIdx.x * ROWS + threadIdx.y;
    if (row >= rows)
        return;
    const float *x = logits + row * classes;
    T *d = dlogits ? dlogits + row * classes : NULL;
    bool known = index[row] >= 0 && (size_t)index[row] < count;
    const float *w = known ? wanted + (size_t)index[row] * classes : x;
    float top, top_wanted, total = 0;
    float sum = row_exp_sum(x, classes, &top);
    float sum_wanted = row_exp_sum(w, classes, &top_wanted);
    float by = d && known ? scale[row] : NAN;
    for (size_t i = threadIdx.x; i < classes; i += WARP) {
        float p = expf(w[i] - top_wanted) / sum_wanted;
        total += p * ((w[i] - top_wanted) - (x[i] - top));
        if (d)
            d[i] = narrow<T>(by * (expf(x[i] - top) / sum - p));
    }
    total = warp_sum(total);
    if (threadIdx.x == 0)
        loss[row] = known ? total + (logf(sum) - logf(sum_wanted)) : NAN;
}

template <class T>
static void divergence(struct backend *backend, float *loss, real *dlogits,
                       const float *logits, const float *wanted, size_t count,
                       const int32_t *index, const float *scale, size_t rows,
                       size_t classes) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || classes == 0)
        return;
    auto kernel = divergence_kernel<T>;
    LAUNCH(cuda, kernel, (unsigned)((rows + ROWS - 1) / ROWS), dim3(WARP, ROWS), 0,
           loss, typed<T>(dlogits), logits, wanted, count, index, scale, rows, classes);
}

template <class T>
static __global__ void entropy_kernel(float *loss, T *dlogits, const float *logits,
                                      const float *scale, size_t rows, size_t classes) {
    size_t row = (size_t)blockIdx.x * ROWS + threadIdx.y;
    if (row >= rows)
        return;
    const float *x = logits + row * classes;
    T *d = dlogits ? dlogits + row * classes : NULL;
    float top, mean = 0, sum = row_exp_sum(x, classes, &top);
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        mean += expf(x[i] - top) / sum * (x[i] - top);
    mean = warp_sum(mean);
    if (threadIdx.x == 0)
        loss[row] = logf(sum) - mean;
    if (!d)
        return;
    for (size_t i = threadIdx.x; i < classes; i += WARP)
        d[i] = narrow<T>(scale[row] * (expf(x[i] - top) / sum) * (mean - (x[i] - top)));
}

template <class T>
static void entropy(struct backend *backend, float *loss, real *dlogits,
                    const float *logits, const float *scale, size_t rows,
                    size_t classes) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || classes == 0)
        return;
    auto kernel = entropy_kernel<T>;
    LAUNCH(cuda, kernel, (unsigned)((rows + ROWS - 1) / ROWS), dim3(WARP, ROWS), 0,
           loss, typed<T>(dlogits), logits, scale, rows, classes);
}

static __global__ void argmax_kernel(int32_t *out, const float *logits, size_t rows,
                                     size_t classes) {
    size_t row = (size_t)blockIdx.x * ROWS + threadIdx.y;
    if (row >= rows)
        return;
    const float *x = logits + row * classes;
    float best = -INFINITY;
    int at = 0x7fffffff, nan = 0;
    for (size_t i = threadIdx.x; i < classes; i += WARP) {
        nan |= x[i] != x[i];
        if (x[i] > best || at == 0x7fffffff) {
            best = x[i];
            at = (int)i;
        }
    }
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2) {
        float other = __shfl_xor_sync(0xffffffffu, best, step);
        int other_at = __shfl_xor_sync(0xffffffffu, at, step);
        nan |= __shfl_xor_sync(0xffffffffu, nan, step);
        if (other > best || (other == best && other_at < at)) {
            best = other;
            at = other_at;
        }
    }
    if (threadIdx.x == 0)
        out[row] = nan ? -1 : at;
}

static void argmax(struct backend *backend, int32_t *out, const float *logits,
                   size_t rows, size_t classes) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda && rows > 0 && classes > 0)
        LAUNCH(cuda, argmax_kernel, (unsigned)((rows + ROWS - 1) / ROWS),
               dim3(WARP, ROWS), 0, out, logits, rows, classes);
}

void cuda_fill_losses(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->cross_entropy = narrow_type ? cross_entropy<bf16> : cross_entropy<float>;
    table->divergence = narrow_type ? divergence<bf16> : divergence<float>;
    table->entropy = narrow_type ? entropy<bf16> : entropy<float>;
    table->argmax = argmax;
}
