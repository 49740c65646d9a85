/* The merge, its gradient, and the Gram matrix. */
#include <math.h>
#include <string.h>

#include "conformance.h"

/* Sums may be taken in f32 over runs of at most this many terms; the runs are
 * then added in f64, or pairwise. */
enum { LONGEST_RUN = 4096 };

static double run_error(size_t count) {
    return (double)(count < LONGEST_RUN ? count : LONGEST_RUN) * SINGLE + 8 * SINGLE;
}

static struct merge_segment *segments_upload(struct conformance *c,
                                             const struct merge_segment *segments,
                                             size_t count) {
    struct tensor *t = tensor_output(c, ELEMENT_I32, count * sizeof *segments / 4);
    c->backend->upload(c->backend, t->data, segments, count * sizeof *segments);
    struct error error;
    c->backend->synchronise(c->backend, &error);
    return t->data;
}

/* Both widths of the hidden layer, one module and more than a card has
 * multiprocessors, up to the most tasks. */
static void route(struct conformance *c) {
    static const struct {
        unsigned layers;
        size_t modules, tasks;
    } shapes[] = {{1, 1, 1}, {2, 1, 1},  {1, 3, 2},  {2, 26, 8},
                  {2, 5, 3}, {1, 2, 64}, {2, 3, 64}, {2, 257, 17}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t m = shapes[s].modules, n = shapes[s].tasks;
        size_t h = shapes[s].layers == 2 ? 2 * n : n, weights = (m + 1) * n;
        size_t hidden = shapes[s].layers == 2 ? m * h * (n + 1) : 0;
        struct tensor *parameters =
            tensor_random(c, ELEMENT_F32, hidden + m * n * (h + 1), 0.5);
        struct tensor *preference = tensor_random(c, ELEMENT_F32, n, 1);
        struct tensor *out = tensor_output(c, ELEMENT_F32, weights);
        const struct route r = {shapes[s].layers, m, n, 0.3f, parameters->f32};
        c->backend->route(c->backend, out->f32, &r, preference->f32);
        double *wanted = numbers(c, weights), *tolerance = numbers(c, weights);
        double *x = numbers(c, h), *slack = numbers(c, h);
        const double *w = parameters->host, *b = w + m * h * n, *last = w + hidden;
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < h; j++) {
                x[j] = hidden ? b[i * h + j] : preference->host[j];
                slack[j] = 0;
                double size = fabs(x[j]);
                for (size_t k = 0; hidden && k < n; k++) {
                    double term = w[(i * h + j) * n + k] * preference->host[k];
                    x[j] += term, size += fabs(term);
                }
                if (hidden) {
                    slack[j] = (double)(n + 1) * SINGLE * size;
                    x[j] = x[j] > 0 ? x[j] : 0;
                }
            }
            for (size_t t = 0; t < n; t++) {
                double sum = last[m * n * h + i * n + t], size = fabs(sum), carried = 0;
                for (size_t j = 0; j < h; j++) {
                    double by = last[(i * n + t) * h + j];
                    sum += by * x[j], size += fabs(by * x[j]);
                    carried += fabs(by) * slack[j];
                }
                wanted[i * n + t] = sum;
                tolerance[i * n + t] = (double)(h + 1) * SINGLE * size + carried;
            }
        }
        for (size_t t = 0; t < n; t++)
            wanted[m * n + t] = (double)0.3f;
        check(c, "routing weights", out, wanted, tolerance);
        check_unchanged(c, "parameters", parameters);
        check_unchanged(c, "preference", preference);
    }
}

static void merge_shape(struct conformance *c, size_t tasks,
                        const struct merge_segment *segments, size_t segment_count,
                        size_t rows, size_t arena, size_t stride, bool nan) {
    struct tensor *base = tensor_random(c, ELEMENT_REAL, arena, 1);
    struct tensor *vectors = tensor_random(c, ELEMENT_REAL, tasks * stride, 0.1);
    struct tensor *weights = tensor_random(c, ELEMENT_F32, rows * tasks, 1);
    struct tensor *out = tensor_random(c, ELEMENT_REAL, arena, 1);
    if (nan && tasks > 0 && segment_count > 0)
        tensor_set(c, vectors, (tasks - 1) * stride + segments[0].begin, (double)NAN);
    c->backend->merge(c->backend, out->real, base->real, vectors->real, stride, tasks,
                      segments_upload(c, segments, segment_count), segment_count,
                      weights->f32);
    double *wanted = numbers(c, arena), *tolerance = numbers(c, arena);
    memcpy(wanted, out->host, arena * sizeof *wanted);
    for (size_t s = 0; s < segment_count; s++)
        for (size_t i = segments[s].begin; i < segments[s].begin + segments[s].count;
             i++) {
            double sum = base->host[i], size = fabs(sum);
            for (size_t t = 0; t < tasks; t++) {
                double term = weights->host[segments[s].row * tasks + t] *
                              vectors->host[t * stride + i];
                sum += term, size += fabs(term);
            }
            wanted[i] = sum;
            tolerance[i] = (double)(tasks + 2) * SINGLE * size + c->store * fabs(sum);
        }
    check(c, "merged", out, wanted, tolerance);
    check_unchanged(c, "base", base);
    check_unchanged(c, "vectors", vectors);
}

