/* Positive definite systems, many of one size. The systems are I + B B' / n of normal
 * numbers, whose eigenvalues lie between 1 and about 5: a solution by Cholesky's
 * factors in f32 is off by at most a small multiple of n roundings times that (Higham,
 * "Accuracy and Stability of Numerical Algorithms", theorem 10.3). */
#include <math.h>
#include <string.h>

#include "conformance.h"

/* Lower triangle of I + B B' / n [n, n]; what lies above it is NaN, which nobody reads.
 */
static void make_system(struct conformance *c, size_t n, double *system) {
    struct tensor *b = tensor_random(c, ELEMENT_F32, n * n, 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = i == j;
            for (size_t k = 0; k < n; k++)
                sum += b->host[i * n + k] * b->host[j * n + k] / (double)n;
            system[i * n + j] = j <= i ? (double)(float)sum : (double)NAN;
        }
}

/* x becomes system^-1 x, its numbers `step` apart, in f64. */
static void solve_one(const double *system, size_t n, double *factor, double *x,
                      size_t step) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = system[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= factor[i * n + k] * factor[j * n + k];
            factor[i * n + j] = i == j ? sqrt(sum) : sum / factor[j * n + j];
        }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i * step] -= factor[i * n + k] * x[k * step];
        x[i * step] /= factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            x[i * step] -= factor[k * n + i] * x[k * step];
        x[i * step] /= factor[i * n + i];
    }
}

/* bad: the system that has no factor, from 1; 0: each has. */
static void systems(struct conformance *c, size_t count, size_t n, size_t rows,
                    bool turned, size_t bad) {
    struct backend *b = c->backend;
    struct error error;
    double *system = numbers(c, count * n * n), *factor = numbers(c, n * n);
    for (size_t s = 0; s < count; s++)
        make_system(c, n, system + s * n * n);
    if (bad) /* the last pivot of it */
        system[bad * n * n - 1] = -1;
    struct tensor *left = tensor_from(c, ELEMENT_F32, count * n * n, system);
    struct tensor *right = tensor_random(c, ELEMENT_F32, count * n * rows, 1);
    struct tensor *failed = tensor_output(c, ELEMENT_I32, count);
    double *x = numbers(c, count * n * rows), *tolerance = numbers(c, count * n * rows);
    double *none = numbers(c, count), *places = numbers(c, count);
    memcpy(x, right->host, count * n * rows * sizeof *x);
    for (size_t s = 0; s < count; s++)
        for (size_t r = 0; r < rows; r++) {
            size_t step = turned ? rows : 1;
            size_t at = s * n * rows + (turned ? r : r * n);
            double norm = 0;
            if (s + 1 == bad)
                continue;
            solve_one(system + s * n * n, n, factor, x + at, step);
            for (size_t i = 0; i < n; i++)
                norm += x[at + i * step] * x[at + i * step];
            for (size_t i = 0; i < n; i++)
                tolerance[at + i * step] = 40 * (double)(n + 1) * SINGLE * sqrt(norm);
        }
    if (bad)
        places[bad - 1] = (double)n;
    const struct solve call = {.n = n,
                               .rows = rows,
                               .count = count,
                               .systems = left->f32,
                               .right = right->f32,
                               .turned = turned,
                               .failed = failed->i32};
    if (b->solve(b, &call, &error)) {
        check_true(c, error.text, false);
        return;
    }
    check(c, "places of pivots", failed, places, none);
    if (bad) { /* of no use, whatever stands there */
        memset(x + (bad - 1) * n * rows, 0, n * rows * sizeof *x);
        b->zero(b, right->f32 + (bad - 1) * n * rows, n * rows * sizeof(float));
    }
    check(c, "solutions", right, x, tolerance);
}

static void sizes(struct conformance *c) {
    static const size_t sizes[] = {1, 2, 17, 64}, rows[] = {1, 5, 33};
    for (size_t i = 0; i < 24; i++)
        systems(c, 1 + i % 5, sizes[i % 4], rows[i / 4 % 3], i >= 12, 0);
    systems(c, 3, 20, 0, false, 0);
    systems(c, 0, 20, 3, false, 0);
}

static void failing(struct conformance *c) {
    systems(c, 4, 19, 7, false, 3);
    systems(c, 4, 19, 7, true, 1);
    systems(c, 1, 1, 1, false, 1);
}

const struct conformance_case conformance_solve_cases[] = {
    {"systems", sizes}, {"systems without factors", failing}, {NULL, NULL}};
