/* Figures that nobody has measured, worked out from those that were: the instant
 * answer while a preference is dragged, and the way from wanted figures back to a
 * preference. */
#ifndef PWEMOE_RESULTS_ESTIMATE_H
#define PWEMOE_RESULTS_ESTIMATE_H

#include "base/error.h"
#include "results/catalog.h"

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
 * them, `most` at most, or all where there are fewer. near is ended by samples_free;
 * false, with nothing to free, where there are none or memory is out. */
bool samples_nearest(const struct samples *samples, const double *preference,
                     size_t least, size_t most, struct samples *near);

/* The objective vector at a preference; false where too few are stored (fewer
 * than there are tasks) to say anything. */
bool estimate_at(const struct samples *samples, const double *preference,
                 double *values);

/* The other way round. bounds[t]: what objective t must reach at least, or at most
 * where less of it is better; NaN for none. The preference sought is best in the mean
 * of the objectives without a bound (of all, where each has one), those of which less
 * is better taken off, among those that meet every bound; where none does, the total
 * shortfall is least. Looks at the stored points and at estimates between them. */
struct target_answer {
    double preference[STORE_TASKS_MAX];
    double values[STORE_TASKS_MAX];
    double shortfall; /* sum over the objectives of what is missing */
    bool met;
    bool stored; /* values were measured */
};
/* false where nothing is stored to search in. */
bool estimate_target(const struct samples *samples, const double *bounds,
                     struct target_answer *answer);

/* "cars 72, sun397 >= 60", "cars at least 72, then the best of the rest" or "72, , 60"
 * (by position) into bounds. Names are those of the recipe, or a start of one that is
 * unambiguous. Words for the wrong way, as "at least" of a loss, are an error. */
int target_parse(const char *text, const struct store_recipe *recipe, double *bounds,
                 struct error *error);
/* What may be asked, for a prompt: "alpha 72", "alpha at most 0.3". */
char *target_example(const struct store_recipe *recipe, char *out, size_t size);

#endif
