/* Attention for any number of tokens and heads of up to 256, exactly in f32: keys and
 * values (or, for their gradients, queries) pass through shared memory a tile of 32 at
 * a time, lane by lane one score, and nothing of size tokens^2 is ever stored (Dao et
 * al., "FlashAttention", 2022). Sums run in a fixed order: no atomics. In bf16 the
 * tensor cores do what suits them (attention_forward.cu, attention_backward.cu), this
 * the rest. */
#include <math.h>

#include "attention.h"
#include "element.h"

enum {
    WARPS = 4,
    ROWS = 4,             /* rows that a warp works on together */
    BLOCK = WARPS * ROWS, /* rows a block */
    TILE = WARP           /* rows of the other side at a time */
};

/* to[TILE or BLOCK rows][apart] = rows of `from` from `first` on, zeros beyond the
 * last token. */
template <class T>
static __device__ __forceinline__ void tile_load(float *to, size_t apart, const T *from,
                                                 size_t stride, size_t first,
                                                 size_t rows, const struct heads &h) {
    for (size_t i = threadIdx.y * WARP + threadIdx.x; i < rows * h.head_width;
         i += WARPS * WARP) {
        size_t row = i / h.head_width, column = i % h.head_width;
        bool inside = first + row < h.tokens;
        to[row * apart + column] =
            inside ? widen(from[(first + row) * stride + column]) : 0;
    }
}

/* Lane l's ROWS inner products of left[r] with right[l]. */
static __device__ __forceinline__ void tile_products(float (&out)[ROWS],
                                                     const float *left,
                                                     const float *right, size_t apart,
                                                     size_t head_width) {
#pragma unroll
    for (int r = 0; r < ROWS; r++)
        out[r] = 0;
    const float *mine = right + threadIdx.x * apart;
    for (size_t d = 0; d < head_width; d++) {
        float x = mine[d];
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            out[r] += left[(size_t)r * apart + d] * x;
    }
}

/* sum[r][c] += sum over the tile of weight[r][j] * rows[j][lane + 32 c]. */
template <int C>
static __device__ __forceinline__ void
tile_add(float (&sum)[ROWS][C], const float (*weight)[TILE], const float *rows,
         size_t apart, size_t head_width) {
    for (int j = 0; j < TILE; j++)
#pragma unroll
        for (int c = 0; c < C; c++) {
            size_t d = threadIdx.x + (size_t)c * WARP;
            if (d < head_width) {
                float x = rows[(size_t)j * apart + d];
#pragma unroll
                for (int r = 0; r < ROWS; r++)
                    sum[r][c] += weight[r][j] * x;
            }
        }
}

/* Weights of one tile, of each row of a block; the first in shared memory. */
typedef float tile_weights[ROWS][TILE];
enum { TABLE = BLOCK * TILE };

/* Bytes of shared memory, all of it asked for at the launch: so many tables of weights,
 * BLOCK rows of one or two tensors, TILE rows of two. */
static size_t shared_bytes(size_t head_width, size_t tables, size_t own) {
    return (tables * TABLE + (own * BLOCK + 2 * TILE) * (head_width + 1)) *
           sizeof(float);
}

enum { FORWARD_TABLES = 1, QUERY_TABLES = 1, KEY_TABLES = 2 };

