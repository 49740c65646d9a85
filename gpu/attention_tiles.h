/* What attention on the tensor cores has forward and backward: EDGE rows of a head in
 * shared memory, their way there and back. A block has EDGE rows of one head, a warp 16
 * of them; the other side comes EDGE rows at a time, all of it at once where a sequence
 * has no more tokens than that, else by two buffers in turn: while one is read the
 * other fills. */
#ifndef PWEMOE_GPU_ATTENTION_TILES_H
#define PWEMOE_GPU_ATTENTION_TILES_H

#include <math.h>

#include "attention.h"
#include "element.h"
#include "tile.h"

enum { WARPS = 4, THREADS = WARPS * WARP, EDGE = WARPS * 16, PACK = 8 };

/* Elements from row to row in shared memory: see tile.h. */
template <int D> constexpr int apart = D + 8;

template <int D> constexpr size_t tile_bytes = (size_t)EDGE *apart<D> * sizeof(bf16);

constexpr float LOG2_E = 1.44269504f;

/* What is left from `first` on, at least 0 and at most EDGE. (clang 19 forgets EDGE
 * where this is said by two conditions.) */
static __device__ __forceinline__ int rows_left(int end, int first) {
    return min(max(end - first, 0), (int)EDGE);
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

/* A lane's rows of a sum are g and g + 8. What four lanes have of a row, added up. */
static __device__ __forceinline__ float row_sum(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
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

/* Within a tile offsets are ints. Rows begin on 16 bytes where the tensors do: D is a
 * multiple of 8. */
static inline bool suits(const struct cuda *cuda, const struct attention_shape *s,
                         size_t bytes) {
    return bytes <= cuda->shared_limit && s->tokens <= (size_t)EDGE * 65535 &&
           s->batch * s->heads <= 0x7fffffff && s->heads * s->head_width <= 1 << 20;
}

static inline dim3 blocks_for(const struct attention_shape *s) {
    return dim3((unsigned)(s->batch * s->heads),
                (unsigned)((s->tokens + EDGE - 1) / EDGE));
}

#endif
