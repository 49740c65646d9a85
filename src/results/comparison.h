/* What methods are compared by: the preferences at which each is measured, and the
 * criteria of one such measurement. Arithmetic only: figures come from the store. */
#ifndef PWEMOE_RESULTS_COMPARISON_H
#define PWEMOE_RESULTS_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "store/store.h"

/* The preferences: a vertex for each task, equal weights, and points evenly along every
 * edge, its ends counted, an odd number of them so that the middle is one. */
struct design {
    size_t tasks, edge, count;
    double *preferences; /* [count, tasks] */
};

int design_new(size_t tasks, size_t edge, struct design *design, struct error *error);
void design_clear(struct design *design);
/* Point k of 0 .. edge - 1 on the edge from the vertex of task a (k = 0) to that of b,
 * a < b. */
size_t design_on_edge(const struct design *design, size_t a, size_t b, size_t k);
/* Equal weights; the vertex of task t is point t. */
static inline size_t design_centre(const struct design *design) {
    return design->tasks;
}

/* NaN where it is not defined: what a preference does, of one model for all. */
struct criteria {
    double share;       /* hypervolume of vertices and centre over that of the box
                           between the reference point and the experts' figures */
    double share_edges; /* the same with the middles of the edges */
    double centre;      /* mean figure at equal weights over that of the experts */
    double own;         /* mean of tasks' figures at their own vertex, over theirs */
    double monotone;    /* mean of Spearman's correlations of a task's figure with its
                           weight, along every edge for both of its tasks; 0 where
                           figures do not change */
    double monotone_least; /* the least of them */
    double flat;           /* share of the halves of edges along which less than a tenth
                              of the edge's whole rise of a task's figure lies */
    double calibration;    /* mean over tasks of the correlation over all points */
    double igd_plus;       /* to the union of all fronts that are compared */
};

/* values [design count, tasks] as they were measured, experts [tasks]; answers: another
 * model for each preference. All but igd_plus is set. Hypervolumes of more than 8
 * tasks are approximate, within 0.1 % (pareto/approximate.h). Fails as
 * pareto_hypervolume. */
int comparison_criteria(const struct store_recipe *recipe, const struct design *design,
                        const double *values, bool answers, const double *experts,
                        struct criteria *criteria, const struct work *work,
                        struct error *error);

#endif
