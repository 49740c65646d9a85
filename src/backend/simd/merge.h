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

/* Products of a block are summed in f32, blocks in f64. Of many streams a block is half
 * as long, so that two of them fit the first cache. */
enum { PRODUCT_BLOCK = 512, PRODUCT_STREAMS = 12 };

/* Where the next block begins, which is fetched while products of this one are made:
 * two streams in each pass over a tile. */
struct product_ahead {
    const float *gradient, *vectors;
    size_t gradient_stride, stride, groups, tasks;
};

INLINE const float *product_stream(const struct product_ahead *ahead, size_t index) {
    index %= ahead->groups + ahead->tasks;
    return index < ahead->groups
               ? ahead->gradient + index * ahead->gradient_stride
               : ahead->vectors + (index - ahead->groups) * ahead->stride;
}

/* A tile of inner products: each load serves several. `lines` accumulators for each
 * product, so that none waits for the one before; all three are known when
 * compiled. */
INLINE void product_tile(double *sums, size_t tasks, const float *gradient,
                         size_t gradient_stride, const size_t g_count,
                         const float *vectors, size_t stride, const size_t t_count,
                         const size_t lines, size_t count,
                         const struct product_ahead *ahead, size_t pass) {
    vf sum[4][2][4];
    for (size_t l = 0; l < lines; l++)
        for (size_t g = 0; g < g_count; g++)
            for (size_t t = 0; t < t_count; t++)
                sum[l][g][t] = v_splat(0);
    size_t i = 0;
    const bool fetches = g_count * t_count == 8;
    const float *one = fetches ? product_stream(ahead, 2 * pass) : NULL;
    const float *two = fetches ? product_stream(ahead, 2 * pass + 1) : NULL;
    for (; i + lines * LANES <= count; i += lines * LANES) {
        if (fetches) {
            __builtin_prefetch(one + i, 0, 2);
            __builtin_prefetch(two + i, 0, 2);
        }
#pragma GCC unroll 4
        for (size_t l = 0; l < lines; l++) {
            vf left[2];
#pragma GCC unroll 2
            for (size_t g = 0; g < g_count; g++)
                left[g] = v_load(gradient + g * gradient_stride + i + l * LANES);
#pragma GCC unroll 4
            for (size_t t = 0; t < t_count; t++) {
                vf right = v_load(vectors + t * stride + i + l * LANES);
#pragma GCC unroll 2
                for (size_t g = 0; g < g_count; g++)
                    sum[l][g][t] += left[g] * right;
            }
        }
    }
    for (; i < count; i += LANES) {
        size_t n = count - i < LANES ? count - i : LANES;
        for (size_t t = 0; t < t_count; t++) {
            vf right = v_load_part(vectors + t * stride + i, n, 0);
            for (size_t g = 0; g < g_count; g++)
                sum[0][g][t] +=
                    v_load_part(gradient + g * gradient_stride + i, n, 0) * right;
        }
    }
    for (size_t g = 0; g < g_count; g++)
        for (size_t t = 0; t < t_count; t++) {
            vf all = sum[0][g][t];
            for (size_t l = 1; l < lines; l++)
                all += sum[l][g][t];
            sums[g * tasks + t] += (double)v_sum(all);
        }
}

INLINE void product_rows(double *sums, size_t tasks, const float *gradient,
                         size_t gradient_stride, const size_t g_count,
                         const float *vectors, size_t stride, size_t count,
                         const struct product_ahead *ahead, size_t pass) {
    size_t t = 0;
    for (; t + 4 <= tasks; t += 4)
        product_tile(sums + t, tasks, gradient, gradient_stride, g_count,
                     vectors + t * stride, stride, 4, g_count == 2 ? 1 : 2, count,
                     ahead, pass + t / 4);
    for (; t + 2 <= tasks; t += 2)
        product_tile(sums + t, tasks, gradient, gradient_stride, g_count,
                     vectors + t * stride, stride, 2, g_count == 2 ? 2 : 4, count,
                     ahead, pass);
    if (t < tasks)
        product_tile(sums + t, tasks, gradient, gradient_stride, g_count,
                     vectors + t * stride, stride, 1, 4, count, ahead, pass);
}

static void products(double *sums, const float *gradient, size_t gradient_stride,
                     size_t groups, const float *vectors, size_t stride, size_t tasks,
                     size_t count) {
    size_t block = groups + tasks > PRODUCT_STREAMS ? PRODUCT_BLOCK / 2 : PRODUCT_BLOCK;
    for (size_t i = 0; i < count; i += block) {
        size_t n = count - i < block ? count - i : block, g = 0;
        /* Of the last whole block what is there already is fetched again. */
        size_t next = count - i >= 2 * block ? i + block : i;
        const struct product_ahead ahead = {
            gradient + next, vectors + next, gradient_stride, stride, groups, tasks};
        for (; g + 2 <= groups; g += 2)
            product_rows(sums + g * tasks, tasks, gradient + g * gradient_stride + i,
                         gradient_stride, 2, vectors + i, stride, n, &ahead,
                         g / 2 * (tasks / 4));
        if (g < groups)
            product_rows(sums + g * tasks, tasks, gradient + g * gradient_stride + i,
                         gradient_stride, 1, vectors + i, stride, n, &ahead, 0);
    }
}
