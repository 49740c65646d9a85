/* What makes a model from a preference, as the explorer and programs that use the
 * library choose it: routers or a correction by their number in the store, or
 * CATALOG_CLOSED_FORM (catalog_default_routers tells which to begin with). */
#ifndef PWEMOE_RESULTS_ANSWERER_H
#define PWEMOE_RESULTS_ANSWERER_H

#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "eval/evaluator.h"
#include "store/store.h"

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