static void merge(struct conformance *c) {
    static const struct merge_segment odd[] = {
        {0, 1, 2, 0},     {64, 3, 0, 0},    {128, 64, 1, 0}, {192, 17, 2, 0},
        {256, 257, 0, 0}, {576, 0, 1, 0},   {576, 63, 3, 0}, {704, 1025, 1, 0},
        {1792, 8, 3, 0},  {1856, 200, 2, 0}};
    static const size_t tasks[] = {0, 1, 2, 3, 5, 8, 9, 17, 20};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        merge_shape(c, tasks[i], odd, sizeof odd / sizeof *odd, 4, 2100, 2112, i % 2);
        merge_shape(c, tasks[i], odd + 4, 1, 1, 576, 4096, false);
    }
    merge_shape(c, 2, odd, 0, 1, 64, 64, false);
    /* Many segments, and one that many blocks or threads share. */
    static struct merge_segment many[1300];
    for (size_t i = 0; i < 1300; i++)
        many[i] =
            (struct merge_segment){i * 128, 1 + i * 7 % 128, (uint32_t)(i % 13), 0};
    merge_shape(c, 3, many, 1300, 13, 1300 * 128, 1300 * 128, true);
    static const struct merge_segment large[] = {{64, 300001, 0, 0},
                                                 {300096, 99, 1, 0}};
    merge_shape(c, 3, large, 2, 2, 300200, 300224, true);
}

static void route_gradient(struct conformance *c) {
    static const struct {
        size_t groups, tasks, count, gradient_stride, stride;
    } shapes[] = {{1, 1, 1, 1, 64},          {1, 2, 3, 3, 64},
                  {3, 3, 17, 20, 64},        {8, 8, 257, 300, 320},
                  {9, 12, 1601, 1700, 1664}, {1, 8, 70001, 70001, 70016},
                  {2, 17, 513, 513, 576},    {5, 20, 1000, 1111, 1024},
                  {8, 3, 4099, 4100, 4160},  {17, 2, 640, 640, 640}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (unsigned nan = 0; nan < 2; nan++) {
            size_t groups = shapes[s].groups, tasks = shapes[s].tasks;
            size_t count = shapes[s].count, gs = shapes[s].gradient_stride;
            size_t stride = shapes[s].stride;
            struct tensor *g = tensor_random(c, ELEMENT_F32, groups * gs, 1);
            struct tensor *v = tensor_random(c, ELEMENT_REAL, tasks * stride, 1);
            struct tensor *out = tensor_random(c, ELEMENT_F32, groups * tasks, 1);
            if (nan)
                tensor_set(c, v, (tasks - 1) * stride + count - 1, (double)NAN);
            c->backend->route_gradient(c->backend, out->f32, g->f32, gs, groups,
                                       v->real, stride, tasks, count);
            double *wanted = numbers(c, groups * tasks);
            double *tolerance = numbers(c, groups * tasks);
            for (size_t i = 0; i < groups; i++)
                for (size_t t = 0; t < tasks; t++) {
                    double sum = out->host[i * tasks + t], old = fabs(sum), size = 0;
                    for (size_t j = 0; j < count; j++) {
                        double term = g->host[i * gs + j] * v->host[t * stride + j];
                        sum += term, size += fabs(term);
                    }
                    wanted[i * tasks + t] = sum;
                    tolerance[i * tasks + t] =
                        run_error(count) * size + 2 * SINGLE * old;
                }
            check(c, "products", out, wanted, tolerance);
            check_unchanged(c, "gradient", g);
        }
}

static void gram(struct conformance *c) {
    static const struct {
        size_t n, count, stride;
    } shapes[] = {{1, 1, 1},     {2, 3, 5},         {3, 17, 17},
                  {8, 257, 300}, {5, 70001, 70001}, {17, 640, 700}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t n = shapes[s].n, count = shapes[s].count, stride = shapes[s].stride;
        struct tensor *v = tensor_random(c, ELEMENT_F32, n * stride, 1);
        if (s == 3)
            tensor_set(c, v, stride, (double)NAN);
        struct tensor *out = tensor_output(c, ELEMENT_F32, n * n);
        c->backend->gram(c->backend, out->f32, v->f32, stride, n, count);
        double *wanted = numbers(c, n * n), *tolerance = numbers(c, n * n);
        for (size_t i = 0; i < n * n; i++) {
            const double *x = v->host + i / n * stride, *y = v->host + i % n * stride;
            double size = 0;
            for (size_t j = 0; j < count; j++)
                wanted[i] += x[j] * y[j], size += fabs(x[j] * y[j]);
            tolerance[i] = run_error(count) * size;
        }
        check(c, "inner products", out, wanted, tolerance);
    }
}

const struct conformance_case conformance_merge_cases[] = {
    {"route", route},
    {"merge", merge},
    {"route gradient", route_gradient},
    {"gram", gram},
    {NULL, NULL}};
