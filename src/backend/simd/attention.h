/* Attention of one head over one sequence: small matrix products on tiles that
 * stay in the caches. What is read down its columns is transposed, and all operands
 * that vectors run along are packed with zeros up to a whole number of vectors. */

enum {
    TILE_ROWS = 6,      /* 6 x 2 accumulators fit 16 registers with 4 to spare */
    ATTENTION_ROWS = 72 /* queries at a time, at most */
};

INLINE size_t whole_vectors(size_t count) {
    return (count + LANES - 1) / LANES * LANES;
}

/* C[rows, vecs * LANES] = (C if accumulate) + A B; A's element (i, l) is
 * a[i * a_row + l * a_column]. */
INLINE void tile_run(float *c, size_t ldc, const float *a, size_t a_row,
                     size_t a_column, const float *b, size_t ldb, const size_t rows,
                     const size_t vecs, size_t depth, bool accumulate) {
    vf sum[TILE_ROWS][2];
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < vecs; j++)
            sum[i][j] = v_splat(0);
    for (size_t l = 0; l < depth; l++) {
        vf right[2];
#pragma GCC unroll 2
        for (size_t j = 0; j < vecs; j++)
            right[j] = v_load(b + l * ldb + j * LANES);
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++) {
            float left = a[i * a_row + l * a_column];
#pragma GCC unroll 2
            for (size_t j = 0; j < vecs; j++)
                sum[i][j] += left * right[j];
        }
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (size_t j = 0; j < vecs; j++) {
            float *to = c + i * ldc + j * LANES;
            v_store(to, accumulate ? v_load(to) + sum[i][j] : sum[i][j]);
        }
}

INLINE void tile_columns(float *c, size_t ldc, const float *a, size_t a_row,
                         size_t a_column, const float *b, size_t ldb, const size_t rows,
                         size_t columns, size_t depth, bool accumulate) {
    size_t j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES)
        tile_run(c + j, ldc, a, a_row, a_column, b + j, ldb, rows, 2, depth,
                 accumulate);
    if (j < columns)
        tile_run(c + j, ldc, a, a_row, a_column, b + j, ldb, rows, 1, depth,
                 accumulate);
}

/* columns is a multiple of LANES. Rows are divided evenly, so that the last tile is not
 * a small one, whose few sums would wait for each other. */
static void tile_product(float *c, size_t ldc, const float *a, size_t a_row,
                         size_t a_column, const float *b, size_t ldb, size_t rows,
                         size_t columns, size_t depth, bool accumulate) {
    size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t tile = 0; tile < tiles; tile++) {
        size_t i = tile * rows / tiles, n = (tile + 1) * rows / tiles - i;
        float *to = c + i * ldc;
        const float *from = a + i * a_row;
        switch (n) {
        case 1:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 1, columns, depth,
                         accumulate);
            break;
        case 2:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 2, columns, depth,
                         accumulate);
            break;
        case 3:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 3, columns, depth,
                         accumulate);
            break;
        case 4:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 4, columns, depth,
                         accumulate);
            break;
        case 5:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 5, columns, depth,
                         accumulate);
            break;
        default:
            tile_columns(to, ldc, from, a_row, a_column, b, ldb, 6, columns, depth,
                         accumulate);
            break;
        }
    }
}

/* to[rows, whole_vectors(width)] = from, zeros beyond width. */
static void pack_rows(float *to, const float *from, size_t stride, size_t rows,
                      size_t width) {
    size_t padded = whole_vectors(width);
    size_t whole = width / LANES * LANES;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < whole; j += LANES)
            v_store(to + i * padded + j, v_load(from + i * stride + j));
        if (whole < width)
            v_store(to + i * padded + whole,
                    v_load_part(from + i * stride + whole, width - whole, 0));
    }
}

