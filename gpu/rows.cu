/* Norms: a warp for each row. Sums over rows: blocks of 32 or 128 columns by runs of
 * rows, then a second pass over the runs, so that results never depend on timing. */
#include "cuda.h"
#include "element.h"

enum { ROWS = 4, STRIP_ROWS = 8 }; /* rows of threads in a block */
enum { COLUMNS = 4 };              /* that a thread sums where it may */

/* The row of the calling warp; rows or more where there is none. */
static __device__ __forceinline__ size_t warp_row(void) {
    return (size_t)blockIdx.x * ROWS + threadIdx.y;
}

static unsigned row_blocks(size_t rows) {
    return (unsigned)((rows + ROWS - 1) / ROWS);
}

/* Rows begin aligned where the width is a whole number of 16 bytes. */
template <class T, class... P> static bool rows_aligned(size_t width, P... pointers) {
    return width % wide<T> == 0 && all_aligned(pointers...);
}

/* A row as a lane has it, pack by pack. HELD packs stay in registers from the first
 * pass over them on; 0: each pass reads them again. */
template <class T, int V, int HELD> struct row {
    const T *from;
    pack<T, V> packs[HELD > 0 ? HELD : 1];

    __device__ __forceinline__ void fetch(size_t i, int k) {
        packs[HELD > 0 ? k : 0] = *reinterpret_cast<const pack<T, V> *>(from + i);
    }

    __device__ __forceinline__ void get(float (&to)[V], size_t i, int k) {
        if (HELD == 0)
            fetch(i, 0);
#pragma unroll
        for (int j = 0; j < V; j++)
            to[j] = packs[HELD > 0 ? k : 0].get(j);
    }
};

/* each(i, k) for the lane's k-th pack of a row, which begins at element i. */
template <int V, int HELD, class Each>
static __device__ __forceinline__ void each_pack(size_t width, Each each) {
    size_t first = threadIdx.x * V;
    if (HELD > 0) {
#pragma unroll
        for (int k = 0; k < HELD; k++)
            if (first + (size_t)k * WARP * V < width)
                each(first + (size_t)k * WARP * V, k);
    } else {
        for (size_t i = first; i < width; i += WARP * V)
            each(i, 0);
    }
}

/* How many packs of a row a lane holds: 4 or 8, 0 where there are more. */
template <class T> static size_t packs_held(const struct cuda *cuda, size_t width) {
    size_t packs = (width + WARP * wide<T> - 1) / (WARP * wide<T>);
    return !cuda->tuning.held || packs > 8 ? 0 : packs > 4 ? 8 : 4;
}

template <class T, int V, int HELD>
static __global__ void layer_norm_kernel(T *y, float *mean, float *rstd, const T *x,
                                         const T *gamma, const T *beta, size_t rows,
                                         size_t width, float epsilon) {
    size_t at = warp_row();
    if (at >= rows)
        return;
    struct row<T, V, HELD> row = {
        x + at *width, {
        }
    };
    y += at * width;
    if (HELD > 0)
        each_pack<V, HELD>(width, [&](size_t i, int k) { row.fetch(i, k); });
    float sum = 0, squares = 0, a[V], g[V], b[V];
    each_pack<V, HELD>(width, [&](size_t i, int k) {
        row.get(a, i, k);
        for (int j = 0; j < V; j++)
            sum += a[j];
    });
    float m = warp_sum(sum) / (float)width;
    each_pack<V, HELD>(width, [&](size_t i, int k) {
        row.get(a, i, k);
        for (int j = 0; j < V; j++)
            squares += (a[j] - m) * (a[j] - m);
    });
    float r = 1.0f / sqrtf(warp_sum(squares) / (float)width + epsilon);
    each_pack<V, HELD>(width, [&](size_t i, int k) {
        row.get(a, i, k);
        load<T, V>(g, gamma + i);
        load<T, V>(b, beta + i);
        for (int j = 0; j < V; j++)
            a[j] = (a[j] - m) * r * g[j] + b[j];
        store<T, V>(y + i, a);
    });
    if (threadIdx.x == 0) {
        mean[at] = m;
        rstd[at] = r;
    }
}

