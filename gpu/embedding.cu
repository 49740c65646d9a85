/* Pixels to rows of patches, rows to tokens, tokens embedded, rows picked by index. */
#include "cuda.h"
#include "element.h"

enum { THREADS = 256, MOST_CHANNELS = 4 };

struct channel_values {
    float scale[MOST_CHANNELS], shift[MOST_CHANNELS];
};

/* V pixels of a patch's row at a time; V divides patch. I: uint32_t where it has room
 * for all that is counted, since a division of 64 bits is some 70 instructions. */
template <class T, int V, class I>
static __global__ void patches_kernel(T *columns, const uint8_t *pixels, I count,
                                      I channels, I size, I patch,
                                      struct channel_values values) {
    I step = (I)gridDim.x * blockDim.x * V, edge = size / patch;
    I i = ((I)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step) {
        I x = i % patch, rest = i / patch;
        I y = rest % patch;
        rest /= patch;
        I channel = rest % channels;
        rest /= channels;
        I left = rest % edge * patch;
        rest /= edge;
        I top = rest % edge * patch, image = rest / edge;
        I at = ((image * channels + channel) * size + top + y) * size + left + x;
        float scale = 0,
              shift = 0; /* an index known when compiled stays in registers */
#pragma unroll
        for (int c = 0; c < MOST_CHANNELS; c++)
            if (channel == (I)c) {
                scale = values.scale[c];
                shift = values.shift[c];
            }
        float a[V];
#pragma unroll
        for (int j = 0; j < V; j++)
            a[j] = scale * (float)pixels[at + (I)j] + shift;
        store<T, V>(columns + i, a);
    }
}

template <class T, class I>
static void launch_patches(struct cuda *cuda, T *columns, const uint8_t *pixels,
                           size_t count, size_t channels, size_t size, size_t patch,
                           const struct channel_values &values) {
    size_t each = !all_aligned(columns)  ? 1
                  : patch % wide<T> == 0 ? wide<T>
                  : patch % 2 == 0       ? 2
                                         : 1;
    auto kernel = each == wide<T> ? patches_kernel<T, wide<T>, I>
                  : each == 2     ? patches_kernel<T, 2, I>
                                  : patches_kernel<T, 1, I>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * each), THREADS, 0, columns,
           pixels, (I)count, (I)channels, (I)size, (I)patch, values);
}

template <class T>
static void patches(struct backend *backend, real *columns, const uint8_t *pixels,
                    size_t images, size_t channels, size_t size, size_t patch,
                    const float *scale, const float *shift) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda)
        return;
    if (channels > MOST_CHANNELS || patch == 0) {
        cuda_fail(cuda,
                  "images of %zu channels in patches of %zu: at most %d channels, at "
                  "least one pixel",
                  channels, patch, (int)MOST_CHANNELS);
        return;
    }
    struct channel_values values = {};
    for (size_t i = 0; i < channels; i++) {
        values.scale[i] = scale[i];
        values.shift[i] = shift[i];
    }
    size_t edge = size / patch, count = images * edge * edge * channels * patch * patch;
    if (count == 0)
        return;
    size_t most = images * channels * size * size; /* of both, with the last stride */
    if (most < ((size_t)1 << 31))
        launch_patches<T, uint32_t>(cuda, typed<T>(columns), pixels, count, channels,
                                    size, patch, values);
    else
        launch_patches<T, size_t>(cuda, typed<T>(columns), pixels, count, channels,
                                  size, patch, values);
}

template <class T, int V>
static __global__ void tokens_kernel(T *tokens, const T *embedded,
                                     const T *class_vector, const T *position,
                                     size_t count, size_t patch_count, size_t width) {
    size_t step = (size_t)gridDim.x * blockDim.x * V, rows = patch_count + 1;
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step) {
        size_t column = i % width, row = i / width % rows, image = i / width / rows;
        float a[V], b[V];
        load<T, V>(a, row == 0 ? class_vector + column
                               : embedded + (image * patch_count + row - 1) * width +
                                     column);
        load<T, V>(b, position + row * width + column);
        for (int j = 0; j < V; j++)
            a[j] += b[j];
        store<T, V>(tokens + i, a);
    }
}

template <class T>
static void assemble_tokens(struct backend *backend, real *tokens, const real *embedded,
                            const real *class_vector, const real *position,
                            size_t images, size_t patch_count, size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    size_t count = images * (patch_count + 1) * width;
    if (!cuda || count == 0)
        return;
    bool aligned =
        width % wide<T> == 0 && all_aligned(tokens, embedded, class_vector, position);
    auto kernel = aligned ? tokens_kernel<T, wide<T>> : tokens_kernel<T, 1>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(tokens), typed<T>(embedded), typed<T>(class_vector),
           typed<T>(position), count, patch_count, width);
}

/* to[row] = from[row + row / patches + 1]: every image's rows but its first. */
template <class T, int V>
static __global__ void tokens_backward_kernel(T *to, const T *from, size_t count,
                                              size_t patch_count, size_t width) {
    size_t step = (size_t)gridDim.x * blockDim.x * V;
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step) {
        float a[V];
        load<T, V>(a, from + i + (i / width / patch_count + 1) * width);
        store<T, V>(to + i, a);
    }
}

template <class T>
static void assemble_tokens_backward(struct backend *backend, real *dembedded,
                                     const real *dtokens, size_t images,
                                     size_t patch_count, size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    size_t count = images * patch_count * width;
    if (!cuda || count == 0)
        return;
    bool aligned = width % wide<T> == 0 && all_aligned(dembedded, dtokens);
    auto kernel =
        aligned ? tokens_backward_kernel<T, wide<T>> : tokens_backward_kernel<T, 1>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(dembedded), typed<T>(dtokens), count, patch_count,
           width);
}

