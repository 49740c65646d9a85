/* Attention in bf16 on the tensor cores, for heads of 32, 64, 80 and 128 and any number
 * of tokens. A block has EDGE rows of one head, a warp 16 of them; the other side comes
 * through shared memory EDGE rows at a time, all of it at once where a sequence has no
 * more tokens than that. Scores, weights and their gradients stay in registers, nothing
 * of size tokens^2 is stored (Dao et al., "FlashAttention-2", 2023). Sums run in a
 * fixed order: no atomics.
 *
 * What bounds it, at ViT-B/32 with 512 images (50 tokens, 12 heads of 64): forward
 * reads qkv and writes out once, 512 * 50 * 4 * 768 * 2 bytes = 157 MB a layer, 33 us
 * at 4.8 TB/s and 0.4 ms for 12 layers; its 2 * 2 * 64 * 64 * 64 operations for each of
 * 6144 heads are 6.4 GFLOP a layer, some 15 us of the tensor cores. Loads are therefore
 * sent off together, 24 KiB a block, and past the registers, so that four blocks of a
 * multiprocessor have theirs on the way. */
#include <math.h>

#include "attention.h"
#include "element.h"
#include "tile.h"

enum { WARPS = 4, THREADS = WARPS * WARP, EDGE = WARPS * 16, PACK = 8 };

/* Elements from row to row in shared memory: see tile.h. */
template <int D> constexpr int apart = D + 8;

template <int D> constexpr size_t tile_bytes = (size_t)EDGE *apart<D> * sizeof(bf16);

/* Blocks that a multiprocessor is to run at a time, one loading while another counts:
 * 128, 168 or 255 registers a thread, whatever holds the sums without spilling. */
template <int D> constexpr int forward_blocks = D <= 64 ? 4 : D <= 80 ? 3 : 2;
template <int D> constexpr int backward_blocks = D <= 32 ? 4 : D <= 64 ? 3 : 2;

constexpr float LOG2_E = 1.44269504f;

/* Less than EDGE and at least 0, of what is left from `first` on. */
static __device__ __forceinline__ int rows_left(int end, int first) {
    return end - first < EDGE ? max(end - first, 0) : (int)EDGE;
}

/* Sends EDGE rows of D elements to shared memory; those from `rows` on are zeros. */
template <int D>
static __device__ __forceinline__ void rows_load(bf16 *to, const bf16 *from, int stride,
                                                 int rows) {
#pragma unroll(D / 16 < 5 ? D / 16 : 2) /* registers */
    for (int i = 0; i < D / 16; i++) {
        int place = (int)threadIdx.x + i * THREADS;
        int row = place / (D / PACK), column = place % (D / PACK) * PACK;
        bool inside = row < rows;
        copy_16(to + row * apart<D> + column,
                from + (inside ? row * stride + column : 0), inside);
    }
}

/* A lane's rows of a sum are g and g + 8. What four lanes have of a row, added up or
 * the greatest of. */
static __device__ __forceinline__ float row_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

static __device__ __forceinline__ float row_greatest(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

/* The column of element i of the lane's sum number n of those side by side. */
static __device__ __forceinline__ int column_of(int n, int i) {
    return 8 * n + 2 * (tile_lane() % 4) + i % 2;
}

/* Writes the warp's 16 rows of D sums, times factor[row half], to rows of `stride`;
 * rows from `rows` on are left out. */
template <int D>
static __device__ __forceinline__ void rows_store(bf16 *to, int stride, int rows,
                                                  const float (&sums)[D / 8][4],
                                                  const float (&factor)[2]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = tile_lane() / 4 + 8 * half;
#pragma unroll
        for (int n = 0; n < D / 8; n += 2)
            tile_store_row(to + row * stride + 8 * n,
                           narrow_two(sums[n][2 * half] * factor[half],
                                      sums[n][2 * half + 1] * factor[half]),
                           narrow_two(sums[n + 1][2 * half] * factor[half],
                                      sums[n + 1][2 * half + 1] * factor[half]),
                           row < rows);
    }
}

/* --- forward ----------------------------------------------------------------- */
/* One warp's softmax and sums over the keys so far: scores are of base 2 and carry the
 * scale only inside the exponent. */