template <class T>
static void layer_norm(struct backend *backend, real *y, float *mean, float *rstd,
                       const real *x, const real *gamma, const real *beta, size_t rows,
                       size_t width, float epsilon) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || width == 0)
        return;
    size_t held = packs_held<T>(cuda, width);
    auto kernel = !rows_aligned<T>(width, y, x, gamma, beta)
                      ? layer_norm_kernel<T, 1, 0>
                  : held == 4 ? layer_norm_kernel<T, wide<T>, 4>
                  : held == 8 ? layer_norm_kernel<T, wide<T>, 8>
                              : layer_norm_kernel<T, wide<T>, 0>;
    LAUNCH(cuda, kernel, row_blocks(rows), dim3(WARP, ROWS), 0, typed<T>(y), mean, rstd,
           typed<T>(x), typed<T>(gamma), typed<T>(beta), rows, width, epsilon);
}

/* With h = (x - mean) rstd and g = dy gamma:
 * dx += rstd (g - mean(g) - h mean(g h)). */
template <class T, int V, int HELD>
static __global__ void layer_norm_backward_kernel(T *dx, const T *dy, const T *x,
                                                  const float *mean, const float *rstd,
                                                  const T *gamma, size_t rows,
                                                  size_t width) {
    size_t at = warp_row();
    if (at >= rows)
        return;
    struct row<T, V, HELD> from = {x + at * width, {}}, slope = {
        dy + at *width, {
        }
    };
    dx += at * width;
    if (HELD > 0)
        each_pack<V, HELD>(width, [&](size_t i, int k) {
            from.fetch(i, k);
            slope.fetch(i, k);
        });
    float m = mean[at], r = rstd[at], sum_g = 0, sum_gh = 0;
    float a[V], d[V], g[V], old[V];
    each_pack<V, HELD>(width, [&](size_t i, int k) {
        from.get(a, i, k);
        slope.get(d, i, k);
        load<T, V>(g, gamma + i);
        for (int j = 0; j < V; j++) {
            sum_g += d[j] * g[j];
            sum_gh += d[j] * g[j] * ((a[j] - m) * r);
        }
    });
    float mean_g = warp_sum(sum_g) / (float)width;
    float mean_gh = warp_sum(sum_gh) / (float)width;
    each_pack<V, HELD>(width, [&](size_t i, int k) {
        from.get(a, i, k);
        slope.get(d, i, k);
        load<T, V>(g, gamma + i);
        load<T, V>(old, dx + i);
        for (int j = 0; j < V; j++)
            old[j] += r * (d[j] * g[j] - mean_g - (a[j] - m) * r * mean_gh);
        store<T, V>(dx + i, old);
    });
}

template <class T>
static void layer_norm_backward(struct backend *backend, real *dx, const real *dy,
                                const real *x, const float *mean, const float *rstd,
                                const real *gamma, size_t rows, size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || width == 0)
        return;
    size_t held = packs_held<T>(cuda, width);
    auto kernel = !rows_aligned<T>(width, dx, dy, x, gamma)
                      ? layer_norm_backward_kernel<T, 1, 0>
                  : held == 4 ? layer_norm_backward_kernel<T, wide<T>, 4>
                  : held == 8 ? layer_norm_backward_kernel<T, wide<T>, 8>
                              : layer_norm_backward_kernel<T, wide<T>, 0>;
    LAUNCH(cuda, kernel, row_blocks(rows), dim3(WARP, ROWS), 0, typed<T>(dx),
           typed<T>(dy), typed<T>(x), mean, rstd, typed<T>(gamma), rows, width);
}

/* --- sums over rows ---------------------------------------------------------- */
/* partial[group, run, 2 * width]: sums of dy h and of dy; with x NULL, partial[group,
 * run, width]: sums of dy. A block takes V columns a lane, V dividing the width, and
 * one run of a group's rows; with V = COLUMNS and four rows of a thread on their way a
 * full multiprocessor waits for 32 KiB or more. */
