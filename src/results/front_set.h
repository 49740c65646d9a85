/* The Pareto front among some solutions, with what each adds and how sure it is. */
#ifndef PWEMOE_RESULTS_FRONT_SET_H
#define PWEMOE_RESULTS_FRONT_SET_H

#include "base/work.h"
#include "results/front.h"

struct front_set {
    struct oriented points; /* the candidates */
    bool *nondominated;     /* [points] */
    double *contribution;   /* [points] to the hypervolume, 0 for dominated ones */
    int *within_noise;      /* [points] 1: counting differences that are not significant
                               as ties would change whether the point is dominated; 0:
                               it would not; -1: not known (no paired figures) */
    /* pareto/standing.h: [points], the weights [points, objectives]. */
    size_t *rank, *place;
    double *crowding, *weights;
    size_t front; /* how many are not dominated */
    double hypervolume;
    double within; /* what part of itself it may be off by; 0: exact */
};

/* Candidates as front_points has them. within_noise is -1 for more than 500 of them. A
 * paired difference is significant where McNemar's exact p is below 0.05. The volumes
 * of many objectives may take days, unless `how` (NULL: exact) is an approximation:
 * where work says stop it fails with the text "stopped". place: of the subset of that
 * many; 0: of none. */
int front_set_make(struct front_set *set, const struct catalog *catalog,
                   const bool *take, struct store *store, const char *split,
                   size_t subset, const struct approximation *how,
                   const struct work *work, struct error *error);
void front_set_clear(struct front_set *set);

#endif
