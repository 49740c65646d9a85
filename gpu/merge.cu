/* The passes over whole arenas. Their floor is bytes over bandwidth, and bandwidth is
 * had by having enough of them on the way: an H200 moves 4.8 TB/s with some 0.8 us from
 * load to use, so 3.8 MB on the way or 29 KiB for each of its 132 multiprocessors.
 *
 * Merge reads T + 1 arenas and writes one: ViT-B/32 in bf16 with 8 tasks is 10 times
 * 175 MB, 0.37 ms. A thread has two packs of the base and of 4 task vectors on the way,
 * 160 bytes, a multiprocessor's 512 threads 80 KiB. What a unit costs besides (a search
 * in shared memory, one segment) is hidden by the other block.
 *
 * Route-gradient reads T vectors in bf16 and the gradient in f32: 8 tasks, 20 bytes an
 * element, of which the gradient, just written, is partly in L2. A thread has a pack of
 * all 8 vectors and of the gradients on the way: of one gradient 160 bytes, 80 KiB for
 * a multiprocessor's 512 threads; of 8 (EPO: the vectors are still read only once) 192
 * bytes, 48 KiB for the 256 threads that the sums leave registers for. */
#include "cuda.h"
#include "element.h"

enum : size_t {
    THREADS = 256,
    SEGMENTS = 1024, /* looked up at a time, in shared memory */
    BLOCKS_EACH = 2, /* that a multiprocessor runs at a time */
    VECTORS = 4      /* task vectors loaded before the first is used */
};

/* Elements of one unit of work: two packs for every thread. */
template <class T> constexpr size_t unit = 2 * THREADS *wide<T>;

/* One access for the whole pack: where the sums come from many registers the compiler
 * makes four of it. */
template <class T, int V>
static __device__ __forceinline__ void store_whole(T *to, const float (&from)[V]) {
    pack<T, V> p;
#pragma unroll
    for (int i = 0; i < V; i++)
        p.set(i, from[i]);
#ifndef PWEMOE_EMULATION
    if constexpr (sizeof p == 16) {
        asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};"
                     :
                     : "l"(__cvta_generic_to_global(to)), "r"(p.word[0]),
                       "r"(p.word[1]), "r"(p.word[2]), "r"(p.word[3])
                     : "memory");
        return;
    }
#endif
    *reinterpret_cast<pack<T, V> *>(to) = p;
}

/* The sum of n task vectors, n <= VECTORS, onto the packs at `from`. */
template <class T, int V>
static __device__ __forceinline__ void
merge_few(float (&sum)[2][V], const T *from, size_t apart, const bool (&live)[2],
          size_t stride, size_t n, const float *weights) {
    /* Kept as loaded: widened only when used, they take half the registers. */
    pack<T, V> x[VECTORS][2];
#pragma unroll
    for (size_t t = 0; t < VECTORS; t++)
#pragma unroll
        for (int k = 0; k < 2; k++)
            if (t < n && live[k])
                x[t][k] = *reinterpret_cast<const pack<T, V> *>(from + t * stride +
                                                                (size_t)k * apart);
#pragma unroll
    for (size_t t = 0; t < VECTORS; t++) {
        if (t >= n)
            break;
        float w = weights[t];
#pragma unroll
        for (int k = 0; k < 2; k++)
            if (live[k])
#pragma unroll
                for (int j = 0; j < V; j++)
                    sum[k][j] += w * x[t][k].get(j);
    }
}

/* Elements [first, end) of the arenas, at most one unit; thread by thread two packs
 * of V, a block's width apart. */
