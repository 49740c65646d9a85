/* Every product of the model at the rows of a training step. */
#include <math.h>
#include <stdio.h>

#include "../synthetic.h"
#include "bench.h"

/* Operands of the largest product; every product uses their beginnings. */
struct operands {
    struct bench *s;
    real *x, *w, *y, *before, *bias;
    float *gradient;
};

struct one {
    const char *name;
    size_t m, n, k;
    enum { FORWARD, RESIDUAL, ACTIVATED, PLAIN, BACK, WEIGHTS } kind;
};

struct run {
    struct backend *b;
    struct matmul matmul;
};

static int run_product(void *self, struct error *error) {
    (void)error;
    struct run *r = self;
    r->b->matmul(r->b, &r->matmul);
    return 0;
}

/* As transformer_forward.c and block.c call it. */
static struct matmul matmul_of(const struct operands *o, const struct one *p) {
    struct matmul m = {.m = p->m, .n = p->n, .k = p->k, .a = o->x, .b = o->w};
    m.lda = p->k;
    m.ldb = p->kind == BACK ? p->n : p->k;
    m.ldc = p->n;
    m.transpose_b = p->kind != BACK;
    m.c = o->y;
    if (p->kind == FORWARD || p->kind == RESIDUAL || p->kind == ACTIVATED)
        m.bias = o->bias;
    m.accumulate = p->kind == RESIDUAL;
    if (p->kind == ACTIVATED) {
        m.activation = o->s->shape->config.activation;
        m.before = o->before;
    }
    if (p->kind == WEIGHTS) {
        m.transpose_a = true;
        m.transpose_b = false;
        m.lda = p->m;
        m.ldb = p->n;
        m.c = o->gradient;
        m.c_is_f32 = true;
    }
    return m;
}

static int measure(const struct operands *o, const struct one *p, struct error *error) {
    struct bench *s = o->s;
    struct run run = {.b = s->backend, .matmul = matmul_of(o, p)};
    struct bench_times times;
    char name[64];
    double m = (double)p->m, n = (double)p->n, k = (double)p->k;
    snprintf(name, sizeof name, "%s %zu x %zu x %zu", p->name, p->m, p->n, p->k);
    if (bench_measure(
            s,
            &(struct bench_what){
                .name = name, .run = run_product, .self = &run, .queued = true},
            &times, error))
        return -1;
    double work = 2 * m * n * k, rate = work / times.ours.median;
    if (p->kind == PLAIN && rate > s->product_rate)
        s->product_rate = rate;
    /* Small products wait for memory. */
    double element = (double)s->backend->real_size;
    double bytes = (m * k + n * k) * element +
                   m * n * (p->kind == WEIGHTS ? sizeof(float) : element);
    double least = fmax(work / s->product_rate, bytes / s->copy_rate);
    return bench_add_rate(s, name, &times, 1e-12 * work, "TFLOP/s",
                          1e-12 * work / least, error);
}

int bench_products(struct bench *s, struct error *error) {
    struct backend *b = s->backend;
    const struct model_config *c = &s->shape->config;
    size_t images = s->tasks * s->batch, tokens = model_config_tokens(c);
    size_t rows = images * tokens, patches = images * (tokens - 1), w = c->width;
    size_t f = c->mlp_width, column = c->channels * c->patch_size * c->patch_size;
    size_t task = s->batch * tokens;
    const struct one products[] = {
        {"plain", rows, f, w, PLAIN},
        {"plain", rows, w, f, PLAIN},
        {"patches", patches, w, column, PLAIN},
        {"qkv", rows, 3 * w, w, FORWARD},
        {"out, added", rows, w, w, RESIDUAL},
        {"fc1, activated", rows, f, w, ACTIVATED},
        {"fc2, added", rows, w, f, RESIDUAL},
        {"projection", images, c->projection, w, PLAIN},
        {"dX of qkv", rows, w, 3 * w, BACK},
        {"dX of out", rows, w, w, BACK},
        {"dX of fc1", rows, w, f, BACK},
        {"dX of fc2", rows, f, w, BACK},
        {"dW of qkv", 3 * w, w, rows, WEIGHTS},
        {"dW of out", w, w, rows, WEIGHTS},
        {"dW of fc1", f, w, rows, WEIGHTS},
        {"dW of fc2", w, f, rows, WEIGHTS},
        {"dW of fc1, one task", f, w, task, WEIGHTS},
        {"dW of patches", w, column, patches, WEIGHTS},
    };
    size_t wide = f > 3 * w ? f : 3 * w, most = rows * wide, weights = w * wide;
    if (patches * column > most)
        most = patches * column;
    if (w * column > weights)
        weights = w * column;
    /* The second operand of a weight gradient has as many rows as the first. */
    size_t second = most > weights ? most : weights;
    struct operands o = {.s = s};
    int result = -1;
    if (synthetic_reals(b, most, 1, &o.x, error) ||
        synthetic_reals(b, second, 1, &o.w, error) ||
        synthetic_reals(b, most, 1, &o.y, error) ||
        synthetic_reals(b, most, 1, &o.before, error) ||
        synthetic_reals(b, wide, 1, &o.bias, error) ||
        synthetic_floats(b, weights, 1, &o.gradient, error))
        goto done;
    result = 0;
    for (size_t i = 0; result == 0 && i < sizeof products / sizeof *products; i++)
        if (products[i].n > 0)
            result = measure(&o, &products[i], error);
done:
    b->release(b, o.x);
    b->release(b, o.w);
    b->release(b, o.y);
    b->release(b, o.before);
    b->release(b, o.bias);
    b->release(b, o.gradient);
    return result;
}
