/* Figures that are asked for, as people write them:
 *
 *     digits >= 83 letters at least 72, max surfaces
 *     72, , 60
 *     like ties 0.4 but 2 more of cars
 *
 * Blanks or commas part the clauses. A clause is a task (its name, or a start of it
 * that no other has) with the figure it is to reach; a figure alone, of the tasks in
 * their order (commas leave one out); max or min and a task, which is to be the best
 * where the figures allow it; or a stored solution to be as good as in every task, by
 * words of its name or by #ID, and what may be more or less of it. "then the best of
 * the rest" may end it all and is what happens anyway. For an objective of which less
 * is better the figure is the most that it may be. Words for the wrong way, as "at
 * least" of a loss, are an error. */
#ifndef PWEMOE_RESULTS_TARGET_H
#define PWEMOE_RESULTS_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "results/catalog.h"

struct target {
    double bounds[STORE_TASKS_MAX]; /* what objective t must reach; NaN: anything */
    bool best[STORE_TASKS_MAX];     /* the best of these; of those without a bound where
                                       none is set, of all where each has one */
    size_t like; /* the row that it is to be as good as, or SIZE_MAX */
};

int target_parse(const char *text, const struct catalog *catalog, struct target *target,
                 struct error *error);
/* What may be asked, for a prompt: "alpha 72", "alpha at most 0.3". */
char *target_example(const struct store_recipe *recipe, char *out, size_t size);

/* How much a figure of objective t falls short of its bound, in its unit: 0 where there
 * is none, or it is reached. */
double target_short(const struct target *target, const struct store_recipe *recipe,
                    size_t t, double value);
/* "digits 83.33 >= 83, letters 71.60 < 72 (0.40 short), surfaces 51.2, the best": each
 * figure that was asked for by itself. values [tasks]. true: all are reached. */
bool target_text(const struct target *target, const struct store_recipe *recipe,
                 const double *values, char *out, size_t size);

#endif
