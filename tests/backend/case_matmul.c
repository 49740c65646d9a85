#include <math.h>
#include <string.h>

#include "conformance.h"

struct product {
    size_t m, n, k, spare; /* spare: how much wider rows lie than they are */
    bool transpose_a, transpose_b, bias, c_is_f32, accumulate;
    enum activation activation;
    bool before, nan, added; /* added: to what lies elsewhere */
};

static double element(const struct tensor *t, size_t stride, bool transposed, size_t i,
                      size_t j) {
    return t->host[transposed ? j * stride + i : i * stride + j];
}

/* The elements between rows belong to nobody and must stay as they are. */
static void keep_gaps(const struct tensor *t, size_t rows, size_t width, size_t stride,
                      double *wanted) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = width; j < stride; j++)
            wanted[i * stride + j] = t->host[i * stride + j];
}

static void product(struct conformance *c, const struct product *p) {
    struct backend *b = c->backend;
    size_t lda = (p->transpose_a ? p->m : p->k) + p->spare;
    size_t ldb = (p->transpose_b ? p->k : p->n) + 2 * p->spare;
    size_t ldc = p->n + p->spare;
    struct tensor *a =
        tensor_random(c, ELEMENT_REAL, (p->transpose_a ? p->k : p->m) * lda, 1);
    struct tensor *right =
        tensor_random(c, ELEMENT_REAL, (p->transpose_b ? p->n : p->k) * ldb, 1);
    struct tensor *bias = p->bias ? tensor_random(c, ELEMENT_REAL, p->n, 1) : NULL;
    enum element element_c = p->c_is_f32 ? ELEMENT_F32 : ELEMENT_REAL;
    struct tensor *added = p->added ? tensor_random(c, element_c, p->m * ldc, 1) : NULL;
    struct tensor *out = p->accumulate && !added
                             ? tensor_random(c, element_c, p->m * ldc, 1)
                             : tensor_output(c, element_c, p->m * ldc);
    struct tensor *before =
        p->before ? tensor_output(c, ELEMENT_REAL, p->m * ldc) : NULL;
    if (p->nan)
        tensor_set(c, a, lda * ((p->transpose_a ? p->k : p->m) - 1), (double)NAN);
    struct matmul call = {
        .m = p->m,
        .n = p->n,
        .k = p->k,
        .a = a->real,
        .lda = lda,
        .transpose_a = p->transpose_a,
        .b = right->real,
        .ldb = ldb,
        .transpose_b = p->transpose_b,
        .bias = bias ? bias->real : NULL,
        .c = out->data,
        .ldc = ldc,
        .c_is_f32 = p->c_is_f32,
        .accumulate = p->accumulate,
        .added = added ? added->data : NULL,
        .activation = p->activation,
        .before = before ? before->real : NULL,
    };
    b->matmul(b, &call);

    double *x = numbers(c, p->m * ldc), *x_tolerance = numbers(c, p->m * ldc);
    double *y = numbers(c, p->m * ldc), *y_tolerance = numbers(c, p->m * ldc);
    double store = p->c_is_f32 ? SINGLE : c->store;
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) {
            double sum = 0, size = 0, error;
            for (size_t l = 0; l < p->k; l++) {
                double term = element(a, lda, p->transpose_a, i, l) *
                              element(right, ldb, p->transpose_b, l, j);
                sum += term;
                size += fabs(term);
            }
            /* The result may be written once before c or bias is added. */
            double written = fabs(sum);
            if (p->accumulate) {
                double old = (added ? added : out)->host[i * ldc + j];
                sum += old, size += fabs(old);
                written = fmax(written, fabs(sum));
            }
            if (bias)
                sum += bias->host[j], size += fabs(bias->host[j]);
            size_t at = i * ldc + j;
            double rounding = (double)(p->k + 2) * c->product * size;
            x[at] = sum;
            x_tolerance[at] = rounding + store * (written + fabs(sum));
            /* The activation may see x as computed or as written; no activation's
             * slope is above 1.2. */
            y[at] = activation_of(p->activation, sum, &error);
            y_tolerance[at] = p->activation == ACTIVATION_NONE
                                  ? x_tolerance[at]
                                  : 1.2 * x_tolerance[at] + error + store * fabs(y[at]);
        }
    keep_gaps(out, p->m, p->n, ldc, y);
    check(c, "product", out, y, y_tolerance);
    if (before) {
        keep_gaps(before, p->m, p->n, ldc, x);
        check(c, "before the activation", before, x, x_tolerance);
    }
    check_unchanged(c, "a", a);
    check_unchanged(c, "b", right);
    if (added)
        check_unchanged(c, "what was added", added);
}

