/* Attention of one head over one sequence: small matrix products on tiles that
 * stay in the caches. Keys are transposed and all operands that vectors run along
 * are packed with zeros up to a whole number of vectors. */

enum {
    TILE_ROWS = 6,      /* 6 x 2 accumulators fit 16 registers with 3 to spare */
    ATTENTION_ROWS = 48 /* queries at a time: a multiple of TILE_ROWS */
};

INLINE size_t whole_vectors(size_t count) {
    return (count + LANES - 1) / LANES * LANES;
}

/* C[rows, vecs * LANES] = (C if accumulate) + scale * A B; A's element (i, l) is
 * a[i * a_row + l * a_column]. */
INLINE void tile_run(float *c, size_t ldc, const float *a, size_t a_row,
                     size_t a_column, const float *b, size_t ldb, const size_t rows,
                     const size_t vecs, size_t depth, float scale, bool accumulate) {
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
            vf x = scale * sum[i][j];
            v_store(to, accumulate ? v_load(to) + x : x);
        }
}

INLINE void tile_columns(float *c, size_t ldc, const float *a, size_t a_row,
                         size_t a_column, const float *b, size_t ldb, const size_t rows,
                         size_t columns, size_t depth, float scale, bool accumulate) {
    size_t j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES)
        tile_run(c + j, ldc, a, a_row, a_column, b + j, ldb, rows, 2, depth, scale,
                 accumulate);
    if (j < columns)
        tile_run(c + j, ldc, a, a_row, a_column, b + j, ldb, rows, 1, depth, scale,
                 accumulate);
}

/* columns is a multiple of LANES. */
static void tile_product(float *c, size_t ldc, const float *a, size_t a_row,
                         size_t a_column, const float *b, size_t ldb, size_t rows,
                         size_t columns, size_t depth, float scale, bool accumulate) {
    size_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        tile_columns(c + i * ldc, ldc, a + i * a_row, a_row, a_column, b, ldb,
                     TILE_ROWS, columns, depth, scale, accumulate);
    if (rows - i >= 4) {
        tile_columns(c + i * ldc, ldc, a + i * a_row, a_row, a_column, b, ldb, 4,
                     columns, depth, scale, accumulate);
        i += 4;
    }
    if (rows - i >= 2) {
        tile_columns(c + i * ldc, ldc, a + i * a_row, a_row, a_column, b, ldb, 2,
                     columns, depth, scale, accumulate);
        i += 2;
    }
    if (i < rows)
        tile_columns(c + i * ldc, ldc, a + i * a_row, a_row, a_column, b, ldb, 1,
                     columns, depth, scale, accumulate);
}

/* to[rows, whole_vectors(width)] = from, zeros beyond width. */
static void pack_rows(float *to, const float *from, size_t stride, size_t rows,
                      size_t width) {
    size_t padded = whole_vectors(width);
    for (size_t i = 0; i < rows; i++) {
        memcpy(to + i * padded, from + i * stride, width * sizeof *to);
        memset(to + i * padded + width, 0, (padded - width) * sizeof *to);
    }
}

