#include "train/factor_slopes.h"

#include <stdlib.h>

#include "base/memory.h"

/* Rows of activations at a time: what comes of them stays in a cache. */
enum { ROWS = 2048 };

struct factor_slopes {
    const struct task_factors *factors;
    enum factor_way way;
    real *left, *right; /* (ROWS, R), left also (greatest rows of a part, R) */
    real *squares;      /* (T, r, r) whose traces are wanted */
    float *identity;    /* (r, r) */
};

static int make(struct factor_slopes *s, struct error *error) {
    const struct task_factors *f = s->factors;
    struct backend *b = f->backend;
    size_t wide = f->tasks * f->rank, square = f->rank * f->rank, rows = ROWS;
    for (size_t i = 0; i < f->part_count; i++)
        rows = f->parts[i].rows > rows ? f->parts[i].rows : rows;
    float *identity = array_new(square, sizeof *identity);
    if (!identity)
        return error_memory(error);
    for (size_t i = 0; i < f->rank; i++)
        identity[i * f->rank + i] = 1;
    int result =
        b->allocate(b, rows * wide * b->real_size, (void **)&s->left, error) ||
                b->allocate(b, ROWS * wide * b->real_size, (void **)&s->right, error) ||
                b->allocate(b, f->tasks * square * b->real_size, (void **)&s->squares,
                            error) ||
                b->allocate(b, square * sizeof *identity, (void **)&s->identity, error)
            ? -1
            : 0;
    if (result == 0)
        b->upload(b, s->identity, identity, square * sizeof *identity);
    free(identity);
    return result;
}

