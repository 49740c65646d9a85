/* The CPU backend's speed, each figure beside a peer measured in the same run:
 * memory-bound operations beside a copy by memcpy on the same threads (bytes read
 * plus bytes written, per second), products, attention and systems of equations beside
 * plain dnnl_sgemm. Medians of runs that take turns with their peer's. The floor is the
 * fastest copy, or product, of the whole run so far.
 * Usage: bench_backend [--small] [THREADS] */
#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "base/blas_room.h"
#include "lines.h"
#include "merge/wudi.h"
#include "timing.h"

enum { RUNS = 11 };

static struct backend *b;
static struct lines lines;
static int threads;
static size_t runs = RUNS, part = 1;   /* of what is copied and merged */
static double best_copy, best_product; /* a second */

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *device_new(size_t floats) {
    struct error error;
    void *memory;
    float *host = malloc(floats * sizeof *host);
    if (!host || b->allocate(b, floats * sizeof *host, &memory, &error) != 0) {
        fputs("bench_backend: out of memory\n", stderr);
        exit(1);
    }
    unsigned seed = 1;
    for (size_t i = 0; i < floats; i++) {
        seed = seed * 1664525u + 1013904223u;
        host[i] = (float)(seed >> 8) * 0x1p-23f - 1;
    }
    b->upload(b, memory, host, floats * sizeof *host);
    free(host);
    return memory;
}

/* RUNS runs of ours and of the peer, in turns, seconds. */
static void measure(void (*ours)(void *), void *self, void (*peer)(void *),
                    void *peer_self, struct timing *our_time,
                    struct timing *peer_time) {
    double times[2][RUNS];
    for (size_t run = 0; run <= runs; run++)
        for (int side = 0; side < 2; side++) {
            double start = seconds();
            if (side == 0)
                ours(self);
            else
                peer(peer_self);
            if (run > 0)
                times[side][run - 1] = seconds() - start;
        }
    *our_time = timing_of(times[0], runs);
    *peer_time = timing_of(times[1], runs);
}

/* A rate of `work`, in billions a second, beside the peer's. */
static void add_rate(const char *name, const struct timing *ours, double work,
                     const char *unit, double floor, const char *peer_name,
                     double peer) {
    struct figure figure = {.shape = "",
                            .precision = "f32",
                            .value = 1e-9 * work / ours->median,
                            .unit = unit,
                            .more_is_better = true,
                            .floor = 1e-9 * floor,
                            .floor_unit = unit,
                            .peer = 1e-9 * peer,
                            .peer_name = peer_name,
                            .repeats = ours->repeats,
                            .spread = ours->spread};
    snprintf(figure.name, sizeof figure.name, "%s", name);
    lines_add(&lines, &figure);
}

/* --- memory-bound operations --------------------------------------------- */
enum { COPY_FLOATS = 32 << 20 };

struct memory_run {
    size_t tasks, groups, count, stride;
    void *base, *vectors, *out, *weights, *segments;
};

static void *copy_from, *copy_to;

static void run_copy(void *self) {
    (void)self;
    b->copy(b, copy_to, copy_from, COPY_FLOATS / part * sizeof(float));
}

static void run_merge(void *self) {
    struct memory_run *r = self;
    b->merge(b, r->out, r->base, r->vectors, r->stride, r->tasks, r->segments, 1,
             r->weights);
}

static void run_route(void *self) {
    struct memory_run *r = self;
    b->route_gradient(b, r->weights, r->base, r->count, r->groups, r->vectors,
                      r->stride, r->tasks, r->count);
}

static void run_layer_norm(void *self) {
    struct memory_run *r = self;
    float *statistics = r->weights;
    b->layer_norm(b, r->out, statistics, statistics + r->count / 768, r->vectors,
                  r->base, r->base, r->count / 768, 768, 1e-5f);
}

static void run_gelu(void *self) {
    struct memory_run *r = self;
    b->activation(b, r->out, r->vectors, r->count, ACTIVATION_GELU);
}

static void memory_row(const char *name, void (*run)(void *), struct memory_run *r,
                       double bytes) {
    struct timing ours, peer;
    measure(run, r, run_copy, NULL, &ours, &peer);
    double moved = 2.0 * (double)(COPY_FLOATS / part) * sizeof(float);
    best_copy = fmax(best_copy, moved / peer.least);
    add_rate(name, &ours, bytes, "GB/s", best_copy, "memcpy", moved / peer.median);
}

