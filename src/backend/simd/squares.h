/* Squared products of short matrices, the products themselves in registers only. */

enum { SQUARES_ROWS = 6 }; /* 6 x 2 sums fit 16 registers with 4 to spare */

/* to[i, j] += scale (sum_r a[r, i] b[r, j])^2 for i < rows and `vecs` vectors of j, the
 * last of which holds `last` elements. */
INLINE void squares_tile(float *to, size_t ldt, const float *a, size_t lda,
                         const float *b, size_t ldb, float scale, size_t depth,
                         const size_t rows, const size_t vecs, size_t last) {
    vf sum[SQUARES_ROWS][2];
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < vecs; j++)
            sum[i][j] = v_splat(0);
    for (size_t r = 0; r < depth; r++) {
        vf right[2];
        for (size_t j = 0; j + 1 < vecs; j++)
            right[j] = v_load(b + r * ldb + j * LANES);
        const float *end = b + r * ldb + (vecs - 1) * LANES;
        right[vecs - 1] = last == LANES ? v_load(end) : v_load_part(end, last, 0);
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++) {
            float left = a[r * lda + i];
#pragma GCC unroll 2
            for (size_t j = 0; j < vecs; j++)
                sum[i][j] += left * right[j];
        }
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < vecs; j++) {
            float *at = to + i * ldt + j * LANES;
            vf square = scale * (sum[i][j] * sum[i][j]);
            if (j + 1 < vecs || last == LANES)
                v_store(at, v_load(at) + square);
            else
                v_store_part(at, v_load_part(at, last, 0) + square, last);
        }
}

INLINE void squares_rows(float *to, size_t ldt, const float *a, size_t lda,
                         const float *b, size_t ldb, float scale, size_t depth,
                         const size_t rows, size_t n) {
    size_t j = 0;
    for (; j + 2 * LANES <= n; j += 2 * LANES)
        squares_tile(to + j, ldt, a, lda, b + j, ldb, scale, depth, rows, 2, LANES);
    if (j + LANES <= n) {
        squares_tile(to + j, ldt, a, lda, b + j, ldb, scale, depth, rows, 1, LANES);
        j += LANES;
    }
    if (j < n)
        squares_tile(to + j, ldt, a, lda, b + j, ldb, scale, depth, rows, 1, n - j);
}

static void add_squared_product(float *to, const float *a, size_t lda, const float *b,
                                float scale, size_t depth, size_t m, size_t n) {
    size_t i = 0;
    for (; i + SQUARES_ROWS <= m; i += SQUARES_ROWS)
        squares_rows(to + i * n, n, a + i, lda, b, n, scale, depth, SQUARES_ROWS, n);
    if (i + 4 <= m) {
        squares_rows(to + i * n, n, a + i, lda, b, n, scale, depth, 4, n);
        i += 4;
    }
    for (; i < m; i++)
        squares_rows(to + i * n, n, a + i, lda, b, n, scale, depth, 1, n);
}