static void shapes(struct conformance *c) {
    static const size_t sizes[] = {1, 3, 17, 257};
    for (size_t i = 0; i < 64; i++)
        for (unsigned transposed = 0; transposed < 4; transposed++) {
            struct product p = {sizes[i % 4],
                                sizes[i / 4 % 4],
                                sizes[i / 16],
                                .spare = 0,
                                .transpose_a = transposed & 1,
                                .transpose_b = transposed & 2};
            /* All four transposes at the odd sizes, one each at the large. */
            if (p.m * p.n * p.k < 257 * 257 * 17 || transposed == i % 4)
                product(c, &p);
        }
    product(c, &(struct product){64, 128, 32, .transpose_b = true});
    product(c, &(struct product){100, 192, 64, .transpose_b = true, .bias = true});
}

static void strides(struct conformance *c) {
    for (unsigned transposed = 0; transposed < 4; transposed++) {
        product(c,
                &(struct product){17, 23, 9, .spare = 5, .transpose_a = transposed & 1,
                                  .transpose_b = transposed & 2});
        product(c, &(struct product){64, 72, 40, .spare = 64,
                                     .transpose_a = transposed & 1,
                                     .transpose_b = transposed & 2, .bias = true,
                                     .before = true, .activation = ACTIVATION_GELU});
        product(c, &(struct product){33, 3, 65, .spare = 1001,
                                     .transpose_a = transposed & 1,
                                     .transpose_b = transposed & 2, .c_is_f32 = true,
                                     .accumulate = true});
    }
}

static void epilogues(struct conformance *c) {
    static const enum activation kinds[] = {ACTIVATION_NONE, ACTIVATION_GELU,
                                            ACTIVATION_GELU_TANH, ACTIVATION_QUICK_GELU,
                                            ACTIVATION_RELU};
    for (size_t i = 0; i < 5; i++)
        for (unsigned flags = 0; flags < 4; flags++) {
            struct product p = {19,
                                72,
                                31,
                                .spare = 0,
                                .transpose_b = true,
                                .bias = flags & 1,
                                .before = (flags & 2) && i > 0,
                                .activation = kinds[i]};
            product(c, &p);
            p.m = 128, p.n = 64, p.k = 48, p.nan = flags == 3;
            product(c, &p);
        }
}

/* A product of one term (the others are 0) is exact, so that each activation shows its
 * formula: at -3 GELU by erf and by tanh are a tenth apart, which no sum of rounded
 * terms would tell. A library may take a processor's tanh, whose error is up to 2^-11
 * (PTX ISA, "tanh"). */
static void formulas(struct conformance *c) {
    enum { ROWS = 3, TERMS = 8, WIDTH = 160 }; /* what any library's kernels take */
    double ones[ROWS * TERMS] = {0}, right[TERMS * WIDTH] = {0};
    double x[ROWS * WIDTH], y[ROWS * WIDTH];
    double exact[ROWS * WIDTH] = {0}, tolerance[ROWS * WIDTH];
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (double)(i % WIDTH) / 16 - 5; /* 7 bits each */
    for (size_t i = 0; i < ROWS; i++)
        ones[i * TERMS] = 1;
    memcpy(right, x, WIDTH * sizeof *x);
    struct tensor *a = tensor_from(c, ELEMENT_REAL, ROWS * TERMS, ones);
    struct tensor *b = tensor_from(c, ELEMENT_REAL, TERMS * WIDTH, right);
    for (unsigned kind = ACTIVATION_GELU; kind <= ACTIVATION_RELU; kind++)
        for (unsigned keep = 0; keep < 2; keep++) {
            struct tensor *out = tensor_output(c, ELEMENT_REAL, ROWS * WIDTH);
            struct tensor *before = tensor_output(c, ELEMENT_REAL, ROWS * WIDTH);
            struct matmul call = {.m = ROWS,
                                  .n = WIDTH,
                                  .k = TERMS,
                                  .a = a->real,
                                  .lda = TERMS,
                                  .b = b->real,
                                  .ldb = WIDTH,
                                  .c = out->data,
                                  .ldc = WIDTH,
                                  .activation = (enum activation)kind,
                                  .before = keep ? before->real : NULL};
            c->backend->matmul(c->backend, &call);
            for (size_t i = 0; i < ROWS * WIDTH; i++) {
                double error;
                y[i] = activation_of((enum activation)kind, x[i], &error);
                tolerance[i] = error + c->store * fabs(y[i]);
                if (kind == ACTIVATION_GELU_TANH && c->store > SINGLE)
                    tolerance[i] += 0x1p-11 * fabs(x[i]) / 2;
            }
            check(c, "activation of exact products", out, y, tolerance);
            if (keep)
                check(c, "exact products", before, x, exact);
        }
}

