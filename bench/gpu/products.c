/* Every product of the model at the rows of a training step; which of cuBLAS's
 * algorithms is fastest for each, and its values beside the plain kernel's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../synthetic.h"
#include "work.h"

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

enum { PRODUCTS = 18 };

/* All products of the model; those of no columns are not there. */
static void list_products(const struct bench *s, struct one list[PRODUCTS]) {
    const struct model_config *c = &s->shape->config;
    size_t images = s->tasks * s->batch, tokens = model_config_tokens(c);
    size_t rows = images * tokens, patches = images * (tokens - 1), w = c->width;
    size_t f = c->mlp_width, column = c->channels * c->patch_size * c->patch_size;
    size_t task = s->batch * tokens;
    const struct one products[PRODUCTS] = {
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
    memcpy(list, products, sizeof products);
}

static void operands_free(struct operands *o) {
    struct backend *b = o->s->backend;
    b->release(b, o->x);
    b->release(b, o->w);
    b->release(b, o->y);
    b->release(b, o->before);
    b->release(b, o->bias);
    b->release(b, o->gradient);
}

/* Of the largest of them. */
static int operands_new(struct bench *s, const struct one list[PRODUCTS],
                        struct operands *o, struct error *error) {
    struct backend *b = s->backend;
    size_t most = 0, weights = 0, wide = 0;
    for (size_t i = 0; i < PRODUCTS; i++) {
        const struct one *p = &list[i];
        /* A weight gradient has as many rows of the second operand as of the first. */
        size_t inner = p->k * (p->m > p->n ? p->m : p->n), out = p->m * p->n;
        most = inner > most ? inner : most;
        if (p->kind == WEIGHTS)
            weights = out > weights ? out : weights;
        else
            most = out > most ? out : most;
        wide = p->n > wide ? p->n : wide;
    }
    *o = (struct operands){.s = s};
    if (synthetic_reals(b, most, 1, &o->x, error) ||
        synthetic_reals(b, most, 1, &o->w, error) ||
        synthetic_reals(b, most, 1, &o->y, error) ||
        synthetic_reals(b, most, 1, &o->before, error) ||
        synthetic_reals(b, wide, 1, &o->bias, error) ||
        synthetic_floats(b, weights, 1, &o->gradient, error)) {
        operands_free(o);
        return -1;
    }
    return 0;
}

int bench_products(struct bench *s, struct error *error) {
    struct one list[PRODUCTS];
    struct operands o;
    list_products(s, list);
    if (operands_new(s, list, &o, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < PRODUCTS; i++)
        if (list[i].n > 0)
            result = measure(&o, &list[i], error);
    operands_free(&o);
    return result;
}

/* --- algorithms, and values against the plain kernel ---------------------------- */

enum { ALGORITHMS = 8, SAMPLE = 1 << 18 };

/* The beginning of what the product gives on the backend that is open now. */
static int sample(const struct operands *o, const struct one *p, float *values,
                  size_t *count, struct error *error) {
    struct backend *b = o->s->backend;
    struct matmul m = matmul_of(o, p);
    size_t all = p->m * p->n;
    *count = all < SAMPLE ? all : SAMPLE;
    b->zero(b, m.c, all * (p->kind == WEIGHTS ? sizeof(float) : b->real_size));
    b->matmul(b, &m);
    return p->kind == WEIGHTS
               ? b->download(b, values, m.c, *count * sizeof *values, error)
               : b->download_real(b, values, m.c, *count, error);
}

/* |a - b| / |b|, Frobenius. */
static double distance(const float *a, const float *b, size_t count) {
    double apart = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)a[i] - (double)b[i];
        apart += d * d;
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(apart / size);
}

struct trials {
    struct one list[PRODUCTS];
    float *values[PRODUCTS]; /* of the usual algorithm */
    double seconds[PRODUCTS][ALGORITHMS];
};

static int try_algorithm(struct bench *s, struct trials *t, unsigned number,
                         struct error *error) {
    char tune[32];
    struct operands o;
    size_t count;
    snprintf(tune, sizeof tune, "algorithm=%u", number + 1);
    if (work_open(s, tune, error) || operands_new(s, t->list, &o, error))
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < PRODUCTS; i++) {
        struct run run = {.b = s->backend, .matmul = matmul_of(&o, &t->list[i])};
        struct bench_times times;
        if (t->list[i].n == 0)
            continue;
        if (number == 0)
            result = sample(&o, &t->list[i], t->values[i], &count, error);
        if (result == 0)
            result = bench_measure(s,
                                   &(struct bench_what){.name = t->list[i].name,
                                                        .run = run_product,
                                                        .self = &run,
                                                        .queued = true},
                                   &times, error);
        t->seconds[i][number] = times.ours.median;
    }
    operands_free(&o);
    return result;
}

/* Both round the same sums to real: bf16's unit is 2^-8, f32 sums differ by their
 * order. */
static int compare_plain(struct bench *s, struct trials *t, struct error *error) {
    struct operands o;
    size_t count;
    float *plain = malloc(SAMPLE * sizeof *plain);
    if (!plain)
        return error_memory(error);
    int result =
        work_open(s, "products=plain", error) || operands_new(s, t->list, &o, error);
    if (result) {
        free(plain);
        return -1;
    }
    size_t wrong = 0;
    for (size_t i = 0; result == 0 && i < PRODUCTS; i++) {
        const struct one *p = &t->list[i];
        if (p->n == 0)
            continue;
        result = sample(&o, p, plain, &count, error);
        if (result)
            break;
        double apart = distance(t->values[i], plain, count);
        double most = p->kind == WEIGHTS || s->backend->real_size == 4 ? 1e-4 : 4e-3;
        bool good = apart <= most;
        wrong += !good;
        printf("operation values %s %zu x %zu x %zu: %.2g from the plain kernel%s\n",
               p->name, p->m, p->n, p->k, apart, good ? "" : ", which is WRONG");
    }
    operands_free(&o);
    free(plain);
    if (result == 0 && wrong > 0)
        return error_set(error, "%zu products differ from the plain kernel's", wrong);
    return result ? -1 : 0;
}

static void tell_algorithms(const struct trials *t) {
    for (size_t i = 0; i < PRODUCTS; i++) {
        const struct one *p = &t->list[i];
        if (p->n == 0)
            continue;
        printf("operation algorithms %s %zu x %zu x %zu, us:", p->name, p->m, p->n,
               p->k);
        double best = INFINITY;
        for (size_t k = 0; k < ALGORITHMS; k++) {
            printf(" %.1f", 1e6 * t->seconds[i][k]);
            best = fmin(best, t->seconds[i][k]);
        }
        printf(" (the first takes %.2f times the best)\n", t->seconds[i][0] / best);
    }
    fflush(stdout);
}

int bench_algorithms(struct bench *s, struct error *error) {
    struct trials t = {0};
    int result = 0;
    double budget = s->budget;
    list_products(s, t.list);
    for (size_t i = 0; i < PRODUCTS; i++)
        if (!(t.values[i] = malloc(SAMPLE * sizeof(float))))
            result = error_memory(error);
    s->budget = budget / 8;
    for (unsigned k = 0; result == 0 && k < ALGORITHMS; k++)
        result = try_algorithm(s, &t, k, error);
    s->budget = budget;
    if (result == 0) {
        tell_algorithms(&t);
        result = compare_plain(s, &t, error);
    }
    work_close(s);
    for (size_t i = 0; i < PRODUCTS; i++)
        free(t.values[i]);
    setenv("PWEMOE_CUDA_TUNE", "", 1);
    return result;
}