template <class T, int C>
static __global__ void forward_kernel(T *out, float *log_sums, const T *qkv,
                                      struct heads h) {
    DYNAMIC_SHARED(float, shared);
    tile_weights *weight = reinterpret_cast<tile_weights *>(shared);
    size_t apart = h.head_width + 1, first = (size_t)blockIdx.y * BLOCK;
    float *q = shared + FORWARD_TABLES * TABLE, *k = q + BLOCK * apart,
          *v = k + TILE * apart;
    const T *from = qkv + qkv_begin(h);
    tile_load(q, apart, from, 3 * h.width, first, BLOCK, h);
    float sum[ROWS][C] = {}, total[ROWS] = {}, greatest[ROWS], score[ROWS];
    for (int r = 0; r < ROWS; r++)
        greatest[r] = -INFINITY;
    size_t row = first + threadIdx.y * ROWS; /* of this warp's first */
    size_t seen = h.causal && first + BLOCK < h.tokens ? first + BLOCK : h.tokens;
    for (size_t tile = 0; tile < seen; tile += TILE) {
        __syncthreads();
        tile_load(k, apart, from + h.width, 3 * h.width, tile, TILE, h);
        tile_load(v, apart, from + 2 * h.width, 3 * h.width, tile, TILE, h);
        __syncthreads();
        tile_products(score, q + threadIdx.y * ROWS * apart, k, apart, h.head_width);
        size_t key = tile + threadIdx.x;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool visible = key < h.tokens && (!h.causal || key <= row + r);
            float s = visible ? score[r] * h.scale : -INFINITY;
            float top = fmaxf(greatest[r], warp_greatest(s));
            /* No key seen yet: nothing to scale, and inf - inf is to be avoided. */
            float shrink = greatest[r] == -INFINITY ? 0 : expf(greatest[r] - top);
            float p = visible ? expf(s - (top == -INFINITY ? 0 : top)) : 0;
            greatest[r] = top;
            total[r] = total[r] * shrink + p;
#pragma unroll
            for (int c = 0; c < C; c++)
                sum[r][c] *= shrink;
            weight[threadIdx.y][r][threadIdx.x] = p;
        }
        __syncwarp();
        tile_add<C>(sum, weight[threadIdx.y], v, apart, h.head_width);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        float all = warp_sum(total[r]);
        if (row + r >= h.tokens)
            continue;
        T *to = out + out_begin(h) + (row + r) * h.width;
#pragma unroll
        for (int c = 0; c < C; c++)
            if (threadIdx.x + (size_t)c * WARP < h.head_width)
                to[threadIdx.x + (size_t)c * WARP] = narrow<T>(sum[r][c] / all);
        if (threadIdx.x == 0)
            log_sums[blockIdx.x * h.tokens + row + r] = greatest[r] + logf(all);
    }
}

/* along[head, token] = <dout, out> over the head: a warp for each. */
template <class T>
static __global__ void along_kernel(float *along, const T *dout, const T *out,
                                    struct heads h) {
    size_t token = (size_t)blockIdx.y * WARPS + threadIdx.y;
    if (token >= h.tokens)
        return;
    size_t at = out_begin(h) + token * h.width;
    float sum = 0;
    for (size_t d = threadIdx.x; d < h.head_width; d += WARP)
        sum += widen(dout[at + d]) * widen(out[at + d]);
    sum = warp_sum(sum);
    if (threadIdx.x == 0)
        along[blockIdx.x * h.tokens + token] = sum;
}

/* dQ: BLOCK queries a block, over tiles of keys. */
template <class T, int C>
static __global__ void query_gradient_kernel(T *dqkv, const T *dout, const float *along,
                                             const float *log_sums, const T *qkv,
                                             struct heads h) {
    DYNAMIC_SHARED(float, shared);
    tile_weights *weight = reinterpret_cast<tile_weights *>(shared);
    size_t apart = h.head_width + 1, first = (size_t)blockIdx.y * BLOCK;
    float *q = shared + QUERY_TABLES * TABLE, *g = q + BLOCK * apart;
    float *k = g + BLOCK * apart, *v = k + TILE * apart;
    const T *from = qkv + qkv_begin(h);
    tile_load(q, apart, from, 3 * h.width, first, BLOCK, h);
    tile_load(g, apart, dout + out_begin(h), h.width, first, BLOCK, h);
    float sum[ROWS][C] = {}, score[ROWS], dp[ROWS];
    size_t row = first + threadIdx.y * ROWS;
    size_t seen = h.causal && first + BLOCK < h.tokens ? first + BLOCK : h.tokens;
    for (size_t tile = 0; tile < seen; tile += TILE) {
        __syncthreads();
        tile_load(k, apart, from + h.width, 3 * h.width, tile, TILE, h);
        tile_load(v, apart, from + 2 * h.width, 3 * h.width, tile, TILE, h);
        __syncthreads();
        tile_products(score, q + threadIdx.y * ROWS * apart, k, apart, h.head_width);
        tile_products(dp, g + threadIdx.y * ROWS * apart, v, apart, h.head_width);
        size_t key = tile + threadIdx.x;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool visible =
                key < h.tokens && row + r < h.tokens && (!h.causal || key <= row + r);
            size_t at = blockIdx.x * h.tokens + row + r;
            float ds = 0;
            if (visible)
                ds = expf(score[r] * h.scale - log_sums[at]) * (dp[r] - along[at]) *
                     h.scale;
            weight[threadIdx.y][r][threadIdx.x] = ds;
        }
        __syncwarp();
        tile_add<C>(sum, weight[threadIdx.y], k, apart, h.head_width);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r >= h.tokens)
            break;
        T *to = dqkv + qkv_begin(h) + (row + r) * 3 * h.width;