template <int D> struct softmax {
    float sums[D / 8][4], top[2], total[2];

    __device__ __forceinline__ void begin(void) {
#pragma unroll
        for (int n = 0; n < D / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                sums[n][i] = 0;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            top[half] = -INFINITY;
            total[half] = 0;
        }
    }

    /* The next EDGE keys. Row half r sees the first `seen[r]` of them; scores become
     * weights relative to the new top. */
    __device__ __forceinline__ void weigh(float (&score)[EDGE / 8][4],
                                          const int (&seen)[2], float by) {
        float greatest[2] = {-INFINITY, -INFINITY}, base[2], shrink[2];
#pragma unroll
        for (int n = 0; n < EDGE / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                score[n][i] = column_of(n, i) < seen[i / 2] ? score[n][i] : -INFINITY;
                greatest[i / 2] = fmaxf(greatest[i / 2], score[n][i]);
            }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            greatest[half] = fmaxf(top[half], row_greatest(greatest[half]));
            /* No key seen yet: inf - inf is to be avoided. */
            base[half] = greatest[half] == -INFINITY ? 0 : greatest[half] * by;
            shrink[half] = exp2f(top[half] * by - base[half]);
            top[half] = greatest[half];
            total[half] *= shrink[half];
        }
#pragma unroll
        for (int n = 0; n < EDGE / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                score[n][i] = exp2f(score[n][i] * by - base[i / 2]);
                total[i / 2] += score[n][i];
            }
#pragma unroll
        for (int n = 0; n < D / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                sums[n][i] *= shrink[i / 2];
    }
};

template <int D>
static __global__
__launch_bounds__(THREADS, forward_blocks<D>) void tiled_forward_kernel(
    bf16 *out, float *log_sums, const bf16 *qkv, struct heads h) {
    DYNAMIC_SHARED(bf16, shared);
    bf16 *q = shared, *k = q + EDGE * apart<D>, *v = k + EDGE * apart<D>;
    const int stride = 3 * (int)h.width;
    const int tokens = (int)h.tokens, first = (int)blockIdx.y * EDGE;
    const bf16 *from = qkv + qkv_begin(h);
    const int warp = (int)threadIdx.x / WARP, rows = rows_left(tokens, first);
    /* Rows of this warp that are there, none or less where all of them lie behind. */
    const int mine = rows - 16 * warp;
    const float by = h.scale * LOG2_E;
    uint32_t left[D / 16][4];
    struct softmax<D> state;
    state.begin();
    const int end = h.causal ? first + rows : tokens;
    rows_load<D>(q, from + (size_t)first * (size_t)stride, stride, rows);
    for (int tile = 0; tile < end; tile += EDGE) {
        const int keys = rows_left(tokens, tile);
        const bf16 *key = from + h.width + (size_t)tile * (size_t)stride;
        if (tile > 0)
            __syncthreads(); /* the tile before has been read */
        rows_load<D>(k, key, stride, keys);
        rows_load<D>(v, key + h.width, stride, keys);
        copies_wait();
        __syncthreads();
        if (mine <= 0)
            continue;
        if (tile == 0)
#pragma unroll
            for (int d = 0; d < D / 16; d++)
                left_load(left[d], q + 16 * warp * apart<D> + 16 * d, apart<D>);
        float score[EDGE / 8][4] = {};
#pragma unroll
        for (int j = 0; j < EDGE / 16; j++)
            if (16 * j < keys)
#pragma unroll
                for (int d = 0; d < D / 16; d++) {
                    uint32_t right[4];
                    right_load_columns(right, k + 16 * j * apart<D> + 16 * d, apart<D>);
                    tile_multiply_two(score[2 * j], score[2 * j + 1], left[d], right);
                }
        int seen[2] = {keys, keys};
        if (h.causal && tile == first)
#pragma unroll
            for (int half = 0; half < 2; half++)
                seen[half] = min(keys, 16 * warp + tile_lane() / 4 + 8 * half + 1);
        state.weigh(score, seen, by);
#pragma unroll
        for (int j = 0; j < EDGE / 16; j++)
            if (16 * j < keys) {
                uint32_t weights[4], right[4];
                left_narrow(weights, score[2 * j], score[2 * j + 1]);
#pragma unroll
                for (int d = 0; d < D / 16; d++) {
                    right_load_rows(right, v + 16 * j * apart<D> + 16 * d, apart<D>);
                    tile_multiply_two(state.sums[2 * d], state.sums[2 * d + 1], weights,
                                      right);
                }
            }
    }
    if (mine <= 0)
        return;
    float inverse[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float total = row_sum(state.total[half]);
        int row = tile_lane() / 4 + 8 * half;
        inverse[half] = 1.0f / total;
        if (tile_lane() % 4 == 0 && row < mine)
            log_sums[blockIdx.x * h.tokens + (size_t)(first + 16 * warp + row)] =
                state.top[half] * h.scale + logf(total);
    }
    bf16 *to = out + out_begin(h) + ((size_t)(first + 16 * warp)) * h.width;
    rows_store<D>(to, (int)h.width, mine, state.sums, inverse);
}

