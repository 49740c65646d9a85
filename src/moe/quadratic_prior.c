/* The widths of the prior of a quadratic by its restricted likelihood; of quadratic.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "moe/quadratic.h"

/* LAPACK's Cholesky factor and BLAS's triangular solve by their Fortran interface,
 * which OpenBLAS has. */
extern void dpotrf_(const char *part, const int *n, double *matrix, const int *stride,
                    int *info, size_t part_length);
extern void dtrsv_(const char *part, const char *transposed, const char *unit,
                   const int *n, const double *matrix, const int *stride,
                   double *values, const int *step, size_t part_length,
                   size_t transposed_length, size_t unit_length);

/* Widths searched, by their logarithms of base 10: from what leaves nothing but the
 * mean to what leaves the points alone. */
static const double least = -1.5, most = 6, coarse = 0.5, fine = 0.01;

/* With values y and design A by the roots of weights, both less what the constant's
 * column can have of them, and prior variances D, the values' covariance is
 * s (I + A D A^T). It is factorised, or I + D^1/2 A^T A D^1/2, whichever is smaller. */
struct likelihood {
    size_t count, numbers, inputs; /* points; columns of A, first those of b */
    double *design;                /* [count, numbers] */
    double *values;                /* [count] */
    size_t size;                   /* the fewer of count and numbers */
    double *linear, *curved; /* [size, size]: A A^T of the columns of b, and of A; or
                                A^T A, and nothing */
    double *factor;          /* [size, size], lower triangle */
    double *solved;          /* [size] */
};

static double entry(const struct likelihood *l, double linear, double curved, size_t i,
                    size_t j) {
    size_t at = i * l->size + j;
    if (l->size == l->count)
        return linear * linear * l->linear[at] + curved * curved * l->curved[at];
    return (i < l->inputs ? linear : curved) * (j < l->inputs ? linear : curved) *
           l->linear[at];
}

/* The lower factor by rows, which to LAPACK is the upper one by columns; false where
 * rounding leaves none. */
static bool factorise(const struct likelihood *l, double linear, double curved) {
    int n = (int)l->size, info;
    for (size_t i = 0; i < l->size; i++)
        for (size_t j = 0; j <= i; j++)
            l->factor[i * l->size + j] = entry(l, linear, curved, i, j) + (i == j);
    dpotrf_("U", &n, l->factor, &n, &info, 1);
    return info == 0;
}

/* solved by the factor's inverse, and by its transpose's where both. */
static void solve(const struct likelihood *l, bool both) {
    const int n = (int)l->size, one = 1;
    dtrsv_("U", "T", "N", &n, l->factor, &n, l->solved, &one, 1, 1, 1);
    if (both)
        dtrsv_("U", "N", "N", &n, l->factor, &n, l->solved, &one, 1, 1, 1);
}

/* What the values are in units of their covariance, squared. By numbers it is the sum
 * of squares that a fit leaves over, of values and of prior, without cancellation. */
static double squares_left(const struct likelihood *l, double linear, double curved) {
    double sum = 0;
    if (l->size == l->count) {
        memcpy(l->solved, l->values, l->count * sizeof *l->values);
        solve(l, false);
        for (size_t i = 0; i < l->count; i++)
            sum += l->solved[i] * l->solved[i];
        return sum;
    }
    for (size_t k = 0; k < l->numbers; k++) {
        double along = 0;
        for (size_t i = 0; i < l->count; i++)
            along += l->design[i * l->numbers + k] * l->values[i];
        l->solved[k] = (k < l->inputs ? linear : curved) * along;
    }
    solve(l, true);
    for (size_t i = 0; i < l->count; i++) {
        double left = l->values[i];
        for (size_t k = 0; k < l->numbers; k++)
            left -= l->design[i * l->numbers + k] * (k < l->inputs ? linear : curved) *
                    l->solved[k];
        sum += left * left;
    }
    for (size_t k = 0; k < l->numbers; k++)
        sum += l->solved[k] * l->solved[k];
    return sum;
}

/* Its logarithm, without what is the same for all widths; s is the likeliest one. */
static double log_likelihood(const struct likelihood *l, double linear, double curved) {
    double logs = 0;
    if (!factorise(l, linear, curved))
        return -INFINITY;
    for (size_t i = 0; i < l->size; i++)
        logs += log(l->factor[i * l->size + i]);
    double left = squares_left(l, linear, curved);
    /* Values that are all alike leave nothing: any widths do. */
    return left > 0 ? -0.5 * ((double)l->count - 1) * log(left) - logs : 0;
}