#pragma unroll
        for (int c = 0; c < C; c++)
            if (threadIdx.x + (size_t)c * WARP < h.head_width)
                to[threadIdx.x + (size_t)c * WARP] = narrow<T>(sum[r][c]);
    }
}

/* dK and dV: BLOCK keys a block, over tiles of queries. */
template <class T, int C>
static __global__ void key_gradient_kernel(T *dqkv, const T *dout, const float *along,
                                           const float *log_sums, const T *qkv,
                                           struct heads h) {
    DYNAMIC_SHARED(float, shared);
    tile_weights *weight = reinterpret_cast<tile_weights *>(shared);
    tile_weights *ds_weight = weight + WARPS;
    size_t apart = h.head_width + 1, first = (size_t)blockIdx.y * BLOCK;
    float *k = shared + KEY_TABLES * TABLE, *v = k + BLOCK * apart;
    float *q = v + BLOCK * apart, *g = q + TILE * apart;
    const T *from = qkv + qkv_begin(h);
    tile_load(k, apart, from + h.width, 3 * h.width, first, BLOCK, h);
    tile_load(v, apart, from + 2 * h.width, 3 * h.width, first, BLOCK, h);
    float dk[ROWS][C] = {}, dv[ROWS][C] = {}, score[ROWS], dp[ROWS];
    size_t row = first + threadIdx.y * ROWS;
    /* Under causality no query before the block's first key sees it. */
    for (size_t tile = h.causal ? first / TILE * TILE : 0; tile < h.tokens;
         tile += TILE) {
        __syncthreads();
        tile_load(q, apart, from, 3 * h.width, tile, TILE, h);
        tile_load(g, apart, dout + out_begin(h), h.width, tile, TILE, h);
        __syncthreads();
        tile_products(score, k + threadIdx.y * ROWS * apart, q, apart, h.head_width);
        tile_products(dp, v + threadIdx.y * ROWS * apart, g, apart, h.head_width);
        size_t query = tile + threadIdx.x;
        size_t at = blockIdx.x * h.tokens + query;
        float log_sum = query < h.tokens ? log_sums[at] : 0;
        float a = query < h.tokens ? along[at] : 0;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            bool visible = query < h.tokens && row + r < h.tokens &&
                           (!h.causal || query >= row + r);
            float p = visible ? expf(score[r] * h.scale - log_sum) : 0;
            weight[threadIdx.y][r][threadIdx.x] = p;
            ds_weight[threadIdx.y][r][threadIdx.x] =
                visible ? p * (dp[r] - a) * h.scale : 0;
        }
        __syncwarp();
        tile_add<C>(dv, weight[threadIdx.y], g, apart, h.head_width);
        tile_add<C>(dk, ds_weight[threadIdx.y], q, apart, h.head_width);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (row + r >= h.tokens)
            break;
        T *to = dqkv + qkv_begin(h) + h.width + (row + r) * 3 * h.width;
#pragma unroll
        for (int c = 0; c < C; c++) {
            size_t d = threadIdx.x + (size_t)c * WARP;
            if (d < h.head_width) {
                to[d] = narrow<T>(dk[r][c]);
                to[h.width + d] = narrow<T>(dv[r][c]);
            }
        }
    }
}

