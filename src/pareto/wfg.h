/* The recursion behind exact hypervolumes of six and more objectives. Internal to
 * src/pareto; wfg.c tells how it works. */
#ifndef PWEMOE_PARETO_WFG_H
#define PWEMOE_PARETO_WFG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pareto/sweep.h"
#include "pareto/zones.h"

enum { WFG_OBJECTIVES = 64 }; /* bits of a mask; exact volumes end far below */

/* The room of one depth of the recursion, for sets of `capacity` points. */
struct wfg_level {
    double *limited; /* [capacity, objectives], limited to the corner */
    double *rows;    /* [capacity, objectives], one group of them */
    double *sorted;  /* [capacity, objectives], those swept so far */
    uint64_t *masks; /* objectives in which the limited point exceeds */
    struct order_item *items, *scratch;
};

struct wfg {
    size_t depths;
    struct wfg_level levels[WFG_OBJECTIVES];
    struct sweep_room room;
    struct zones zones;
    const struct work *work; /* NULL, or what may stop it */
};

/* Room for sets of capacity points of 4 to WFG_OBJECTIVES objectives. wfg_free is due
 * also where this fails. */
int wfg_new(struct wfg *wfg, size_t capacity, size_t objectives, struct error *error);
void wfg_free(struct wfg *wfg);

/* Dominated volume below high of wfg->levels[depth].rows [count, dims], dims >= 4; all
 * rows are strictly below high. depth is 0 for callers. Meaningless where it was
 * stopped, which the caller asks work, or wfg->zones.refused. */
double wfg_dominated(struct wfg *wfg, size_t depth, size_t count, size_t dims,
                     const double *high);

/* The volume of the part of the box [low, high] that none of the rows
 * [count, stride] dominates in their first dims objectives. */
double wfg_undominated(struct wfg *wfg, size_t depth, const double *rows, size_t count,
                       size_t stride, size_t dims, const double *low,
                       const double *high);

#endif
