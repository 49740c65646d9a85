/* Single operations: copies, the large square product, merge and route-gradient over
 * whole models, attention and layer norm at the sizes of a training step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../synthetic.h"
#include "bench.h"
#include "model/transformer.h"

/* --- the rates that floors are reckoned with --------------------------------- */

struct copying {
    struct backend *b;
    real *from, *to;
    size_t bytes;
};

static int run_copy(void *self, struct error *error) {
    (void)error;
    struct copying *c = self;
    c->b->copy(c->b, c->to, c->from, c->bytes);
    return 0;
}

static int measure_copy(struct bench *s, struct error *error) {
    struct backend *b = s->backend;
    size_t bytes = s->small ? (size_t)1 << 20 : (size_t)1 << 30;
    struct copying c = {.b = b, .bytes = bytes};
    struct bench_times times;
    char peer[32];
    int result = -1;
    snprintf(peer, sizeof peer, "copy:%zu", bytes);
    if (synthetic_reals(b, bytes / b->real_size, 1, &c.from, error) ||
        b->allocate(b, bytes, (void **)&c.to, error) ||
        bench_measure(s,
                      &(struct bench_what){.name = "copy",
                                           .run = run_copy,
                                           .self = &c,
                                           .peer = peer,
                                           .queued = true},
                      &times, error))
        goto done;
    s->copy_rate = fmax(s->copy_rate, 2 * (double)bytes / times.ours.median);
    result = bench_add_rate(s, "copy on the device, read + written", &times,
                            2e-9 * (double)bytes, "GB/s", NAN, error);
done:
    b->release(b, c.from);
    b->release(b, c.to);
    return result;
}

struct product {
    struct backend *b;
    struct matmul matmul;
};

static int run_product(void *self, struct error *error) {
    (void)error;
    struct product *p = self;
    p->b->matmul(p->b, &p->matmul);
    return 0;
}

static int measure_square(struct bench *s, struct error *error) {
    struct backend *b = s->backend;
    size_t n = s->small ? 96 : b->host_view ? 2048 : 8192;
    real *x = NULL, *y = NULL, *z = NULL;
    struct bench_times times;
    char name[64], peer[32];
    int result = -1;
    snprintf(name, sizeof name, "product %zu x %zu x %zu", n, n, n);
    snprintf(peer, sizeof peer, "matmul:%zu", n);
    if (synthetic_reals(b, n * n, 1, &x, error) ||
        synthetic_reals(b, n * n, 1, &y, error) ||
        b->allocate(b, n * n * b->real_size, (void **)&z, error))
        goto done;
    struct product p = {.b = b,
                        .matmul = {.m = n,
                                   .n = n,
                                   .k = n,
                                   .a = x,
                                   .lda = n,
                                   .b = y,
                                   .ldb = n,
                                   .transpose_b = true,
                                   .c = z,
                                   .ldc = n}};
    if (bench_measure(s,
                      &(struct bench_what){.name = name,
                                           .run = run_product,
                                           .self = &p,
                                           .peer = peer,
                                           .queued = true},
                      &times, error))
        goto done;
    double work = 2 * (double)n * (double)n * (double)n;
    s->product_rate = fmax(s->product_rate, work / times.ours.median);
    result = bench_add_rate(s, name, &times, 1e-12 * work, "TFLOP/s", NAN, error);
done:
    b->release(b, x);
    b->release(b, y);
    b->release(b, z);
    return result;
}

int bench_rates(struct bench *s, struct error *error) {
    return measure_copy(s, error) || measure_square(s, error) ? -1 : 0;
}

/* --- whole arenas ------------------------------------------------------------ */

struct arenas {
    struct bench *s;
    struct upscaling *upscaling;
    struct unloader *unloader;
    float routing[(64 + 1) * POOL_TASKS_MAX]; /* of 24 blocks' attention and MLP */
    real *merged;
    float *gradients, *out;
    size_t region, groups;
};

static int run_merge(void *self, struct error *error) {
    (void)error;
    struct arenas *a = self;
    unloader_merge(a->unloader, a->routing, a->merged);
    return 0;
}

/* Every module with a router, in pieces as large as the largest matrix. */
static int run_route(void *self, struct error *error) {
    (void)error;
    struct arenas *a = self;
    struct pool *pool = a->s->pool;
    struct backend *b = pool->backend;
    for (size_t i = 0; i < a->upscaling->segment_count; i++) {
        const struct merge_segment *segment = &a->upscaling->segments[i];
        if (segment->row == a->upscaling->modules)
            continue;
        for (size_t done = 0; done < segment->count; done += a->region) {
            size_t left = segment->count - done;
            b->route_gradient(b, a->out + segment->row * a->groups * pool->tasks,
                              a->gradients, a->region, a->groups,
                              backend_at(b, pool->vectors, segment->begin + done),
                              pool->layout->size, pool->tasks,
                              left < a->region ? left : a->region);
        }
    }
    return 0;
}

