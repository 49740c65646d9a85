/* Products that may be in fp8: on a backend opened so both operands are rounded to e4m3
 * after a division by their own scale, as backend.h says; on any other they are
 * products like all. */
#include <math.h>
#include <string.h>

#include "conformance.h"

/* Tensor cores add fp8's products in fewer bits than f32 has: some 14 within a run of
 * them (DeepSeek-V3 Technical Report, 2024, section 3.3.2). Of the sum of the terms'
 * sizes. */
#define FP8_SUM 0x1p-11

struct product {
    size_t m, n, k, spare; /* spare: how much wider rows lie than they are */
    bool turned;           /* b is stored [k, n] */
    bool bias, accumulate, added;
    enum activation activation;
    double large; /* the last element of each operand; 0: like the others */
};

/* To the nearest of e4m3's numbers, ties to even, 448 at most. */
static double e4m3(double x) {
    if (isnan(x))
        return x;
    int exponent = fabs(x) < 0x1p-6 ? -6 : ilogb(x);
    double step = ldexp(1, exponent - 3);
    double rounded = nearbyint(x / step) * step;
    return fabs(rounded) > 448 ? copysign(448, x) : rounded;
}

/* The matrix [rows, columns] as its values in a product: what it was, or as fp8 has it.
 * The scale and its inverse are f32. */
static double *values_of(struct conformance *c, const struct tensor *t, size_t rows,
                         size_t columns, size_t stride, bool fp8) {
    double *values = numbers(c, rows * columns);
    float most = 1e-30f;
    bool finite = true;
    for (size_t i = 0; i < rows * columns; i++) {
        double x = values[i] = t->host[i / columns * stride + i % columns];
        most = fabs(x) > (double)most ? (float)fabs(x) : most;
        finite = finite && !isinf(x);
    }
    float scale = most / 448, factor = 448 / most;
    for (size_t i = 0; fp8 && i < rows * columns; i++)
        values[i] = finite ? e4m3((double)((float)values[i] * factor)) * (double)scale
                           : (double)NAN;
    return values;
}

static double value_at(const double *values, size_t rows, size_t columns, bool turned,
                       size_t i, size_t j) {
    return turned ? values[j * rows + i] : values[i * columns + j];
}

static void product(struct conformance *c, const struct product *p) {
    struct backend *b = c->backend;
    size_t lda = p->k + p->spare, ldc = p->n + p->spare;
    size_t rows = p->turned ? p->k : p->n, columns = p->turned ? p->n : p->k;
    size_t ldb = columns + 2 * p->spare;
    struct tensor *a = tensor_random(c, ELEMENT_REAL, p->m * lda, 3);
    struct tensor *right = tensor_random(c, ELEMENT_REAL, rows * ldb, 0.05);
    struct tensor *bias = p->bias ? tensor_random(c, ELEMENT_REAL, p->n, 1) : NULL;
    struct tensor *added =
        p->added ? tensor_random(c, ELEMENT_REAL, p->m * ldc, 1) : NULL;
    struct tensor *out = p->accumulate && !added
                             ? tensor_random(c, ELEMENT_REAL, p->m * ldc, 1)
                             : tensor_output(c, ELEMENT_REAL, p->m * ldc);
    if (p->large != 0) {
        tensor_set(c, a, (p->m - 1) * lda + p->k - 1, p->large);
        tensor_set(c, right, (rows - 1) * ldb + columns - 1, p->large);
    }
    if (p->spare) { /* what lies between rows must not matter, however large */
        tensor_set(c, a, p->k, 1e6);
        tensor_set(c, right, columns, -1e6);
    }
    struct matmul call = {.m = p->m,
                          .n = p->n,
                          .k = p->k,
                          .a = a->real,
                          .lda = lda,
                          .b = right->real,
                          .ldb = ldb,
                          .transpose_b = !p->turned,
                          .bias = bias ? bias->real : NULL,
                          .c = out->data,
                          .ldc = ldc,
                          .accumulate = p->accumulate,
                          .added = added ? added->data : NULL,
                          .activation = p->activation,
                          .fp8 = true};
    size_t wide = b->wide_products;
    b->matmul(b, &call);

    bool possible = p->n % 16 == 0 && p->k % 16 == 0 && p->spare % 8 == 0;
    bool fp8 = b->fp8 && possible;
    double *x = values_of(c, a, p->m, p->k, lda, fp8);
    double *y = values_of(c, right, rows, columns, ldb, fp8);
    double *wanted = numbers(c, p->m * ldc), *tolerance = numbers(c, p->m * ldc);
    for (size_t i = 0; i < p->m * ldc; i++)
        wanted[i] = out->host[i];
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) {
            double sum = 0, size = 0, error;
            for (size_t l = 0; l < p->k; l++) {
                double term =
                    x[i * p->k + l] * value_at(y, p->n, p->k, p->turned, j, l);
                sum += term;
                size += fabs(term);
            }
            double written = fabs(sum), rounding = size * (fp8 ? FP8_SUM : 0);
            size_t at = i * ldc + j;
            if (p->accumulate) {
                double old = (added ? added : out)->host[at];
                sum += old, size += fabs(old);
                written = fmax(written, fabs(sum));
            }
            if (bias)
                sum += bias->host[j], size += fabs(bias->host[j]);
            rounding += (double)(p->k + 2) * c->product * size +
                        c->store * (written + fabs(sum));
            wanted[at] = activation_of(p->activation, sum, &error);
            tolerance[at] = p->activation == ACTIVATION_NONE
                                ? rounding
                                : 1.2 * rounding + error + c->store * fabs(wanted[at]);
        }
    check(c, fp8 ? "product in fp8" : "product not in fp8", out, wanted, tolerance);
    check_true(c, "those that are not in fp8 are counted",
               b->wide_products - wide == (b->fp8 && !possible ? 1 : 0));
    check_unchanged(c, "a", a);
    check_unchanged(c, "b", right);
    if (added)
        check_unchanged(c, "what was added", added);
}

