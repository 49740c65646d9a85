/* The two operations that read whole arenas, and inner products. */

/* Vectors summed at once in registers; more streams than this in one loop cost
 * more than the second pass over a block that is still in the first cache. */
enum { MERGE_VECTORS = 8, MERGE_BLOCK = 1024 };

/* out = from + the sum over n vectors, n known when compiled. */
INLINE void merge_run(float *out, const float *from, const float *vectors,
                      size_t stride, const size_t n, const float *weights, size_t count,
                      const bool stream) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vf sum = v_load(from + i);
#pragma GCC unroll 8
        for (size_t t = 0; t < n; t++)
            sum += weights[t] * v_load(vectors + t * stride + i);
        if (stream)
            v_stream(out + i, sum);
        else
            v_store(out + i, sum);
    }
    for (; i < count; i++) {
        float sum = from[i];
        for (size_t t = 0; t < n; t++)
            sum += weights[t] * vectors[t * stride + i];
        out[i] = sum;
    }
}

INLINE void merge_few(float *out, const float *from, const float *vectors,
                      size_t stride, size_t n, const float *weights, size_t count,
                      const bool stream) {
    switch (n) {
    case 0:
        merge_run(out, from, vectors, stride, 0, weights, count, stream);
        break;
    case 1:
        merge_run(out, from, vectors, stride, 1, weights, count, stream);
        break;
    case 2:
        merge_run(out, from, vectors, stride, 2, weights, count, stream);
        break;
    case 3:
        merge_run(out, from, vectors, stride, 3, weights, count, stream);
        break;
    case 4:
        merge_run(out, from, vectors, stride, 4, weights, count, stream);
        break;
    case 5:
        merge_run(out, from, vectors, stride, 5, weights, count, stream);
        break;
    case 6:
        merge_run(out, from, vectors, stride, 6, weights, count, stream);
        break;
    case 7:
        merge_run(out, from, vectors, stride, 7, weights, count, stream);
        break;
    default:
        merge_run(out, from, vectors, stride, 8, weights, count, stream);
        break;
    }
}

static void merge(float *out, const float *base, const float *vectors, size_t stride,
                  size_t tasks, const float *weights, size_t count, bool stream) {
    float block[MERGE_BLOCK];
    for (size_t i = 0; i < count; i += MERGE_BLOCK) {
        size_t n = count - i < MERGE_BLOCK ? count - i : MERGE_BLOCK;
        const float *from = base + i;
        size_t t = 0;
        for (; tasks - t > MERGE_VECTORS; t += MERGE_VECTORS) {
            merge_run(block, from, vectors + t * stride + i, stride, MERGE_VECTORS,
                      weights + t, n, false);
            from = block;
        }
        if (stream)
            merge_few(out + i, from, vectors + t * stride + i, stride, tasks - t,
                      weights + t, n, true);
        else
            merge_few(out + i, from, vectors + t * stride + i, stride, tasks - t,
                      weights + t, n, false);
    }
    if (stream)
        v_stream_end();
}

/* Products of a block are summed in f32, four accumulators of LANES each, and
 * blocks in f64. */
enum { PRODUCT_BLOCK = 512 };

INLINE float block_product(const float *x, const float *y, size_t count) {
    vf sum[4] = {v_splat(0), v_splat(0), v_splat(0), v_splat(0)};
    size_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES) {
        sum[0] += v_load(x + i) * v_load(y + i);
        sum[1] += v_load(x + i + LANES) * v_load(y + i + LANES);
        sum[2] += v_load(x + i + 2 * LANES) * v_load(y + i + 2 * LANES);
        sum[3] += v_load(x + i + 3 * LANES) * v_load(y + i + 3 * LANES);
    }
    for (; i + LANES <= count; i += LANES)
        sum[0] += v_load(x + i) * v_load(y + i);
    if (i < count)
        sum[1] += v_load_part(x + i, count - i, 0) * v_load_part(y + i, count - i, 0);
    return v_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

static void products(double *sums, const float *gradient, size_t gradient_stride,
                     size_t groups, const float *vectors, size_t stride, size_t tasks,
                     size_t count) {
    for (size_t i = 0; i < count; i += PRODUCT_BLOCK) {
        size_t n = count - i < PRODUCT_BLOCK ? count - i : PRODUCT_BLOCK;
        for (size_t t = 0; t < tasks; t++)
            for (size_t g = 0; g < groups; g++)
                sums[g * tasks + t] += (double)block_product(
                    gradient + g * gradient_stride + i, vectors + t * stride + i, n);
    }
}