template <class T, int V>
static __global__ void embed_kernel(T *out, const T *table, const T *position,
                                    const int32_t *ids, size_t count, size_t tokens,
                                    size_t width) {
    size_t step = (size_t)gridDim.x * blockDim.x * V;
    size_t i = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    for (; i < count; i += step) {
        size_t row = i / width, column = i - row * width;
        float a[V], at[V];
        load<T, V>(a, table + (size_t)ids[row] * width + column);
        load<T, V>(at, position + row % tokens * width + column);
        for (int k = 0; k < V; k++)
            a[k] += at[k];
        store<T, V>(out + i, a);
    }
}

template <class T>
static void embed_tokens(struct backend *backend, real *out, const real *table,
                         const real *position, const int32_t *ids, size_t sequences,
                         size_t tokens, size_t width) {
    struct cuda *cuda = cuda_ready(backend);
    size_t count = sequences * tokens * width;
    if (!cuda || count == 0)
        return;
    bool aligned = width % wide<T> == 0 && all_aligned(out, table, position);
    auto kernel = aligned ? embed_kernel<T, wide<T>> : embed_kernel<T, 1>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, count, THREADS * (aligned ? wide<T> : 1)),
           THREADS, 0, typed<T>(out), typed<T>(table), typed<T>(position), ids, count,
           tokens, width);
}

/* A block a row. Of the rows with one id the first adds up all of them, in order, so
 * that no two blocks write to one place and every run gives the same bits. */
template <class T>
static __global__ void
embedding_gradient_kernel(float *to, const T *dx, const int32_t *ids, size_t all,
                          size_t rows, size_t width, bool squared, float scale) {
    SHARED(int32_t, some, [THREADS]);
    size_t row = blockIdx.x;
    int32_t id = ids[row];
    bool known = false; /* by an earlier row */
    for (size_t k = threadIdx.x; k < row; k += THREADS)
        known |= ids[k] == id;
    if (__syncthreads_or(known))
        return;
    for (size_t begin = 0; begin < width; begin += THREADS) {
        size_t column = begin + threadIdx.x, group_end = (row / rows + 1) * rows;
        float sum = 0, total = 0;
        for (size_t base = row; base < all; base += THREADS) {
            __syncthreads();
            some[threadIdx.x] = base + threadIdx.x < all ? ids[base + threadIdx.x] : -1;
            __syncthreads();
            size_t left = all - base, n = left < THREADS ? left : (size_t)THREADS;
            for (size_t k = 0; k < n; k++) {
                if (squared && base + k == group_end) {
                    total += sum * sum;
                    sum = 0;
                    group_end += rows;
                }
                if (some[k] == id && column < width)
                    sum += widen(dx[(base + k) * width + column]);
            }
        }
        total += squared ? sum * sum : sum;
        if (column < width)
            to[(size_t)id * width + column] += scale * total;
    }
}

template <class T>
static void embedding_gradient(struct backend *backend, float *to, const real *dx,
                               const int32_t *ids, size_t groups, size_t rows,
                               size_t width, bool squared, float scale) {
    struct cuda *cuda = cuda_ready(backend);
    size_t all = groups * rows;
    if (!cuda || all == 0 || width == 0)
        return;
    auto kernel = embedding_gradient_kernel<T>;
    LAUNCH(cuda, kernel, (unsigned)all, THREADS, 0, to, typed<T>(dx), ids, all, rows,
           width, squared, scale);
}

/* One row a block of 32 x 8: gather: to[row] = from[index[row]]; scatter the other
 * way round. */
template <class T, int V>
static __global__ void rows_kernel(T *to, const T *from, const int32_t *index,
                                   size_t count, size_t width, bool scatter) {
    size_t row = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= count)
        return;
    size_t other = (size_t)index[row];
    to += (scatter ? other : row) * width;
    from += (scatter ? row : other) * width;
    for (size_t i = threadIdx.x * V; i < width; i += WARP * V) {
        float a[V];
        load<T, V>(a, from + i);
        store<T, V>(to + i, a);
    }
}

template <class T>
static void move_rows(struct backend *backend, real *to, const real *from,
                      const int32_t *index, size_t count, size_t width, bool scatter) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || count == 0 || width == 0)
        return;
    bool aligned = width % wide<T> == 0 && all_aligned(to, from);
    auto kernel = aligned ? rows_kernel<T, wide<T>> : rows_kernel<T, 1>;
    LAUNCH(cuda, kernel, (unsigned)((count + 7) / 8), dim3(WARP, 8), 0, typed<T>(to),
           typed<T>(from), index, count, width, scatter);
}

template <class T>
static void gather_rows(struct backend *backend, real *out, const real *x,
                        const int32_t *index, size_t count, size_t width) {
    move_rows<T>(backend, out, x, index, count, width, false);
}

template <class T>
static void scatter_rows(struct backend *backend, real *to, const real *x,
                         const int32_t *index, size_t count, size_t width) {
    move_rows<T>(backend, to, x, index, count, width, true);
}

void cuda_fill_embedding(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->patches = narrow_type ? patches<bf16> : patches<float>;
    table->assemble_tokens =
        narrow_type ? assemble_tokens<bf16> : assemble_tokens<float>;
    table->assemble_tokens_backward =
        narrow_type ? assemble_tokens_backward<bf16> : assemble_tokens_backward<float>;
    table->embed_tokens = narrow_type ? embed_tokens<bf16> : embed_tokens<float>;
    table->embedding_gradient =
        narrow_type ? embedding_gradient<bf16> : embedding_gradient<float>;
    table->gather_rows = narrow_type ? gather_rows<bf16> : gather_rows<float>;
    table->scatter_rows = narrow_type ? scatter_rows<bf16> : scatter_rows<float>;
}