/* to[width, whole_vectors(rows)] = from transposed, zeros beyond rows. */
static void pack_transposed(float *to, const float *from, size_t stride, size_t rows,
                            size_t width) {
    size_t padded = whole_vectors(rows);
    for (size_t i = 0; i < rows; i += LANES)
        for (size_t j = 0; j < width; j += LANES) {
            size_t n = rows - i < LANES ? rows - i : LANES;
            size_t m = width - j < LANES ? width - j : LANES;
            vf tile[LANES];
            if (n == LANES && m == LANES) {
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    tile[l] = v_load(from + (i + l) * stride + j);
                v_transpose(tile);
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    v_store(to + (j + l) * padded + i, tile[l]);
                continue;
            }
            for (size_t l = 0; l < LANES; l++) {
                const float *row = from + (i + l) * stride + j;
                if (l < n)
                    tile[l] = m == LANES ? v_load(row) : v_load_part(row, m, 0);
                else
                    tile[l] = v_splat(0);
            }
            v_transpose(tile);
            for (size_t l = 0; l < m; l++)
                v_store(to + (j + l) * padded + i, tile[l]);
        }
}

static void unpack_rows(float *to, size_t stride, const float *from, size_t rows,
                        size_t width) {
    size_t padded = whole_vectors(width);
    for (size_t i = 0; i < rows; i++)
        memcpy(to + i * stride, from + i * padded, width * sizeof *to);
}

static size_t attention_scratch(size_t tokens, size_t width, bool backward) {
    size_t t = whole_vectors(tokens), w = whole_vectors(width);
    size_t rows = whole_vectors(ATTENTION_ROWS);
    if (!backward)
        return tokens * w + rows * (tokens + width + w);
    return 2 * width * t + 3 * tokens * w + 2 * rows * t + 3 * rows * w;
}

/* Scores [seen, LANES] of LANES queries, a key's `stride` apart, become
 * exp(scale (score - the query's greatest)); of a key that lies `from` keys behind the
 * first or more the first queries do not know, and have 0 (causal; else from is seen).
 * Sums and scale * greatest [LANES]. */
INLINE void softmax_columns(float *scores, size_t stride, size_t seen, size_t from,
                            float scale, float *sums, float *tops) {
    vf top = v_splat(-INFINITY), sum = v_splat(0);
    for (size_t l = 0; l < seen && l < from + LANES; l++) {
        vf x = v_load(scores + l * stride);
        top = v_max(top, l < from ? x : v_select(v_first(l - from + 1), top, x));
    }
    for (size_t l = 0; l < seen && l < from; l++) {
        vf e = v_exp(scale * (v_load(scores + l * stride) - top));
        v_store(scores + l * stride, e);
        sum += e;
    }
    for (size_t l = from; l < seen; l++) {
        size_t hidden = l - from + 1 < LANES ? l - from + 1 : LANES;
        vf e = v_exp(scale * (v_load(scores + l * stride) - top));
        e = v_select(v_first(hidden), v_splat(0), e);
        v_store(scores + l * stride, e);
        sum += e;
    }
    v_store(sums, sum);
    v_store(tops, scale * top);
}

/* Keys lie along columns of the scores and queries along their vectors, so that what is
 * greatest, and what sums to what, is found for LANES queries at a time. */
static void attention(const struct attention_head *head) {
    size_t tokens = head->tokens, width = head->width, stride = head->qkv_stride;
    size_t w = whole_vectors(width), most = whole_vectors(ATTENTION_ROWS);
    float *values = head->scratch, *scores = values + tokens * w;
    float *queries = scores + most * tokens, *out = queries + most * width;
    float scale = 1.0f / sqrtf((float)width);
    pack_rows(values, head->v, stride, tokens, width);
    size_t blocks = (tokens + ATTENTION_ROWS - 1) / ATTENTION_ROWS;
    for (size_t block = 0; block < blocks; block++) {
        size_t first = block * tokens / blocks;
        size_t rows = (block + 1) * tokens / blocks - first;
        size_t seen = head->causal ? first + rows : tokens, n = whole_vectors(rows);
        float sums[ATTENTION_ROWS + LANES], tops[ATTENTION_ROWS + LANES];
        pack_transposed(queries, head->q + first * stride, stride, rows, width);
        tile_product(scores, n, head->k, stride, 1, queries, n, seen, n, width, false);
        for (size_t j = 0; j < n; j += LANES)
            softmax_columns(scores + j, n, seen, head->causal ? first + j + 1 : seen,
                            scale, sums + j, tops + j);
        for (size_t i = 0; i < rows; i++)
            head->log_sums[first + i] = tops[i] + logf(sums[i]);
        tile_product(out, w, scores, 1, n, values, w, rows, w, seen, false);
        for (size_t i = 0; i < rows; i++)
            row_scale(head->out + (first + i) * head->out_stride, out + i * w,
                      1.0f / sums[i], width);
    }
}

