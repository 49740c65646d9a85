#include "merge/solve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    ROWS = 4, /* of c in registers */
    COLUMNS = 8,
    DEPTH = 128, /* of a product at a time, and the width of Cholesky's panels */
    STRIP = 64,  /* rows of c that a thread takes at a time */
};

typedef double lanes __attribute__((vector_size(8 * COLUMNS / 2)));

/* sums [ROWS, COLUMNS] = a^T b of packed a [depth, ROWS] and b [depth, COLUMNS]. */
static inline __attribute__((always_inline)) void
kernel(const double *a, const double *b, size_t depth, double *sums) {
    lanes low[ROWS] = {0}, high[ROWS] = {0};
    for (size_t k = 0; k < depth; k++) {
        lanes left, right;
        memcpy(&left, b + k * COLUMNS, sizeof left);
        memcpy(&right, b + k * COLUMNS + COLUMNS / 2, sizeof right);
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++) {
            low[i] += a[k * ROWS + (size_t)i] * left;
            high[i] += a[k * ROWS + (size_t)i] * right;
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i++) {
        memcpy(sums + i * COLUMNS, &low[i], sizeof low[i]);
        memcpy(sums + i * COLUMNS + COLUMNS / 2, &high[i], sizeof high[i]);
    }
}

typedef void tile(const double *a, const double *b, size_t depth, double *sums);

