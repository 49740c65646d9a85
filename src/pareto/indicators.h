/* Indicators: numbers that say how good a set of objective vectors is, in one table
 * that commands and reports go through.
 *
 * Points are minimised in every column, as in pareto.h: what is maximised comes with
 * its sign turned, and so do the reference point, the reference set and the ideal
 * point. */
#ifndef PWEMOE_PARETO_INDICATORS_H
#define PWEMOE_PARETO_INDICATORS_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "pareto/approximate.h"

struct indicator_input {
    const double *points; /* [count, objectives], count > 0 */
    size_t count, objectives;
    const double *reference; /* [objectives], the hypervolume's; may be NULL */
    const double *set;       /* [set_count, objectives], the reference set; or NULL */
    size_t set_count;
    const double *ideal;   /* [objectives], no point is better anywhere; or NULL */
    const double *weights; /* R2's [weight_count, objectives], each >= 0 with sum 1;
                              NULL: exact for two objectives, else a grid */
    size_t weight_count;
    const struct approximation *approximation; /* of volumes; NULL: exact */
    const struct work *work;                   /* may be NULL */
};

enum indicator_direction { INDICATOR_LESS, INDICATOR_MORE }; /* what is better */

/* What an indicator cannot do without; bits. */
enum { INDICATOR_REFERENCE = 1, INDICATOR_SET = 2, INDICATOR_IDEAL = 4 };

struct indicator {
    const char *name; /* a key of JSON: "igd_plus" */
    const char *help; /* half a line */
    enum indicator_direction direction;
    unsigned needs;
    int (*measure)(const struct indicator_input *input, double *value,
                   struct error *error);
};

/* The table, in the order in which they are shown. */
const struct indicator *indicators(size_t *count);
/* NULL where there is none of that name. */
const struct indicator *indicator_find(const char *name);

/* value is NaN where the indicator is not defined for these numbers (a share of a
 * volume of 0, a ratio of numbers of different signs). Fails without memory, on what
 * the input lacks, on a point that is better than the ideal point, and as
 * pareto_hypervolume does. */
int indicator_measure(const struct indicator *indicator,
                      const struct indicator_input *input, double *value,
                      struct error *error);

#endif
