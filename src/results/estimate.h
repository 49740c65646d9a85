/* Figures that were not measured, estimated from those that were: the instant answer
 * while a preference is dragged, and the way from wanted figures back to a preference.
 */
#ifndef PWEMOE_RESULTS_ESTIMATE_H
#define PWEMOE_RESULTS_ESTIMATE_H

#include "base/error.h"
#include "results/catalog.h"
#include "results/target.h"

/* The stored (preference, objectives) pairs of one kind of routers. */
struct samples {
    size_t tasks, count;
    double *preferences;        /* [count][tasks] */
    double *values;             /* [count][tasks] */
    bool less[STORE_TASKS_MAX]; /* of this objective less is better */
};

/* From complete rows of these routers, none of them stale. -1: memory is out. */
int samples_make(struct samples *samples, const struct catalog *catalog,
                 int64_t routers);
void samples_free(struct samples *samples);

/* The `least` samples nearest to a preference with those that are as far as the last of
 * them, `most` at most, or all where there are fewer. The caller frees near by
 * samples_free. false, with nothing to free, where there are none or memory is out. */
bool samples_nearest(const struct samples *samples, const double *preference,
                     size_t least, size_t most, struct samples *near);

/* The objective vector at a preference; false where too few are stored (fewer
 * than there are tasks) to say anything. */
bool estimate_at(const struct samples *samples, const double *preference,
                 double *values);

/* The other way round. The preference sought is best in the mean of the objectives that
 * the target names (target.h), those of which less is better taken off, among those
 * that meet every bound; where none does, the total shortfall is least. Looks at the
 * stored points and at estimates between them. */
struct target_answer {
    double preference[STORE_TASKS_MAX];
    double values[STORE_TASKS_MAX];
    double shortfall; /* sum over the objectives of what is missing */
    bool met;
    bool stored; /* values were measured */
};
/* false where nothing is stored to search in. */
bool estimate_target(const struct samples *samples, const struct target *target,
                     struct target_answer *answer);

#endif
