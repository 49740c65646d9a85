#include "pareto/indicators.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"
#include "pareto/pareto.h"
#include "pareto/simplex.h"

/* --- distances -------------------------------------------------------------------- */

enum sides { BOTH_SIDES, WHERE_WORSE }; /* only by how much `point` is worse */

static double distance(const double *point, const double *reference, size_t objectives,
                       enum sides sides) {
    double square = 0;
    for (size_t j = 0; j < objectives; j++) {
        double d = point[j] - reference[j];
        square += sides == BOTH_SIDES || d > 0 ? d * d : 0;
    }
    return sqrt(square);
}

/* Mean over the reference set of the distance to the nearest point. */
static double mean_from_set(const struct indicator_input *in, enum sides sides) {
    double sum = 0;
    for (size_t i = 0; i < in->set_count; i++) {
        double nearest = INFINITY;
        for (size_t k = 0; k < in->count; k++)
            nearest = fmin(nearest, distance(in->points + k * in->objectives,
                                             in->set + i * in->objectives,
                                             in->objectives, sides));
        sum += nearest;
    }
    return sum / (double)in->set_count;
}

/* Mean over the points of the distance to the nearest of the reference set. */
static double mean_to_set(const struct indicator_input *in, enum sides sides) {
    double sum = 0;
    for (size_t k = 0; k < in->count; k++) {
        double nearest = INFINITY;
        for (size_t i = 0; i < in->set_count; i++)
            nearest = fmin(nearest, distance(in->points + k * in->objectives,
                                             in->set + i * in->objectives,
                                             in->objectives, sides));
        sum += nearest;
    }
    return sum / (double)in->count;
}

double pareto_igd_plus(const double *points, size_t count, const double *references,
                       size_t reference_count, size_t objectives) {
    const struct indicator_input in = {.points = points,
                                       .count = count,
                                       .objectives = objectives,
                                       .set = references,
                                       .set_count = reference_count};
    return mean_from_set(&in, WHERE_WORSE);
}

static int igd(const struct indicator_input *in, double *value, struct error *error) {
    (void)error;
    *value = mean_from_set(in, BOTH_SIDES);
    return 0;
}

static int igd_plus(const struct indicator_input *in, double *value,
                    struct error *error) {
    (void)error;
    *value = mean_from_set(in, WHERE_WORSE);
    return 0;
}

static int gd(const struct indicator_input *in, double *value, struct error *error) {
    (void)error;
    *value = mean_to_set(in, BOTH_SIDES);
    return 0;
}

static int gd_plus(const struct indicator_input *in, double *value,
                   struct error *error) {
    (void)error;
    *value = mean_to_set(in, WHERE_WORSE);
    return 0;
}

static int hausdorff(const struct indicator_input *in, double *value,
                     struct error *error) {
    (void)error;
    *value = fmax(mean_from_set(in, BOTH_SIDES), mean_to_set(in, BOTH_SIDES));
    return 0;
}

/* --- epsilon ---------------------------------------------------------------------- */

static double difference(double point, double reference) {
    return point - reference;
}

/* How many times worse the point is. A maximised objective comes with its sign turned:
 * of two negative numbers the one nearer to 0 is the worse. */
static double ratio(double point, double reference) {
    if (point > 0 && reference > 0)
        return point / reference;
    return point < 0 && reference < 0 ? reference / point : NAN;
}

/* The least e such that every reference is weakly dominated by some point made better
 * by e in every objective. NaN where some `worse` is. */
static double epsilon(const struct indicator_input *in,
                      double (*worse)(double, double)) {
    double result = -INFINITY;
    for (size_t i = 0; i < in->set_count; i++) {
        double least = INFINITY;
        for (size_t k = 0; k < in->count; k++) {
            double most = -INFINITY;
            for (size_t j = 0; j < in->objectives; j++) {
                double by = worse(in->points[k * in->objectives + j],
                                  in->set[i * in->objectives + j]);
                if (isnan(by))
                    return NAN;
                most = fmax(most, by);
            }
            least = fmin(least, most);
        }
        result = fmax(result, least);
    }
    return result;
}

