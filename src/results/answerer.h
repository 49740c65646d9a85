/* What makes a model from a preference: routers or a correction, by their number in the
 * store, or one of the closed forms of catalog.h. */
#ifndef PWEMOE_RESULTS_ANSWERER_H
#define PWEMOE_RESULTS_ANSWERER_H

#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "eval/evaluator.h"
#include "store/store.h"

struct catalog;

/* Where nobody chose a run, which one answers, for commands, the explorer and libpwemoe
 * alike: the newest complete one of those that have saved anything (saved [count]: the
 * id of the last that was saved, 0: none, or the run is not asked for); where none is
 * complete, the newest. SIZE_MAX where there is none. */
size_t answerer_run(const struct store_run *runs, const int64_t *saved, size_t count);

/* The same for a whole store: what was saved last by that run; where nothing is
 * trained the closed form, its heads fitted where there are examples, and 0 where one
 * task leaves nothing to prefer. */
int64_t answerer_default(const struct catalog *catalog);

/* Begins the evaluation of the model at a preference. Routers are the evaluator's
 * current ones already (keeping_use_routers). */
int answerer_begin(struct evaluator *evaluator, int64_t answerer,
                   const double *preference, const struct work *work,
                   struct error *error);

/* That model as a solution of the store. method: of the routers' run; not looked at for
 * the closed form. What it points to stays the caller's or is constant: it is not for
 * store_solution_clear. */
struct store_solution answerer_solution(int64_t answerer, const char *method,
                                        double *preference);

#endif
