#include "moe/quadratic.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/blas_room.h"
#include "base/memory.h"

/* LAPACK's singular value decomposition by its Fortran interface, which OpenBLAS has.
 */
extern void dgesdd_(const char *job, const int *rows, const int *columns,
                    double *matrix, const int *stride, double *values, double *left,
                    const int *left_stride, double *right, const int *right_stride,
                    double *work, const int *room, int *whole, int *status,
                    size_t job_length);

size_t quadratic_terms(size_t inputs) {
    return 1 + inputs + inputs * (inputs + 1) / 2;
}

/* What the coefficients multiply at x [inputs]: 1, the x_i, then x_i x_j for i <= j,
 * those with i = j halved. */
static void quadratic_row(size_t inputs, const double *x, double *row) {
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

/* The weighted design as LAPACK has matrices, by columns: (count, terms), and its thin
 * decomposition. */
struct design {
    size_t count, terms, rank;
    double *matrix, *left, *values, *right;
};

static void design_clear(struct design *d) {
    free(d->matrix);
    free(d->left);
    free(d->values);
    free(d->right);
}

static int decompose(struct design *d, struct error *error) {
    if (blas_room_alone(1, error))
        return -1;
    int rows = (int)d->count, columns = (int)d->terms;
    int least = rows < columns ? rows : columns, status = 0, room = -1;
    double wanted = 0;
    int *whole = array_new(8 * (size_t)least, sizeof *whole);
    if (!whole)
        return error_memory(error);
    dgesdd_("S", &rows, &columns, d->matrix, &rows, d->values, d->left, &rows, d->right,
            &least, &wanted, &room, whole, &status, 1);
    room = (int)wanted;
    double *work = array_new((size_t)room, sizeof *work);
    if (work)
        dgesdd_("S", &rows, &columns, d->matrix, &rows, d->values, d->left, &rows,
                d->right, &least, work, &room, whole, &status, 1);
    bool room_found = work != NULL;
    free(work);
    free(whole);
    if (!room_found)
        return error_memory(error);
    if (status)
        return error_set(error, "the fit of a quadratic did not converge");
    double floor =
        d->values[0] * DBL_EPSILON * (double)(rows > columns ? rows : columns);
    while (d->rank < (size_t)least && d->values[d->rank] > floor)
        d->rank++;
    return 0;
}

static int fill(struct design *d, size_t inputs, const double *x, const double *weights,
                struct error *error) {
    double *row = array_new(d->terms, sizeof *row);
    size_t least = d->count < d->terms ? d->count : d->terms;
    d->matrix = array_new(d->count, d->terms * sizeof *d->matrix);
    d->left = array_new(d->count, least * sizeof *d->left);
    d->values = array_new(least, sizeof *d->values);
    d->right = array_new(least, d->terms * sizeof *d->right);
    if (!row || !d->matrix || !d->left || !d->values || !d->right) {
        free(row);
        return error_memory(error);
    }
    for (size_t i = 0; i < d->count; i++) {
        double w = weights ? sqrt(weights[i]) : 1;
        quadratic_row(inputs, x + i * inputs, row);
        for (size_t k = 0; k < d->terms; k++)
            d->matrix[k * d->count + i] = w * row[k];
    }
    free(row);
    return 0;
}

/* What the decomposition says of the values. */
static void solve(const struct design *d, const double *y, const double *weights,
                  struct quadratic_fit *fit) {
    size_t least = d->count < d->terms ? d->count : d->terms;
    for (size_t r = 0; r < d->rank; r++) {
        double along = 0;
        for (size_t i = 0; i < d->count; i++)
            along +=
                d->left[r * d->count + i] * (weights ? sqrt(weights[i]) : 1) * y[i];
        for (size_t k = 0; k < d->terms; k++) {
            double v = d->right[k * least + r] / d->values[r];
            fit->coefficients[k] += v * along;
            fit->spread[k * d->rank + r] = v;
        }
    }
}

/* Without point i the residual is the fit's own over 1 - h_i, h_i its leverage. */
static void leave_out(const struct design *d, const double *x, const double *y,
                      struct quadratic_fit *fit) {
    for (size_t i = 0; i < d->count; i++) {
        double leverage = 0;
        for (size_t r = 0; r < d->rank; r++)
            leverage += pow(d->left[r * d->count + i], 2);
        double value =
            quadratic_value(fit->inputs, fit->coefficients, x + i * fit->inputs);
        fit->left_out[i] =
            leverage < 1 - 1e-9 ? y[i] - (y[i] - value) / (1 - leverage) : value;
    }
}

int quadratic_fit(size_t inputs, size_t count, const double *x, const double *y,
                  const double *weights, struct quadratic_fit *fit,
                  struct error *error) {
    struct design d = {.count = count, .terms = quadratic_terms(inputs)};
    *fit = (struct quadratic_fit){.inputs = inputs, .terms = d.terms, .count = count};
    if (inputs > QUADRATIC_INPUTS_MAX)
        return error_set(error, "a quadratic of %zu numbers; %d at most", inputs,
                         QUADRATIC_INPUTS_MAX);
    bool finite = count > 0 && count < INT_MAX;
    for (size_t i = 0; i < count * inputs && finite; i++)
        finite = isfinite(x[i]);
    for (size_t i = 0; i < count && finite; i++)
        finite =
            isfinite(y[i]) && (!weights || (isfinite(weights[i]) && weights[i] > 0));
    if (!finite)
        return error_set(error, "a quadratic is fitted to finite numbers only");
    int result = fill(&d, inputs, x, weights, error) || decompose(&d, error) ? -1 : 0;
    if (result == 0) {
        fit->rank = d.rank;
        fit->coefficients = array_new(d.terms, sizeof *fit->coefficients);
        fit->left_out = array_new(count, sizeof *fit->left_out);
        fit->spread = array_new(d.terms, (d.rank + 1) * sizeof *fit->spread);
        if (!fit->coefficients || !fit->left_out || !fit->spread)
            result = error_memory(error);
    }
    if (result == 0) {
        solve(&d, y, weights, fit);
        leave_out(&d, x, y, fit);
    }
    design_clear(&d);
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