static void memory_bound(void) {
    copy_from = device_new(COPY_FLOATS / part);
    copy_to = device_new(COPY_FLOATS / part);
    static const size_t tasks[] = {2, 3, 8};
    for (size_t i = 0; i < 3; i++) {
        struct memory_run r = {
            .tasks = tasks[i], .count = (16 << 20) / part, .stride = (16 << 20) / part};
        struct merge_segment segment = {0, r.count, 0, 0};
        char name[64];
        r.base = device_new(r.count);
        r.out = device_new(r.count);
        r.vectors = device_new(r.tasks * r.stride);
        r.weights = device_new(64);
        r.segments = &segment;
        double count = (double)r.count * sizeof(float), t = (double)r.tasks;
        snprintf(name, sizeof name, "merge, %zu tasks, 16 Mi parameters", r.tasks);
        memory_row(name, run_merge, &r, (t + 2) * count);
        r.groups = 1;
        snprintf(name, sizeof name, "route_gradient, %zu tasks", r.tasks);
        memory_row(name, run_route, &r, (t + 1) * count);
        b->release(b, r.base);
        r.groups = r.tasks;
        r.base = device_new(r.groups * r.count / 4);
        r.count /= 4;
        snprintf(name, sizeof name, "route_gradient, %zu groups", r.groups);
        memory_row(name, run_route, &r, (double)(r.groups + r.tasks) * count / 4);
        b->release(b, r.base);
        b->release(b, r.out);
        b->release(b, r.vectors);
        b->release(b, r.weights);
    }
    /* One batch's activations, which caches partly hold. */
    struct memory_run r = {.count = 6400 * 768};
    r.base = device_new(768);
    r.out = device_new(r.count);
    r.vectors = device_new(r.count);
    r.weights = device_new(2 * 6400);
    memory_row("layer_norm [6400, 768]", run_layer_norm, &r, 8.0 * (double)r.count);
    memory_row("gelu [6400, 768]", run_gelu, &r, 8.0 * (double)r.count);
    b->release(b, r.base);
    b->release(b, r.out);
    b->release(b, r.vectors);
    b->release(b, r.weights);
    b->release(b, copy_from);
    b->release(b, copy_to);
}

/* --- products -------------------------------------------------------------- */
static void run_matmul(void *self) {
    b->matmul(b, self);
}

static void run_sgemm(void *self) {
    const struct matmul *p = self;
    omp_set_num_threads(threads);
    dnnl_sgemm(p->transpose_a ? 'T' : 'N', p->transpose_b ? 'T' : 'N', (dnnl_dim_t)p->m,
               (dnnl_dim_t)p->n, (dnnl_dim_t)p->k, 1, (const float *)(const void *)p->a,
               (dnnl_dim_t)p->lda, (const float *)(const void *)p->b,
               (dnnl_dim_t)p->ldb, 0, p->c, (dnnl_dim_t)p->ldc);
}

static void product_row(const char *name, size_t m, size_t n, size_t k,
                        bool transpose_a, bool transpose_b, bool bias,
                        enum activation activation) {
    struct matmul p = {.m = m,
                       .n = n,
                       .k = k,
                       .transpose_a = transpose_a,
                       .transpose_b = transpose_b,
                       .lda = transpose_a ? m : k,
                       .ldb = transpose_b ? k : n,
                       .ldc = n,
                       .activation = activation};
    p.a = device_new(m * k);
    p.b = device_new(n * k);
    p.c = device_new(m * n);
    real *shift = device_new(n), *before = device_new(m * n);
    p.bias = bias ? shift : NULL;
    p.before = activation == ACTIVATION_NONE ? NULL : before;
    struct timing ours, peer;
    double work = 2.0 * (double)m * (double)n * (double)k;
    measure(run_matmul, &p, run_sgemm, &p, &ours, &peer);
    best_product = fmax(best_product, work / peer.least);
    add_rate(name, &ours, work, "GFLOP/s", best_product, "sgemm", work / peer.median);
    b->release(b, (void *)(uintptr_t)p.a);
    b->release(b, (void *)(uintptr_t)p.b);
    b->release(b, p.c);
    b->release(b, shift);
    b->release(b, before);
}

/* --- attention -------------------------------------------------------------- */
struct attention_run {
    struct attention_shape shape;
    real *qkv, *out, *dout, *dqkv;
    float *log_sums;
};

static void run_attention(void *self) {
    struct attention_run *r = self;
    b->attention(b, r->out, r->log_sums, r->qkv, &r->shape);
}

static void run_attention_backward(void *self) {
    struct attention_run *r = self;
    b->attention_backward(b, r->dqkv, r->dout, r->out, r->log_sums, r->qkv, &r->shape);
}

