/* Figures as quadratics of a few coefficients, fitted to models that were measured, and
 * what they say is the best model at a preference: amortised Pareto fronts (MAP, Li et
 * al. 2024, arXiv 2406.07529). No gradient and no architecture is needed: a model is
 * made by a merging method from one coefficient x_t for each task, and of each
 * objective
 *
 *     y_t(x) = link^-1(e + b^T x + 1/2 x^T A x)
 *
 * is fitted (quadratic.h), with the logit as link where y_t is a percentage, under a
 * prior whose widths the figures themselves decide: fewer models than the quadratics
 * have numbers will do. The coefficients are those of the task vectors, or the
 * preference that a method takes. */
#ifndef PWEMOE_MOE_SURROGATE_H
#define PWEMOE_MOE_SURROGATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"

enum { SURROGATE_TASKS_MAX = ROUTE_TASKS_MAX };

struct surrogate_objective {
    bool percent;       /* by the logit; else as it is */
    double best, worst; /* of the figures along the front: what counts as 0 and as 1 */
    double held_out;    /* root of the mean squared error of points left out, in y's
                           unit; 0 before a fit */
    double deviation;   /* of the measured figures: what a constant would miss by */
};

struct surrogate {
    size_t tasks, terms;
    /* The merging method and its parameters but the coefficients (a JSON object);
     * owned. by_preference: x is the preference that the method takes, not a scale. */
    char *method, *parameters;
    bool by_preference;
    bool least_squares; /* the fit is without a prior; not among the bytes */
    double least, most; /* of the sum of x; each x_t is from 0 to 1 */
    struct surrogate_objective objectives[SURROGATE_TASKS_MAX];
    double *coefficients; /* [tasks, terms]; owned */
    size_t measured;      /* what it was fitted to: */
    double *points;       /* [measured, 2 tasks], x and then y of each; owned */
};

/* 2 to SURROGATE_TASKS_MAX tasks; coefficients are 0. The domain: sums of 1 by
 * preference, otherwise of 0.5 to 1 + tasks / 3. */
int surrogate_new(size_t tasks, const char *method, const char *parameters,
                  bool by_preference, struct surrogate **surrogate,
                  struct error *error);
void surrogate_free(struct surrogate *surrogate); /* NULL is fine */

/* x [count, tasks] to begin with, by the seed: each expert alone, all alike (of several
 * sums), and a Latin hypercube of directions and sums. Four decimals each. */
int surrogate_design(const struct surrogate *surrogate, size_t count, uint64_t seed,
                     double *x, struct error *error);

/* What was measured: x [count, tasks], y [count, tasks] and, of percentages, of how
 * many examples [tasks], 0 or 1 where nobody says. */
struct surrogate_points {
    size_t count;
    const double *x, *y;
    const uint64_t *examples;
};
/* So many points are needed: one for each task and two, by least squares one more than
 * a quadratic has numbers that the domain tells apart. */
size_t surrogate_least(const struct surrogate *surrogate);
/* Fits every objective. maximise [tasks]. doubts, where not NULL, receives the standard
 * errors that surrogate_doubt tells, for one surrogate_doubts_free. Fewer points than
 * surrogate_least are refused. */
struct surrogate_doubts;
int surrogate_fit(struct surrogate *surrogate, const struct surrogate_points *points,
                  const bool *maximise, struct surrogate_doubts **doubts,
                  struct error *error);
/* How unsure the figures at x are: the sum over objectives of their standard errors, as
 * shares of best - worst. */
double surrogate_doubt(const struct surrogate *surrogate,
                       const struct surrogate_doubts *doubts, const double *x);
void surrogate_doubts_free(struct surrogate_doubts *doubts); /* NULL is fine */

/* y [tasks] at x. */
void surrogate_figures(const struct surrogate *surrogate, const double *x, double *y);

/* x [tasks] of the best model at a preference [tasks]: the least
 *
 *     max_t r_t l_t(x) + 0.05 sum_t r_t l_t(x),
 *     l_t = max(0, (best_t - y_t) / (best_t - worst_t))
 *
 * (augmented Tchebycheff: it reaches concave parts of a front too) of the points that
 * were measured, by their measured figures, and of what the quadratics say of all
 * others: 2,048 points of the domain, and a compass search from the best of them. What
 * they say beyond the best that was measured does not count. Four decimals; the same
 * numbers always. Fails without memory alone. */
int surrogate_answer(const struct surrogate *surrogate, const double *preference,
                     double *x, struct error *error);

/* The parameters of the merging method at x, as a JSON object (free()): with `scale`,
 * an array, unless x is its preference. NULL with an error. */
char *surrogate_parameters(const struct surrogate *surrogate, const double *x,
                           struct error *error);
/* What an exported model says of how it was made: an object with method, parameters
 * and, where it takes one, preference. NULL when memory is out. */
json_t *surrogate_about(const struct surrogate *surrogate, const double *x);

/* All of it as safetensors bytes (freed with free()) and back, checked; label names the
 * bytes in errors. */
int surrogate_to_memory(const struct surrogate *surrogate, void **bytes, size_t *size,
                        struct error *error);
int surrogate_from_memory(const void *bytes, size_t size, const char *label,
                          struct surrogate **surrogate, struct error *error);
/* Whether bytes say of themselves that they are one (and no routers). */
bool surrogate_is(const void *bytes, size_t size);

#endif
