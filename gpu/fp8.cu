/* Operands of products in fp8 (--precision fp8): each matrix as e4m3 with one scale, k
 * side by side, as cuBLASLt's fp8 kernels want both. A first kernel finds the greatest
 * magnitude by blocks, a second one divides and rounds; both take a and b at once. */
#include <cuda_fp8.h>

#include "cuda.h"
#include "element.h"
#include "product.h"

/* At a time; blocks for each processor; columns and rows of a tile that is turned. */
enum { THREADS = 256, CHUNK = 16, BLOCKS_EACH = 4, TILE = 32 };

/* A matrix of bf16, rows of `columns` elements `stride` apart; and where it goes. */
struct operand {
    const bf16 *from;
    uint8_t *to;
    uint32_t rows, columns;
    size_t stride;
};

struct operands {
    struct operand of[2]; /* a, b */
};

/* The one that a row of blocks has: chosen field by field, which stays in registers. */
static __device__ __forceinline__ struct operand of_block(const struct operands &both) {
    const struct operand &a = both.of[0], &b = both.of[1];
    bool second = blockIdx.y > 0;
    return {second ? b.from : a.from, second ? b.to : a.to, second ? b.rows : a.rows,
            second ? b.columns : a.columns, second ? b.stride : a.stride};
}

static __device__ __forceinline__ uint32_t chunks_of(const struct operand &x) {
    return x.rows * (x.columns / CHUNK);
}

static __device__ __forceinline__ const bf16 *chunk_of(const struct operand &x,
                                                       uint32_t i) {
    uint32_t across = x.columns / CHUNK;
    return x.from + i / across * x.stride + (size_t)(i % across) * CHUNK;
}

/* The greatest of a block's threads, for all of them; `shared` has a warp's each. */
static __device__ __forceinline__ float block_greatest(float x, float *shared) {
    x = warp_greatest(x);
    if (threadIdx.x % WARP == 0)
        shared[threadIdx.x / WARP] = x;
    __syncthreads();
    float all = 0;
    for (int i = 0; i < THREADS / WARP; i++)
        all = fmaxf(all, shared[i]);
    return all;
}

/* greatest [2, gridDim.x]: of what each block has seen of a (row 0) and of b. A NaN is
 * dropped: it is one in fp8, too. */
static __global__ void greatest_kernel(float *greatest, struct operands operands) {
    SHARED(float, shared, [THREADS / WARP]);
    const struct operand x = of_block(operands);
    float most = 0;
    for (uint32_t i = blockIdx.x * THREADS + threadIdx.x; i < chunks_of(x);
         i += gridDim.x * THREADS) {
        const bf16 *from = chunk_of(x, i);
        float low[CHUNK / 2], high[CHUNK / 2];
        load<bf16, CHUNK / 2>(low, from);
        load<bf16, CHUNK / 2>(high, from + CHUNK / 2);
#pragma unroll
        for (int j = 0; j < CHUNK / 2; j++)
            most = fmaxf(most, fmaxf(fabsf(low[j]), fabsf(high[j])));
    }
    most = block_greatest(most, shared);
    if (threadIdx.x == 0)
        greatest[blockIdx.y * gridDim.x + blockIdx.x] = most;
}

/* What an operand's elements are multiplied by, of the greatest of its blocks; one
 * block writes the scale, its inverse, for the product. */
static __device__ __forceinline__ float factor_of(const float *greatest, uint32_t count,
                                                  float *scale, float *shared) {
    float most = 1e-30f;
    for (uint32_t i = threadIdx.x; i < count; i += THREADS)
        most = fmaxf(most, greatest[i]);
    most = fmaxf(block_greatest(most, shared), 1e-30f);
    if (blockIdx.x == 0 && threadIdx.x == 0)
        *scale = most / 448;
    return 448 / most;
}

static __device__ __forceinline__ uint32_t two_of(float first, float second) {
    return __nv_cvt_float2_to_fp8x2(make_float2(first, second), __NV_SATFINITE,
                                    __NV_E4M3);
}

struct alignas(16) sixteen_bytes {
    uint32_t word[4];
};

/* A row of blocks for each operand that is put as it lies: a, and b where it is not to
 * be turned. */