/* --- backward ---------------------------------------------------------------- */
/* Of EDGE queries: log_sum (base 2) and along = <dout, out>. */
struct query_numbers {
    float log_sum[EDGE], along[EDGE];
};

/* The four tensors' tiles in shared memory: queries and what came back for them, keys
 * and values. */
struct tiles {
    bf16 *q, *g, *k, *v;
    struct query_numbers *numbers;
};

/* Two threads for each query. */
template <int D>
static __device__ __forceinline__ void
numbers_load(struct query_numbers *to, const bf16 *dout, const bf16 *out,
             const float *log_sums, int stride, int rows) {
    static_assert(THREADS == 2 * EDGE, "two threads a row");
    const int row = (int)threadIdx.x / 2, half = (int)threadIdx.x % 2;
    float sum = 0;
    if (row < rows)
#pragma unroll 2
        for (int d = 0; d < D; d += 2 * PACK) {
            float a[PACK], b[PACK];
            load<bf16, PACK>(a, dout + row * stride + d + half * PACK);
            load<bf16, PACK>(b, out + row * stride + d + half * PACK);
#pragma unroll
            for (int i = 0; i < PACK; i++)
                sum += a[i] * b[i];
        }
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    if (half == 0) {
        to->along[row] = sum;
        to->log_sum[row] = row < rows ? log_sums[row] * LOG2_E : 0;
    }
}

/* Tokens `first` to `first` + rows of the head that qkv, dout, out and log_sums begin
 * with. */
template <int D>
static __device__ __forceinline__ void
queries_load(const struct tiles &s, const bf16 *qkv, const bf16 *dout, const bf16 *out,
             const float *log_sums, int first, int rows, int width) {
    rows_load<D>(s.q, qkv + (size_t)first * (size_t)(3 * width), 3 * width, rows);
    rows_load<D>(s.g, dout + (size_t)first * (size_t)width, width, rows);
    numbers_load<D>(s.numbers, dout + (size_t)first * (size_t)width,
                    out + (size_t)first * (size_t)width, log_sums + first, width, rows);
}

template <int D>
static __device__ __forceinline__ void keys_load(const struct tiles &s, const bf16 *qkv,
                                                 int first, int rows, int width) {
    const bf16 *key = qkv + (size_t)first * (size_t)(3 * width) + width;
    rows_load<D>(s.k, key, 3 * width, rows);
    rows_load<D>(s.v, key + width, 3 * width, rows);
}

/* 16 x 16 of two products of the warp's 16 rows, left_0 and left_1 from row `row` on in
 * shared memory, with 16 rows of right_0 and right_1. */
template <int D>
static __device__ __forceinline__ void
two_products(float (&product_0)[2][4], float (&product_1)[2][4], const bf16 *left_0,
             const bf16 *left_1, const bf16 *right_0, const bf16 *right_1) {
#pragma unroll 2 /* registers */
    for (int d = 0; d < D / 16; d++) {
        uint32_t left[4], right[4];
        left_load(left, left_0 + 16 * d, apart<D>);
        right_load_columns(right, right_0 + 16 * d, apart<D>);
        tile_multiply_two(product_0[0], product_0[1], left, right);
        left_load(left, left_1 + 16 * d, apart<D>);
        right_load_columns(right, right_1 + 16 * d, apart<D>);
        tile_multiply_two(product_1[0], product_1[1], left, right);
    }
}

/* sums [16, D] += left times 16 rows of D. */
template <int D>
static __device__ __forceinline__ void
add_product(float (&sums)[D / 8][4], const uint32_t (&left)[4], const bf16 *rows) {
#pragma unroll
    for (int d = 0; d < D / 16; d++) {
        uint32_t right[4];
        right_load_rows(right, rows + 16 * d, apart<D>);
        tile_multiply_two(sums[2 * d], sums[2 * d + 1], left, right);
    }
}

/* dq of the warp's 16 queries gains what `keys` keys give; row half r sees the first
 * seen[r]. p = softmax's weight, ds = p (<dout, v> - along). */
