/* Squared products of short matrices, added up without being written: the diagonal of
 * Fisher's information of many examples. */
#include "cuda.h"
#include "element.h"

enum : int { EDGE = 64, EACH = 4, SIDE = EDGE / EACH, DEPTH = 16 };

/* A block has EDGE x EDGE elements of `to` at a time, a thread EACH x EACH of them;
 * DEPTH rows of both matrices are in shared memory. */
template <class T>
static __global__ __launch_bounds__(SIDE *SIDE) void squared_products_kernel(
    float *to, const T *a, const T *b, float scale, size_t groups, size_t rows,
    size_t m, size_t n) {
    SHARED(float, left, [DEPTH][EDGE]);
    SHARED(float, right, [DEPTH][EDGE]);
    size_t across = (n + EDGE - 1) / EDGE, tiles = (m + EDGE - 1) / EDGE * across;
    int x = (int)threadIdx.x % SIDE, y = (int)threadIdx.x / SIDE;
    for (size_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        size_t top = tile / across * EDGE, first = tile % across * EDGE;
        float total[EACH][EACH] = {};
        for (size_t g = 0; g < groups; g++) {
            float sum[EACH][EACH] = {};
            for (size_t r = 0; r < rows; r += DEPTH) {
                for (int k = (int)threadIdx.x; k < DEPTH * EDGE; k += SIDE * SIDE) {
                    int row = k / EDGE, column = k % EDGE;
                    size_t at = g * rows + r + row;
                    bool inside = r + row < rows;
                    left[row][column] = inside && top + column < m
                                            ? widen(a[at * m + top + column])
                                            : 0;
                    right[row][column] = inside && first + column < n
                                             ? widen(b[at * n + first + column])
                                             : 0;
                }
                __syncthreads();
#pragma unroll 4 /* registers */
                for (int row = 0; row < DEPTH; row++)
#pragma unroll
                    for (int i = 0; i < EACH; i++)
#pragma unroll
                        for (int j = 0; j < EACH; j++)
                            sum[i][j] +=
                                left[row][y + i * SIDE] * right[row][x + j * SIDE];
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < EACH; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
                    total[i][j] += sum[i][j] * sum[i][j];
        }
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++) {
                size_t row = top + y + i * SIDE, column = first + x + j * SIDE;
                if (row < m && column < n)
                    to[row * n + column] += scale * total[i][j];
            }
    }
}

template <class T>
static void add_squared_products(struct backend *backend, float *to, const real *a,
                                 const real *b, float scale, size_t groups, size_t rows,
                                 size_t m, size_t n) {
    struct cuda *cuda = cuda_ready(backend);
    if (!cuda || m == 0 || n == 0 || groups == 0)
        return;
    size_t tiles = (m + EDGE - 1) / EDGE * ((n + EDGE - 1) / EDGE);
    auto kernel = squared_products_kernel<T>;
    LAUNCH(cuda, kernel, cuda_blocks(cuda, tiles, 1), SIDE * SIDE, 0, to, typed<T>(a),
           typed<T>(b), scale, groups, rows, m, n);
}

void cuda_fill_squares(struct backend *table) {
    table->add_squared_products = table->precision == PRECISION_BF16
                                      ? add_squared_products<bf16>
                                      : add_squared_products<float>;
}