template <class T, int V>
static __global__ void strip_kernel(float *partial, const T *dy, const T *x,
                                    const float *mean, const float *rstd, size_t rows,
                                    size_t width, size_t stride, size_t run,
                                    size_t runs) {
    SHARED(float, sums, [2][STRIP_ROWS][WARP * V + 1]);
    size_t column = ((size_t)blockIdx.y * WARP + threadIdx.x) * V;
    size_t group = blockIdx.x / runs * rows, first = blockIdx.x % runs * run;
    size_t end = group + (first + run < rows ? first + run : rows);
    first += group;
    float sum_h[V] = {}, sum[V] = {};
    if (column < width)
#pragma unroll 4
        for (size_t row = first + threadIdx.y; row < end; row += STRIP_ROWS) {
            float d[V], a[V];
            load<T, V>(d, dy + row * stride + column);
            if (x)
                load<T, V>(a, x + row * stride + column);
#pragma unroll
            for (int j = 0; j < V; j++) {
                sum[j] += d[j];
                if (x)
                    sum_h[j] += d[j] * ((a[j] - mean[row]) * rstd[row]);
            }
        }
    for (int j = 0; j < V; j++) {
        sums[0][threadIdx.y][threadIdx.x * V + j] = sum[j];
        sums[1][threadIdx.y][threadIdx.x * V + j] = sum_h[j];
    }
    __syncthreads();
    if (threadIdx.y != 0 || column >= width)
        return;
    for (int j = 0; j < V; j++) {
        for (int i = 1; i < STRIP_ROWS; i++) {
            sum[j] += sums[0][i][threadIdx.x * V + j];
            sum_h[j] += sums[1][i][threadIdx.x * V + j];
        }
        size_t at = (size_t)blockIdx.x * (x ? 2 : 1) * width + column + (size_t)j;
        partial[at] = x ? sum_h[j] : sum[j];
        if (x)
            partial[at + width] = sum[j];
    }
}

/* Where the sums of one group go: the first columns, and those behind `width` (NULL:
 * there are none). */
struct sums_out {
    float *first, *second;
    size_t apart; /* from group to group */
};

/* out[i] = (out[i] if accumulate) + the runs' partial[run, i], of group blockIdx.y;
 * `all` elements in a run. */
static __global__ void runs_kernel(struct sums_out out, const float *partial,
                                   size_t width, size_t all, size_t runs,
                                   bool accumulate) {
    size_t i = (size_t)blockIdx.y * blockDim.x + threadIdx.x;
    if (i >= all)
        return;
    partial += blockIdx.x * runs * all + i;
    float sum = 0;
#pragma unroll 8
    for (size_t run = 0; run < runs; run++)
        sum += partial[run * all];
    float *to =
        (i < width ? out.first + i : out.second + (i - width)) + blockIdx.x * out.apart;
    *to = accumulate ? *to + sum : sum;
}

/* The columns' sums of every group; out.second and x are NULL together. */
template <class T>
static void sum_columns(struct cuda *cuda, const struct sums_out &out, const T *dy,
                        const T *x, const float *mean, const float *rstd, size_t groups,
                        size_t rows, size_t width, size_t stride, bool accumulate) {
    if (width == 0 || groups == 0)
        return;
    /* Runs of at least 32 rows, and no more of them than fill the card. */
    bool wide_strips =
        width % COLUMNS == 0 && stride % COLUMNS == 0 && all_aligned(dy, x);
    size_t strip = WARP * (wide_strips ? COLUMNS : 1);
    size_t strips = (width + strip - 1) / strip, most = (size_t)cuda->processors * 4;
    size_t runs = (rows + 31) / 32;
    if (runs * strips * groups > most)
        runs = most / strips / groups > 0 ? most / strips / groups : 1;
    size_t run = runs > 0 ? (rows + runs - 1) / runs : 0;
    runs = run > 0 ? (rows + run - 1) / run : 0;
    size_t all = x ? 2 * width : width;
    float *partial = static_cast<float *>(
        cuda_scratch(cuda, (groups * runs + 1) * all * sizeof(float)));
    if (!partial)
        return;
    auto kernel = wide_strips ? strip_kernel<T, COLUMNS> : strip_kernel<T, 1>;
    if (runs > 0)
        LAUNCH(cuda, kernel, dim3((unsigned)(groups * runs), (unsigned)strips),
               dim3(WARP, STRIP_ROWS), 0, partial, dy, x, mean, rstd, rows, width,
               stride, run, runs);
    LAUNCH(cuda, runs_kernel, dim3((unsigned)groups, (unsigned)((all + 127) / 128)),
           128, 0, out, partial, width, all, runs, accumulate);
}

template <class T>
static void layer_norm_gradient(struct backend *backend, float *dgamma, float *dbeta,
                                size_t apart, const real *dy, const real *x,
                                const float *mean, const float *rstd, size_t groups,
                                size_t rows, size_t width, bool accumulate) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda)
        sum_columns<T>(cuda, {dgamma, dbeta, apart}, typed<T>(dy), typed<T>(x), mean,
                       rstd, groups, rows, width, width, accumulate);
}

