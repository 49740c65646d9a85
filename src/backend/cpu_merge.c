/* The passes over whole arenas: merge, its gradient, and inner products. */
#include <string.h>

#include "backend/cpu.h"
#include "backend/route.h"

enum {
    UNIT = 1024,                   /* work is divided in runs of this many elements */
    STREAM_FROM = 4 * 1024 * 1024, /* elements; a smaller result may stay cached */
    PRODUCTS_PART = 64 * 1024      /* elements that are worth a thread */
};

/* Elements [begin, end) of all segments laid end to end. */
static void merge_part(struct cpu *cpu, float *out, const float *base,
                       const float *vectors, size_t stride, size_t tasks,
                       const struct merge_segment *segments, size_t segment_count,
                       const float *weights, size_t begin, size_t end, bool stream) {
    size_t units_before = 0;
    for (size_t s = 0; s < segment_count; s++) {
        const struct merge_segment *segment = &segments[s];
        size_t count = (size_t)segment->count, units = (count + UNIT - 1) / UNIT;
        size_t from = begin > units_before ? (begin - units_before) * UNIT : 0;
        size_t to = end > units_before ? (end - units_before) * UNIT : 0;
        to = to < count ? to : count;
        units_before += units;
        if (from >= to)
            continue;
        size_t first = (size_t)segment->begin + from;
        cpu->kernels->merge(out + first, base + first, vectors + first, stride, tasks,
                            weights + segment->row * tasks, to - from, stream);
    }
}

static void merge(struct backend *backend, real *out, const real *base,
                  const real *vectors, size_t stride, size_t tasks,
                  const struct merge_segment *segments, size_t segment_count,
                  const float *weights) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    size_t units = 0;
    for (size_t s = 0; s < segment_count; s++)
        units += ((size_t)segments[s].count + UNIT - 1) / UNIT;
    bool stream = units * UNIT >= STREAM_FROM;
    int threads = cpu_threads_for(cpu, units * UNIT * (tasks + 1));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        size_t begin, end;
        cpu_part(units, 1, part, threads, &begin, &end);
        merge_part(cpu, cpu_floats(out), cpu_const_floats(base),
                   cpu_const_floats(vectors), stride, tasks, segments, segment_count,
                   weights, begin, end, stream);
    }
}

/* sums[groups, tasks] in f64: one partial table a thread, added in order. The
 * result lies in scratch; NULL when memory is out. */
static const double *all_products(struct cpu *cpu, const float *gradient,
                                  size_t gradient_stride, size_t groups,
                                  const float *vectors, size_t stride, size_t tasks,
                                  size_t count) {
    size_t table = groups * tasks;
    size_t worth = 1 + count / PRODUCTS_PART * (groups + tasks);
    int threads = worth < (size_t)cpu->threads ? (int)worth : cpu->threads;
    /* A line between tables, so that threads do not share one. */
    size_t apart = (table + 7) / 8 * 8 + 8;
    double *sums = cpu_scratch(cpu, apart * (size_t)threads, sizeof *sums);
    if (!sums)
        return NULL;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        size_t i, end;
        cpu_part(count, UNIT, part, threads, &i, &end);
        double *mine = sums + (size_t)part * apart;
        memset(mine, 0, table * sizeof *mine);
        cpu->kernels->products(mine, gradient + i, gradient_stride, groups, vectors + i,
                               stride, tasks, end - i);
    }
    for (int part = 1; part < threads; part++)
        for (size_t i = 0; i < table; i++)
            sums[i] += sums[(size_t)part * apart + i];
    return sums;
}

static void route_gradient(struct backend *backend, float *out, const float *gradient,
                           size_t gradient_stride, size_t groups, const real *vectors,
                           size_t stride, size_t tasks, size_t count) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    const double *sums = all_products(cpu, gradient, gradient_stride, groups,
                                      cpu_const_floats(vectors), stride, tasks, count);
    for (size_t i = 0; sums && i < groups * tasks; i++)
        out[i] = (float)((double)out[i] + sums[i]);
}

static void gram(struct backend *backend, float *out, const float *vectors,
                 size_t stride, size_t n, size_t count) {
    struct cpu *cpu = cpu_of(backend);
    if (cpu->failed)
        return;
    const double *sums =
        all_products(cpu, vectors, stride, n, vectors, stride, n, count);
    /* Which tile a product falls in decides its rounding: mirror, do not repeat. */
    for (size_t i = 0; sums && i < n; i++)
        for (size_t j = i; j < n; j++)
            out[i * n + j] = out[j * n + i] = (float)sums[i * n + j];
}

static void route(struct backend *backend, float *weights, const struct route *r,
                  const float *preference) {
    if (!cpu_of(backend)->failed)
        route_weights(r, preference, weights);
}

void cpu_fill_merge(struct backend *table) {
    table->route = route;
    table->merge = merge;
    table->route_gradient = route_gradient;
    table->gram = gram;
}
