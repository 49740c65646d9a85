/* Solutions as rows of output: `show`, `merge`, `front`, `eval` and the explorer have
 * the same columns. JSON has one object for all objectives; the flat formats one column
 * a task, CSV with interval and number of examples beside it. */
#ifndef PWEMOE_RESULTS_SOLUTIONS_H
#define PWEMOE_RESULTS_SOLUTIONS_H

#include <stdbool.h>

#include "base/error.h"
#include "results/output.h"
#include "store/store.h"

/* What `show front` says of a row besides. */
struct solution_standing {
    bool nondominated;
    int within_noise;                         /* 1 yes, 0 no, -1 not known */
    double contribution, hypervolume, within; /* front_set.h */
    const double *reference;                  /* [tasks] */
    size_t rank, place;                       /* pareto/standing.h */
    double crowding;
    const double *weights; /* [tasks] */
};

/* Whether solutions_add will be given a standing, and whether a table shows its place.
 */
enum solution_columns { SOLUTIONS_PLAIN, SOLUTIONS_STANDING, SOLUTIONS_SUBSET };

struct output *solutions_begin(enum output_format format,
                               const struct store_recipe *recipe,
                               enum solution_columns which, struct error *error);
void solutions_add(struct output *output, const struct store_recipe *recipe,
                   const struct store_row *row,
                   const struct solution_standing *standing /* or NULL */);

/* Prints the solutions with these ids, in the order of the ids. */
int solutions_print(enum output_format format, struct store *store,
                    const struct store_recipe *recipe, const char *split,
                    const int64_t *ids, size_t count, struct error *error);

/* Unix time as "2025-01-31T12:00:05Z", a JSON string; null for 0. */
json_t *time_json(double time);

#endif
