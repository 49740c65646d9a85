/* What the parts of `pwemoe compare` share: contenders, a trial of each for each seed,
 * the figures of every trial at every preference of the design, and what they say. */
#ifndef PWEMOE_COMMAND_WORK_COMPARE_H
#define PWEMOE_COMMAND_WORK_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/command.h"
#include "command/work/contender.h"
#include "command/work/measure.h"
#include "results/comparison.h"

/* Seeds of a contender at most, and points of an edge. */
enum { COMPARE_SEEDS_MAX = 100, COMPARE_EDGE_MAX = 101 };

struct compare_options {
    const char *methods, *out;
    uint64_t seeds, budget, edge;
};

struct compare_trial {
    size_t contender;
    uint64_t seed;
    char *method, *parameters; /* as the store has them, owned */
    int64_t routers;           /* 0: a merging method's */
    size_t points;             /* of the design, or 1 where no preference is taken */
    int64_t *solutions;        /* [points] of the store */
    double *values;            /* [design count, tasks] */
    struct criteria criteria;
    uint64_t trainable, images, labels; /* images and labels: drawn while training */
    double seconds;                     /* of training; else of making one model */
    uint64_t peak_bytes;
};

struct compare {
    const struct invocation *invocation;
    const struct compare_options *options;
    struct measure measure;
    struct contender *contenders;
    size_t contender_count;
    struct design design;
    struct compare_trial *trials; /* in the order of contenders, then seeds */
    size_t trial_count;
    double experts[STORE_TASKS_MAX];
};

/* Trains and measures what is missing and works out the criteria. 1 done, 0 stopped,
 * -1. */
int compare_run(struct compare *compare, struct error *error);
void compare_clear(struct compare *compare);

/* Mean over a contender's trials, half its 95 % interval (NaN for one trial), and the
 * tests against the best contender: NaN for that itself, and where they cannot be
 * made. */
struct compare_summary {
    size_t trials, first;            /* of compare->trials */
    double p_seeds;                  /* paired t test of share_edges over seeds */
    double p_examples;               /* McNemar's at equal weights, the first seed */
    const struct compare_trial *one; /* the first */
};
/* summaries [contender_count] (free()); *best is the contender with the largest mean of
 * share_edges. */
int compare_summarise(const struct compare *compare, struct compare_summary **summaries,
                      size_t *best, struct error *error);
/* One criterion (its offset in struct criteria) over a contender's trials. */
void compare_mean(const struct compare *compare, const struct compare_summary *summary,
                  size_t offset, double *mean, double *half);

/* The criteria, in the order in which they are shown. */
struct compare_column {
    const char *key, *header;
    size_t offset;
    int decimals;
    bool percent; /* kept as a fraction, shown in percent */
};
const struct compare_column *compare_columns(size_t *count);

/* On stdout, and as a page of tables and pictures (command/io/page.h). */
int compare_print(const struct compare *compare,
                  const struct compare_summary *summaries, size_t best,
                  struct error *error);
int compare_page(const struct compare *compare, const struct compare_summary *summaries,
                 size_t best, struct error *error);

#endif
