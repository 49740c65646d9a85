#include "command/work/front_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/solutions.h"
#include "eval/interval.h"
#include "pareto/pareto.h"

static const double SIGNIFICANT = 0.05;
enum { PAIRED_MAX = 500 }; /* every pair is compared: seconds beyond this */

void front_set_clear(struct front_set *set) {
    free(set->row);
    free(set->nondominated);
    free(set->contribution);
    free(set->within_noise);
    free(set->reference);
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

static int load_outcomes(struct store *store, const char *split, size_t tasks,
                         const struct store_row *rows, const struct front_set *set,
                         struct outcomes *outcomes, bool *known, struct error *error) {
    for (size_t i = 0; i < set->count; i++) {
        known[i] = true;
        for (size_t t = 0; t < tasks; t++) {
            struct outcomes *o = &outcomes[i * tasks + t];
            bool found;
            if (store_correct(store, rows[set->row[i]].solution.id, t, split, &found,
                              &o->bits, &o->examples, error))
                return -1;
            /* The same examples, or there is nothing to pair. */
            if (!found || o->examples != outcomes[t].examples)
                known[i] = false;
        }
    }
    return 0;
}

static int find_noise(struct store *store, const char *split, size_t tasks,
                      const struct store_row *rows, struct front_set *set,
                      struct error *error) {
    struct outcomes *outcomes = NULL;
    bool *known = array_new(set->count, sizeof *known);
    size_t total;
    if (size_multiply(set->count, tasks, &total))
        outcomes = array_new(total, sizeof *outcomes);
    int result = -1;
    if (!known || !outcomes)
        error_memory(error);
    else
        result = load_outcomes(store, split, tasks, rows, set, outcomes, known, error);
    for (size_t p = 0; result == 0 && p < set->count; p++) {
        if (!known[p])
            continue;
        bool dominated = false;
        for (size_t q = 0; q < set->count && !dominated; q++)
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

/* points [count, tasks] and reference [tasks], all to be minimised. */
static int measure(const struct store_recipe *recipe, const struct store_row *rows,
                   struct front_set *set, double *points, const struct work *work,
                   struct error *error) {
    size_t tasks = recipe->task_count;
    double reference[STORE_TASKS_MAX];
    for (size_t t = 0; t < tasks; t++) {
        double sign = recipe->tasks[t].objective.maximise ? -1 : 1;
        set->reference[t] = recipe->tasks[t].objective.reference;
        reference[t] = sign * set->reference[t];
        for (size_t i = 0; i < set->count; i++)
            points[i * tasks + t] = sign * rows[set->row[i]].evaluations[t].value;
    }
    if (set->count == 0)
        return 0;
    long front =
        pareto_filter(points, set->count, tasks, false, set->nondominated, error);
    if (front < 0)
        return -1;
    set->front = (size_t)front;
    return pareto_hypervolume(points, set->count, tasks, reference, &set->hypervolume,
                              work, error) ||
           pareto_contributions(points, set->count, tasks, reference, set->contribution,
                                work, error);
}

int front_set_make(struct store *store, const struct store_recipe *recipe,
                   const char *split, const struct store_row *rows, size_t count,
                   const bool *take, struct front_set *set, const struct work *work,
                   struct error *error) {
    memset(set, 0, sizeof *set);
    size_t total = 0;
    double *points = NULL;
    set->row = array_new(count, sizeof *set->row);
    set->nondominated = array_new(count, sizeof *set->nondominated);
    set->contribution = array_new(count, sizeof *set->contribution);
    set->within_noise = array_new(count, sizeof *set->within_noise);
    set->reference = array_new(recipe->task_count, sizeof *set->reference);
    if (size_multiply(count, recipe->task_count, &total))
        points = array_new(total, sizeof *points);
    int result = -1;
    if (!set->row || !set->nondominated || !set->contribution || !set->within_noise ||
        !set->reference || !points) {
        error_memory(error);
    } else {
        for (size_t i = 0; i < count; i++) {
            set->within_noise[i] = -1;
            if (take[i] && rows[i].whole)
                set->row[set->count++] = i;
        }
        result = measure(recipe, rows, set, points, work, error) ? -1 : 0;
        if (result == 0 && set->count <= PAIRED_MAX)
            result = find_noise(store, split, recipe->task_count, rows, set, error);
    }
    free(points);
    if (result)
        front_set_clear(set);
    return result;
}