static int epsilon_additive(const struct indicator_input *in, double *value,
                            struct error *error) {
    (void)error;
    *value = epsilon(in, difference);
    return 0;
}

static int epsilon_multiplicative(const struct indicator_input *in, double *value,
                                  struct error *error) {
    (void)error;
    *value = epsilon(in, ratio);
    return 0;
}

/* --- hypervolume ------------------------------------------------------------------ */

static int hypervolume(const struct indicator_input *in, double *value,
                       struct error *error) {
    return approximate_hypervolume(in->points, in->count, in->objectives, in->reference,
                                   in->approximation, value, NULL, in->work, error);
}

static int hypervolume_share(const struct indicator_input *in, double *value,
                             struct error *error) {
    double whole;
    if (hypervolume(in, value, error) ||
        approximate_hypervolume(in->set, in->set_count, in->objectives, in->reference,
                                in->approximation, &whole, NULL, in->work, error))
        return -1;
    *value = whole > 0 ? *value / whole : NAN;
    return 0;
}

/* --- R2 --------------------------------------------------------------------------- */

enum { GRID_LEAST = 1000 }; /* vectors of the grid of weights, at least */

/* The greatest weighted distance from the ideal point, of the point where it is
 * least. */
static double scalarised(const struct indicator_input *in, const double *weights) {
    double least = INFINITY;
    for (size_t k = 0; k < in->count; k++) {
        double most = 0;
        for (size_t j = 0; j < in->objectives; j++)
            most = fmax(most, weights[j] *
                                  (in->points[k * in->objectives + j] - in->ideal[j]));
        least = fmin(least, most);
    }
    return least;
}

static int r2_by_weights(const struct indicator_input *in, double *value,
                         struct error *error) {
    size_t edge = 2, count = in->weight_count;
    if (!in->weights) {
        while ((count = simplex_grid_count(in->objectives, edge)) < GRID_LEAST &&
               in->objectives > 1 && count > 0)
            edge++;
        if (count == 0)
            return error_set(error, "R2 of %zu objectives needs a set of weights",
                             in->objectives);
    }
    double *one = array_new(in->objectives, sizeof *one), sum = 0;
    if (!one)
        return error_memory(error);
    for (size_t i = 0; i < count && !work_stopped(in->work); i++) {
        const double *weights = one;
        if (in->weights)
            weights = in->weights + i * in->objectives;
        else
            simplex_grid_at(in->objectives, edge, i, one);
        sum += scalarised(in, weights);
    }
    free(one);
    *value = sum / (double)count;
    return work_stopped(in->work) ? error_set(error, "stopped") : 0;
}

/* The integral of (1 - w) y, or of w x, between two weights. */
static double falling(double y, double from, double to) {
    return y * ((to - from) - (to * to - from * from) / 2);
}
static double rising(double x, double from, double to) {
    return x * (to * to - from * from) / 2;
}

/* Two objectives: the mean over w in [0, 1] of the least over points of
 * max(w x, (1 - w) y), x and y being distances from the ideal point. Each point that
 * none dominates is the least in one interval of w, from the crossing with its
 * neighbour of greater x to that with its neighbour of less; there it falls to its
 * corner at w = y / (x + y), and rises. */