static void tile_plain(const double *a, const double *b, size_t depth, double *sums) {
    kernel(a, b, depth, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2,fma"))) static void
tile_avx2(const double *a, const double *b, size_t depth, double *sums) {
    kernel(a, b, depth, sums);
}
#endif

static tile *tile_of_processor(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return tile_avx2;
#endif
    return tile_plain;
}

/* width columns of out [depth, width] from element (i, k) at from[i * step + k * hop];
 * those from count on are 0. */
static void pack(double *out, const double *from, size_t step, size_t hop, size_t count,
                 size_t width, size_t depth) {
    for (size_t k = 0; k < depth; k++)
        for (size_t i = 0; i < width; i++)
            out[k * width + i] = i < count ? from[i * step + k * hop] : 0;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* One strip of rows, depth <= DEPTH; b is packed. */
static void subtract_strip(const struct product *p, const double *b, size_t begin,
                           tile *compute) {
    double a[STRIP * DEPTH], sums[ROWS * COLUMNS];
    size_t rows = least(STRIP, p->rows - begin);
    for (size_t i = 0; i < rows; i += ROWS)
        pack(a + i * p->depth, p->a + (begin + i) * p->a_stride, p->a_stride, 1,
             rows - i, ROWS, p->depth);
    for (size_t j = 0; j < p->columns; j += COLUMNS)
        for (size_t i = 0; i < rows; i += ROWS) {
            compute(a + i * p->depth, b + j * p->depth, p->depth, sums);
            size_t height = least(ROWS, rows - i),
                   width = least(COLUMNS, p->columns - j);
            for (size_t y = 0; y < height; y++)
                for (size_t x = 0; x < width; x++)
                    p->c[(begin + i + y) * p->c_stride + j + x] -=
                        sums[y * COLUMNS + x];
        }
}

int solve_subtract(const struct product *product, unsigned threads) {
    size_t columns = (product->columns + COLUMNS - 1) / COLUMNS * COLUMNS;
    double *b = array_new(columns, DEPTH * sizeof *b);
    if (!b)
        return -1;
    tile *compute = tile_of_processor();
    for (size_t k = 0; k < product->depth; k += DEPTH) {
        struct product part = *product;
        part.a += k;
        part.b += k * part.b_depth;
        part.depth = least(DEPTH, product->depth - k);
#pragma omp parallel num_threads(threads)
        {
#pragma omp for schedule(static)
            for (size_t j = 0; j < columns; j += COLUMNS)
                pack(b + j * part.depth, part.b + j * part.b_column, part.b_column,
                     part.b_depth, part.columns - j, COLUMNS, part.depth);
#pragma omp for schedule(dynamic)
            for (size_t i = 0; i < part.rows; i += STRIP)
                subtract_strip(&part, b, i, compute);
        }
    }
    free(b);
    return 0;
}

/* The factor of a block on the diagonal, in place; false where there is none. */
static bool factor_block(double *block, size_t stride, size_t size) {
    for (size_t j = 0; j < size; j++) {
        double *row = block + j * stride;
        double pivot = row[j];
        for (size_t k = 0; k < j; k++)
            pivot -= row[k] * row[k];
        if (!(pivot > 0) || !isfinite(pivot))
            return false;
        row[j] = sqrt(pivot);
        for (size_t i = j + 1; i < size; i++) {
            double *below = block + i * stride, sum = below[j];
            for (size_t k = 0; k < j; k++)
                sum -= below[k] * row[k];
            below[j] = sum / row[j];
        }
    }
    return true;
}

/* Rows x of a panel: x L^T = x, or x L = x, for a block L on the diagonal. */
static void divide_forward(const double *block, size_t stride, size_t size,
                           double *rows, size_t row_stride, size_t count,
                           unsigned threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t r = 0; r < count; r++) {
        double *x = rows + r * row_stride;
        for (size_t j = 0; j < size; j++) {
            double sum = x[j];
            for (size_t k = 0; k < j; k++)
                sum -= x[k] * block[j * stride + k];
            x[j] = sum / block[j * stride + j];
        }
    }
}

static void divide_backward(const double *block, size_t stride, size_t size,
                            double *rows, size_t row_stride, size_t count,
                            unsigned threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t r = 0; r < count; r++) {
        double *x = rows + r * row_stride;
        for (size_t j = size; j-- > 0;) {
            x[j] /= block[j * stride + j];
            for (size_t k = 0; k < j; k++)
                x[k] -= x[j] * block[j * stride + k];
        }
    }
}

/* The rest of the lower triangle, a panel's width of columns at a time, so that little
 * of the upper one is computed with it. */
static int update_triangle(double *matrix, size_t size, size_t from, size_t width,
                           unsigned threads) {
    size_t after = from + width;
    for (size_t j = after; j < size; j += DEPTH) {
        struct product product = {matrix + j * size + j,
                                  size,
                                  matrix + j * size + from,
                                  size,
                                  matrix + j * size + from,
                                  size,
                                  1,
                                  size - j,
                                  least(DEPTH, size - j),
                                  width};
        if (solve_subtract(&product, threads))
            return -1;
    }
    return 0;
}

int solve_rows(double *matrix, size_t size, double *rows, size_t count,
               unsigned threads) {
    for (size_t j = 0; j < size; j += DEPTH) {
        size_t width = least(DEPTH, size - j), after = j + width;
        double *block = matrix + j * size + j;
        if (!factor_block(block, size, width))
            return 1;
        divide_forward(block, size, width, matrix + after * size + j, size,
                       size - after, threads);
        if (update_triangle(matrix, size, j, width, threads))
            return -1;
    }
    /* rows (L L^T)^-1: first by L^T, left to right, then by L, right to left. */
    for (size_t j = 0; j < size; j += DEPTH) {
        size_t width = least(DEPTH, size - j), after = j + width;
        divide_forward(matrix + j * size + j, size, width, rows + j, size, count,
                       threads);
        struct product product = {
            rows + after, size, rows + j, size,         matrix + after * size + j,
            size,         1,    count,    size - after, width};
        if (solve_subtract(&product, threads))
            return -1;
    }
    for (size_t j = (size - 1) / DEPTH * DEPTH + DEPTH; j > 0;) {
        j -= DEPTH;
        size_t width = least(DEPTH, size - j);
        divide_backward(matrix + j * size + j, size, width, rows + j, size, count,
                        threads);
        struct product product = {rows, size, rows + j, size, matrix + j * size,
                                  1,    size, count,    j,    width};
        if (solve_subtract(&product, threads))
            return -1;
    }
    return 0;
}

int solve_add_products(double *to, const double *left, size_t rows, const double *right,
                       size_t columns, size_t n, unsigned threads) {
    double *turned = array_new(n, rows * sizeof *turned);
    if (!turned)
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < rows; j++)
            turned[j * n + i] = -left[i * rows + j];
    struct product product = {to, columns, turned, n,       right,
                              1,  columns, rows,   columns, n};
    int status = solve_subtract(&product, threads);
    free(turned);
    return status;
}