template <class T>
static void column_sums(struct backend *backend, float *sums, size_t apart,
                        const real *x, size_t groups, size_t rows, size_t width,
                        size_t stride, bool accumulate) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda)
        sum_columns<T>(cuda, {sums, NULL, apart}, typed<T>(x), NULL, NULL, NULL, groups,
                       rows, width, stride, accumulate);
}

/* --- l2 ------------------------------------------------------------------------ */
template <class T, int V>
static __global__ void l2_kernel(T *y, float *norms, const T *x, size_t rows,
                                 size_t width) {
    size_t row = warp_row(), first = threadIdx.x * V;
    if (row >= rows)
        return;
    x += row * width;
    y += row * width;
    float squares = 0, a[V];
    for (size_t i = first; i < width; i += WARP * V) {
        load<T, V>(a, x + i);
        for (int j = 0; j < V; j++)
            squares += a[j] * a[j];
    }
    float norm = sqrtf(warp_sum(squares));
    float inverse = norm == 0 ? 0 : 1.0f / norm;
    for (size_t i = first; i < width; i += WARP * V) {
        load<T, V>(a, x + i);
        for (int j = 0; j < V; j++)
            a[j] *= inverse;
        store<T, V>(y + i, a);
    }
    if (threadIdx.x == 0)
        norms[row] = norm;
}

template <class T>
static void l2_normalise(struct backend *backend, real *y, float *norms, const real *x,
                         size_t rows, size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || width == 0)
        return;
    auto kernel =
        rows_aligned<T>(width, y, x) ? l2_kernel<T, wide<T>> : l2_kernel<T, 1>;
    LAUNCH(cuda, kernel, row_blocks(rows), dim3(WARP, ROWS), 0, typed<T>(y), norms,
           typed<T>(x), rows, width);
}

/* dx = (dy - y <y, dy>) / |x|; 0 for a zero row, where there is no derivative. */
template <class T, int V>
static __global__ void l2_backward_kernel(T *dx, const T *dy, const T *y,
                                          const float *norms, size_t rows,
                                          size_t width) {
    size_t row = warp_row(), first = threadIdx.x * V;
    if (row >= rows)
        return;
    dx += row * width;
    dy += row * width;
    y += row * width;
    float sum = 0, a[V], d[V];
    for (size_t i = first; i < width; i += WARP * V) {
        load<T, V>(a, y + i);
        load<T, V>(d, dy + i);
        for (int j = 0; j < V; j++)
            sum += a[j] * d[j];
    }
    float along = warp_sum(sum), norm = norms[row];
    float inverse = norm == 0 ? 0 : 1.0f / norm;
    for (size_t i = first; i < width; i += WARP * V) {
        load<T, V>(a, y + i);
        load<T, V>(d, dy + i);
        for (int j = 0; j < V; j++)
            d[j] = (d[j] - a[j] * along) * inverse;
        store<T, V>(dx + i, d);
    }
}

template <class T>
static void l2_normalise_backward(struct backend *backend, real *dx, const real *dy,
                                  const real *y, const float *norms, size_t rows,
                                  size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || rows == 0 || width == 0)
        return;
    auto kernel = rows_aligned<T>(width, dx, dy, y) ? l2_backward_kernel<T, wide<T>>
                                                    : l2_backward_kernel<T, 1>;
    LAUNCH(cuda, kernel, row_blocks(rows), dim3(WARP, ROWS), 0, typed<T>(dx),
           typed<T>(dy), typed<T>(y), norms, rows, width);
}

void cuda_fill_rows(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->layer_norm = narrow_type ? layer_norm<bf16> : layer_norm<float>;
    table->layer_norm_backward =
        narrow_type ? layer_norm_backward<bf16> : layer_norm_backward<float>;
    table->layer_norm_gradient =
        narrow_type ? layer_norm_gradient<bf16> : layer_norm_gradient<float>;
    table->column_sums = narrow_type ? column_sums<bf16> : column_sums<float>;
    table->l2_normalise = narrow_type ? l2_normalise<bf16> : l2_normalise<float>;
    table->l2_normalise_backward =
        narrow_type ? l2_normalise_backward<bf16> : l2_normalise_backward<float>;
}