static int measure_arenas(struct arenas *a, struct error *error) {
    struct bench *s = a->s;
    struct bench_times times;
    double tasks = (double)s->tasks, element = (double)s->backend->real_size;
    double size = (double)s->pool->layout->size;
    double steered = (double)shape_steered(a->upscaling);
    if (bench_measure(s,
                      &(struct bench_what){.name = "merge",
                                           .run = run_merge,
                                           .self = a,
                                           .peer = "merge",
                                           .queued = true},
                      &times, error) ||
        bench_add_time(s, "merge of the whole model", &times,
                       (tasks + 2) * size * element / s->copy_rate, error))
        return -1;
    for (int apart = 0; apart < 2; apart++) {
        a->groups = apart ? s->tasks : 1;
        const char *name = apart ? "route-gradient, attn+mlp, of each task"
                                 : "route-gradient, attn+mlp";
        double bytes = steered * (tasks * element + (double)a->groups * sizeof(float));
        if (bench_measure(
                s,
                &(struct bench_what){
                    .name = name, .run = run_route, .self = a, .queued = true},
                &times, error) ||
            bench_add_time(s, name, &times, bytes / s->copy_rate, error))
            return -1;
    }
    return 0;
}

int bench_arenas(struct bench *s, struct error *error) {
    struct backend *b = s->backend;
    struct arenas a = {.s = s, .region = transformer_largest_region(s->pool->layout)};
    int result = -1;
    a.region = (a.region + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
    for (size_t i = 0; i < sizeof a.routing / sizeof *a.routing; i++)
        a.routing[i] = 0.3f;
    if (upscaling_new(s->pool->layout, UPSCALE_ATTN_MLP, &a.upscaling, error) == 0 &&
        unloader_new(s->pool, a.upscaling, &a.unloader, error) == 0 &&
        b->allocate(b, s->pool->layout->size * b->real_size, (void **)&a.merged,
                    error) == 0 &&
        synthetic_floats(b, s->tasks * a.region, 1, &a.gradients, error) == 0 &&
        synthetic_floats(b, a.upscaling->modules * s->tasks * s->tasks, 0, &a.out,
                         error) == 0)
        result = measure_arenas(&a, error);
    b->release(b, a.merged);
    b->release(b, a.gradients);
    b->release(b, a.out);
    unloader_free(a.unloader);
    upscaling_free(a.upscaling);
    return result;
}

/* --- rows -------------------------------------------------------------------- */

struct rows {
    struct backend *b;
    struct attention_shape shape;
    size_t count, width;
    real *qkv, *out, *dout, *dqkv, *gamma;
    float *statistics; /* (2, rows), or log sums (rows, heads) */
};

static int run_attention(void *self, struct error *error) {
    (void)error;
    struct rows *r = self;
    r->b->attention(r->b, r->out, r->statistics, r->qkv, &r->shape);
    return 0;
}

static int run_attention_backward(void *self, struct error *error) {
    (void)error;
    struct rows *r = self;
    r->b->attention_backward(r->b, r->dqkv, r->dout, r->out, r->statistics, r->qkv,
                             &r->shape);
    return 0;
}

static int run_norm(void *self, struct error *error) {
    (void)error;
    struct rows *r = self;
    r->b->layer_norm(r->b, r->out, r->statistics, r->statistics + r->count, r->dout,
                     r->gamma, r->gamma, r->count, r->width, 1e-5f);
    return 0;
}

static int run_norm_backward(void *self, struct error *error) {
    (void)error;
    struct rows *r = self;
    r->b->layer_norm_backward(r->b, r->out, r->dout, r->qkv, r->statistics,
                              r->statistics + r->count, r->gamma, r->count, r->width);
    return 0;
}

/* operations at the products' rate or bytes at the copy's, whichever takes longer. */
static int measure_row(struct bench *s, const char *name, bench_run *run,
                       struct rows *r, double operations, double bytes,
                       struct error *error) {
    struct bench_times times;
    double floor = fmax(operations / s->product_rate, bytes / s->copy_rate);
    return bench_measure(s,
                         &(struct bench_what){
                             .name = name, .run = run, .self = r, .queued = true},
                         &times, error) ||
                   bench_add_time(s, name, &times, floor, error)
               ? -1
               : 0;
}

int bench_rows(struct bench *s, struct error *error) {
    struct backend *b = s->backend;
    const struct model_config *c = &s->shape->config;
    size_t images = s->tasks * s->batch, tokens = model_config_tokens(c);
    size_t n = images * tokens, w = c->width;
    struct rows r = {.b = b,
                     .shape = {images, tokens, c->heads, w / c->heads, false},
                     .count = n,
                     .width = w};
    double matrix = (double)n * (double)w, row = (double)b->real_size * matrix;
    double pairs = 4 * matrix * (double)tokens;
    int result = -1;
    if (synthetic_reals(b, 3 * n * w, 1, &r.qkv, error) ||
        synthetic_reals(b, n * w, 1, &r.out, error) ||
        synthetic_reals(b, n * w, 1, &r.dout, error) ||
        synthetic_reals(b, 3 * n * w, 1, &r.dqkv, error) ||
        synthetic_reals(b, w, 1, &r.gamma, error) ||
        synthetic_floats(b, n * (c->heads + 2), 1, &r.statistics, error))
        goto done;
    if (measure_row(s, "attention of a step", run_attention, &r, pairs, 4 * row,
                    error) ||
        measure_row(s, "attention backward", run_attention_backward, &r, 2.5 * pairs,
                    8 * row, error) ||
        measure_row(s, "layer norm of a step", run_norm, &r, 0, 2 * row, error) ||
        measure_row(s, "layer norm backward", run_norm_backward, &r, 0, 4 * row, error))
        goto done;
    result = 0;
done:
    b->release(b, r.qkv);
    b->release(b, r.out);
    b->release(b, r.dout);
    b->release(b, r.dqkv);
    b->release(b, r.gamma);
    b->release(b, r.statistics);
    return result;
}
