#include "results/estimate.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "pareto/simplex.h"
#include "results/oriented.h"

/* Interpolating from more points than this would be felt while dragging; of a search,
 * which is answered while somebody types, between fewer, and fewer times. */
enum {
    NEAREST_USED = 400,
    NEAREST_SEARCHED = 200,
    SEARCHED = 1500,
    SEARCHED_AMONG = 300
};

bool estimate_at(const struct samples *samples, const double *preference,
                 double *values) {
    if (samples->count == 0 || samples->count < samples->tasks)
        return false;
    struct samples near = {0};
    const struct samples *used = samples;
    if (samples->count > NEAREST_USED) {
        if (!samples_nearest(samples, preference, NEAREST_USED, NEAREST_USED, &near))
            return false;
        used = &near;
    }
    int result =
        simplex_interpolate(used->preferences, used->values, used->count, used->tasks,
                            used->tasks, preference, values, NULL);
    samples_free(&near);
    for (size_t t = 0; result == 0 && t < samples->tasks; t++)
        if (!isfinite(values[t]))
            return false;
    return result == 0;
}

/* Judges one candidate and keeps the better one. */
static void consider(const struct samples *samples, const struct target *target,
                     const double *preference, const double *values, bool stored,
                     struct target_answer *answer, double *merit) {
    double shortfall = 0, rest = 0, all = 0;
    size_t tasks = samples->tasks, unbound = 0;
    bool chosen = false;
    for (size_t t = 0; t < tasks; t++)
        chosen = chosen || target->best[t];
    for (size_t t = 0; t < tasks; t++) {
        double value = oriented_by(!samples->less[t], values[t]);
        double bound = oriented_by(!samples->less[t], target->bounds[t]);
        all += value;
        if (chosen ? target->best[t] : isnan(bound)) {
            rest += value;
            unbound++;
        }
        if (value > bound)
            shortfall += value - bound;
    }
    double own = unbound ? rest / (double)unbound : all / (double)tasks;
    bool first = isnan(*merit);
    if (!first && (shortfall > answer->shortfall ||
                   (shortfall == answer->shortfall && own >= *merit)))
        return;
    *merit = own;
    answer->shortfall = shortfall;
    answer->met = shortfall == 0;
    answer->stored = stored;
    memcpy(answer->preference, preference, tasks * sizeof(double));
    memcpy(answer->values, values, tasks * sizeof(double));
}

/* Estimates between the stored points. Grids as fine as the number of candidates
 * allows; beyond four tasks a grid has no inside, so candidates are drawn, every
 * second one near the best so far. */
static void search(const struct samples *samples, const struct target *target,
                   struct target_answer *answer, double *merit) {
    size_t tasks = samples->tasks;
    size_t budget = samples->count > 100 ? SEARCHED_AMONG : SEARCHED;
    if (tasks > 4) /* each takes longer */
        budget = budget * 4 / tasks;
    double preference[STORE_TASKS_MAX], values[STORE_TASKS_MAX];
    if (tasks <= 4) {
        size_t edge = 2;
        while (simplex_grid_count(tasks, edge + 1) <= budget && edge < budget)
            edge++;
        size_t count = simplex_grid_count(tasks, edge);
        for (size_t i = 0; i < count; i++) {
            simplex_grid_at(tasks, edge, i, preference);
            if (estimate_at(samples, preference, values))
                consider(samples, target, preference, values, false, answer, merit);
        }
        return;
    }
    struct random random;
    random_seed(&random, 1, 0);
    for (size_t i = 0; i < budget; i++) {
        random_dirichlet(&random, 1.0, tasks, preference);
        double keep = i % 2 ? random_uniform(&random) : 0;
        for (size_t t = 0; t < tasks; t++)
            preference[t] = keep * answer->preference[t] + (1 - keep) * preference[t];
        if (estimate_at(samples, preference, values))
            consider(samples, target, preference, values, false, answer, merit);
    }
}

bool estimate_target(const struct samples *samples, const struct target *target,
                     struct target_answer *answer) {
    size_t tasks = samples->tasks;
    double merit = NAN;
    for (size_t i = 0; i < samples->count; i++)
        consider(samples, target, samples->preferences + i * tasks,
                 samples->values + i * tasks, true, answer, &merit);
    if (isnan(merit))
        return false;
    /* Many samples: only those around the best stored one, found once, so that the
     * search is not felt. */
    struct samples near = {0};
    const struct samples *used = samples;
    if (samples->count > NEAREST_SEARCHED) {
        if (!samples_nearest(samples, answer->preference, NEAREST_SEARCHED,
                             NEAREST_SEARCHED, &near))
            return true;
        used = &near;
    }
    search(used, target, answer, &merit);
    samples_free(&near);
    return true;
}