int factor_slopes_new(const struct task_factors *factors, struct factor_slopes **out,
                      struct error *error) {
    struct factor_slopes *s = array_new(1, sizeof *s);
    if (!s)
        return error_memory(error);
    s->factors = factors;
    if (make(s, error)) {
        factor_slopes_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void factor_slopes_free(struct factor_slopes *s) {
    if (!s)
        return;
    struct backend *b = s->factors->backend;
    b->release(b, s->left);
    b->release(b, s->right);
    b->release(b, s->squares);
    b->release(b, s->identity);
    free(s);
}

void factor_slopes_force(struct factor_slopes *s, enum factor_way way) {
    s->way = way;
}

/* out [T] += traces of x_t^T y_t, of x and y (rows, R). */
static void add_traces(struct factor_slopes *s, const real *x, const real *y,
                       size_t rows, float *out) {
    const struct task_factors *f = s->factors;
    struct backend *b = f->backend;
    size_t wide = f->tasks * f->rank, square = f->rank * f->rank;
    b->matmul(b, &(struct matmul){.m = f->rank,
                                  .n = f->rank,
                                  .k = rows,
                                  .a = x,
                                  .lda = wide,
                                  .transpose_a = true,
                                  .b = y,
                                  .ldb = wide,
                                  .c = s->squares,
                                  .ldc = f->rank,
                                  .batch = f->tasks,
                                  .a_apart = f->rank,
                                  .b_apart = f->rank,
                                  .c_apart = square});
    b->route_gradient(b, out, s->identity, square, 1, s->squares, square, f->tasks,
                      square);
}

/* x (rows, R) = from (rows, part's rows) left, or (rows, columns) right^T. */
static void project(struct factor_slopes *s, const struct factors_part *part,
                    bool by_left, const real *from, size_t stride, size_t rows,
                    real *x) {
    const struct task_factors *f = s->factors;
    struct backend *b = f->backend;
    size_t wide = f->tasks * f->rank;
    b->matmul(b, &(struct matmul){.m = rows,
                                  .n = wide,
                                  .k = by_left ? part->rows : part->columns,
                                  .a = from,
                                  .lda = stride,
                                  .b = by_left ? backend_at(b, f->left, part->left)
                                               : backend_at(b, f->right, part->right),
                                  .ldb = by_left ? wide : part->columns,
                                  .transpose_b = !by_left,
                                  .c = x,
                                  .ldc = wide});
}

/* One part of one group, from `count` rows of activations after the first `first`. */
static void from_activations(struct factor_slopes *s, const struct factors_part *part,
                             const struct gradient_product *p, size_t first,
                             size_t count, float *out) {
    struct backend *b = s->factors->backend;
    size_t row = (part->offset - p->offset) / part->columns;
    for (size_t i = 0; i < count; i += ROWS) {
        size_t some = count - i < ROWS ? count - i : ROWS, at = first + i;
        project(s, part, true, backend_at(b, p->left, at * p->m + row), p->m, some,
                s->left);
        project(s, part, false, backend_at(b, p->right, at * p->n), p->n, some,
                s->right);
        add_traces(s, s->left, s->right, some, out);
    }
}

/* From dW of the part alone. */
static void from_gradient(struct factor_slopes *s, const struct factors_part *part,
                          const float *gradient, float *out) {
    const struct task_factors *f = s->factors;
    const real *dw = (const real *)gradient;
    project(s, part, false, dw, part->columns, part->rows, s->left);
    add_traces(s, backend_at(f->backend, f->left, part->left), s->left, part->rows,
               out);
}

/* The layer's gradient of one group. */
static void make_gradient(struct backend *b, const struct gradient_product *p,
                          size_t first, size_t count, float *gradient) {
    b->matmul(b, &(struct matmul){.m = p->m,
                                  .n = p->n,
                                  .k = count,
                                  .a = backend_at(b, p->left, first * p->m),
                                  .lda = p->m,
                                  .transpose_a = true,
                                  .b = backend_at(b, p->right, first * p->n),
                                  .ldb = p->n,
                                  .c = gradient,
                                  .ldc = p->n,
                                  .c_is_f32 = true});
}

/* The parts that lie in the layer and have a router: [*first, *end). */
static void find_parts(const struct task_factors *f, const struct gradient_product *p,
                       size_t *first, size_t *end) {
    *first = 0;
    while (*first < f->part_count && f->parts[*first].offset < p->offset)
        ++*first;
    *end = *first;
    while (*end < f->part_count && f->parts[*end].offset < p->offset + p->m * p->n)
        ++*end;
}

/* Whether dW first is fewer multiplications. */
static bool by_gradient(const struct factor_slopes *s, const struct gradient_product *p,
                        size_t first, size_t end) {
    const struct task_factors *f = s->factors;
    double rows = 0, wide = (double)(f->tasks * f->rank);
    if (f->backend->precision != PRECISION_F32)
        return false;
    if (s->way != FACTOR_WAY_FEWER)
        return s->way == FACTOR_WAY_GRADIENT;
    for (size_t g = 0; g < p->groups; g++)
        rows += (double)(p->group_images[g] * p->rows);
    double activations = 0, gradient = rows * (double)p->m * (double)p->n;
    for (size_t i = first; i < end; i++) {
        double m = (double)f->parts[i].rows, n = (double)f->parts[i].columns;
        double traces = wide * (double)f->rank;
        activations += rows * (wide * (m + n) + traces);
        gradient += (double)p->groups * m * (n * wide + traces);
    }
    return gradient < activations;
}

void factor_slopes_add(struct factor_slopes *s, const struct upscaling *upscaling,
                       const struct gradient_product *p, float *gradient, float *out) {
    const struct task_factors *f = s->factors;
    size_t first, end, row = 0;
    find_parts(f, p, &first, &end);
    if (first == end || upscaling_row(upscaling, p->offset) == upscaling->modules)
        return;
    bool whole = by_gradient(s, p, first, end);
    for (size_t g = 0; g < p->groups; g++) {
        size_t count = p->group_images[g] * p->rows;
        if (whole)
            make_gradient(f->backend, p, row, count, gradient);
        for (size_t i = first; i < end; i++) {
            size_t module = upscaling_row(upscaling, f->parts[i].offset);
            float *to = out + (module * p->groups + g) * f->tasks;
            if (whole)
                from_gradient(s, &f->parts[i],
                              gradient + (f->parts[i].offset - p->offset), to);
            else
                from_activations(s, &f->parts[i], p, row, count, to);
        }
        row += count;
    }
}

void factor_slopes_sum(struct factor_slopes *s, const struct upscaling *upscaling,
                       const float *gradient, size_t rows, size_t stride, float *out) {
    const struct task_factors *f = s->factors;
    for (size_t i = 0; i < f->part_count; i++) {
        const struct factors_part *part = &f->parts[i];
        size_t row = upscaling_row(upscaling, part->offset);
        if (row < rows)
            from_gradient(s, part, gradient + part->offset, out + row * stride);
    }
}