template <int D>
static __device__ __forceinline__ void query_gradient(float (&dq)[D / 8][4],
                                                      const struct tiles &s, int keys,
                                                      const int (&seen)[2], float by) {
    const int own = 16 * ((int)threadIdx.x / WARP), row = own + tile_lane() / 4;
    const float log_sum[2] = {s.numbers->log_sum[row], s.numbers->log_sum[row + 8]};
    const float along[2] = {s.numbers->along[row], s.numbers->along[row + 8]};
#pragma unroll 1 /* registers */
    for (int j = 0; j < keys; j += 16) {
        float score[2][4] = {}, dp[2][4] = {};
        uint32_t left[4];
        two_products<D>(score, dp, s.q + own * apart<D>, s.g + own * apart<D>,
                        s.k + j * apart<D>, s.v + j * apart<D>);
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float p = exp2f(score[n][i] * by - log_sum[i / 2]);
                bool visible = j + column_of(n, i) < seen[i / 2];
                dp[n][i] = visible ? p * (dp[n][i] - along[i / 2]) : 0;
            }
        left_narrow(left, dp[0], dp[1]);
        add_product<D>(dq, left, s.k + j * apart<D>);
    }
}

/* dk and dv of the warp's 16 keys gain what `queries` queries give; row half r is seen
 * by those from since[r] on. */
template <int D>
static __device__ __forceinline__ void
key_gradient(float (&dk)[D / 8][4], float (&dv)[D / 8][4], const struct tiles &s,
             int queries, const int (&since)[2], float by) {
    const int own = 16 * ((int)threadIdx.x / WARP);
#pragma unroll 1
    for (int j = 0; j < queries; j += 16) {
        float score[2][4] = {}, dp[2][4] = {};
        uint32_t left[4];
        two_products<D>(score, dp, s.k + own * apart<D>, s.v + own * apart<D>,
                        s.q + j * apart<D>, s.g + j * apart<D>);
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int query = j + column_of(n, i);
                bool visible = query < queries && query >= since[i / 2];
                float p = exp2f(score[n][i] * by - s.numbers->log_sum[query]);
                score[n][i] = visible ? p : 0;
                dp[n][i] = visible ? p * (dp[n][i] - s.numbers->along[query]) : 0;
            }
        left_narrow(left, score[0], score[1]);
        add_product<D>(dv, left, s.g + j * apart<D>);
        left_narrow(left, dp[0], dp[1]);
        add_product<D>(dk, left, s.q + j * apart<D>);
    }
}

/* A block makes dQ of EDGE queries from all keys, then dK and dV of the EDGE keys of
 * the same tokens from all queries. Where that is the whole sequence everything is
 * loaded once. */
template <int D>
static __global__
__launch_bounds__(THREADS, backward_blocks<D>) void tiled_backward_kernel(
    bf16 *dqkv, const bf16 *dout, const bf16 *out, const float *log_sums,
    const bf16 *qkv, struct heads h) {
    DYNAMIC_SHARED(bf16, shared);
    struct tiles s;
    s.q = shared;
    s.g = s.q + EDGE * apart<D>;
    s.k = s.g + EDGE * apart<D>;
    s.v = s.k + EDGE * apart<D>;
    s.numbers = reinterpret_cast<struct query_numbers *>(s.v + EDGE * apart<D>);
    const int width = (int)h.width, stride = 3 * width;
    const int tokens = (int)h.tokens, first = (int)blockIdx.y * EDGE;
    const bf16 *from = qkv + qkv_begin(h);
    dout += out_begin(h);
    out += out_begin(h);
    log_sums += blockIdx.x * h.tokens;
    const int warp = (int)threadIdx.x / WARP, rows = rows_left(tokens, first);
    const int mine = rows - 16 * warp, row = 16 * warp + tile_lane() / 4;
    const float by = h.scale * LOG2_E;
    bf16 *to = dqkv + qkv_begin(h) + ((size_t)(first + 16 * warp)) * (size_t)stride;

    queries_load<D>(s, from, dout, out, log_sums, first, rows, width);
    {
        float dq[D / 8][4] = {};
        const int end = h.causal ? first + rows : tokens;
        for (int tile = 0; tile < end; tile += EDGE) {
            const int n = rows_left(tokens, tile);
            if (tile > 0)
                __syncthreads(); /* the tile before has been read */
            keys_load<D>(s, from, tile, n, width);
            copies_wait();
            __syncthreads();
            int seen[2] = {n, n};
            if (h.causal && tile == first) {
                seen[0] = min(n, row + 1);
                seen[1] = min(n, row + 9);
            }
            if (mine > 0)
                query_gradient<D>(dq, s, n, seen, by);
        }
        const float factor[2] = {h.scale, h.scale};
        if (mine > 0)
            rows_store<D>(to, stride, mine, dq, factor);
    }
    {
        float dk[D / 8][4] = {}, dv[D / 8][4] = {};
        const int begin = h.causal ? first : 0;
        for (int tile = begin; tile < tokens; tile += EDGE) {
            const int n = rows_left(tokens, tile);
            if (tokens > EDGE) {
                __syncthreads(); /* what lies there has been read */
                if (tile == begin)
                    keys_load<D>(s, from, first, rows, width);
                queries_load<D>(s, from, dout, out, log_sums, tile, n, width);
                copies_wait();
                __syncthreads();
            }
            int since[2] = {0, 0};
            if (h.causal && tile == first) {
                since[0] = row;
                since[1] = row + 8;
            }
            if (mine > 0)
                key_gradient<D>(dk, dv, s, n, since, by);
        }
        if (mine <= 0)
            return;
        const float factor[2] = {h.scale, h.scale}, one[2] = {1, 1};
        rows_store<D>(to + width, stride, mine, dk, factor);
        rows_store<D>(to + 2 * width, stride, mine, dv, one);
    }
}

