#include "moe/quadratic.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"
#include "moe/thin_svd.h"

size_t quadratic_terms(size_t inputs) {
    return 1 + inputs + inputs * (inputs + 1) / 2;
}

void quadratic_row(size_t inputs, const double *x, double *row) {
    *row++ = 1;
    for (size_t i = 0; i < inputs; i++)
        *row++ = x[i];
    for (size_t i = 0; i < inputs; i++)
        for (size_t j = i; j < inputs; j++)
            *row++ = (i == j ? 0.5 : 1) * x[i] * x[j];
}

double quadratic_value(size_t inputs, const double *c, const double *x) {
    double sum = *c++;
    for (size_t i = 0; i < inputs; i++)
        sum += *c++ * x[i];
    for (size_t i = 0; i < inputs; i++)
        for (size_t j = i; j < inputs; j++)
            sum += *c++ * (i == j ? 0.5 : 1) * x[i] * x[j];
    return sum;
}

/* The weighted design, (count, terms), into svd, and below it of a prior a row for each
 * number but e, whose value is 0. */
static int fill(struct thin_svd *svd, size_t inputs, size_t count, const double *x,
                const double *weights, const struct quadratic_prior *prior,
                struct error *error) {
    size_t terms = quadratic_terms(inputs), rows = count + (prior ? terms - 1 : 0);
    double *row = array_new(terms, sizeof *row);
    if (!row)
        return error_memory(error);
    int result = thin_svd_begin(svd, rows, terms, "the fit of a quadratic", error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        double w = weights ? sqrt(weights[i]) : 1;
        quadratic_row(inputs, x + i * inputs, row);
        for (size_t k = 0; k < terms; k++)
            svd->matrix[k * rows + i] = w * row[k];
    }
    for (size_t k = 1; result == 0 && prior && k < terms; k++)
        svd->matrix[k * rows + count + k - 1] =
            1 / (k <= inputs ? prior->linear : prior->curved);
    free(row);
    return result;
}

/* What the decomposition says of the values. */
static void solve(const struct thin_svd *d, const double *y, const double *weights,
                  struct quadratic_fit *fit) {
    for (size_t r = 0; r < d->real; r++) {
        double along = 0;
        for (size_t i = 0; i < fit->count; i++)
            along += d->left[r * d->rows + i] * (weights ? sqrt(weights[i]) : 1) * y[i];
        for (size_t k = 0; k < d->columns; k++) {
            double v = d->right[k * d->rank + r] / d->values[r];
            fit->coefficients[k] += v * along;
            fit->spread[k * d->real + r] = v;
        }
    }
}

/* Without point i the residual is the fit's own over 1 - h_i, h_i its leverage. */
static void leave_out(const struct thin_svd *d, const double *x, const double *y,
                      struct quadratic_fit *fit) {
    for (size_t i = 0; i < fit->count; i++) {
        double leverage = 0;
        for (size_t r = 0; r < d->real; r++)
            leverage += pow(d->left[r * d->rows + i], 2);
        double value =
            quadratic_value(fit->inputs, fit->coefficients, x + i * fit->inputs);
        fit->left_out[i] =
            leverage < 1 - 1e-9 ? y[i] - (y[i] - value) / (1 - leverage) : value;
    }
}

/* By what is left over, of the points and of the prior's rows, of the fit's freedom. */
static double deviation_of(const struct thin_svd *d, const double *x, const double *y,
                           const double *weights, const struct quadratic_prior *prior,
                           const struct quadratic_fit *fit) {
    double squares = 0;
    for (size_t i = 0; i < fit->count; i++)
        squares += (weights ? weights[i] : 1) *
                   pow(y[i] - quadratic_value(fit->inputs, fit->coefficients,
                                              x + i * fit->inputs),
                       2);
    for (size_t k = 1; k < fit->terms && prior; k++)
        squares += pow(fit->coefficients[k] /
                           (k <= fit->inputs ? prior->linear : prior->curved),
                       2);
    return sqrt(squares / (double)(d->rows > d->real ? d->rows - d->real : 1));
}

int quadratic_check(size_t inputs, size_t count, const double *x, const double *y,
                    const double *weights, struct error *error) {
    if (inputs > QUADRATIC_INPUTS_MAX)
        return error_set(error, "a quadratic of %zu numbers; %d at most", inputs,
                         QUADRATIC_INPUTS_MAX);
    bool finite = count > 0 && count < INT_MAX / 2;
    for (size_t i = 0; i < count * inputs && finite; i++)
        finite = isfinite(x[i]);
    for (size_t i = 0; i < count && finite; i++)
        finite =
            isfinite(y[i]) && (!weights || (isfinite(weights[i]) && weights[i] > 0));
    return finite ? 0
                  : error_set(error, "a quadratic is fitted to finite numbers only");
}

int quadratic_fit(size_t inputs, size_t count, const double *x, const double *y,
                  const double *weights, const struct quadratic_prior *prior,
                  struct quadratic_fit *fit, struct error *error) {
    struct thin_svd svd = {0};
    *fit = (struct quadratic_fit){
        .inputs = inputs, .terms = quadratic_terms(inputs), .count = count};
    if (quadratic_check(inputs, count, x, y, weights, error))
        return -1;
    int result = fill(&svd, inputs, count, x, weights, prior, error);
    if (result == 0)
        result = blas_room_alone(1, error);
    if (result == 0)
        result = thin_svd_decompose(&svd, DBL_EPSILON, "the fit of a quadratic", error);
    if (result == 0) {
        fit->rank = svd.real;
        fit->coefficients = array_new(fit->terms, sizeof *fit->coefficients);
        fit->left_out = array_new(count, sizeof *fit->left_out);
        fit->spread = array_new(fit->terms, (fit->rank + 1) * sizeof *fit->spread);
        if (!fit->coefficients || !fit->left_out || !fit->spread)
            result = error_memory(error);
    }
    if (result == 0) {
        solve(&svd, y, weights, fit);
        leave_out(&svd, x, y, fit);
        fit->deviation = deviation_of(&svd, x, y, weights, prior, fit);
    }
    thin_svd_end(&svd);
    if (result)
        quadratic_fit_clear(fit);
    return result;
}

void quadratic_fit_clear(struct quadratic_fit *fit) {
    free(fit->coefficients);
    free(fit->left_out);
    free(fit->spread);
    *fit = (struct quadratic_fit){0};
}

double quadratic_error(const struct quadratic_fit *fit, const double *x) {
    enum { MOST = QUADRATIC_INPUTS_MAX };
    double sum = 0, row[1 + MOST + MOST * (MOST + 1) / 2];
    quadratic_row(fit->inputs, x, row);
    for (size_t r = 0; r < fit->rank; r++) {
        double along = 0;
        for (size_t k = 0; k < fit->terms; k++)
            along += row[k] * fit->spread[k * fit->rank + r];
        sum += along * along;
    }
    return sqrt(sum);
}
