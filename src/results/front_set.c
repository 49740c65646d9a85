#include "results/front_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/interval.h"
#include "pareto/standing.h"

static const double SIGNIFICANT = 0.05;
enum { PAIRED_MAX = 500 }; /* every pair is compared: seconds beyond this */

void front_set_clear(struct front_set *set) {
    oriented_clear(&set->points);
    free(set->nondominated);
    free(set->contribution);
    free(set->within_noise);
    free(set->rank);
    free(set->place);
    free(set->crowding);
    free(set->weights);
    memset(set, 0, sizeof *set);
}

/* --- paired comparison ---------------------------------------------------- */

struct outcomes { /* which examples a solution got right, of one objective */
    void *bits;
    uint64_t examples;
};

/* The sign of b's advantage over a in one objective: 0 where it is within noise. */
static int advantage(const struct outcomes *a, const struct outcomes *b) {
    uint64_t better[2];
    double p = interval_paired(a->bits, b->bits, a->examples, better);
    if (!(p < SIGNIFICANT))
        return 0;
    return better[1] > better[0] ? 1 : -1;
}

/* Whether q dominates p where differences within noise are ties. */
static bool surely_dominates(const struct outcomes *q, const struct outcomes *p,
                             size_t tasks) {
    bool better = false;
    for (size_t t = 0; t < tasks; t++) {
        int sign = advantage(&p[t], &q[t]);
        if (sign < 0)
            return false;
        better |= sign > 0;
    }
    return better;
}

static int load_outcomes(struct store *store, const char *split,
                         const struct catalog *catalog, const struct front_set *set,
                         struct outcomes *outcomes, bool *known, struct error *error) {
    size_t tasks = catalog->tasks;
    for (size_t i = 0; i < set->points.count; i++) {
        int64_t id = catalog->rows[set->points.rows[i]].solution.id;
        known[i] = true;
        for (size_t t = 0; t < tasks; t++) {
            struct outcomes *o = &outcomes[i * tasks + t];
            bool found;
            if (store_correct(store, id, t, split, &found, &o->bits, &o->examples,
                              error))
                return -1;
            /* The same examples, or there is nothing to pair. */
            if (!found || o->examples != outcomes[t].examples)
                known[i] = false;
        }
    }
    return 0;
}

static int find_noise(struct front_set *set, const struct catalog *catalog,
                      struct store *store, const char *split, struct error *error) {
    size_t tasks = catalog->tasks, count = set->points.count, total = 0;
    struct outcomes *outcomes = NULL;
    bool *known = array_new(count, sizeof *known);
    if (size_multiply(count, tasks, &total))
        outcomes = array_new(total, sizeof *outcomes);
    int result = known && outcomes
                     ? load_outcomes(store, split, catalog, set, outcomes, known, error)
                     : error_memory(error);
    for (size_t p = 0; result == 0 && p < count; p++) {
        if (!known[p])
            continue;
        bool dominated = false;
        for (size_t q = 0; q < count && !dominated; q++)
            dominated =
                q != p && known[q] &&
                surely_dominates(&outcomes[q * tasks], &outcomes[p * tasks], tasks);
        set->within_noise[p] = dominated == set->nondominated[p];
    }
    for (size_t i = 0; outcomes && i < total; i++)
        free(outcomes[i].bits);
    free(outcomes);
    free(known);
    return result;
}

/* --- the front ------------------------------------------------------------ */

static int find_standing(struct front_set *set, size_t subset, const struct work *work,
                         struct error *error) {
    const struct oriented *p = &set->points;
    size_t total = 0;
    set->rank = array_new(p->count, sizeof *set->rank);
    set->place = array_new(p->count, sizeof *set->place);
    set->crowding = array_new(p->count, sizeof *set->crowding);
    if (size_multiply(p->count, p->objectives, &total))
        set->weights = array_new(total, sizeof *set->weights);
    if (!set->rank || !set->place || !set->crowding || !set->weights)
        return error_memory(error);
    if (standing_ranks(p->values, p->count, p->objectives, set->rank, error) ||
        standing_crowding(p->values, p->count, p->objectives, set->rank, set->crowding,
                          error))
        return -1;
    standing_pseudo_weights(p->values, p->count, p->objectives, set->rank,
                            set->weights);
    return standing_subset(p->values, p->count, p->objectives, p->reference, subset,
                           set->place, work, error);
}

static int measure(struct front_set *set, const struct approximation *how,
                   const struct work *work, struct error *error) {
    size_t count = set->points.count;
    set->nondominated = array_new(count, sizeof *set->nondominated);
    set->contribution = array_new(count, sizeof *set->contribution);
    set->within_noise = array_new(count, sizeof *set->within_noise);
    if (!set->nondominated || !set->contribution || !set->within_noise)
        return error_memory(error);
    for (size_t i = 0; i < count; i++)
        set->within_noise[i] = -1;
    long front = oriented_filter(&set->points, false, set->nondominated, error);
    if (front < 0)
        return -1;
    set->front = (size_t)front;
    set->within = approximate_within(how, count, set->points.objectives);
    return !count ? 0
                  : oriented_volume(&set->points, how, &set->hypervolume,
                                    set->contribution, work, error);
}

int front_set_make(struct front_set *set, const struct catalog *catalog,
                   const bool *take, struct store *store, const char *split,
                   size_t subset, const struct approximation *how,
                   const struct work *work, struct error *error) {
    memset(set, 0, sizeof *set);
    int result = front_points(catalog, take, NULL, 0, &set->points, error) ||
                 measure(set, how, work, error) ||
                 find_standing(set, subset, work, error);
    if (result == 0 && set->points.count <= PAIRED_MAX)
        result = find_noise(set, catalog, store, split, error);
    if (result)
        front_set_clear(set);
    return result ? -1 : 0;
}
