#include "results/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"

/* The figures of a row over these objectives; false where one is not final. */
static bool final_figures(const struct catalog *catalog, size_t row,
                          const size_t *which, size_t objectives, double *values) {
    if (catalog->solutions[row].stale)
        return false;
    for (size_t k = 0; k < objectives; k++) {
        size_t t = which ? which[k] : k;
        values[k] = catalog_value(catalog, row, t);
        if (isnan(values[k]) || !catalog_settled(catalog, row, t))
            return false;
    }
    return true;
}

int front_points(const struct catalog *catalog, const bool *take, const size_t *which,
                 size_t objectives, struct oriented *points, struct error *error) {
    double values[STORE_TASKS_MAX];
    objectives = which ? objectives : catalog->tasks;
    if (oriented_new(points, catalog->recipe, which, objectives, catalog->count, error))
        return -1;
    for (size_t i = 0; i < catalog->count; i++)
        if ((take ? take[i] : catalog_series(catalog, i)->merged) &&
            final_figures(catalog, i, which, objectives, values))
            oriented_add(points, values, i);
    return 0;
}

int front_points_of(const struct catalog *catalog, const size_t *rows, size_t count,
                    struct oriented *points, struct error *error) {
    double values[STORE_TASKS_MAX];
    if (oriented_new(points, catalog->recipe, NULL, 0, count, error))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (final_figures(catalog, rows[i], NULL, catalog->tasks, values))
            oriented_add(points, values, rows[i]);
    return 0;
}

/* The knee: the point of the front farthest from the plane through its best
 * points of each objective, objectives scaled to [0, 1] over the front (Das 1999,
 * normal-boundary intersection). Over that scale the plane is sum = constant. */
static void mark_knee(struct catalog *catalog, const struct oriented *front) {
    size_t tasks = catalog->tasks, knee = 0;
    double low[STORE_TASKS_MAX], high[STORE_TASKS_MAX], best = INFINITY, worst = 0;
    if (front->count < 3)
        return;
    for (size_t t = 0; t < tasks; t++) {
        low[t] = INFINITY;
        high[t] = -INFINITY;
        for (size_t i = 0; i < front->count; i++) {
            low[t] = fmin(low[t], front->values[i * tasks + t]);
            high[t] = fmax(high[t], front->values[i * tasks + t]);
        }
    }
    for (size_t i = 0; i < front->count; i++) {
        double sum = 0;
        for (size_t t = 0; t < tasks; t++)
            if (high[t] > low[t])
                sum += (front->values[i * tasks + t] - low[t]) / (high[t] - low[t]);
        if (sum < best) {
            best = sum;
            knee = front->rows[i];
        }
        worst = fmax(worst, sum);
    }
    /* A straight front bends nowhere. */
    catalog->solutions[knee].knee = worst - best > 0.05;
}

size_t front_in_fp8(const struct catalog *catalog, const struct oriented *points) {
    size_t count = 0;
    for (size_t i = 0; i < points->count; i++)
        count += catalog->solutions[points->rows[i]].fp8;
    return count;
}

int front_mark(struct catalog *catalog, struct error *error) {
    struct oriented points;
    if (front_points(catalog, NULL, NULL, 0, &points, error))
        return -1;
    int result = oriented_keep(&points, false, error);
    for (size_t i = 0; i < points.count; i++)
        catalog->solutions[points.rows[i]].front = true;
    mark_knee(catalog, &points);
    oriented_clear(&points);
    return result;
}

bool front_dominates(const struct catalog *catalog, size_t a, size_t b) {
    double points[2][STORE_TASKS_MAX];
    for (size_t t = 0; t < catalog->tasks; t++) {
        const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
        points[0][t] = oriented_turn(objective, catalog_value(catalog, a, t));
        points[1][t] = oriented_turn(objective, catalog_value(catalog, b, t));
        if (isnan(points[0][t]) || isnan(points[1][t]))
            return false;
    }
    return pareto_dominates(points[0], points[1], catalog->tasks);
}

struct placed_row {
    const double *values;
    size_t row;
};

static int by_first(const void *a, const void *b) {
    const struct placed_row *x = a, *y = b;
    return (*x->values > *y->values) - (*x->values < *y->values);
}

/* Rows in order of the first objective. */
static int put_in_order(const struct oriented *points, size_t *rows) {
    struct placed_row *placed = array_new(points->count, sizeof *placed);
    if (!placed)
        return -1;
    for (size_t i = 0; i < points->count; i++)
        placed[i] = (struct placed_row){points->values + i * points->objectives,
                                        points->rows[i]};
    if (points->count)
        qsort(placed, points->count, sizeof *placed, by_first);
    for (size_t i = 0; i < points->count; i++)
        rows[i] = placed[i].row;
    free(placed);
    return 0;
}

size_t front_over(const struct catalog *catalog, const bool *visible,
                  const size_t *which, size_t objectives, size_t *rows) {
    struct oriented points = {0};
    bool *take = array_new(catalog->count, sizeof *take), answers = false;
    for (size_t s = 0; s < catalog->series_count; s++)
        answers = answers || (visible[s] && catalog->series[s].answers);
    for (size_t i = 0; take && i < catalog->count; i++) {
        const struct series *series = catalog_series(catalog, i);
        take[i] = visible[catalog->solutions[i].series] && !series->several &&
                  (series->answers || !answers);
    }
    if (!take || front_points(catalog, take, which, objectives, &points, NULL) ||
        oriented_keep(&points, true, NULL) || put_in_order(&points, rows))
        points.count = 0;
    size_t count = points.count;
    oriented_clear(&points);
    free(take);
    return count;
}
