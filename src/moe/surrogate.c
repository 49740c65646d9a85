#include "moe/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "moe/quadratic.h"

enum { SEARCHED = 2048, STARTS = 4 };

/* Of the sum beside the maximum: what is no worse in the maximum and better elsewhere
 * is preferred. */
static const double augmentation = 0.05;
/* What is not measured has to promise so much more than the best that is. */
static const double worth = 1e-3;

int surrogate_new(size_t tasks, const char *method, const char *parameters,
                  bool by_preference, struct surrogate **out, struct error *error) {
    if (tasks < 2 || tasks > SURROGATE_TASKS_MAX)
        return error_set(error, "a surrogate is of 2 to %d tasks", SURROGATE_TASKS_MAX);
    struct surrogate *s = array_new(1, sizeof *s);
    if (!s)
        return error_memory(error);
    s->tasks = tasks;
    s->terms = quadratic_terms(tasks);
    s->method = strdup(method);
    s->parameters = strdup(parameters);
    s->by_preference = by_preference;
    s->least = by_preference ? 1 : 0.5;
    s->most = by_preference ? 1 : 1 + (double)tasks / 3;
    s->coefficients = array_new(tasks, s->terms * sizeof *s->coefficients);
    if (!s->method || !s->parameters || !s->coefficients) {
        surrogate_free(s);
        return error_memory(error);
    }
    *out = s;
    return 0;
}

void surrogate_free(struct surrogate *s) {
    if (!s)
        return;
    free(s->method);
    free(s->parameters);
    free(s->coefficients);
    free(s->points);
    free(s);
}

/* --- the domain ------------------------------------------------------------------- */

static double sum_of(const struct surrogate *s, const double *x) {
    double sum = 0;
    for (size_t t = 0; t < s->tasks; t++)
        sum += x[t];
    return sum;
}

/* Into the domain: every number from 0 to 1, and the sum by a common factor. */
static void confine(const struct surrogate *s, double *x) {
    for (size_t t = 0; t < s->tasks; t++)
        x[t] = x[t] > 1 ? 1 : x[t] > 0 ? x[t] : 0;
    double sum = sum_of(s, x);
    double wanted = sum < s->least ? s->least : sum > s->most ? s->most : sum;
    for (size_t t = 0; t < s->tasks && wanted != sum; t++)
        x[t] = sum > 0 ? fmin(1, x[t] * wanted / sum) : wanted / (double)s->tasks;
}

/* Four decimals; the greatest makes up for the rest where the sum is to be 1. */
static void round_point(const struct surrogate *s, double *x) {
    size_t greatest = 0;
    for (size_t t = 0; t < s->tasks; t++) {
        x[t] = round(x[t] * 1e4) / 1e4;
        if (x[t] > x[greatest])
            greatest = t;
    }
    if (s->by_preference)
        x[greatest] = round((x[greatest] + 1 - sum_of(s, x)) * 1e4) / 1e4;
}

/* Strata 0 .. count - 1 in any order, a number of each. */
static int stratify(struct random *random, size_t count, double *out,
                    struct error *error) {
    uint32_t *order = array_new(count, sizeof *order);
    if (!order)
        return error_memory(error);
    random_permutation(random, count, order);
    for (size_t i = 0; i < count; i++)
        out[i] = ((double)order[i] + random_uniform(random)) / (double)count;
    free(order);
    return 0;
}

/* Directions by exponential variables, so that they are uniform on the simplex. */
static int fill_hypercube(const struct surrogate *s, size_t count, uint64_t seed,
                          double *x, struct error *error) {
    struct random random;
    double *column = array_new(count, sizeof *column);
    int result = column ? 0 : error_memory(error);
    random_seed(&random, seed, 0);
    for (size_t t = 0; t < s->tasks && result == 0; t++) {
        result = stratify(&random, count, column, error);
        for (size_t i = 0; i < count && result == 0; i++)
            x[i * s->tasks + t] = -log1p(-column[i]);
    }
    if (result == 0)
        result = stratify(&random, count, column, error);
    for (size_t i = 0; i < count && result == 0; i++) {
        double wanted = s->least + (s->most - s->least) * column[i];
        double sum = sum_of(s, x + i * s->tasks);
        for (size_t t = 0; t < s->tasks; t++)
            x[i * s->tasks + t] *= sum > 0 ? wanted / sum : 1;
        confine(s, x + i * s->tasks);
    }
    free(column);
    return result;
}

