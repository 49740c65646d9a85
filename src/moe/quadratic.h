/* A quadratic of n numbers, fitted to values at points by least squares:
 *
 *     f(x) = e + b^T x + 1/2 x^T A x
 *
 * with all of A where there are enough points. */
#ifndef PWEMOE_MOE_QUADRATIC_H
#define PWEMOE_MOE_QUADRATIC_H

#include <stddef.h>

#include "base/error.h"

enum { QUADRATIC_INPUTS_MAX = 64 };

/* Its numbers: 1 + n + n (n + 1) / 2. */
size_t quadratic_terms(size_t inputs);
/* The value at x, of coefficients [terms]: e, b, then A's upper triangle by rows. */
double quadratic_value(size_t inputs, const double *coefficients, const double *x);

/* A fit of `count` points. Each point's left_out is what the same fit without it says
 * of it (by the leverage; the value of the fit itself where a point decides alone). */
struct quadratic_fit {
    size_t inputs, terms, count;
    double *coefficients; /* [terms], of least norm where the points leave some open */
    double *left_out;     /* [count] */
    double *spread;       /* [terms, rank]: V S^-1 of the weighted design U S V^T */
    size_t rank;
};

/* x [count, inputs], y [count], weights [count] above 0 or NULL for equal ones: least
 * sum of weights (f(x) - y)^2, singular values below eps max(count, terms) of the
 * greatest being 0, as numpy.linalg.lstsq has it. Fails on more than
 * QUADRATIC_INPUTS_MAX inputs, on numbers that are not finite and without memory; there
 * is nothing to clear then. */
int quadratic_fit(size_t inputs, size_t count, const double *x, const double *y,
                  const double *weights, struct quadratic_fit *fit,
                  struct error *error);
void quadratic_fit_clear(struct quadratic_fit *fit);

/* How far f(x) would move by errors of the values of variance 1 / weight: its standard
 * error. */
double quadratic_error(const struct quadratic_fit *fit, const double *x);

#endif
