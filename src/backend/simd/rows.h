/* Norms, sums over columns, and the loss: one row, or one strip of columns. */

/* Sum of f(x) over a row with two accumulators a lane. */
INLINE float row_sum(const float *x, size_t count) {
    vf sum0 = v_splat(0), sum1 = v_splat(0);
    size_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        sum0 += v_load(x + i);
        sum1 += v_load(x + i + LANES);
    }
    for (; i + LANES <= count; i += LANES)
        sum0 += v_load(x + i);
    if (i < count)
        sum1 += v_load_part(x + i, count - i, 0);
    return v_sum(sum0 + sum1);
}

INLINE float row_product(const float *x, const float *y, size_t count) {
    vf sum0 = v_splat(0), sum1 = v_splat(0);
    size_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
        sum0 += v_load(x + i) * v_load(y + i);
        sum1 += v_load(x + i + LANES) * v_load(y + i + LANES);
    }
    for (; i + LANES <= count; i += LANES)
        sum0 += v_load(x + i) * v_load(y + i);
    if (i < count)
        sum1 += v_load_part(x + i, count - i, 0) * v_load_part(y + i, count - i, 0);
    return v_sum(sum0 + sum1);
}

static void layer_norm_row(float *y, float *mean, float *rstd, const float *x,
                           const float *gamma, const float *beta, size_t width,
                           float epsilon) {
    float m = row_sum(x, width) / (float)width;
    vf squares = v_splat(0);
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        vf d = v_load(x + i) - m;
        squares += d * d;
    }
    if (i < width) {
        vf d = v_load_part(x + i, width - i, m) - m;
        squares += d * d;
    }
    float r = 1.0f / sqrtf(v_sum(squares) / (float)width + epsilon);
    for (i = 0; i + LANES <= width; i += LANES)
        v_store(y + i, (v_load(x + i) - m) * r * v_load(gamma + i) + v_load(beta + i));
    for (; i < width; i++)
        y[i] = (x[i] - m) * r * gamma[i] + beta[i];
    *mean = m;
    *rstd = r;
}

/* With h = (x - mean) rstd and g = dy gamma:
 * dx += rstd (g - mean(g) - h mean(g h)). */
static void layer_norm_backward_row(float *dx, const float *dy, const float *x,
                                    float mean, float rstd, const float *gamma,
                                    size_t width) {
    vf sum_g = v_splat(0), sum_gh = v_splat(0);
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        vf g = v_load(dy + i) * v_load(gamma + i);
        sum_g += g;
        sum_gh += g * ((v_load(x + i) - mean) * rstd);
    }
    if (i < width) {
        size_t n = width - i;
        vf g = v_load_part(dy + i, n, 0) * v_load_part(gamma + i, n, 0);
        sum_g += g;
        sum_gh += g * ((v_load_part(x + i, n, mean) - mean) * rstd);
    }
    float mean_g = v_sum(sum_g) / (float)width;
    float mean_gh = v_sum(sum_gh) / (float)width;
    for (i = 0; i + LANES <= width; i += LANES) {
        vf g = v_load(dy + i) * v_load(gamma + i);
        vf h = (v_load(x + i) - mean) * rstd;
        v_store(dx + i, v_load(dx + i) + rstd * (g - mean_g - h * mean_gh));
    }
    for (; i < width; i++) {
        float h = (x[i] - mean) * rstd;
        dx[i] += rstd * (dy[i] * gamma[i] - mean_g - h * mean_gh);
    }
}

/* Sums over rows are taken in runs of SUM_ROWS rows, each then added to the
 * total: rounding grows with the run and the number of runs, not with all rows. */
enum { SUM_ROWS = 64 };

static void layer_norm_gradient(float *dgamma, float *dbeta, const float *dy,
                                const float *x, const float *mean, const float *rstd,
                                size_t rows, size_t stride, size_t columns) {
    for (size_t first = 0; first < rows; first += SUM_ROWS) {
        size_t end = rows - first < SUM_ROWS ? rows : first + SUM_ROWS;
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i < LANES ? columns - i : LANES;
            vf sum_gamma = v_splat(0), sum_beta = v_splat(0);
            for (size_t row = first; row < end; row++) {
                const float *g = dy + row * stride + i, *v = x + row * stride + i;
                vf d = n == LANES ? v_load(g) : v_load_part(g, n, 0);
                vf h = n == LANES ? v_load(v) : v_load_part(v, n, 0);
                sum_gamma += d * ((h - mean[row]) * rstd[row]);
                sum_beta += d;
            }
            v_store_part(dgamma + i, v_load_part(dgamma + i, n, 0) + sum_gamma, n);
            v_store_part(dbeta + i, v_load_part(dbeta + i, n, 0) + sum_beta, n);
        }
    }
}

static void column_sums(float *sums, const float *x, size_t rows, size_t stride,
                        size_t columns) {
    for (size_t first = 0; first < rows; first += SUM_ROWS) {
        size_t end = rows - first < SUM_ROWS ? rows : first + SUM_ROWS;
        for (size_t i = 0; i < columns; i += LANES) {
            size_t n = columns - i < LANES ? columns - i : LANES;
            vf sum = v_splat(0);
            for (size_t row = first; row < end; row++) {
                const float *v = x + row * stride + i;
                sum += n == LANES ? v_load(v) : v_load_part(v, n, 0);
            }
            v_store_part(sums + i, v_load_part(sums + i, n, 0) + sum, n);
        }
    }
}

