/* What the stored solutions say of preferences, and which of them are nearest to one.
 */
#ifndef PWEMOE_RESULTS_SAMPLES_H
#define PWEMOE_RESULTS_SAMPLES_H

#include "results/catalog.h"

/* Samples that lie near each other, so that looking for the nearest to a preference
 * leaves out most of many. */
struct sample_blocks {
    size_t *order;  /* [samples->count]: block after block */
    size_t *begins; /* [count + 1]: where in order each begins */
    double *box;    /* [count][2][tasks]: the least and the greatest of each weight */
    size_t count;   /* 0: there are none, and all samples are looked at */
};

/* The stored (preference, objectives) pairs of one kind of routers. */
struct samples {
    size_t tasks, count;
    double *preferences;        /* [count][tasks] */
    double *values;             /* [count][tasks] */
    bool less[STORE_TASKS_MAX]; /* of this objective less is better */
    struct sample_blocks blocks;
};

/* From complete rows of these routers, none of them stale. -1: memory is out. */
int samples_make(struct samples *samples, const struct catalog *catalog,
                 int64_t routers);
void samples_free(struct samples *samples);

/* Puts samples whose preferences and values are there into blocks; samples_make does.
 * -1: memory is out, and there are none. */
int samples_divide(struct samples *samples);

/* The `least` samples nearest to a preference with those that are as far as the last of
 * them, `most` at most and of the last evenly many, or all where there are fewer. The
 * caller frees near by samples_free. false, with nothing to free, where there are none
 * or memory is out. */
bool samples_nearest(const struct samples *samples, const double *preference,
                     size_t least, size_t most, struct samples *near);

#endif
