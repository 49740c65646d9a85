/* Attention of short sequences: LANES heads at a time, each in a lane of its own. What
 * is elementwise across heads needs no lane of another head, so that no token is padded
 * to a whole vector and nothing is summed across lanes. Columns of a head are taken in
 * blocks, each of which is transposed into lanes on its way in and back on its way out;
 * a block of queries and one of keys stay in the first cache, the scores of LANES heads
 * in the second. */

enum {
    SHORT_COLUMNS = 16,
    SHORT_ROWS = 3, /* 3 x 4 sums, what they are made of, and one more: 16 registers */
    SHORT_SIDE = 4
};

/* C[i, j] = (C if accumulate) + sum over l of A[i, l] B[j, l], each element a vector
 * whose lanes are heads: (i, j) at c + (i * c_row + j) * LANES, (i, l) of A at
 * a + (i * a_row + l * a_column) * LANES, (j, l) of B at b + (j + l * b_column) *
 * LANES. */
struct lanes_product {
    float *c;
    const float *a, *b;
    size_t c_row, a_row, a_column, b_column;
    size_t rows, columns, depth;
    bool accumulate;
};

INLINE void lanes_tile(const struct lanes_product *p, size_t row, size_t column,
                       const size_t rows, const size_t columns) {
    vf sum[SHORT_ROWS][SHORT_SIDE];
    float *c = p->c + (row * p->c_row + column) * LANES;
    const size_t c_row = p->c_row * LANES, a_row = p->a_row * LANES;
    const size_t a_column = p->a_column * LANES, b_column = p->b_column * LANES;
    const float *a = p->a + row * a_row, *b = p->b + column * LANES;
#pragma GCC unroll 3
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < columns; j++)
            sum[i][j] = p->accumulate ? v_load(c + i * c_row + j * LANES) : v_splat(0);
    for (size_t l = p->depth; l > 0; l--, a += a_column, b += b_column) {
        vf left[SHORT_ROWS];
#pragma GCC unroll 3
        for (size_t i = 0; i < rows; i++)
            left[i] = v_load(a + i * a_row);
#pragma GCC unroll 4
        for (size_t j = 0; j < columns; j++) {
            vf right = v_load(b + j * LANES);
#pragma GCC unroll 3
            for (size_t i = 0; i < rows; i++)
                sum[i][j] += left[i] * right;
        }
    }
#pragma GCC unroll 3
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < columns; j++)
            v_store(c + i * c_row + j * LANES, sum[i][j]);
}

INLINE void lanes_columns(const struct lanes_product *p, size_t row, const size_t rows,
                          size_t column, size_t columns) {
    switch (columns) {
    case 1:
        lanes_tile(p, row, column, rows, 1);
        break;
    case 2:
        lanes_tile(p, row, column, rows, 2);
        break;
    case 3:
        lanes_tile(p, row, column, rows, 3);
        break;
    default:
        lanes_tile(p, row, column, rows, 4);
        break;
    }
}

/* Rows and columns are divided evenly, so that no tile is a small one, whose few sums
 * would wait for each other. */
static void lanes_product(const struct lanes_product *p) {
    size_t down = (p->rows + SHORT_ROWS - 1) / SHORT_ROWS;
    size_t across = (p->columns + SHORT_SIDE - 1) / SHORT_SIDE;
    for (size_t i = 0; i < down; i++) {
        size_t row = i * p->rows / down, rows = (i + 1) * p->rows / down - row;
        for (size_t j = 0; j < across; j++) {
            size_t column = j * p->columns / across;
            size_t columns = (j + 1) * p->columns / across - column;
            if (rows == 3)
                lanes_columns(p, row, 3, column, columns);
            else if (rows == 2)
                lanes_columns(p, row, 2, column, columns);
            else
                lanes_columns(p, row, 1, column, columns);
        }
    }
}

/* The heads of a group; where a block of their columns begins and how wide it is. */
struct lanes_group {
    const struct attention_head *heads; /* [count] */
    size_t count, tokens, column, columns;
};

enum lanes_part { LANES_Q, LANES_K, LANES_V, LANES_DOUT };

static const float *lanes_rows(const struct attention_head *head,
                               enum lanes_part part) {
    switch (part) {
    case LANES_Q:
        return head->q;
    case LANES_K:
        return head->k;
    case LANES_V:
        return head->v;
    default:
        return head->dout;
    }
}

/* to: the block's element (token, column) of all heads at to + (token * by_token +
 * column * by_column) * LANES. Lanes without a head are those of the last one. */
