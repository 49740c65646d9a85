/* Attention in bf16 on the tensor cores, backward: weights and gradients of scores are
 * made anew from queries, keys and the forward pass's sums, and stay in registers
 * (Dao et al., "FlashAttention-2", 2023). Sums run in a fixed order: no atomics. */
#include "attention_tiles.h"

/* As forward_blocks of attention_forward.cu. */
template <int D> constexpr int backward_blocks = D <= 32 ? 4 : D <= 64 ? 3 : 2;

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

/* Shared memory is pairs of tiles, each with room for numbers. */
template <int D>
constexpr size_t pair_bytes = 2 * tile_bytes<D> + sizeof(struct query_numbers);

template <int D>
static __device__ __forceinline__ void queries_at(struct tiles &s,
                                                  unsigned char *shared, int pair) {
    s.q = reinterpret_cast<bf16 *>(shared + (size_t)pair * pair_bytes<D>);
    s.g = s.q + EDGE * apart<D>;
    s.numbers = reinterpret_cast<struct query_numbers *>(s.g + EDGE * apart<D>);
}

template <int D>
static __device__ __forceinline__ void keys_at(struct tiles &s, unsigned char *shared,
                                               int pair) {
    s.k = reinterpret_cast<bf16 *>(shared + (size_t)pair * pair_bytes<D>);
    s.v = s.k + EDGE * apart<D>;
}

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
                float p = power_of_two(score[n][i] * by - log_sum[i / 2]);
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
                float p = power_of_two(score[n][i] * by - s.numbers->log_sum[query]);
                score[n][i] = visible ? p : 0;
                dp[n][i] = visible ? p * (dp[n][i] - s.numbers->along[query]) : 0;
            }
        left_narrow(left, score[0], score[1]);
        add_product<D>(dv, left, s.g + j * apart<D>);
        left_narrow(left, dp[0], dp[1]);
        add_product<D>(dk, left, s.q + j * apart<D>);
    }
}

/* dQ of the block's queries, which lie in pair 0, from all keys, which come to pairs 1
 * and 2 in turn. */
template <int D>
static __device__ __forceinline__ void
queries_pass(unsigned char *shared, const bf16 *from, bf16 *to, int first, int rows,
             const struct heads &h) {
    const int width = (int)h.width, tokens = (int)h.tokens;
    const int warp = (int)threadIdx.x / WARP, row = 16 * warp + tile_lane() / 4;
    const int mine = rows - 16 * warp, end = h.causal ? first + rows : tokens;
    struct tiles s;
    float dq[D / 8][4] = {};
    queries_at<D>(s, shared, 0);
    keys_at<D>(s, shared, 1);
    keys_load<D>(s, from, 0, rows_left(tokens, 0), width);
    for (int tile = 0; tile < end; tile += EDGE) {
        const int n = rows_left(tokens, tile), next = tile + EDGE;
        copies_wait();
        __syncthreads(); /* also: the tile before has been read */
        if (next < end) {
            keys_at<D>(s, shared, 1 + next / EDGE % 2);
            keys_load<D>(s, from, next, rows_left(tokens, next), width);
        }
        keys_at<D>(s, shared, 1 + tile / EDGE % 2);
        int seen[2] = {n, n};
        if (h.causal && tile == first) {
            seen[0] = min(n, row + 1);
            seen[1] = min(n, row + 9);
        }
        if (mine > 0)
            query_gradient<D>(dq, s, n, seen, h.scale * LOG2_E);
    }
    const float factor[2] = {h.scale, h.scale};
    if (mine > 0)
        rows_store<D>(to, 3 * width, mine, dq, factor);
}

/* What a block reads but for keys: all from the head's begin on. */
struct queries {
    const bf16 *qkv, *dout, *out;
    const float *log_sums;
};

/* dK and dV of the keys of the block's tokens from all queries. Where that is the whole
 * sequence all of it is still there; else the keys come to pair 0, the queries to pairs
 * 1 and 2 in turn. */
template <int D>
static __device__ __forceinline__ void
keys_pass(unsigned char *shared, const struct queries &from, bf16 *to, int first,
          int rows, const struct heads &h) {
    const int width = (int)h.width, tokens = (int)h.tokens;
    const int warp = (int)threadIdx.x / WARP, row = 16 * warp + tile_lane() / 4;
    const int mine = rows - 16 * warp, begin = h.causal ? first : 0;
    const bool several = tokens > EDGE;
    struct tiles s;
    float dk[D / 8][4] = {}, dv[D / 8][4] = {};
    queries_at<D>(s, shared, several ? 1 + begin / EDGE % 2 : 0);
    keys_at<D>(s, shared, several ? 0 : 1);
    if (several) {
        __syncthreads(); /* what lies there has been read */
        keys_load<D>(s, from.qkv, first, rows, width);
        queries_load<D>(s, from.qkv, from.dout, from.out, from.log_sums, begin,
                        rows_left(tokens, begin), width);
    }
    for (int tile = begin; tile < tokens; tile += EDGE) {
        const int n = rows_left(tokens, tile), next = tile + EDGE;
        if (several) {
            copies_wait();
            __syncthreads();
        }
        if (next < tokens) {
            queries_at<D>(s, shared, 1 + next / EDGE % 2);
            queries_load<D>(s, from.qkv, from.dout, from.out, from.log_sums, next,
                            rows_left(tokens, next), width);
        }
        queries_at<D>(s, shared, several ? 1 + tile / EDGE % 2 : 0);
        int since[2] = {0, 0};
        if (h.causal && tile == first) {
            since[0] = row;
            since[1] = row + 8;
        }
        if (mine > 0)
            key_gradient<D>(dk, dv, s, n, since, h.scale * LOG2_E);
    }
    if (mine <= 0)
        return;
    const float factor[2] = {h.scale, h.scale}, one[2] = {1, 1};
    rows_store<D>(to + width, 3 * width, mine, dk, factor);
    rows_store<D>(to + 2 * width, 3 * width, mine, dv, one);
}

/* A block makes dQ of EDGE queries from all keys, then dK and dV of the EDGE keys of
 * the same tokens from all queries. */
template <int D>
static __global__
__launch_bounds__(THREADS, backward_blocks<D>) void tiled_backward_kernel(
    bf16 *dqkv, const bf16 *dout, const bf16 *out, const float *log_sums,
    const bf16 *qkv, struct heads h) {
    DYNAMIC_SHARED(unsigned char, shared);
    const int width = (int)h.width, first = (int)blockIdx.y * EDGE;
    const int rows = rows_left((int)h.tokens, first), warp = (int)threadIdx.x / WARP;
    const struct queries from = {qkv + qkv_begin(h), dout + out_begin(h),
                                 out + out_begin(h), log_sums + blockIdx.x * h.tokens};
    bf16 *to =
        dqkv + qkv_begin(h) + ((size_t)(first + 16 * warp)) * (size_t)(3 * width);
    struct tiles s;
    queries_at<D>(s, shared, 0);
    queries_load<D>(s, from.qkv, from.dout, from.out, from.log_sums, first, rows,
                    width);
    queries_pass<D>(shared, from.qkv, to, first, rows, h);
    keys_pass<D>(shared, from, to, first, rows, h);
}

template <int D>
static bool backward(struct cuda *cuda, bf16 *dqkv, const bf16 *dout, const bf16 *out,
                     const float *log_sums, const bf16 *qkv,
                     const struct attention_shape *s) {
    size_t bytes = (s->tokens > EDGE ? 3 : 2) * pair_bytes<D>;
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