/* With P = softmax(S): dV = P^T dO, dP = dO V^T, dS = P (dP - rowsum(dO O)),
 * dQ = dS K, dK = dS^T Q, dS scaled as S is (FlashAttention's backward pass, Dao et al.
 * 2022, without its tiles over keys: a head's keys fit the cache here). */
static void attention_backward(const struct attention_head *head) {
    size_t tokens = head->tokens, width = head->width, stride = head->qkv_stride;
    size_t t = whole_vectors(tokens), w = whole_vectors(width);
    float *keys_t = head->scratch, *values_t = keys_t + width * t;
    float *keys = values_t + width * t, *dk = keys + tokens * w, *dv = dk + tokens * w;
    float *p = dv + tokens * w, *ds = p + ATTENTION_ROWS * t;
    float *dout = ds + ATTENTION_ROWS * t, *q = dout + ATTENTION_ROWS * w;
    float *dq = q + ATTENTION_ROWS * w;
    float scale = 1.0f / sqrtf((float)width);
    pack_transposed(keys_t, head->k, stride, tokens, width);
    pack_transposed(values_t, head->v, stride, tokens, width);
    pack_rows(keys, head->k, stride, tokens, width);
    memset(dk, 0, 2 * tokens * w * sizeof *dk);
    size_t blocks = (tokens + ATTENTION_ROWS - 1) / ATTENTION_ROWS;
    for (size_t block = 0; block < blocks; block++) {
        size_t first = block * tokens / blocks;
        size_t rows = (block + 1) * tokens / blocks - first;
        size_t seen = head->causal ? first + rows : tokens;
        size_t padded = whole_vectors(seen);
        pack_rows(q, head->q + first * stride, stride, rows, width);
        pack_rows(dout, head->dout + first * head->out_stride, head->out_stride, rows,
                  width);
        tile_product(p, t, q, w, 1, keys_t, t, rows, padded, width, false);
        tile_product(ds, t, dout, w, 1, values_t, t, rows, padded, width, false);
        for (size_t i = 0; i < rows; i++) {
            float *pi = p + i * t, *dsi = ds + i * t;
            size_t count = head->causal ? first + i + 1 : tokens;
            float along = row_product(head->out + (first + i) * head->out_stride,
                                      dout + i * w, width);
            float log_sum = head->log_sums[first + i];
            for (size_t j = 0; j < padded; j += LANES) {
                vf e = v_exp(scale * v_load(pi + j) - log_sum);
                if (j + LANES > count) /* beyond: rows that are not seen */
                    e = v_select(v_first(count > j ? count - j : 0), e, v_splat(0));
                v_store(pi + j, e);
                v_store(dsi + j, e * (scale * (v_load(dsi + j) - along)));
            }
        }
        tile_product(dv, w, p, 1, t, dout, w, seen, w, rows, true);
        tile_product(dk, w, ds, 1, t, q, w, seen, w, rows, true);
        tile_product(dq, w, ds, t, 1, keys, w, rows, w, seen, false);
        unpack_rows(head->dq + first * stride, stride, dq, rows, width);
    }
    unpack_rows(head->dk, stride, dk, tokens, width);
    unpack_rows(head->dv, stride, dv, tokens, width);
}
