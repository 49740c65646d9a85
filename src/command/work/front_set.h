/* The Pareto front among the rows of a store. */
#ifndef PWEMOE_COMMAND_WORK_FRONT_SET_H
#define PWEMOE_COMMAND_WORK_FRONT_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "store/store.h"

struct front_set {
    size_t count; /* candidates */
    size_t *row;  /* [count] index into the rows given */
    bool *nondominated;
    double *contribution; /* to the hypervolume, 0 for dominated points */
    int *within_noise;    /* 1: counting differences that are not significant as
                             ties would change whether the point is dominated; 0: it
                             would not; -1: not known (no paired figures) */
    size_t front;         /* how many are not dominated */
    double hypervolume;
    double *reference; /* [tasks], in the objectives' own orientation */
};

/* Candidates are the rows for which take is true and every objective is complete
 * and not stale. within_noise is -1 for more than 500 candidates. A paired difference
 * is significant where McNemar's exact p is below 0.05. The volumes of many objectives
 * may take days: where work says stop it fails with the text "stopped". */
int front_set_make(struct store *store, const struct store_recipe *recipe,
                   const char *split, const struct store_row *rows, size_t count,
                   const bool *take, struct front_set *set, const struct work *work,
                   struct error *error);
void front_set_clear(struct front_set *set);

#endif