/* The peer is one sgemm of 768 x 768 x 768: the rate that this machine has. */
static void attention_row(const char *name, struct attention_shape shape) {
    struct attention_run r = {.shape = shape};
    size_t rows = shape.batch * shape.tokens, width = shape.heads * shape.head_width;
    r.qkv = device_new(rows * 3 * width);
    r.out = device_new(rows * width);
    r.dout = device_new(rows * width);
    r.dqkv = device_new(rows * 3 * width);
    r.log_sums = device_new(rows * shape.heads);
    struct matmul p = {
        .m = 768, .n = 768, .k = 768, .lda = 768, .ldb = 768, .ldc = 768};
    p.a = device_new(768 * 768);
    p.b = device_new(768 * 768);
    p.c = device_new(768 * 768);
    double pair = 2.0 * (double)rows * (double)shape.tokens * (double)width;
    for (int backward = 0; backward < 2; backward++) {
        struct timing ours, peer;
        double work = (backward ? 5 : 2) * pair, square = 2.0 * 768 * 768 * 768;
        char full[64];
        measure(backward ? run_attention_backward : run_attention, &r, run_sgemm, &p,
                &ours, &peer);
        snprintf(full, sizeof full, "attention%s %s", backward ? " backward" : "",
                 name);
        best_product = fmax(best_product, square / peer.least);
        add_rate(full, &ours, work, "GFLOP/s", best_product, "sgemm",
                 square / peer.median);
    }
    b->release(b, r.qkv);
    b->release(b, r.out);
    b->release(b, r.dout);
    b->release(b, r.dqkv);
    b->release(b, r.log_sums);
    b->release(b, (void *)(uintptr_t)p.a);
    b->release(b, (void *)(uintptr_t)p.b);
    b->release(b, p.c);
}

/* --- systems of the closed forms --------------------------------------------- */
struct solve_run {
    struct solve solve;
    float *systems; /* as they were: each run leaves its factor in their place */
};

static void run_solve(void *self) {
    struct solve_run *r = self;
    struct error error;
    memcpy(r->solve.systems, r->systems, r->solve.n * r->solve.n * sizeof(float));
    if (b->solve(b, &r->solve, &error) || *r->solve.failed) {
        fputs("bench_backend: a system was not solved\n", stderr);
        exit(1);
    }
}

/* Beside one sgemm of the same size; systems near the identity, so that right sides
 * that are solved again and again stay what they are. */