static void outputs(struct conformance *c) {
    for (unsigned flags = 0; flags < 8; flags++) {
        struct product p = {21,
                            40,
                            57,
                            .spare = 0,
                            .transpose_b = true,
                            .bias = flags & 1,
                            .c_is_f32 = flags & 2,
                            .accumulate = flags & 4};
        product(c, &p);
        p.m = 3, p.n = 5, p.spare = 2;
        product(c, &p);
        /* Weight gradients: dW = dY^T X, added up in f32. */
        p.m = 48, p.n = 64, p.k = 130, p.spare = 0;
        p.transpose_a = true, p.transpose_b = false;
        product(c, &p);
        if (p.accumulate) {
            p.added = true;
            product(c, &p);
            p.m = 3, p.n = 5, p.spare = 2;
            product(c, &p);
        }
    }
    struct product nan = {17, 9, 30, .spare = 3, .nan = true};
    product(c, &nan);
    nan.transpose_a = true;
    nan.c_is_f32 = true;
    product(c, &nan);
    /* Nothing to sum, and nothing to write. */
    product(c, &(struct product){3, 4, 0, .spare = 1, .bias = true});
    product(c, &(struct product){3, 4, 0, .spare = 1, .accumulate = true});
    product(c, &(struct product){0, 4, 5, .spare = 0});
    product(c, &(struct product){4, 0, 5, .spare = 1});
}

static void squared(struct conformance *c, size_t groups, size_t rows, size_t m,
                    size_t n, bool nan) {
    size_t all = groups * rows;
    struct tensor *a = tensor_random(c, ELEMENT_REAL, all * m, 1);
    struct tensor *b = tensor_random(c, ELEMENT_REAL, all * n, 1);
    struct tensor *to = tensor_random(c, ELEMENT_F32, m * n, 1);
    double scale = -0.625;
    double *wanted = numbers(c, m * n), *tolerance = numbers(c, m * n);
    if (nan)
        tensor_set(c, b, (all - 1) * n, (double)NAN);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double total = 0, error = 0;
            for (size_t g = 0; g < groups; g++) {
                double sum = 0, size = 0;
                for (size_t r = g * rows; r < (g + 1) * rows; r++) {
                    double term = a->host[r * m + i] * b->host[r * n + j];
                    sum += term;
                    size += fabs(term);
                }
                double off = (double)rows * SINGLE * size;
                total += sum * sum;
                error += off * (2 * fabs(sum) + off);
            }
            double start = to->host[i * n + j];
            wanted[i * n + j] = start + scale * total;
            tolerance[i * n + j] =
                fabs(scale) * error +
                (double)(groups + 3) * SINGLE * (fabs(start) + fabs(scale) * total);
        }
    c->backend->add_squared_products(c->backend, to->f32, a->real, b->real,
                                     (float)scale, groups, rows, m, n);
    check(c, "squared products", to, wanted, tolerance);
    check_unchanged(c, "a", a);
    check_unchanged(c, "b", b);
}

static void squares(struct conformance *c) {
    static const size_t sizes[] = {1, 3, 5, 16, 17, 33, 64, 130};
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++)
            squared(c, 1 + (i + j) % 4, 1 + (3 * i + 5 * j) % 19, sizes[i], sizes[j],
                    false);
    squared(c, 2, 40, 71, 1100, false);
    squared(c, 3, 7, 20, 30, true);
    squared(c, 0, 7, 3, 4, false);
    squared(c, 2, 0, 3, 4, false);
    squared(c, 2, 5, 0, 4, false);
    squared(c, 2, 5, 4, 0, false);
}

