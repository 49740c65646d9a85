/* Figures that were not measured, estimated from those that were: the instant answer
 * while a preference is dragged, and the way from wanted figures back to a preference.
 */
#ifndef PWEMOE_RESULTS_ESTIMATE_H
#define PWEMOE_RESULTS_ESTIMATE_H

#include "results/samples.h"
#include "results/target.h"

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