/* --- choosing ---------------------------------------------------------------- */
/* Within a tile offsets are ints. Rows begin on 16 bytes where the tensors do: D is a
 * multiple of 8. */
static bool suits(const struct cuda *cuda, const struct attention_shape *s,
                  size_t bytes) {
    return bytes <= cuda->shared_limit && s->tokens <= (size_t)EDGE * 65535 &&
           s->batch * s->heads <= 0x7fffffff && s->heads * s->head_width <= 1 << 20;
}

static dim3 blocks_for(const struct attention_shape *s) {
    return dim3((unsigned)(s->batch * s->heads),
                (unsigned)((s->tokens + EDGE - 1) / EDGE));
}

template <int D>
static bool forward(struct cuda *cuda, bf16 *out, float *log_sums, const bf16 *qkv,
                    const struct attention_shape *s) {
    size_t bytes = 3 * tile_bytes<D>;
    auto kernel = tiled_forward_kernel<D>;
    if (!suits(cuda, s, bytes))
        return false;
    if (allow_shared(cuda, kernel, bytes))
        LAUNCH(cuda, kernel, blocks_for(s), THREADS, bytes, out, log_sums, qkv,
               heads_of(s));
    return true;
}

bool cuda_attention_tiled(struct cuda *cuda, real *out, float *log_sums,
                          const real *qkv, const struct attention_shape *s) {
    bf16 *o = typed<bf16>(out);
    const bf16 *x = typed<bf16>(qkv);
    if (!all_aligned(o, x))
        return false;
    switch (s->head_width) {
    case 32:
        return forward<32>(cuda, o, log_sums, x, s);
    case 64:
        return forward<64>(cuda, o, log_sums, x, s);
    case 80:
        return forward<80>(cuda, o, log_sums, x, s);
    case 128:
        return forward<128>(cuda, o, log_sums, x, s);
    }
    return false;
}

template <int D>
static bool backward(struct cuda *cuda, bf16 *dqkv, const bf16 *dout, const bf16 *out,
                     const float *log_sums, const bf16 *qkv,
                     const struct attention_shape *s) {
    size_t bytes = 4 * tile_bytes<D> + sizeof(struct query_numbers);
    auto kernel = tiled_backward_kernel<D>;
    if (!suits(cuda, s, bytes))
        return false;
    if (allow_shared(cuda, kernel, bytes))
        LAUNCH(cuda, kernel, blocks_for(s), THREADS, bytes, dqkv, dout, out, log_sums,
               qkv, heads_of(s));
    return true;
}

bool cuda_attention_tiled_backward(struct cuda *cuda, real *dqkv, const real *dout,
                                   const real *out, const float *log_sums,
                                   const real *qkv, const struct attention_shape *s) {
    bf16 *d = typed<bf16>(dqkv);
    const bf16 *g = typed<bf16>(dout), *o = typed<bf16>(out), *x = typed<bf16>(qkv);
    if (!all_aligned(d, g, o, x))
        return false;
    switch (s->head_width) {
    case 32:
        return backward<32>(cuda, d, g, o, log_sums, x, s);
    case 64:
        return backward<64>(cuda, d, g, o, log_sums, x, s);
    case 80:
        return backward<80>(cuda, d, g, o, log_sums, x, s);
    case 128:
        return backward<128>(cuda, d, g, o, log_sums, x, s);
    }
    return false;
}