static __global__ void round_kernel(float *scales, const float *greatest,
                                    uint32_t count, struct operands operands) {
    SHARED(float, shared, [THREADS / WARP]);
    const struct operand x = of_block(operands);
    float factor =
        factor_of(greatest + blockIdx.y * count, count, scales + blockIdx.y, shared);
    for (uint32_t i = blockIdx.x * THREADS + threadIdx.x; i < chunks_of(x);
         i += gridDim.x * THREADS) {
        const bf16 *from = chunk_of(x, i);
        float part[2][CHUNK / 2];
        load<bf16, CHUNK / 2>(part[0], from);
        load<bf16, CHUNK / 2>(part[1], from + CHUNK / 2);
        struct sixteen_bytes made;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const float *four = part[j / 2] + j % 2 * 4;
            made.word[j] = two_of(four[0] * factor, four[1] * factor) |
                           two_of(four[2] * factor, four[3] * factor) << 16;
        }
        *reinterpret_cast<struct sixteen_bytes *>(x.to + (size_t)i * CHUNK) = made;
    }
}

/* b [k, n] as [n, k], by tiles: for weights that are stored the other way round. */
static __global__ void turn_kernel(float *scale, const float *greatest, uint32_t count,
                                   struct operand b) {
    SHARED(float, shared, [THREADS / WARP]);
    SHARED(float, tile, [TILE][TILE + 1]);
    float factor = factor_of(greatest, count, scale, shared);
    uint32_t across = (b.columns + TILE - 1) / TILE;
    uint32_t tiles = across * ((b.rows + TILE - 1) / TILE);
    uint32_t x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    for (uint32_t i = blockIdx.x; i < tiles; i += gridDim.x) {
        uint32_t row = i / across * TILE, column = i % across * TILE;
        __syncthreads();
        for (uint32_t j = y; j < TILE; j += THREADS / TILE)
            if (row + j < b.rows && column + x < b.columns)
                tile[j][x] = widen(b.from[(row + j) * b.stride + column + x]);
        __syncthreads();
        for (uint32_t j = y; j < TILE; j += THREADS / TILE)
            if (row + x < b.rows && column + j < b.columns)
                b.to[(size_t)(column + j) * b.rows + row + x] =
                    (uint8_t)two_of(tile[x][j] * factor, 0);
    }
}

/* What cuBLASLt's fp8 kernels take, and kernels of 32-bit indices. */
static bool is_possible(const struct matmul *p) {
    size_t most = UINT32_MAX / 2;
    return p->n % CHUNK == 0 && p->k % CHUNK == 0 && p->k > 0 && !p->transpose_a &&
           !p->c_is_f32 && !p->sums && p->batch <= 1 && p->lda % 8 == 0 &&
           p->ldb % 8 == 0 && p->ldc % 8 == 0 && all_aligned(p->a, p->b, p->c) &&
           p->m <= most / p->k * CHUNK && p->n <= most / p->k * CHUNK;
}

static size_t rounded_up(size_t bytes) {
    return (bytes + 255) / 256 * 256;
}

bool cuda_fp8_round(struct cuda *cuda, const struct matmul *p, struct matmul *made,
                    struct rounded *rounded) {
    if (!is_possible(p))
        return false;
    unsigned blocks = (unsigned)cuda->processors * BLOCKS_EACH;
    size_t bytes_a = rounded_up(p->m * p->k), bytes_b = rounded_up(p->n * p->k);
    size_t few = rounded_up((2 + 2 * (size_t)blocks) * sizeof(float));
    size_t trials = p->accumulate ? p->m * p->ldc * cuda->table.real_size : 0;
    char *room =
        static_cast<char *>(cuda_scratch(cuda, few + bytes_a + bytes_b + trials));
    if (!room)
        return false;
    float *scales = reinterpret_cast<float *>(room), *greatest = scales + 2;
    uint8_t *to = reinterpret_cast<uint8_t *>(room + few);
    struct operands both = {
        {{typed<bf16>(p->a), to, (uint32_t)p->m, (uint32_t)p->k, p->lda},
         {typed<bf16>(p->b), to + bytes_a, (uint32_t)(p->transpose_b ? p->n : p->k),
          (uint32_t)(p->transpose_b ? p->k : p->n), p->ldb}}};
    LAUNCH(cuda, greatest_kernel, dim3(blocks, 2), THREADS, 0, greatest, both);
    LAUNCH(cuda, round_kernel, dim3(blocks, p->transpose_b ? 2 : 1), THREADS, 0, scales,
           greatest, blocks, both);
    if (!p->transpose_b)
        LAUNCH(cuda, turn_kernel, blocks, THREADS, 0, scales + 1, greatest + blocks,
               blocks, both.of[1]);
    *made = *p;
    made->a = reinterpret_cast<const real *>(to);
    made->b = reinterpret_cast<const real *>(to + bytes_a);
    made->lda = made->ldb = p->k;
    made->transpose_b = true;
    *rounded = {scales, scales + 1, to + bytes_a + bytes_b};
    return !cuda->failed && !cuda->refused;
}