static void lanes_gather(float *to, size_t by_token, size_t by_column,
                         const struct lanes_group *g, enum lanes_part part) {
    const float *from[LANES];
    size_t stride = part < LANES_DOUT ? g->heads->qkv_stride : g->heads->out_stride;
    for (size_t l = 0; l < LANES; l++)
        from[l] =
            lanes_rows(&g->heads[l < g->count ? l : g->count - 1], part) + g->column;
    for (size_t i = 0; i < g->tokens; i++)
        for (size_t j = 0; j < g->columns; j += LANES) {
            size_t n = g->columns - j < LANES ? g->columns - j : LANES;
            float *at = to + (i * by_token + j * by_column) * LANES;
            vf tile[LANES];
            if (n == LANES) {
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    tile[l] = v_load(from[l] + i * stride + j);
                v_transpose(tile);
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    v_store(at + l * by_column * LANES, tile[l]);
                continue;
            }
            for (size_t l = 0; l < LANES; l++)
                tile[l] = v_load_part(from[l] + i * stride + j, n, 0);
            v_transpose(tile);
            for (size_t l = 0; l < n; l++)
                v_store(at + l * by_column * LANES, tile[l]);
        }
}

/* The other way: to[l] [tokens, stride] gets lane l of from [tokens, columns], token i
 * times factors[i] (a vector each; NULL: as it is). */
static void lanes_scatter(float *const *to, size_t stride, const float *from,
                          const float *factors, const struct lanes_group *g) {
    for (size_t i = 0; i < g->tokens; i++) {
        vf factor = factors ? v_load(factors + i * LANES) : v_splat(1);
        for (size_t j = 0; j < g->columns; j += LANES) {
            size_t n = g->columns - j < LANES ? g->columns - j : LANES;
            const float *at = from + (i * g->columns + j) * LANES;
            size_t to_row = i * stride + g->column + j;
            vf tile[LANES];
            if (n == LANES && g->count == LANES) {
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    tile[l] = v_load(at + l * LANES) * factor;
                v_transpose(tile);
#pragma GCC unroll 16
                for (size_t l = 0; l < LANES; l++)
                    v_store(to[l] + to_row, tile[l]);
                continue;
            }
            for (size_t l = 0; l < LANES; l++)
                tile[l] = l < n ? v_load(at + l * LANES) * factor : v_splat(0);
            v_transpose(tile);
            for (size_t l = 0; l < g->count; l++)
                memcpy(to[l] + to_row, &tile[l], n * sizeof(float));
        }
    }
}

/* Odd, so that columns of scores do not meet in the same lines of a cache. */
INLINE size_t lanes_pitch(size_t tokens) {
    return tokens | 1;
}

static size_t attention_short_scratch(size_t tokens, size_t width, bool backward) {
    size_t columns = width < SHORT_COLUMNS ? width : SHORT_COLUMNS;
    size_t pitch = lanes_pitch(tokens);
    return LANES * ((backward ? 2 : 1) * tokens * pitch + 2 * columns * pitch);
}

/* scores [keys, pitch] become exp(scale (score - the query's greatest)), 0 of keys that
 * the query does not see; sums and scale * greatest [tokens], a vector each. */
static void lanes_softmax(float *scores, size_t tokens, bool causal, float scale,
                          float *sums, float *tops) {
    size_t pitch = lanes_pitch(tokens) * LANES;
    for (size_t i = 0; i < tokens; i++) {
        float *column = scores + i * LANES;
        size_t seen = causal ? i + 1 : tokens;
        vf top = v_load(column), sum = v_splat(0);
        for (size_t l = 1; l < seen; l++)
            top = v_max(top, v_load(column + l * pitch));
        for (size_t l = 0; l < seen; l++) {
            vf e = v_exp(scale * (v_load(column + l * pitch) - top));
            v_store(column + l * pitch, e);
            sum += e;
        }
        for (size_t l = seen; l < tokens; l++)
            v_store(column + l * pitch, v_splat(0));
        v_store(sums + i * LANES, sum);
        v_store(tops + i * LANES, scale * top);
    }
}

/* count <= LANES heads of the same shape, with the scratch of the first, that
 * attention_short_scratch says. */
static void attention_short(const struct attention_head *heads, size_t count) {
    struct lanes_group g = {.heads = heads, .count = count, .tokens = heads->tokens};
    size_t tokens = heads->tokens, width = heads->width, pitch = lanes_pitch(tokens);
    float sums[SHORT_TOKENS * LANES], tops[SHORT_TOKENS * LANES], *to[LANES];
    float *scores = heads->scratch, *first = scores + tokens * pitch * LANES;
    float scale = 1.0f / sqrtf((float)width);
    for (; g.column < width; g.column += g.columns) {
        g.columns = width - g.column < SHORT_COLUMNS ? width - g.column : SHORT_COLUMNS;
        float *queries = first, *keys = queries + g.columns * pitch * LANES;
        lanes_gather(queries, 1, pitch, &g, LANES_Q);
        lanes_gather(keys, 1, pitch, &g, LANES_K);
        lanes_product(&(struct lanes_product){scores, keys, queries, pitch, 1, pitch,
                                              pitch, tokens, tokens, g.columns,
                                              g.column > 0});
    }
    lanes_softmax(scores, tokens, heads->causal, scale, sums, tops);
    for (size_t i = 0; i < tokens; i++) {
        vf sum = v_load(sums + i * LANES),
           log_sum = v_log(sum) + v_load(tops + i * LANES);
        for (size_t l = 0; l < count; l++)
            heads[l].log_sums[i] = log_sum[l];
        v_store(sums + i * LANES, 1.0f / sum);
    }
    for (size_t l = 0; l < count; l++)
        to[l] = heads[l].out;
    for (g.column = 0; g.column < width; g.column += g.columns) {
        g.columns = width - g.column < SHORT_COLUMNS ? width - g.column : SHORT_COLUMNS;
        float *values = first, *out = values + g.columns * tokens * LANES;
        lanes_gather(values, g.columns, 1, &g, LANES_V);
        lanes_product(&(struct lanes_product){out, scores, values, g.columns, 1, pitch,
                                              g.columns, tokens, g.columns, tokens,
                                              false});
        lanes_scatter(to, heads->out_stride, out, sums, &g);
    }
}