static void shapes(struct conformance *c) {
    static const size_t sizes[] = {16, 48, 160}, rows[] = {1, 7, 64, 130};
    for (size_t i = 0; i < 36; i++)
        product(c, &(struct product){.m = rows[i % 4],
                                     .n = sizes[i / 4 % 3],
                                     .k = sizes[i / 12],
                                     .spare = i % 3 * 8,
                                     .turned = i % 2,
                                     .bias = i % 5 < 2,
                                     .accumulate = i % 7 < 4,
                                     .added = i % 7 < 2});
    for (unsigned kind = ACTIVATION_GELU; kind <= ACTIVATION_RELU; kind++)
        product(c, &(struct product){.m = 40,
                                     .n = 64,
                                     .k = 32,
                                     .bias = kind % 2,
                                     .activation = (enum activation)kind});
    /* Those that cannot be. */
    product(c, &(struct product){.m = 20, .n = 40, .k = 48, .bias = true});
    product(c, &(struct product){.m = 20, .n = 48, .k = 40, .turned = true});
    product(c, &(struct product){.m = 20, .n = 48, .k = 48, .spare = 3});
}

/* An outlier, which makes all others small; and what is no number. */
static void outliers(struct conformance *c) {
    for (unsigned turned = 0; turned < 2; turned++) {
        static const double large[] = {1e4, 1e15, (double)NAN, -(double)INFINITY};
        for (size_t i = 0; i < 4; i++)
            if (c->backend->fp8 || isnan(large[i]))
                product(c, &(struct product){.m = 33,
                                             .n = 32,
                                             .k = 64,
                                             .turned = turned,
                                             .large = large[i]});
    }
    /* Nothing but zeros. */
    enum { M = 3, N = 16, K = 32 };
    double zeros[M * K + N * K] = {0}, none[M * N] = {0};
    struct tensor *a = tensor_from(c, ELEMENT_REAL, M * K, zeros);
    struct tensor *b = tensor_from(c, ELEMENT_REAL, N * K, zeros);
    struct tensor *out = tensor_output(c, ELEMENT_REAL, M * N);
    c->backend->matmul(c->backend, &(struct matmul){.m = M,
                                                    .n = N,
                                                    .k = K,
                                                    .a = a->real,
                                                    .lda = K,
                                                    .b = b->real,
                                                    .ldb = K,
                                                    .transpose_b = true,
                                                    .c = out->data,
                                                    .ldc = N,
                                                    .fp8 = true});
    check(c, "zeros", out, none, none);
}

const struct conformance_case conformance_fp8_cases[] = {
    {"fp8 shapes", shapes}, {"fp8 outliers", outliers}, {NULL, NULL}};