/* Less what the constant's column, the roots of weights, has of a column. */
static void project(size_t count, const double *weights, double *column,
                    size_t stride) {
    double along = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        along += (weights ? sqrt(weights[i]) : 1) * column[i * stride];
        all += weights ? weights[i] : 1;
    }
    for (size_t i = 0; i < count; i++)
        column[i * stride] -= along / all * (weights ? sqrt(weights[i]) : 1);
}

static void fill(const struct likelihood *l, const double *x, const double *y,
                 const double *weights, double *row) {
    size_t n = l->count, m = l->numbers;
    for (size_t i = 0; i < n; i++) {
        double root = weights ? sqrt(weights[i]) : 1;
        quadratic_row(l->inputs, x + i * l->inputs, row);
        for (size_t k = 0; k < m; k++)
            l->design[i * m + k] = root * row[1 + k];
        l->values[i] = root * y[i];
    }
    project(n, weights, l->values, 1);
    for (size_t k = 0; k < m; k++)
        project(n, weights, l->design + k, m);
    for (size_t i = 0; i < l->size; i++)
        for (size_t j = 0; j <= i; j++) {
            double sums[2] = {0};
            for (size_t k = 0; k < (l->size == n ? m : n); k++)
                sums[l->size == n && k >= l->inputs] +=
                    l->size == n ? l->design[i * m + k] * l->design[j * m + k]
                                 : l->design[k * m + i] * l->design[k * m + j];
            l->linear[i * l->size + j] = sums[0];
            l->curved[i * l->size + j] = sums[1];
        }
}

/* Grid, then compass search, in logarithms. */
static void find(const struct likelihood *l, struct quadratic_prior *prior) {
    double best = -INFINITY, at[2] = {most, most};
    for (double a = least; a <= most; a += coarse)
        for (double b = least; b <= most; b += coarse) {
            double is = log_likelihood(l, pow(10, a), pow(10, b));
            if (is > best) {
                best = is;
                at[0] = a;
                at[1] = b;
            }
        }
    for (double step = coarse / 2; step > fine / 2;) {
        bool moved = false;
        for (int k = 0; k < 4 && !moved; k++) {
            double to[2] = {at[0], at[1]};
            to[k / 2] += k % 2 ? step : -step;
            if (to[k / 2] < least || to[k / 2] > most)
                continue;
            double is = log_likelihood(l, pow(10, to[0]), pow(10, to[1]));
            moved = is > best;
            if (moved) {
                best = is;
                memcpy(at, to, sizeof at);
            }
        }
        step *= moved ? 1 : 0.5;
    }
    prior->linear = pow(10, at[0]);
    prior->curved = pow(10, at[1]);
}

int quadratic_prior_find(size_t inputs, size_t count, const double *x, const double *y,
                         const double *weights, struct quadratic_prior *prior,
                         struct error *error) {
    *prior = (struct quadratic_prior){1, 1};
    if (quadratic_check(inputs, count, x, y, weights, error))
        return -1;
    size_t numbers = quadratic_terms(inputs) - 1, squares, cells;
    size_t size = count < numbers ? count : numbers;
    if (!size_multiply(size, size, &squares) || !size_multiply(count, numbers, &cells))
        return error_memory(error);
    double *matrices = array_new(squares, 3 * sizeof *matrices);
    double *design = array_new(cells, sizeof *design);
    double *room = array_new(count + size + numbers + 1, sizeof *room);
    int result = matrices && design && room ? 0 : error_memory(error);
    if (result == 0)
        result = blas_room_alone(1, error);
    if (result == 0) {
        const struct likelihood l = {.count = count,
                                     .numbers = numbers,
                                     .inputs = inputs,
                                     .design = design,
                                     .values = room,
                                     .size = size,
                                     .linear = matrices,
                                     .curved = matrices + squares,
                                     .factor = matrices + 2 * squares,
                                     .solved = room + count};
        fill(&l, x, y, weights, room + count + size);
        find(&l, prior);
    }
    free(matrices);
    free(design);
    free(room);
    return result;
}
