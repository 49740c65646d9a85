/* A quadratic of n numbers, fitted to values at points by least squares:
 *
 *     f(x) = e + b^T x + 1/2 x^T A x
 *
 * with all of A where there are enough points, or with a prior that makes up for those
 * that are missing. */
#ifndef PWEMOE_MOE_QUADRATIC_H
#define PWEMOE_MOE_QUADRATIC_H

#include <stddef.h>

#include "base/error.h"

enum { QUADRATIC_INPUTS_MAX = 64 };

/* Its numbers: 1 + n + n (n + 1) / 2. */
size_t quadratic_terms(size_t inputs);
/* What the coefficients multiply at x [inputs]: 1, the x_i, then x_i x_j for i <= j,
 * those with i = j halved. */
void quadratic_row(size_t inputs, const double *x, double *row);
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
    double deviation; /* of a value of weight 1, by what the fit leaves over */
};

/* What the numbers are thought to be before anything is measured: normal and around 0,
 * of so many times the deviation of a value of weight 1, each of b and each of A. Of e
 * nothing is thought. */
struct quadratic_prior {
    double linear, curved; /* above 0 */
};

/* x [count, inputs], y [count], weights [count] above 0 or NULL for equal ones. Without
 * a prior (NULL): least sum of weights (f(x) - y)^2, singular values below
 * eps max(count, terms) of the greatest being 0, as numpy.linalg.lstsq has it. With
 * one: the mean of what is thought afterwards, which is least squares with |b|^2 /
 * linear^2 and |A|^2 / curved^2 (its upper triangle's) added to the sum. Fails on more
 * than QUADRATIC_INPUTS_MAX inputs, on numbers that are not finite and without memory;
 * there is nothing to clear then. */
int quadratic_fit(size_t inputs, size_t count, const double *x, const double *y,
                  const double *weights, const struct quadratic_prior *prior,
                  struct quadratic_fit *fit, struct error *error);
/* The prior under which the values are likeliest (restricted maximum likelihood: e is
 * integrated out, the deviation of a value the likeliest one), of widths from 0.03 to
 * 10^6, to 2 %. Takes about 50 n^3 multiplications, n the fewer of points and terms.
 * Fails as quadratic_fit does. */
int quadratic_prior_find(size_t inputs, size_t count, const double *x, const double *y,
                         const double *weights, struct quadratic_prior *prior,
                         struct error *error);
/* Whether these can be fitted to: the reason in error. */
int quadratic_check(size_t inputs, size_t count, const double *x, const double *y,
                    const double *weights, struct error *error);
void quadratic_fit_clear(struct quadratic_fit *fit);

/* How far f(x) would move by errors of the values of variance 1 / weight: its standard
 * error; with a prior its deviation after the fit. In units of fit->deviation. */
double quadratic_error(const struct quadratic_fit *fit, const double *x);

#endif