static int r2_exact(const struct indicator_input *in, double *value,
                    struct error *error) {
    struct order_item *items = array_new(in->count, sizeof *items);
    struct order_item *scratch = array_new(in->count, sizeof *scratch);
    double(*stair)[2] = array_new(in->count, sizeof *stair);
    int result = items && scratch && stair ? 0 : error_memory(error);
    for (size_t k = 0; result == 0 && k < in->count; k++)
        items[k] = (struct order_item){in->points[2 * k], k};
    size_t steps = 0;
    if (result == 0)
        order_sort(items, scratch, in->count);
    for (size_t k = 0; result == 0 && k < in->count; k++) {
        double x = items[k].key - in->ideal[0];
        double y = in->points[2 * items[k].index + 1] - in->ideal[1];
        if (steps > 0 && y >= stair[steps - 1][1])
            continue;
        /* Of equal x the last, which has the least y. */
        if (steps > 0 && x == stair[steps - 1][0])
            steps--;
        stair[steps][0] = x;
        stair[steps++][1] = y;
    }
    double from = 0, sum = 0;
    for (size_t k = steps; result == 0 && k-- > 0;) {
        double x = stair[k][0], y = stair[k][1];
        double corner = x + y > 0 ? y / (x + y) : from;
        double to = k > 0 ? stair[k - 1][1] / (x + stair[k - 1][1]) : 1;
        sum += falling(y, from, corner) + rising(x, corner, to);
        from = to;
    }
    *value = sum;
    free(items);
    free(scratch);
    free(stair);
    return result;
}

static int r2(const struct indicator_input *in, double *value, struct error *error) {
    for (size_t k = 0; k < in->count * in->objectives; k++)
        if (in->points[k] < in->ideal[k % in->objectives])
            return error_set(error,
                             "a point is better than the ideal point in objective "
                             "%zu; give an ideal point that no point is better than",
                             k % in->objectives + 1);
    if (in->objectives == 2 && !in->weights)
        return r2_exact(in, value, error);
    return r2_by_weights(in, value, error);
}

/* --- the table -------------------------------------------------------------------- */

static const struct indicator table[] = {
    {"hypervolume", "volume that is dominated, up to the reference point",
     INDICATOR_MORE, INDICATOR_REFERENCE, hypervolume},
    {"hypervolume_share", "the hypervolume divided by the reference set's",
     INDICATOR_MORE, INDICATOR_REFERENCE | INDICATOR_SET, hypervolume_share},
    {"igd", "mean distance from the reference set to the nearest point", INDICATOR_LESS,
     INDICATOR_SET, igd},
    {"igd_plus", "the same, counting only where the point is worse", INDICATOR_LESS,
     INDICATOR_SET, igd_plus},
    {"gd", "mean distance from the points to the nearest of the reference set",
     INDICATOR_LESS, INDICATOR_SET, gd},
    {"gd_plus", "the same, counting only where the point is worse", INDICATOR_LESS,
     INDICATOR_SET, gd_plus},
    {"hausdorff", "averaged Hausdorff distance: the greater of gd and igd",
     INDICATOR_LESS, INDICATOR_SET, hausdorff},
    {"epsilon_additive",
     "what must be taken off every objective to reach the reference set",
     INDICATOR_LESS, INDICATOR_SET, epsilon_additive},
    {"epsilon_multiplicative",
     "what every objective must be divided by to reach the reference set",
     INDICATOR_LESS, INDICATOR_SET, epsilon_multiplicative},
    {"r2",
     "mean over weights of the least weighted Chebyshev distance from the ideal point",
     INDICATOR_LESS, INDICATOR_IDEAL, r2},
};
enum { INDICATORS = sizeof table / sizeof *table };

const struct indicator *indicators(size_t *count) {
    *count = INDICATORS;
    return table;
}

const struct indicator *indicator_find(const char *name) {
    for (size_t i = 0; i < INDICATORS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

int indicator_measure(const struct indicator *indicator,
                      const struct indicator_input *input, double *value,
                      struct error *error) {
    bool lacks = (indicator->needs & INDICATOR_REFERENCE && !input->reference) ||
                 (indicator->needs & INDICATOR_SET && !input->set) ||
                 (indicator->needs & INDICATOR_IDEAL && !input->ideal);
    *value = NAN;
    if (lacks || input->count == 0)
        return error_set(error, "%s: nothing to measure, or nothing to compare it with",
                         indicator->name);
    return indicator->measure(input, value, error);
}
