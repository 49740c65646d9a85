#include "results/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"
#include "results/oriented.h"
#include "results/statistics.h"

enum { EXACT_TASKS = 8 };
static const double ROUGHLY = 0.001; /* of a volume of more of them */

/* --- the preferences -------------------------------------------------------------- */

static size_t pairs_of(size_t tasks) {
    return tasks * (tasks - 1) / 2;
}

/* The number of the edge from a to b, a < b, in the order 0-1, 0-2, ..., 1-2, ... */
static size_t pair_number(size_t tasks, size_t a, size_t b) {
    return a * tasks - a * (a + 1) / 2 + b - a - 1;
}

int design_new(size_t tasks, size_t edge, struct design *design, struct error *error) {
    size_t inner = edge - 2, cells;
    *design = (struct design){.tasks = tasks, .edge = edge};
    design->count = tasks + 1 + pairs_of(tasks) * inner;
    if (size_multiply(design->count, tasks, &cells))
        design->preferences = array_new(cells, sizeof *design->preferences);
    if (!design->preferences)
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++) {
        design->preferences[t * tasks + t] = 1;
        design->preferences[tasks * tasks + t] = 1 / (double)tasks;
    }
    for (size_t a = 0; a < tasks; a++)
        for (size_t b = a + 1; b < tasks; b++)
            for (size_t k = 1; k + 1 < edge; k++) {
                double *r =
                    design->preferences + design_on_edge(design, a, b, k) * tasks;
                r[a] = (double)(edge - 1 - k) / (double)(edge - 1);
                r[b] = (double)k / (double)(edge - 1);
            }
    return 0;
}

void design_clear(struct design *design) {
    free(design->preferences);
    *design = (struct design){0};
}

size_t design_on_edge(const struct design *design, size_t a, size_t b, size_t k) {
    if (k == 0 || k + 1 == design->edge)
        return k ? b : a;
    return design->tasks + 1 + pair_number(design->tasks, a, b) * (design->edge - 2) +
           k - 1;
}

/* --- the criteria ----------------------------------------------------------------- */

struct measured_design {
    const struct store_recipe *recipe;
    const struct design *design;
    const double *values, *experts;
};

static double value_at(const struct measured_design *m, size_t point, size_t task) {
    return m->values[point * m->design->tasks + task];
}

/* The same so that more is better. */
static double good_at(const struct measured_design *m, size_t point, size_t task) {
    return -oriented_turn(&m->recipe->tasks[task].objective, value_at(m, point, task));
}

/* Of the vertices, the centre and, where asked for, the middles of the edges. */
static int share_of(const struct measured_design *m, bool middles, double *share,
                    const struct work *work, struct error *error) {
    const struct design *d = m->design;
    /* Days of exact work would tell no more digits than are shown. */
    const struct approximation roughly = {d->tasks > EXACT_TASKS ? ROUGHLY : 0, 0};
    struct oriented set;
    double volume, box = 1;
    if (oriented_new(&set, m->recipe, NULL, 0, d->tasks + 1 + pairs_of(d->tasks),
                     error))
        return -1;
    for (size_t i = 0; i <= d->tasks; i++)
        oriented_add(&set, m->values + i * d->tasks, i);
    for (size_t a = 0; middles && a < d->tasks; a++)
        for (size_t b = a + 1; b < d->tasks; b++) {
            size_t at = design_on_edge(d, a, b, (d->edge - 1) / 2);
            oriented_add(&set, m->values + at * d->tasks, at);
        }
    for (size_t t = 0; t < d->tasks; t++)
        box *= fabs(m->experts[t] - set.own_reference[t]);
    int result = oriented_volume(&set, &roughly, &volume, NULL, work, error);
    oriented_clear(&set);
    if (result == 0)
        *share = box > 0 ? volume / box : (double)NAN;
    return result;
}

static double mean_share(const struct measured_design *m, bool own) {
    const struct design *d = m->design;
    double sum = 0, of_experts = 0;
    for (size_t t = 0; t < d->tasks; t++) {
        double value = value_at(m, own ? t : design_centre(d), t);
        sum += own ? value / m->experts[t] : value;
        of_experts += own ? 1 : m->experts[t];
    }
    return sum / of_experts;
}

/* One task's figures as its weight goes from 0 to 1 along an edge. */
static void walk_edge(const struct measured_design *m, size_t from, size_t to,
                      double *figure) {
    const struct design *d = m->design;
    for (size_t k = 0; k < d->edge; k++)
        figure[k] = good_at(m,
                            from < to ? design_on_edge(d, from, to, k)
                                      : design_on_edge(d, to, from, d->edge - 1 - k),
                            to);
}

/* How many of an edge's two halves have less than a tenth of its rise. */
static size_t flat_halves(const double *figure, size_t edge) {
    double rise = figure[edge - 1] - figure[0];
    double lower = figure[(edge - 1) / 2] - figure[0];
    return rise <= 0 ? 2 : (size_t)(lower < 0.1 * rise) + (rise - lower < 0.1 * rise);
}

static void follow_edges(const struct measured_design *m, double *weight,
                         double *figure, struct criteria *c) {
    const struct design *d = m->design;
    size_t walks = 0, flat = 0;
    c->monotone = 0;
    c->monotone_least = INFINITY;
    for (size_t k = 0; k < d->edge; k++)
        weight[k] = (double)k;
    for (size_t from = 0; from < d->tasks; from++)
        for (size_t to = 0; to < d->tasks; to++) {
            if (from == to)
                continue;
            walk_edge(m, from, to, figure);
            double felt = statistics_spearman(weight, figure, d->edge);
            felt = isnan(felt) ? 0 : felt;
            flat += flat_halves(figure, d->edge);
            c->monotone += felt;
            c->monotone_least = fmin(c->monotone_least, felt);
            walks++;
        }
    c->monotone /= (double)walks;
    c->flat = (double)flat / (double)(2 * walks);
}

/* weight and figure have room for every point. */
static double calibration(const struct measured_design *m, double *weight,
                          double *figure) {
    const struct design *d = m->design;
    double sum = 0;
    for (size_t t = 0; t < d->tasks; t++) {
        for (size_t i = 0; i < d->count; i++) {
            weight[i] = d->preferences[i * d->tasks + t];
            figure[i] = good_at(m, i, t);
        }
        double rho = statistics_spearman(weight, figure, d->count);
        sum += isnan(rho) ? 0 : rho;
    }
    return sum / (double)d->tasks;
}

int comparison_criteria(const struct store_recipe *recipe, const struct design *design,
                        const double *values, bool answers, const double *experts,
                        struct criteria *c, const struct work *work,
                        struct error *error) {
    const struct measured_design m = {recipe, design, values, experts};
    const double unknown = (double)NAN;
    *c = (struct criteria){.monotone = unknown,
                           .monotone_least = unknown,
                           .flat = unknown,
                           .calibration = unknown,
                           .igd_plus = unknown};
    if (share_of(&m, false, &c->share, work, error) ||
        share_of(&m, true, &c->share_edges, work, error))
        return -1;
    c->centre = mean_share(&m, false);
    c->own = mean_share(&m, true);
    if (!answers)
        return 0;
    double *weight = array_new(design->count, sizeof *weight);
    double *figure = array_new(design->count, sizeof *figure);
    int result = weight && figure ? 0 : error_memory(error);
    if (result == 0) {
        follow_edges(&m, weight, figure, c);
        c->calibration = calibration(&m, weight, figure);
    }
    free(weight);
    free(figure);
    return result;
}