int surrogate_design(const struct surrogate *s, size_t count, uint64_t seed, double *x,
                     struct error *error) {
    size_t tasks = s->tasks, at = 0, alike = s->by_preference ? 1 : 2;
    memset(x, 0, count * tasks * sizeof *x);
    for (size_t t = 0; t < tasks && at < count; t++, at++)
        x[at * tasks + t] = 1;
    for (size_t k = 0; k < alike && at < count; k++, at++)
        for (size_t t = 0; t < tasks; t++)
            x[at * tasks + t] = (k ? (1 + s->most) / 2 : 1) / (double)tasks;
    if (at < count && fill_hypercube(s, count - at, seed, x + at * tasks, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        round_point(s, x + i * tasks);
    return 0;
}

/* --- fitting ---------------------------------------------------------------------- */

struct surrogate_doubts {
    size_t tasks;
    struct quadratic_fit fits[SURROGATE_TASKS_MAX];
};

static double logit(double p) {
    return log(p / (1 - p));
}

static double from_link(const struct surrogate_objective *o, double z) {
    return o->percent ? 100 / (1 + exp(-z)) : z;
}

/* A command need not say of how many examples its percentage is. */
enum { EXAMPLES_SUPPOSED = 1000 };

/* A percentage of n examples as a share that has a logit: half an example is always
 * right, and half of one wrong. */
static double share_of(double y, double n) {
    double p = y / 100, half = 0.5 / n;
    return p < half ? half : p > 1 - half ? 1 - half : p;
}

/* One objective's values by link, and how much each counts: a logit's variance is that
 * of p over (p (1 - p))^2. */
static void link_values(const struct surrogate_objective *o,
                        const struct surrogate_points *points, size_t tasks,
                        size_t task, double *z, double *weights) {
    uint64_t told = points->examples[task];
    double n = told > 1 ? (double)told : EXAMPLES_SUPPOSED;
    for (size_t i = 0; i < points->count; i++) {
        double y = points->y[i * tasks + task];
        double p = o->percent ? share_of(y, n) : 0.5;
        z[i] = o->percent ? logit(p) : y;
        weights[i] = 4 * p * (1 - p);
    }
}

static bool is_better(bool maximise, double a, double b) {
    return maximise ? a > b : a < b;
}

/* best: the best figure measured; worst: the worst of those that are the best of some
 * other objective. */
static void find_range(const struct surrogate_points *points, size_t tasks,
                       const bool *maximise, struct surrogate_objective *objectives) {
    size_t top[SURROGATE_TASKS_MAX] = {0};
    const double *y = points->y;
    for (size_t t = 0; t < tasks; t++)
        for (size_t i = 1; i < points->count; i++)
            if (is_better(maximise[t], y[i * tasks + t], y[top[t] * tasks + t]))
                top[t] = i;
    for (size_t t = 0; t < tasks; t++) {
        struct surrogate_objective *o = &objectives[t];
        o->best = o->worst = y[top[t] * tasks + t];
        for (size_t s = 0; s < tasks; s++)
            if (is_better(maximise[t], o->worst, y[top[s] * tasks + t]))
                o->worst = y[top[s] * tasks + t];
        if (o->worst == o->best) /* no trade: any unit will do */
            o->worst += (maximise[t] ? -1 : 1) * fmax(1e-6, fabs(o->best) * 1e-3);
    }
}

static void judge(struct surrogate_objective *o, const struct surrogate_points *points,
                  size_t tasks, size_t task, const struct quadratic_fit *fit) {
    double squares = 0, mean = 0, spread = 0, count = (double)points->count;
    for (size_t i = 0; i < points->count; i++)
        mean += points->y[i * tasks + task] / count;
    for (size_t i = 0; i < points->count; i++) {
        double y = points->y[i * tasks + task];
        squares += pow(y - from_link(o, fit->left_out[i]), 2);
        spread += pow(y - mean, 2);
    }
    o->held_out = sqrt(squares / count);
    o->deviation = sqrt(spread / count);
}

static int fit_one(struct surrogate *s, const struct surrogate_points *points,
                   size_t task, double *z, double *weights,
                   struct surrogate_doubts *doubts, struct error *error) {
    struct surrogate_objective *o = &s->objectives[task];
    struct quadratic_fit fit;
    struct quadratic_prior prior;
    link_values(o, points, s->tasks, task, z, weights);
    if (!s->least_squares && quadratic_prior_find(s->tasks, points->count, points->x, z,
                                                  weights, &prior, error))
        return -1;
    if (quadratic_fit(s->tasks, points->count, points->x, z, weights,
                      s->least_squares ? NULL : &prior, &fit, error))
        return -1;
    memcpy(s->coefficients + task * s->terms, fit.coefficients,
           s->terms * sizeof *fit.coefficients);
    judge(o, points, s->tasks, task, &fit);
    if (doubts) {
        doubts->fits[task] = fit;
    } else {
        quadratic_fit_clear(&fit);
    }
    return 0;
}

static int keep_points(struct surrogate *s, const struct surrogate_points *points,
                       struct error *error) {
    size_t tasks = s->tasks;
    free(s->points);
    s->measured = 0;
    s->points = array_new(points->count, 2 * tasks * sizeof *s->points);
    if (!s->points)
        return error_memory(error);
    s->measured = points->count;
    for (size_t i = 0; i < points->count; i++) {
        memcpy(s->points + 2 * i * tasks, points->x + i * tasks,
               tasks * sizeof *points->x);
        memcpy(s->points + (2 * i + 1) * tasks, points->y + i * tasks,
               tasks * sizeof *points->y);
    }
    return 0;
}

size_t surrogate_least(const struct surrogate *s) {
    if (!s->least_squares)
        return s->tasks + 2;
    /* On the simplex its sum is known, and so many terms say nothing new. */
    return s->by_preference ? s->terms - s->tasks : s->terms + 1;
}

int surrogate_fit(struct surrogate *s, const struct surrogate_points *points,
                  const bool *maximise, struct surrogate_doubts **out,
                  struct error *error) {
    if (points->count < surrogate_least(s))
        return error_set(error, "%zu points are too few for %zu tasks; %zu at least",
                         points->count, s->tasks, surrogate_least(s));
    struct surrogate_doubts *doubts = NULL;
    double *z = array_new(points->count, sizeof *z);
    double *weights = array_new(points->count, sizeof *weights);
    int result = z && weights ? 0 : error_memory(error);
    if (out && result == 0 && !(doubts = array_new(1, sizeof *doubts)))
        result = error_memory(error);
    if (result == 0)
        result = keep_points(s, points, error);
    if (result == 0)
        find_range(points, s->tasks, maximise, s->objectives);
    for (size_t t = 0; t < s->tasks && result == 0; t++) {
        result = fit_one(s, points, t, z, weights, doubts, error);
        if (doubts && result == 0)
            doubts->tasks = t + 1;
    }
    free(z);
    free(weights);
    if (result)
        surrogate_doubts_free(doubts);
    else if (out)
        *out = doubts;
    return result;
}

double surrogate_doubt(const struct surrogate *s, const struct surrogate_doubts *d,
                       const double *x) {
    double sum = 0, y[SURROGATE_TASKS_MAX];
    surrogate_figures(s, x, y);
    for (size_t t = 0; t < s->tasks; t++) {
        const struct surrogate_objective *o = &s->objectives[t];
        double slope = o->percent ? y[t] * (100 - y[t]) / 100 : 1;
        sum += quadratic_error(&d->fits[t], x) * d->fits[t].deviation * slope /
               fabs(o->best - o->worst);
    }
    return sum;
}

void surrogate_doubts_free(struct surrogate_doubts *doubts) {
    for (size_t t = 0; doubts && t < doubts->tasks; t++)
        quadratic_fit_clear(&doubts->fits[t]);
    free(doubts);
}

/* --- answering -------------------------------------------------------------------- */

void surrogate_figures(const struct surrogate *s, const double *x, double *y) {
    for (size_t t = 0; t < s->tasks; t++)
        y[t] = from_link(&s->objectives[t],
                         quadratic_value(s->tasks, s->coefficients + t * s->terms, x));
}

static double loss_of(const struct surrogate *s, const double *preference,
                      const double *y) {
    double greatest = 0, sum = 0;
    for (size_t t = 0; t < s->tasks; t++) {
        const struct surrogate_objective *o = &s->objectives[t];
        double loss = fmax(0, (o->best - y[t]) / (o->best - o->worst));
        greatest = fmax(greatest, preference[t] * loss);
        sum += preference[t] * loss;
    }
    return greatest + augmentation * sum;
}

static double loss_at(const struct surrogate *s, const double *preference,
                      const double *x) {
    double y[SURROGATE_TASKS_MAX];
    surrogate_figures(s, x, y);
    return loss_of(s, preference, y);
}

/* Of the points that were measured the best, SIZE_MAX where there are none. */
static size_t best_measured(const struct surrogate *s, const double *preference,
                            double *loss) {
    size_t best = SIZE_MAX;
    *loss = INFINITY;
    for (size_t i = 0; i < s->measured; i++) {
        double is = loss_of(s, preference, s->points + (2 * i + 1) * s->tasks);
        if (is < *loss) {
            *loss = is;
            best = i;
        }
    }
    return best;
}

struct start {
    double loss;
    double x[SURROGATE_TASKS_MAX];
};

static void keep_best(const struct surrogate *s, struct start *starts, const double *x,
                      double loss) {
    size_t place = STARTS;
    while (place > 0 && loss < starts[place - 1].loss)
        place--;
    if (place == STARTS)
        return;
    memmove(starts + place + 1, starts + place, (STARTS - 1 - place) * sizeof *starts);
    starts[place].loss = loss;
    memcpy(starts[place].x, x, s->tasks * sizeof *x);
}

/* A neighbour: along an axis, from one number to another, or, as the maximum has edges
 * that these can get stuck at, in any direction. */
static void step_along(size_t tasks, size_t k, double step, struct random *random,
                       double *x) {
    size_t from = k / (tasks + 1), to = k % (tasks + 1);
    if (from >= tasks) {
        for (size_t t = 0; t < tasks; t++)
            x[t] += step * random_normal(random);
    } else if (to == tasks) {
        x[from] -= step;
    } else {
        x[to] += step;
        x[from] -= to == from ? 0 : step;
    }
}

/* Compass search: the first better neighbour is taken, the step is halved where there
 * is none. */
static void descend(const struct surrogate *s, const double *preference,
                    struct start *at) {
    enum { MOVES = 400, ANY = 16 };
    double x[SURROGATE_TASKS_MAX], step = 0.08;
    size_t directions = s->tasks * (s->tasks + 1) + ANY;
    struct random random;
    random_seed(&random, 0, 2);
    for (int moves = 0; step > 2e-4 && moves < MOVES; moves++) {
        bool moved = false;
        for (size_t k = 0; k < directions && !moved; k++) {
            memcpy(x, at->x, s->tasks * sizeof *x);
            step_along(s->tasks, k, step, &random, x);
            confine(s, x);
            double loss = loss_at(s, preference, x);
            moved = loss < at->loss - 1e-12;
            if (moved) {
                at->loss = loss;
                memcpy(at->x, x, s->tasks * sizeof *x);
            }
        }
        step *= moved ? 1 : 0.5;
    }
}

/* Points all over the domain, more of them near its edges than a uniform draw has. */
static void search(const struct surrogate *s, const double *preference,
                   struct start *starts) {
    struct random random;
    double x[SURROGATE_TASKS_MAX];
    random_seed(&random, 0, 1);
    for (size_t i = 0; i < SEARCHED + s->tasks; i++) {
        double wanted = i < s->tasks
                            ? 1
                            : s->least + (s->most - s->least) * random_uniform(&random);
        memset(x, 0, sizeof x);
        if (i < s->tasks)
            x[i] = 1;
        else
            random_dirichlet(&random, i % 2 ? 1 : 0.3, s->tasks, x);
        for (size_t t = 0; t < s->tasks; t++)
            x[t] *= wanted;
        confine(s, x);
        keep_best(s, starts, x, loss_at(s, preference, x));
    }
}

int surrogate_answer(const struct surrogate *s, const double *preference, double *x,
                     struct error *error) {
    struct start *starts = array_new(STARTS, sizeof *starts);
    if (!starts)
        return error_memory(error);
    for (size_t i = 0; i < STARTS; i++)
        starts[i].loss = INFINITY;
    search(s, preference, starts);
    size_t best = 0;
    for (size_t i = 0; i < STARTS; i++) {
        if (isfinite(starts[i].loss))
            descend(s, preference, &starts[i]);
        if (starts[i].loss < starts[best].loss)
            best = i;
    }
    double known;
    size_t point = best_measured(s, preference, &known);
    bool take = point != SIZE_MAX && !(starts[best].loss < known - worth);
    memcpy(x, take ? s->points + 2 * point * s->tasks : starts[best].x,
           s->tasks * sizeof *x);
    free(starts);
    confine(s, x);
    round_point(s, x);
    return 0;
}