/* p [keys, pitch], scores, become softmax's weights, and dp, gradients of these, those
 * of the scores: dS = P (dP - rowsum(P dP)), scaled as S is. */
static void lanes_softmax_backward(float *p, float *dp,
                                   const struct attention_head *heads, size_t count,
                                   float scale) {
    size_t tokens = heads->tokens, pitch = lanes_pitch(tokens) * LANES;
    for (size_t i = 0; i < tokens; i++) {
        size_t at = i * LANES, seen = heads->causal ? i + 1 : tokens;
        vf log_sum = v_splat(0), along = v_splat(0);
        for (size_t l = 0; l < LANES; l++)
            log_sum[l] = heads[l < count ? l : count - 1].log_sums[i];
        for (size_t l = 0; l < seen; l++) {
            vf e = v_exp(scale * v_load(p + at + l * pitch) - log_sum);
            v_store(p + at + l * pitch, e);
            along += e * v_load(dp + at + l * pitch);
        }
        for (size_t l = 0; l < seen; l++) {
            vf e = v_load(p + at + l * pitch);
            v_store(dp + at + l * pitch,
                    e * (scale * (v_load(dp + at + l * pitch) - along)));
        }
        for (size_t l = seen; l < tokens; l++) {
            v_store(p + at + l * pitch, v_splat(0));
            v_store(dp + at + l * pitch, v_splat(0));
        }
    }
}

/* As attention_backward, whose formulas these are. */
static void attention_short_backward(const struct attention_head *heads, size_t count) {
    struct lanes_group g = {.heads = heads, .count = count, .tokens = heads->tokens};
    size_t tokens = heads->tokens, width = heads->width, pitch = lanes_pitch(tokens);
    size_t stride = heads->qkv_stride;
    float *p = heads->scratch, *dp = p + tokens * pitch * LANES;
    float *first = dp + tokens * pitch * LANES, *dq[LANES], *dk[LANES], *dv[LANES];
    float scale = 1.0f / sqrtf((float)width);
    for (; g.column < width; g.column += g.columns) {
        g.columns = width - g.column < SHORT_COLUMNS ? width - g.column : SHORT_COLUMNS;
        size_t block = g.columns * pitch * LANES;
        lanes_gather(first, 1, pitch, &g, LANES_Q);
        lanes_gather(first + block, 1, pitch, &g, LANES_K);
        lanes_product(&(struct lanes_product){p, first + block, first, pitch, 1, pitch,
                                              pitch, tokens, tokens, g.columns,
                                              g.column > 0});
        lanes_gather(first, 1, pitch, &g, LANES_DOUT);
        lanes_gather(first + block, 1, pitch, &g, LANES_V);
        lanes_product(&(struct lanes_product){dp, first + block, first, pitch, 1, pitch,
                                              pitch, tokens, tokens, g.columns,
                                              g.column > 0});
    }
    lanes_softmax_backward(p, dp, heads, count, scale);
    for (size_t l = 0; l < count; l++) {
        dq[l] = heads[l].dq;
        dk[l] = heads[l].dk;
        dv[l] = heads[l].dv;
    }
    for (g.column = 0; g.column < width; g.column += g.columns) {
        g.columns = width - g.column < SHORT_COLUMNS ? width - g.column : SHORT_COLUMNS;
        size_t n = g.columns;
        float *out = first + n * tokens * LANES;
        lanes_gather(first, n, 1, &g, LANES_DOUT);
        lanes_product(&(struct lanes_product){out, p, first, n, pitch, 1, n, tokens, n,
                                              tokens, false});
        lanes_scatter(dv, stride, out, NULL, &g);
        lanes_gather(first, n, 1, &g, LANES_Q);
        lanes_product(&(struct lanes_product){out, dp, first, n, pitch, 1, n, tokens, n,
                                              tokens, false});
        lanes_scatter(dk, stride, out, NULL, &g);
        lanes_gather(first, n, 1, &g, LANES_K);
        lanes_product(&(struct lanes_product){out, dp, first, n, 1, pitch, n, tokens, n,
                                              tokens, false});
        lanes_scatter(dq, stride, out, NULL, &g);
    }
}
