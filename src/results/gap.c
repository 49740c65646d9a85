#include "results/gap.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "pareto/simplex.h"
#include "results/oriented.h"

/* How many places are looked at; fewer where each has many measured models to be told
 * from, so that a search stays below a tenth of a second or so. */
enum { PLACES_MOST = 1000, PLACES_LEAST = 50 };
static const double work_most = 2e7;
/* Narrower than this share of what was measured is no gap. */
static const double narrowest = 1e-3;

static void find_ranges(const struct samples *samples, double *range) {
    for (size_t t = 0; t < samples->tasks; t++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < samples->count; i++) {
            low = fmin(low, samples->values[i * samples->tasks + t]);
            high = fmax(high, samples->values[i * samples->tasks + t]);
        }
        range[t] = high > low ? high - low : 1;
    }
}

/* The distance to the nearest measured figures; -1 where measured ones are better in
 * every objective. */
static double distance_to_measured(const struct samples *samples, const double *range,
                                   const double *values) {
    double nearest = INFINITY;
    for (size_t i = 0; i < samples->count; i++) {
        const double *measured = samples->values + i * samples->tasks;
        double sum = 0;
        bool beaten = true;
        for (size_t t = 0; t < samples->tasks; t++) {
            double by = (values[t] - measured[t]) / range[t];
            sum += by * by;
            beaten = beaten && oriented_by(!samples->less[t], by) > 0;
        }
        if (beaten)
            return -1;
        nearest = fmin(nearest, sum);
    }
    return sqrt(nearest);
}

/* The finest lattice of at most so many places. */
static size_t lattice_edge(size_t tasks, size_t most, size_t *count) {
    size_t edge = 2;
    for (;;) {
        size_t next = simplex_grid_count(tasks, edge + 1);
        if (!next || next > most)
            break;
        edge++;
    }
    *count = simplex_grid_count(tasks, edge);
    return edge;
}

bool gap_widest(const struct samples *samples, struct gap *gap) {
    size_t tasks = samples->tasks, lattice;
    double range[STORE_TASKS_MAX], cost = (double)samples->count * (double)tasks;
    struct random random;
    if (tasks < 2 || samples->count < tasks)
        return false;
    size_t places = (size_t)fmin(PLACES_MOST, fmax(PLACES_LEAST, work_most / cost));
    /* On a segment nothing lies between the points of a lattice this fine. */
    size_t edge = lattice_edge(tasks, tasks == 2 ? places : places / 2, &lattice);
    find_ranges(samples, range);
    random_seed(&random, 1, 0);
    gap->width = 0;
    for (size_t i = 0; i < places || i < lattice; i++) {
        double preference[STORE_TASKS_MAX] = {0}, values[STORE_TASKS_MAX];
        if (i < lattice)
            simplex_grid_at(tasks, edge, i, preference);
        else
            random_dirichlet(&random, 1, tasks, preference);
        if (!estimate_at(samples, preference, values))
            return false;
        double width = distance_to_measured(samples, range, values);
        if (width <= gap->width)
            continue;
        gap->width = width;
        memcpy(gap->preference, preference, sizeof preference);
    }
    return gap->width >= narrowest;
}