/* to[width, whole_vectors(rows)] = from transposed, zeros beyond rows. */
static void pack_transposed(float *to, const float *from, size_t stride, size_t rows,
                            size_t width) {
    size_t padded = whole_vectors(rows);
    for (size_t j = 0; j < width; j++) {
        for (size_t i = 0; i < rows; i++)
            to[j * padded + i] = from[i * stride + j];
        memset(to + j * padded + rows, 0, (padded - rows) * sizeof *to);
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
    size_t rows = ATTENTION_ROWS, tables = backward ? 2 : 1;
    size_t sequence = tables * width * t + (backward ? 3 : 1) * tokens * w;
    return sequence + tables * rows * t + 3 * rows * w;
}

/* Exponentials of a row of scores less its greatest; zeros beyond `count` up to
 * `padded`. Returns their sum. */
INLINE float softmax_row(float *row, size_t count, size_t padded, float *greatest) {
    for (size_t j = count; j < padded; j++)
        row[j] = -INFINITY;
    vf top = v_splat(-INFINITY);
    for (size_t j = 0; j < padded; j += LANES)
        top = v_max(top, v_load(row + j));
    *greatest = v_greatest(top);
    vf sum = v_splat(0);
    for (size_t j = 0; j < padded; j += LANES) {
        vf e = v_exp(v_load(row + j) - *greatest);
        v_store(row + j, e);
        sum += e;
    }
    return v_sum(sum);
}

static void attention(const struct attention_head *head) {
    size_t tokens = head->tokens, width = head->width;
    size_t t = whole_vectors(tokens), w = whole_vectors(width);
    float *keys = head->scratch, *values = keys + width * t;
    float *scores = values + tokens * w, *out = scores + ATTENTION_ROWS * t;
    float scale = 1.0f / sqrtf((float)width);
    pack_transposed(keys, head->k, head->qkv_stride, tokens, width);
    pack_rows(values, head->v, head->qkv_stride, tokens, width);
    for (size_t first = 0; first < tokens; first += ATTENTION_ROWS) {
        size_t rows = tokens - first < ATTENTION_ROWS ? tokens - first : ATTENTION_ROWS;
        size_t seen = head->causal ? first + rows : tokens;
        tile_product(scores, t, head->q + first * head->qkv_stride, head->qkv_stride, 1,
                     keys, t, rows, whole_vectors(seen), width, scale, false);
        float inverse[ATTENTION_ROWS];
        for (size_t i = 0; i < rows; i++) {
            float greatest;
            size_t count = head->causal ? first + i + 1 : tokens;
            float sum =
                softmax_row(scores + i * t, count, whole_vectors(seen), &greatest);
            head->log_sums[first + i] = greatest + logf(sum);
            inverse[i] = 1.0f / sum;
        }
        tile_product(out, w, scores, t, 1, values, w, rows, w, seen, 1, false);
        for (size_t i = 0; i < rows; i++)
            row_scale(head->out + (first + i) * head->out_stride, out + i * w,
                      inverse[i], width);
    }
}

/* With P = softmax(S): dV = P^T dO, dP = dO V^T, dS = P (dP - rowsum(dO O)),
 * dQ = scale dS K, dK = scale dS^T Q (FlashAttention's backward pass, Dao et al.
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
    for (size_t first = 0; first < tokens; first += ATTENTION_ROWS) {
        size_t rows = tokens - first < ATTENTION_ROWS ? tokens - first : ATTENTION_ROWS;
        size_t seen = head->causal ? first + rows : tokens;
        size_t padded = whole_vectors(seen);
        pack_rows(q, head->q + first * stride, stride, rows, width);
        pack_rows(dout, head->dout + first * head->out_stride, head->out_stride, rows,
                  width);
        tile_product(p, t, q, w, 1, keys_t, t, rows, padded, width, scale, false);
        tile_product(ds, t, dout, w, 1, values_t, t, rows, padded, width, 1, false);
        for (size_t i = 0; i < rows; i++) {
            float *pi = p + i * t, *dsi = ds + i * t;
            size_t count = head->causal ? first + i + 1 : tokens;
            for (size_t j = count; j < padded; j++)
                pi[j] = -INFINITY;
            float along = row_product(head->out + (first + i) * head->out_stride,
                                      dout + i * w, width);
            float log_sum = head->log_sums[first + i];
            for (size_t j = 0; j < padded; j += LANES) {
                vf e = v_exp(v_load(pi + j) - log_sum);
                v_store(pi + j, e);
                v_store(dsi + j, e * (v_load(dsi + j) - along));
            }
        }
        tile_product(dv, w, p, 1, t, dout, w, seen, w, rows, 1, true);
        tile_product(dk, w, ds, 1, t, q, w, seen, w, rows, scale, true);
        tile_product(dq, w, ds, t, 1, keys, w, rows, w, seen, scale, false);
        unpack_rows(head->dq + first * stride, stride, dq, rows, width);
    }
    unpack_rows(head->dk, stride, dk, tokens, width);
    unpack_rows(head->dv, stride, dv, tokens, width);
}