static void solve_row(size_t n, size_t rows) {
    int32_t failed;
    struct solve_run r = {
        .solve = {.n = n, .rows = rows, .count = 1, .failed = &failed}};
    struct matmul p = {.m = n, .n = n, .k = n, .lda = n, .ldb = n, .ldc = n};
    p.a = device_new(n * n);
    p.b = device_new(n * n);
    p.c = device_new(n * n);
    r.solve.right = device_new(rows * n);
    r.solve.systems = device_new(n * n);
    r.systems = device_new(n * n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            r.systems[i * n + j] = (i == j) + 0.0005f * r.systems[i * n + j];
    struct timing ours, peer;
    double size = (double)n, square = 2.0 * size * size * size;
    double work = size * size * size / 3 + 2.0 * size * size * (double)rows;
    char name[64];
    measure(run_solve, &r, run_sgemm, &p, &ours, &peer);
    snprintf(name, sizeof name, "solve %zu x %zu, %zu rows", n, n, rows);
    best_product = fmax(best_product, square / peer.least);
    add_rate(name, &ours, work, "GFLOP/s", best_product, "sgemm", square / peer.median);
    b->release(b, r.solve.right);
    b->release(b, r.solve.systems);
    b->release(b, r.systems);
    b->release(b, (void *)(uintptr_t)p.a);
    b->release(b, (void *)(uintptr_t)p.b);
    b->release(b, p.c);
}

/* --- inner products of the closed forms --------------------------------------- */
struct products_run {
    struct linear_layer layer;
    float **vectors; /* [threads] */
    struct wudi_products *products;
};

/* As merges have it: a layer by each thread. */
static void run_products(void *self) {
    struct products_run *r = self;
    int failed = 0;
    struct error unsaid;
    if (blas_room_beside((unsigned)threads, &unsaid) < (unsigned)threads)
        failed = 1;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(+ : failed)
    for (int i = 0; i < threads; i++) {
        struct error error;
        failed += wudi_prepare(&r->layer, r->vectors[i], &r->products[i], &error) != 0;
    }
    if (failed) {
        fputs("bench_backend: inner products were not made\n", stderr);
        exit(1);
    }
}

/* Beside one sgemm of outputs x inputs x inputs by all threads. */
static void products_row(size_t outputs, size_t inputs) {
    size_t cells = outputs * inputs;
    double n = (double)inputs, m = (double)outputs;
    /* The triangle of the Gram matrix; the task vector's product with that of its
     * narrower side, which may have to be made first. */
    double work = (double)threads *
                  (n * n * m + (m < n ? m * m * n + 2 * m * m * n : 2 * n * n * m));
    double product = 2 * n * n * m;
    struct products_run r = {.layer = linear_layer_of(outputs, inputs, false)};
    struct matmul p = {
        .m = outputs, .n = inputs, .k = inputs, .lda = inputs, .ldb = inputs};
    struct timing ours, peer;
    char name[64];
    p.ldc = inputs;
    p.a = device_new(cells);
    p.b = device_new(inputs * inputs);
    p.c = device_new(cells);
    r.vectors = calloc((size_t)threads, sizeof *r.vectors);
    r.products = calloc((size_t)threads, sizeof *r.products);
    if (!r.vectors || !r.products)
        exit(1);
    for (int i = 0; i < threads; i++) {
        r.vectors[i] = device_new(cells);
        r.products[i].gram = device_new(inputs * inputs);
        r.products[i].cube = device_new(cells);
    }
    measure(run_products, &r, run_sgemm, &p, &ours, &peer);
    snprintf(name, sizeof name, "inner products of layers %zu x %zu", outputs, inputs);
    best_product = fmax(best_product, product / peer.least);
    add_rate(name, &ours, work, "GFLOP/s", best_product, "sgemm",
             product / peer.median);
    for (int i = 0; i < threads; i++) {
        b->release(b, r.vectors[i]);
        b->release(b, r.products[i].gram);
        b->release(b, r.products[i].cube);
    }
    free(r.vectors);
    free(r.products);
    b->release(b, (void *)(uintptr_t)p.a);
    b->release(b, (void *)(uintptr_t)p.b);
    b->release(b, p.c);
}

int main(int argc, char **argv) {
    struct error error;
    lines_begin(&lines, "backend", &argc, argv);
    if (lines.small) {
        runs = 1;
        part = 256;
    }
    threads = argc > 1 ? atoi(argv[1]) : 0;
    if (threads <= 0)
        threads = omp_get_num_procs();
    if (backend_open("cpu", PRECISION_F32, (unsigned)threads, &b, NULL, &error) != 0) {
        fprintf(stderr, "bench_backend: %s\n", error.text);
        return 1;
    }
    memory_bound();
    /* ViT-B/32, a batch of 16 images: 800 rows. */
    product_row("qkv 800 x 2304 x 768, bias", 800, 2304, 768, false, true, true,
                ACTIVATION_NONE);
    product_row("fc1 800 x 3072 x 768, bias, quick gelu", 800, 3072, 768, false, true,
                true, ACTIVATION_QUICK_GELU);
    product_row("fc1 800 x 3072 x 768, bias, gelu", 800, 3072, 768, false, true, true,
                ACTIVATION_GELU);
    product_row("fc2 800 x 768 x 3072, bias", 800, 768, 3072, false, true, true,
                ACTIVATION_NONE);
    product_row("dX of fc1 800 x 768 x 3072", 800, 768, 3072, false, false, false,
                ACTIVATION_NONE);
    product_row("dW of fc1 3072 x 768 x 800", 3072, 768, 800, true, false, false,
                ACTIVATION_NONE);
    product_row("ViT-Tiny fc1 592 x 768 x 192, bias, gelu", 592, 768, 192, false, true,
                true, ACTIVATION_GELU);
    attention_row("16 x 50, 12 heads", (struct attention_shape){16, 50, 12, 64, false});
    attention_row("4 x 257, 16 heads", (struct attention_shape){4, 257, 16, 64, false});
    attention_row("16 x 37, 3 heads", (struct attention_shape){16, 37, 3, 64, false});
    attention_row("64 x 17, 4 heads of 16",
                  (struct attention_shape){64, 17, 4, 16, false});
    attention_row("8 x 128, 12 heads, causal",
                  (struct attention_shape){8, 128, 12, 64, true});
    solve_row(lines.small ? 64 : 768, lines.small ? 64 : 3072);
    products_row(lines.small ? 96 : 3072, lines.small ? 64 : 768);
    if (!lines.small) {
        solve_row(3072, 768);
        products_row(768, 3072);
    }
    int status = lines_end(&lines, b);
    backend_close(b);
    return status;
}
