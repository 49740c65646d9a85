/* The criteria over seeds, and tests against the best contender. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "command/work/compare.h"
#include "eval/interval.h"
#include "results/statistics.h"

const struct compare_column *compare_columns(size_t *count) {
    static const struct compare_column columns[] = {
        {"share", "share", offsetof(struct criteria, share), 3, false},
        {"share_edges", "with edges", offsetof(struct criteria, share_edges), 3, false},
        {"centre", "centre, %", offsetof(struct criteria, centre), 1, true},
        {"own", "own task, %", offsetof(struct criteria, own), 1, true},
        {"monotone", "monotone", offsetof(struct criteria, monotone), 2, false},
        {"monotone_least", "least", offsetof(struct criteria, monotone_least), 2,
         false},
        {"flat", "flat halves, %", offsetof(struct criteria, flat), 0, true},
        {"calibration", "calibration", offsetof(struct criteria, calibration), 2,
         false},
        {"igd_plus", "IGD+", offsetof(struct criteria, igd_plus), 2, false},
    };
    *count = sizeof columns / sizeof *columns;
    return columns;
}

static double criterion(const struct compare_trial *trial, size_t offset) {
    return *(const double *)((const char *)&trial->criteria + offset);
}

void compare_mean(const struct compare *c, const struct compare_summary *summary,
                  size_t offset, double *mean, double *half) {
    double values[COMPARE_SEEDS_MAX];
    for (size_t i = 0; i < summary->trials; i++)
        values[i] = criterion(&c->trials[summary->first + i], offset);
    statistics_mean(values, summary->trials, mean, half);
}

/* --- tests ------------------------------------------------------------------------ */

/* Seed by seed; a model without seeds is the same for all. */
static double test_seeds(const struct compare *c, const struct compare_summary *a,
                         const struct compare_summary *b) {
    double of_a[COMPARE_SEEDS_MAX], of_b[COMPARE_SEEDS_MAX];
    size_t seeds = a->trials > b->trials ? a->trials : b->trials;
    for (size_t s = 0; s < seeds; s++) {
        const struct compare_trial *x = &c->trials[a->first + (a->trials > 1 ? s : 0)];
        const struct compare_trial *y = &c->trials[b->first + (b->trials > 1 ? s : 0)];
        of_a[s] = x->criteria.share_edges;
        of_b[s] = y->criteria.share_edges;
    }
    return statistics_paired(of_a, of_b, seeds);
}

static int64_t centre_of(const struct compare *c, const struct compare_trial *trial) {
    return trial->solutions[trial->points == 1 ? 0 : design_centre(&c->design)];
}

/* Appends the bits of one task to joined, from bit `at` on. */
static void join(uint8_t *joined, uint64_t at, const uint8_t *bits, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        if (bits[i / 8] >> i % 8 & 1)
            joined[(at + i) / 8] |= (uint8_t)(1 << (at + i) % 8);
}

/* What is right at equal weights, the examples of one task after the other; NULL with
 * *examples 0 where it was not kept. */
static uint8_t *right_at_centre(const struct compare *c, int64_t solution,
                                uint64_t *examples, struct error *error) {
    uint8_t *joined = NULL;
    *examples = 0;
    for (size_t t = 0; t < c->design.tasks; t++) {
        void *bits;
        uint64_t count;
        bool found;
        if (store_correct(c->measure.store, solution, t, c->measure.split, &found,
                          &bits, &count, error))
            goto failed;
        uint8_t *more = realloc(joined, (size_t)((*examples + count) / 8 + 2));
        if (!found || !more) {
            free(bits);
            joined = more ? more : joined;
            if (!more)
                error_memory(error);
            else
                error_set(error, "not kept");
            goto failed;
        }
        for (uint64_t i = *examples ? (*examples + 7) / 8 : 0;
             i < (*examples + count) / 8 + 2; i++)
            more[i] = 0;
        joined = more;
        join(joined, *examples, bits, count);
        *examples += count;
        free(bits);
    }
    return joined;
failed:
    free(joined);
    *examples = 0;
    return NULL;
}

static double test_examples(const struct compare *c, const struct compare_summary *a,
                            const struct compare_summary *b) {
    struct error error;
    uint64_t of_a, of_b, better[2];
    uint8_t *x = right_at_centre(c, centre_of(c, a->one), &of_a, &error);
    uint8_t *y = right_at_centre(c, centre_of(c, b->one), &of_b, &error);
    double p = x && y && of_a == of_b && of_a ? interval_paired(x, y, of_a, better)
                                              : (double)NAN;
    free(x);
    free(y);
    return p;
}

int compare_summarise(const struct compare *c, struct compare_summary **out,
                      size_t *best, struct error *error) {
    struct compare_summary *list = array_new(c->contender_count, sizeof *list);
    double most = -INFINITY, mean, half;
    if (!list)
        return error_memory(error);
    for (size_t i = 0; i < c->trial_count; i++) {
        struct compare_summary *s = &list[c->trials[i].contender];
        if (!s->trials++) {
            s->first = i;
            s->one = &c->trials[i];
        }
    }
    *best = 0;
    for (size_t i = 0; i < c->contender_count; i++) {
        compare_mean(c, &list[i], offsetof(struct criteria, share_edges), &mean, &half);
        if (mean > most) {
            most = mean;
            *best = i;
        }
    }
    for (size_t i = 0; i < c->contender_count; i++) {
        bool itself = i == *best;
        list[i].p_seeds = itself ? (double)NAN : test_seeds(c, &list[i], &list[*best]);
        list[i].p_examples =
            itself ? (double)NAN : test_examples(c, &list[i], &list[*best]);
    }
    *out = list;
    return 0;
}
