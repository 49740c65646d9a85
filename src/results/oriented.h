/* Objective vectors as pareto/ takes them: turned so that less is better. Signs of a
 * file's objectives are turned here alone; files of points have directions of their own
 * (command/io/point_sets.h). */
#ifndef PWEMOE_RESULTS_ORIENTED_H
#define PWEMOE_RESULTS_ORIENTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "pareto/approximate.h"
#include "store/store.h"

/* A value so that less is better, and the same once more gives it back. */
static inline double oriented_by(bool maximise, double value) {
    return maximise ? -value : value;
}
static inline double oriented_turn(const struct store_objective *objective,
                                   double value) {
    return oriented_by(objective->maximise, value);
}

struct oriented {
    size_t objectives, count;
    double *values; /* [count, objectives] */
    size_t *rows;   /* [count]: where each point is from */
    /* [objectives]: that of the file, as it is stored and turned. */
    double own_reference[STORE_TASKS_MAX], reference[STORE_TASKS_MAX];
    const struct store_objective *as[STORE_TASKS_MAX]; /* the recipe's, for _add */
};

/* Room for `most` points of these objectives [objectives] of the recipe, in this order;
 * NULL: of all of them. oriented_clear. */
int oriented_new(struct oriented *oriented, const struct store_recipe *recipe,
                 const size_t *which, size_t objectives, size_t most,
                 struct error *error);
void oriented_clear(struct oriented *oriented);
/* values [objectives] as they were measured. */
void oriented_add(struct oriented *oriented, const double *values, size_t row);

/* keep [count]: which points no other dominates; of equal ones all, or the first. The
 * number of them, or -1. */
long oriented_filter(const struct oriented *oriented, bool first_of_equals, bool *keep,
                     struct error *error);
/* Leaves these alone, in their order. */
int oriented_keep(struct oriented *oriented, bool first_of_equals, struct error *error);

/* Up to the file's reference point, and what each point [count] adds (NULL: not
 * wanted); as approximate_hypervolume, and exact as pareto_contributions. */
int oriented_volume(const struct oriented *oriented, const struct approximation *how,
                    double *volume, double *contributions, const struct work *work,
                    struct error *error);
int oriented_contributions(const struct oriented *oriented, double *contributions,
                           const struct work *work, struct error *error);

#endif
