/* Between an evaluator and results.db: routers that are stored become the current ones,
 * and what was measured is stored, by commands and explorer alike. */
#ifndef PWEMOE_EVAL_KEEPING_H
#define PWEMOE_EVAL_KEEPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/work.h"
#include "eval/evaluator.h"
#include "store/store.h"

/* Makes these routers of the store the evaluator's current ones. run: where not NULL,
 * receives the run that they are of. */
int keeping_use_routers(struct evaluator *evaluator, struct store *store,
                        int64_t routers, int64_t *run, struct error *error);

/* Where commands measure: figures of the evaluator's current model that the store has
 * of another solution, whose model has the same hash, are taken, and no command is run
 * for them. Figures of before its program changed are stale (data_watch.h) and not
 * taken. *taken: how many. */
int keeping_take_known(struct evaluator *evaluator, struct store *store,
                       const char *split, size_t *taken, struct error *error);

/* Stores the figures of the evaluator's current model as those of solution: with what
 * it took to make it (evaluator_cost) and, where hash is true and it is one model, its
 * hash. All appear together or not at all. solution->id, seconds, peak_bytes and
 * model_sha256 are set. Without a hash the next call is keeping_hash, later on. */
int keeping_figures(struct evaluator *evaluator, struct store *store, bool hash,
                    struct store_solution *solution, struct error *error);

/* The same in two steps, of which the second needs no evaluator: what was measured may
 * have come from another process. evaluations [STORE_TASKS_MAX]; what is in them points
 * into the evaluator. */
int keeping_measured(struct evaluator *evaluator, bool hash,
                     struct store_solution *solution,
                     struct store_evaluation *evaluations, struct error *error);
int keeping_put(struct store *store, struct store_solution *solution,
                const struct store_evaluation *evaluations, size_t tasks,
                struct error *error);

/* The hash of the current model, whose figures are stored as those of solution: for a
 * device that answers within a frame and has no time for it then. Fails with the text
 * "stopped" where work says so. */
int keeping_hash(struct evaluator *evaluator, struct store *store, int64_t solution,
                 const struct work *work, struct error *error);

#endif