/* Weight gradients of several groups, and what they lie among. */
static void batch(struct conformance *c, size_t batch, size_t m, size_t n, size_t k,
                  size_t gap, bool accumulate) {
    size_t a_apart = k * m, b_apart = k * n, c_apart = m * n + gap;
    struct tensor *a = tensor_random(c, ELEMENT_REAL, batch * a_apart, 1);
    struct tensor *b = tensor_random(c, ELEMENT_REAL, batch * b_apart, 1);
    struct tensor *out = tensor_random(c, ELEMENT_F32, batch * c_apart, 1);
    double *wanted = numbers(c, batch * c_apart);
    double *tolerance = numbers(c, batch * c_apart);
    memcpy(wanted, out->host, batch * c_apart * sizeof *wanted);
    for (size_t i = 0; i < batch * m * n; i++) {
        size_t g = i / (m * n), row = i / n % m, column = i % n;
        size_t at = g * c_apart + row * n + column;
        double sum = accumulate ? wanted[at] : 0, size = fabs(sum);
        for (size_t l = 0; l < k; l++) {
            double term = a->host[g * a_apart + l * m + row] *
                          b->host[g * b_apart + l * n + column];
            sum += term, size += fabs(term);
        }
        wanted[at] = sum;
        tolerance[at] = (double)(k + 2) * c->product * size + SINGLE * fabs(sum);
    }
    c->backend->matmul(c->backend, &(struct matmul){.m = m,
                                                    .n = n,
                                                    .k = k,
                                                    .a = a->real,
                                                    .lda = m,
                                                    .transpose_a = true,
                                                    .b = b->real,
                                                    .ldb = n,
                                                    .c = out->data,
                                                    .ldc = n,
                                                    .c_is_f32 = true,
                                                    .accumulate = accumulate,
                                                    .batch = batch,
                                                    .a_apart = a_apart,
                                                    .b_apart = b_apart,
                                                    .c_apart = c_apart});
    check(c, "products of a batch", out, wanted, tolerance);
    check_unchanged(c, "a", a);
    check_unchanged(c, "b", b);
}

static void batches(struct conformance *c) {
    static const size_t sizes[] = {1, 3, 8, 33, 64};
    for (size_t i = 0; i < 25; i++)
        batch(c, 1 + i % 5, sizes[i % 5], sizes[i / 5], sizes[(i + i / 5) % 5],
              i % 3 * 8, i % 2);
}

/* Sums along with the products, of whatever sizes the library gives them for. */
static void sums(struct conformance *c, size_t batch, size_t m, size_t n, size_t k,
                 bool of_b, bool accumulate) {
    size_t width = of_b ? n : m, apart = width + 5, c_apart = m * n;
    struct tensor *a = tensor_random(c, ELEMENT_REAL, batch * k * m, 1);
    struct tensor *b = tensor_random(c, ELEMENT_REAL, batch * k * n, 1);
    struct tensor *out = tensor_random(c, ELEMENT_F32, batch * c_apart, 1);
    struct tensor *to = tensor_random(c, ELEMENT_F32, batch * apart, 1);
    const struct tensor *of = of_b ? b : a;
    double *wanted = numbers(c, batch * apart), *tolerance = numbers(c, batch * apart);
    memcpy(wanted, to->host, batch * apart * sizeof *wanted);
    for (size_t i = 0; i < batch * width; i++) {
        size_t g = i / width, at = g * apart + i % width;
        double sum = accumulate ? wanted[at] : 0, size = fabs(sum);
        for (size_t l = 0; l < k; l++) {
            double term = of->host[(g * k + l) * width + i % width];
            sum += term, size += fabs(term);
        }
        wanted[at] = sum;
        tolerance[at] = (double)(k + 2) * c->product * size;
    }
    c->backend->matmul(c->backend, &(struct matmul){.m = m,
                                                    .n = n,
                                                    .k = k,
                                                    .a = a->real,
                                                    .lda = m,
                                                    .transpose_a = true,
                                                    .b = b->real,
                                                    .ldb = n,
                                                    .c = out->data,
                                                    .ldc = n,
                                                    .c_is_f32 = true,
                                                    .accumulate = accumulate,
                                                    .batch = batch,
                                                    .a_apart = k * m,
                                                    .b_apart = k * n,
                                                    .c_apart = c_apart,
                                                    .sums = to->f32,
                                                    .sums_of_b = of_b,
                                                    .sums_apart = apart});
    check(c, "sums of a product", to, wanted, tolerance);
}

static void all_sums(struct conformance *c) {
    static const size_t sizes[] = {1, 8, 24, 33, 64};
    for (size_t i = 0; i < 25; i++)
        for (unsigned flags = 0; flags < 4; flags++)
            sums(c, 1 + i % 3, sizes[i % 5], sizes[i / 5], 1 + 13 * (i % 6), flags & 1,
                 flags & 2);
}

const struct conformance_case conformance_matmul_cases[] = {
    {"matmul batches", batches},
    {"matmul sums", all_sums},
    {"squared products", squares},
    {"matmul shapes", shapes},
    {"matmul strides", strides},
    {"matmul epilogues", epilogues},
    {"matmul outputs", outputs},
    {"matmul formulas", formulas},
    {NULL, NULL}};