template <class T, int V>
static __device__ __forceinline__ void
merge_unit(T *out, const T *base, const T *vectors, size_t stride, size_t tasks,
           const float *weights, size_t first, size_t end) {
    const size_t apart = (size_t)THREADS * V;
    for (size_t i = first + threadIdx.x * V; i < end; i += 2 * apart) {
        bool live[2] = {i + V <= end, i + apart + V <= end};
        float sum[2][V] = {};
#pragma unroll
        for (int k = 0; k < 2; k++)
            if (live[k])
                load<T, V>(sum[k], base + i + (size_t)k * apart);
        for (size_t t = 0; t < tasks; t += VECTORS)
            merge_few<T, V>(sum, vectors + t * stride + i, apart, live, stride,
                            tasks - t < VECTORS ? tasks - t : VECTORS, weights + t);
#pragma unroll
        for (int k = 0; k < 2; k++)
            if (live[k])
                store_whole<T, V>(out + i + (size_t)k * apart, sum[k]);
    }
}

/* Every block walks the list of segments, SEGMENTS at a time, in shared memory: the
 * k-th unit of all segments laid end to end belongs to block k modulo the grid. */
template <class T, int V>
static __global__ __launch_bounds__(THREADS, BLOCKS_EACH) void merge_kernel(
    T *out, const T *base, const T *vectors, size_t stride, size_t tasks,
    const struct merge_segment *segments, size_t segment_count, const float *weights) {
    SHARED(uint32_t, ends, [SEGMENTS]); /* units up to and with a segment */
    SHARED(uint32_t, totals, [THREADS]);
    const size_t each = SEGMENTS / THREADS;
    size_t before = 0; /* units in the segments of earlier rounds */
    for (size_t round = 0; round < segment_count; round += SEGMENTS) {
        size_t n = segment_count - round < SEGMENTS ? segment_count - round : SEGMENTS;
        uint32_t total = 0, mine[each];
        for (size_t k = 0; k < each; k++) {
            size_t s = threadIdx.x * each + k;
            uint64_t count = s < n ? segments[round + s].count : 0;
            total += (uint32_t)((count + unit<T> - 1) / unit<T>);
            mine[k] = total;
        }
        totals[threadIdx.x] = total;
        __syncthreads();
        for (size_t step = 1; step < THREADS; step *= 2) {
            uint32_t left = threadIdx.x >= step ? totals[threadIdx.x - step] : 0;
            __syncthreads();
            totals[threadIdx.x] += left;
            __syncthreads();
        }
        for (size_t k = 0; k < each; k++)
            ends[threadIdx.x * each + k] = totals[threadIdx.x] - total + mine[k];
        __syncthreads();
        size_t units = totals[THREADS - 1];
        /* The first unit of this round that is this block's. */
        size_t u = (blockIdx.x + gridDim.x - before % gridDim.x) % gridDim.x;
        for (; u < units; u += gridDim.x) {
            size_t low = 0, high = n - 1; /* the first segment whose end is beyond u */
            while (low < high) {
                size_t middle = (low + high) / 2;
                if (ends[middle] > u)
                    high = middle;
                else
                    low = middle + 1;
            }
            struct merge_segment segment = segments[round + low];
            size_t skipped = u - (low > 0 ? ends[low - 1] : 0);
            size_t first = (size_t)segment.begin + skipped * unit<T>;
            size_t end = (size_t)(segment.begin + segment.count);
            if (end - first > unit<T>)
                end = first + unit<T>;
            const float *row = weights + (size_t)segment.row * tasks;
            size_t packed = first + (end - first) / V * V;
            merge_unit<T, V>(out, base, vectors, stride, tasks, row, first, packed);
            if (packed < end)
                merge_unit<T, 1>(out, base, vectors, stride, tasks, row, packed, end);
        }
        before += units;
        __syncthreads();
    }
}

template <class T>
static void merge(struct backend *backend, real *out, const real *base,
                  const real *vectors, size_t stride, size_t tasks,
                  const struct merge_segment *segments, size_t segment_count,
                  const float *weights) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || segment_count == 0)
        return;
    auto kernel = all_aligned(out, base, vectors) && stride % wide<T> == 0
                      ? merge_kernel<T, wide<T>>
                      : merge_kernel<T, 1>;
    LAUNCH(cuda, kernel, (unsigned)((size_t)cuda->processors * BLOCKS_EACH), THREADS, 0,
           typed<T>(out), typed<T>(base), typed<T>(vectors), stride, tasks, segments,
           segment_count, weights);
}