INLINE void row_scale(float *y, const float *x, float scale, size_t count) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        v_store(y + i, v_load(x + i) * scale);
    for (; i < count; i++)
        y[i] = x[i] * scale;
}

static void l2_normalise_row(float *y, float *norm, const float *x, size_t width) {
    *norm = sqrtf(row_product(x, x, width));
    row_scale(y, x, *norm == 0 ? 0 : 1.0f / *norm, width);
}

/* dx = (dy - y <y, dy>) / |x|; 0 for a zero row, where there is no derivative. */
static void l2_normalise_backward_row(float *dx, const float *dy, const float *y,
                                      float norm, size_t width) {
    float along = row_product(y, dy, width);
    float inverse = norm == 0 ? 0 : 1.0f / norm;
    size_t i = 0;
    for (; i + LANES <= width; i += LANES)
        v_store(dx + i, (v_load(dy + i) - v_load(y + i) * along) * inverse);
    for (; i < width; i++)
        dx[i] = (dy[i] - y[i] * along) * inverse;
}

INLINE float row_greatest(const float *x, size_t count) {
    vf greatest = v_splat(-INFINITY);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        greatest = v_max(greatest, v_load(x + i));
    if (i < count)
        greatest = v_max(greatest, v_load_part(x + i, count - i, -INFINITY));
    return v_greatest(greatest);
}

static void cross_entropy_row(float *loss, float *dlogits, const float *logits,
                              size_t label, float scale, size_t classes) {
    float greatest = row_greatest(logits, classes);
    vf sums = v_splat(0);
    size_t i = 0;
    for (; i + LANES <= classes; i += LANES)
        sums += v_exp(v_load(logits + i) - greatest);
    if (i < classes)
        sums += v_exp(v_load_part(logits + i, classes - i, -INFINITY) - greatest);
    float sum = v_sum(sums);
    *loss = logf(sum) + (greatest - logits[label]);
    if (!dlogits)
        return;
    float factor = scale / sum;
    for (i = 0; i < classes; i += LANES) {
        size_t n = classes - i < LANES ? classes - i : LANES;
        vf e = v_exp(v_load_part(logits + i, n, -INFINITY) - greatest);
        v_store_part(dlogits + i, e * factor, n);
    }
    dlogits[label] -= scale;
}

/* The sum of the exponentials of a row minus its greatest. */
INLINE float row_exp_sum(const float *x, float greatest, size_t count) {
    vf sums = v_splat(0);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        sums += v_exp(v_load(x + i) - greatest);
    if (i < count)
        sums += v_exp(v_load_part(x + i, count - i, -INFINITY) - greatest);
    return v_sum(sums);
}

/* KL(p || q) = sum p (log p - log q), where log p - log q is the difference of the
 * logits' differences from their greatest, less that of the sums' logarithms. */
static void divergence_row(float *loss, float *dlogits, const float *logits,
                           const float *wanted, float scale, size_t classes) {
    float top = row_greatest(logits, classes),
          top_wanted = row_greatest(wanted, classes);
    float sum = row_exp_sum(logits, top, classes);
    float sum_wanted = row_exp_sum(wanted, top_wanted, classes);
    vf total = v_splat(0);
    float by = 1 / sum_wanted, factor = 1 / sum;
    for (size_t i = 0; i < classes; i += LANES) {
        size_t n = classes - i < LANES ? classes - i : LANES;
        vf t = v_load_part(wanted + i, n, 0) - top_wanted;
        vf x = v_load_part(logits + i, n, 0) - top;
        vf p = v_exp(v_load_part(wanted + i, n, -INFINITY) - top_wanted) * by;
        total += p * (t - x);
        if (dlogits) {
            vf q = v_exp(v_load_part(logits + i, n, -INFINITY) - top) * factor;
            v_store_part(dlogits + i, (q - p) * scale, n);
        }
    }
    *loss = v_sum(total) + (logf(sum) - logf(sum_wanted));
}

/* H = log sum - m, with m the mean under p of the logits' differences x from their
 * greatest; its gradient is p (m - x). */
static void entropy_row(float *loss, float *dlogits, const float *logits, float scale,
                        size_t classes) {
    float top = row_greatest(logits, classes), sum = row_exp_sum(logits, top, classes);
    float factor = 1 / sum;
    vf total = v_splat(0);
    for (size_t i = 0; i < classes; i += LANES) {
        size_t n = classes - i < LANES ? classes - i : LANES;
        vf p = v_exp(v_load_part(logits + i, n, -INFINITY) - top) * factor;
        total += p * (v_load_part(logits + i, n, top) - top);
    }
    float mean = v_sum(total);
    *loss = logf(sum) - mean;
    for (size_t i = 0; dlogits && i < classes; i += LANES) {
        size_t n = classes - i < LANES ? classes - i : LANES;
        vf x = v_load_part(logits + i, n, top) - top;
        vf p = v_exp(v_load_part(logits + i, n, -INFINITY) - top) * factor;
        v_store_part(dlogits + i, p * (mean - x) * scale, n);
    }
}
