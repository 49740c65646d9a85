/* Attention in bf16 on the tensor cores, forward, for heads of 32, 64, 80 and 128 and
 * any number of tokens. Scores, weights and their sums stay in registers, nothing of
 * size tokens^2 is stored (Dao et al., "FlashAttention-2", 2023). Sums run in a fixed
 * order: no atomics.
 *
 * What bounds it, at ViT-B/32 with 512 images (50 tokens, 12 heads of 64): forward
 * reads qkv and writes out once, 512 * 50 * 4 * 768 * 2 bytes = 157 MB a layer, 33 us
 * at 4.8 TB/s and 0.4 ms for 12 layers; its 2 * 2 * 64 * 64 * 64 operations for each of
 * 6144 heads are 6.4 GFLOP a layer, some 15 us of the tensor cores. Loads are therefore
 * sent off together, 24 KiB a block, and past the registers, so that four blocks of a
 * multiprocessor have theirs on the way. */
#include "attention_tiles.h"

/* Blocks that a multiprocessor is to run at a time, one loading while another counts:
 * 128, 168 or 255 registers a thread, whatever holds the sums without spilling. */
template <int D> constexpr int forward_blocks = D <= 64 ? 4 : D <= 80 ? 3 : 2;

/* The greatest of what four lanes have of a row. */
static __device__ __forceinline__ float row_greatest(float x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

/* Of some keys row half r sees the first `seen[r]`. */
template <int N>
static __device__ __forceinline__ void hide(float (&score)[N][4],
                                            const int (&seen)[2]) {
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            score[n][i] = column_of(n, i) < seen[i / 2] ? score[n][i] : -INFINITY;
}

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

    /* The next 8 N keys, those with a score of -infinity unseen: scores become weights
     * relative to the new top. */
    template <int N>
    __device__ __forceinline__ void weigh(float (&score)[N][4], float by) {
        float greatest[2] = {-INFINITY, -INFINITY}, base[2], shrink[2];
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                greatest[i / 2] = fmaxf(greatest[i / 2], score[n][i]);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            greatest[half] = fmaxf(top[half], row_greatest(greatest[half]));
            /* No key seen yet: inf - inf is to be avoided. */
            base[half] = greatest[half] == -INFINITY ? 0 : greatest[half] * by;
            shrink[half] = power_of_two(top[half] * by - base[half]);
            top[half] = greatest[half];
            total[half] *= shrink[half];
        }
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                score[n][i] = power_of_two(score[n][i] * by - base[i / 2]);
                total[i / 2] += score[n][i];
            }
#pragma unroll
        for (int n = 0; n < D / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                sums[n][i] *= shrink[i / 2];
    }
};

/* Keys, then values, of the tokens from `tile` on: behind the queries, every other tile
 * in the same place. */
template <int D>
static __device__ __forceinline__ bf16 *keys_at(bf16 *shared, int tile) {
    return shared + (1 + 2 * (tile / EDGE % 2)) * EDGE * apart<D>;
}

template <int D>
static __device__ __forceinline__ void keys_load(bf16 *to, const bf16 *key, int width,
                                                 int tokens, int tile) {
    const int keys = rows_left(tokens, tile);
    key += (size_t)tile * (size_t)(3 * width);
    rows_load<D>(to, key, 3 * width, keys);
    rows_load<D>(to + EDGE * apart<D>, key + width, 3 * width, keys);
}

/* The warp's 16 queries and `keys` keys, 16 GROUPS at most, from k on, their values
 * behind them. diagonal: query i of the block sees the first i + 1. */
template <int D, int GROUPS>
static __device__ __forceinline__ void
add_keys(struct softmax<D> &state, const uint32_t (&left)[D / 16][4], const bf16 *k,
         int keys, bool diagonal, float by) {
    const bf16 *v = k + EDGE * apart<D>;
    float score[2 * GROUPS][4] = {};
#pragma unroll
    for (int j = 0; j < GROUPS; j++)
        if (16 * j < keys)
#pragma unroll
            for (int d = 0; d < D / 16; d++) {
                uint32_t right[4];
                right_load_columns(right, k + 16 * j * apart<D> + 16 * d, apart<D>);
                tile_multiply_two(score[2 * j], score[2 * j + 1], left[d], right);
            }
    if (keys < 16 * GROUPS || diagonal) { /* else all are seen by all */
        const int row = 16 * ((int)threadIdx.x / WARP) + tile_lane() / 4;
        int seen[2] = {keys, keys};
        if (diagonal) {
            seen[0] = min(keys, row + 1);
            seen[1] = min(keys, row + 9);
        }
        hide(score, seen);
    }
    state.weigh(score, by);
#pragma unroll
    for (int j = 0; j < GROUPS; j++)
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

template <int D>
static __global__
__launch_bounds__(THREADS, forward_blocks<D>) void tiled_forward_kernel(
    bf16 *out, float *log_sums, const bf16 *qkv, struct heads h) {
    DYNAMIC_SHARED(bf16, shared);
    bf16 *q = shared;
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
    keys_load<D>(keys_at<D>(shared, 0), from + h.width, (int)h.width, tokens, 0);
    for (int tile = 0; tile < end; tile += EDGE) {
        const int keys = rows_left(tokens, tile);
        const bf16 *k = keys_at<D>(shared, tile);
        copies_wait();
        __syncthreads(); /* also: the tile before has been read */
        if (tile + EDGE < end)
            keys_load<D>(keys_at<D>(shared, tile + EDGE), from + h.width, (int)h.width,
                         tokens, tile + EDGE);
        if (mine <= 0)
            continue;
        if (tile == 0)
#pragma unroll
            for (int d = 0; d < D / 16; d++)
                left_load(left[d], q + 16 * warp * apart<D> + 16 * d, apart<D>);
        const bool diagonal = h.causal && tile == first;
        if (keys <= 16) /* as of 257 tokens: the last one */
            add_keys<D, 1>(state, left, k, keys, diagonal, by);
        else
            add_keys<D, EDGE / 16>(state, left, k, keys, diagonal, by);
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

template <int D>
static bool forward(struct cuda *cuda, bf16 *out, float *log_sums, const bf16 *qkv,
                    const struct attention_shape *s) {
    size_t bytes = (s->tokens > EDGE ? 5 : 3) * tile_bytes<D>;
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