/* --- inner products ------------------------------------------------------------ */
enum : size_t { TILE_TASKS = 8 };

/* Elements that a thread takes of each vector at a time: 16 bytes, or where many
 * gradients fill the registers, as many as make 16 bytes of a gradient. */
template <class T, int G> constexpr int taken = G < 8 ? wide<T> : wide<float>;

/* V floats, at most 16 bytes at a time. */
template <int V>
static __device__ __forceinline__ void load_floats(float (&to)[V], const float *from) {
    constexpr int piece = V < wide<float> ? V : wide<float>;
#pragma unroll
    for (int i = 0; i < V; i += piece) {
        float part[piece];
        load<float, piece>(part, from + i);
#pragma unroll
        for (int j = 0; j < piece; j++)
            to[i + j] = part[j];
    }
}

/* The sums of one tile, G gradients by TILE_TASKS vectors, over every pack of the
 * grid that is this thread's. */
template <class T, int G, int V>
static __device__ __forceinline__ void
tile_sums(float (&sum)[G][TILE_TASKS], const float *gradient, size_t gradient_stride,
          size_t groups, const T *vectors, size_t stride, size_t tasks, size_t first,
          size_t count, size_t step) {
    for (size_t i = first; i + V <= count; i += step) {
        /* All loads before the first use; what is not there is never used. */
        pack<T, V> right[TILE_TASKS];
        float left[G][V];
#pragma unroll
        for (size_t t = 0; t < TILE_TASKS; t++)
            if (t < tasks)
                right[t] =
                    *reinterpret_cast<const pack<T, V> *>(vectors + t * stride + i);
#pragma unroll
        for (int g = 0; g < G; g++)
            if ((size_t)g < groups)
                load_floats<V>(left[g], gradient + (size_t)g * gradient_stride + i);
#pragma unroll
        for (size_t t = 0; t < TILE_TASKS; t++) {
            if (t >= tasks)
                break;
#pragma unroll
            for (int g = 0; g < G; g++)
                if ((size_t)g < groups)
#pragma unroll
                    for (int j = 0; j < V; j++)
                        sum[g][t] += left[g][j] * right[t].get(j);
        }
    }
}

/* partial[block, groups, tasks]: what each block's packs add to the products. One
 * pass where groups <= G and tasks <= TILE_TASKS; else a pass a tile. */
template <class T, int G, int V>
static __global__
__launch_bounds__(THREADS, G == 1 ? BLOCKS_EACH : 1) void products_kernel(
    float *partial, const float *gradient, size_t gradient_stride, size_t groups,
    const T *vectors, size_t stride, size_t tasks, size_t count) {
    SHARED(float, sums, [THREADS / WARP][G * TILE_TASKS]);
    size_t thread = (size_t)blockIdx.x * THREADS + threadIdx.x;
    size_t step = (size_t)gridDim.x * THREADS;
    for (size_t g0 = 0; g0 < groups; g0 += G)
        for (size_t t0 = 0; t0 < tasks; t0 += TILE_TASKS) {
            float sum[G][TILE_TASKS] = {};
            const float *g_first = gradient + g0 * gradient_stride;
            const T *t_first = vectors + t0 * stride;
            size_t packed = count / V * V;
            tile_sums<T, G, V>(sum, g_first, gradient_stride, groups - g0, t_first,
                               stride, tasks - t0, thread * V, packed, step * V);
            if (V > 1 && packed < count)
                tile_sums<T, G, 1>(sum, g_first, gradient_stride, groups - g0, t_first,
                                   stride, tasks - t0, packed + thread, count, step);
#pragma unroll
            for (int g = 0; g < G; g++)
#pragma unroll
                for (size_t t = 0; t < TILE_TASKS; t++) {
                    float all = warp_sum(sum[g][t]);
                    if (threadIdx.x % WARP == 0)
                        sums[threadIdx.x / WARP][(size_t)g * TILE_TASKS + t] = all;
                }
            __syncthreads();
            for (size_t at = threadIdx.x; at < G * TILE_TASKS; at += THREADS) {
                size_t g = g0 + at / TILE_TASKS, t = t0 + at % TILE_TASKS;
                float all = 0;
                for (size_t warp = 0; warp < THREADS / WARP; warp++)
                    all += sums[warp][at];
                if (g < groups && t < tasks)
                    partial[((size_t)blockIdx.x * groups + g) * tasks + t] = all;
            }
            __syncthreads();
        }
}