static bool possible(struct cuda *cuda, const struct attention_shape *s) {
    if (s->head_width <= 256 && s->tokens <= (size_t)WARPS * 65535 &&
        s->batch * s->heads <= 0x7fffffff &&
        shared_bytes(s->head_width, KEY_TABLES, 2) <= cuda->shared_limit)
        return true;
    cuda_fail(cuda,
              "cuda:%d: attention over %zu tokens with heads of %zu is too large for "
              "the device; heads of up to 256 are possible",
              cuda->device, s->tokens, s->head_width);
    return false;
}

template <class T>
static void attention(struct backend *backend, real *out, float *log_sums,
                      const real *qkv, const struct attention_shape *s) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || s->batch * s->heads * s->tokens * s->head_width == 0 ||
        (sizeof(T) == sizeof(bf16) &&
         cuda_attention_tiled(cuda, out, log_sums, qkv, s)) ||
        !possible(cuda, s))
        return;
    size_t bytes = shared_bytes(s->head_width, FORWARD_TABLES, 1);
    auto kernel = s->head_width <= 32    ? forward_kernel<T, 1>
                  : s->head_width <= 64  ? forward_kernel<T, 2>
                  : s->head_width <= 128 ? forward_kernel<T, 4>
                                         : forward_kernel<T, 8>;
    dim3 blocks((unsigned)(s->batch * s->heads),
                (unsigned)((s->tokens + BLOCK - 1) / BLOCK));
    if (allow_shared(cuda, kernel, bytes))
        LAUNCH(cuda, kernel, blocks, dim3(WARP, WARPS), bytes, typed<T>(out), log_sums,
               typed<T>(qkv), heads_of(s));
}

template <class T>
static void attention_backward(struct backend *backend, real *dqkv, const real *dout,
                               const real *out, const float *log_sums, const real *qkv,
                               const struct attention_shape *s) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || s->batch * s->heads * s->tokens * s->head_width == 0 ||
        (sizeof(T) == sizeof(bf16) &&
         cuda_attention_tiled_backward(cuda, dqkv, dout, out, log_sums, qkv, s)) ||
        !possible(cuda, s))
        return;
    size_t lines = s->batch * s->heads * s->tokens;
    float *along = static_cast<float *>(cuda_scratch(cuda, lines * sizeof(float)));
    if (!along)
        return;
    size_t query_bytes = shared_bytes(s->head_width, QUERY_TABLES, 2);
    size_t key_bytes = shared_bytes(s->head_width, KEY_TABLES, 2);
    struct heads h = heads_of(s);
    unsigned count = (unsigned)(s->batch * s->heads);
    auto first = along_kernel<T>;
    LAUNCH(cuda, first, dim3(count, (unsigned)((s->tokens + WARPS - 1) / WARPS)),
           dim3(WARP, WARPS), 0, along, typed<T>(dout), typed<T>(out), h);
    auto query = s->head_width <= 32    ? query_gradient_kernel<T, 1>
                 : s->head_width <= 64  ? query_gradient_kernel<T, 2>
                 : s->head_width <= 128 ? query_gradient_kernel<T, 4>
                                        : query_gradient_kernel<T, 8>;
    auto key = s->head_width <= 32    ? key_gradient_kernel<T, 1>
               : s->head_width <= 64  ? key_gradient_kernel<T, 2>
               : s->head_width <= 128 ? key_gradient_kernel<T, 4>
                                      : key_gradient_kernel<T, 8>;
    dim3 blocks(count, (unsigned)((s->tokens + BLOCK - 1) / BLOCK));
    if (!allow_shared(cuda, query, query_bytes) || !allow_shared(cuda, key, key_bytes))
        return;
    LAUNCH(cuda, query, blocks, dim3(WARP, WARPS), query_bytes, typed<T>(dqkv),
           typed<T>(dout), along, log_sums, typed<T>(qkv), h);
    LAUNCH(cuda, key, blocks, dim3(WARP, WARPS), key_bytes, typed<T>(dqkv),
           typed<T>(dout), along, log_sums, typed<T>(qkv), h);
}

void cuda_fill_attention(struct backend *table) {
    bool narrow_type = table->precision == PRECISION_BF16;
    table->attention = narrow_type ? attention<bf16> : attention<float>;
    table->attention_backward =
        narrow_type ? attention_backward<bf16> : attention_backward<float>;
}