/* out[i] += the blocks' partial sums, in f64 and in an order that never changes: a warp
 * for each product, so that its loads do not wait for one another. */
static __global__ void products_end_kernel(float *out, const float *partial,
                                           size_t products, size_t blocks) {
    size_t i = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    if (i >= products)
        return;
    double sum = 0;
#pragma unroll 4
    for (size_t block = threadIdx.x; block < blocks; block += WARP)
        sum += (double)partial[block * products + i];
    sum = warp_sum(sum);
    if (threadIdx.x == 0)
        out[i] = (float)((double)out[i] + sum);
}

template <class T>
static void add_products(struct cuda *cuda, float *out, const float *gradient,
                         size_t gradient_stride, size_t groups, const T *vectors,
                         size_t stride, size_t tasks, size_t count) {
    if (groups == 0 || tasks == 0 || count == 0)
        return;
    bool aligned = all_aligned(gradient, vectors) &&
                   gradient_stride % wide<float> == 0 && stride % wide<T> == 0;
    /* Enough blocks to fill the card, not so many that their partial sums count. */
    size_t each = 2 * THREADS * wide<T>, blocks = (count + each - 1) / each;
    size_t most = (size_t)cuda->processors * 4;
    blocks = blocks < most ? blocks : most;
    size_t products = groups * tasks;
    float *partial =
        static_cast<float *>(cuda_scratch(cuda, blocks * products * sizeof(float)));
    if (!partial)
        return;
    auto kernel =
        groups == 1
            ? (aligned ? products_kernel<T, 1, taken<T, 1>> : products_kernel<T, 1, 1>)
        : groups < 5
            ? (aligned ? products_kernel<T, 4, taken<T, 4>> : products_kernel<T, 4, 1>)
            : (aligned ? products_kernel<T, 8, taken<T, 8>> : products_kernel<T, 8, 1>);
    LAUNCH(cuda, kernel, (unsigned)blocks, THREADS, 0, partial, gradient,
           gradient_stride, groups, vectors, stride, tasks, count);
    LAUNCH(cuda, products_end_kernel, (unsigned)((products + 3) / 4), dim3(WARP, 4), 0,
           out, partial, products, blocks);
}

template <class T>
static void route_gradient(struct backend *backend, float *out, const float *gradient,
                           size_t gradient_stride, size_t groups, const real *vectors,
                           size_t stride, size_t tasks, size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (cuda)
        add_products<T>(cuda, out, gradient, gradient_stride, groups, typed<T>(vectors),
                        stride, tasks, count);
}

static void gram(struct backend *backend, float *out, const float *vectors,
                 size_t stride, size_t n, size_t count) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || n == 0)
        return;
    backend->zero(backend, out, n * n * sizeof *out);
    add_products<float>(cuda, out, vectors, stride, n, vectors, stride, n, count);
}

void cuda_fill_merge(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->merge = narrow_type ? merge<bf16> : merge<float>;
    table->route_gradient = narrow_type ? route_gradient<bf16> : route_gradient<float>;
    table->gram = gram;
}
