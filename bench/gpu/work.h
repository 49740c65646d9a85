/* What is measured as a whole: a drag, a step of router training. */
#ifndef PWEMOE_BENCH_GPU_WORK_H
#define PWEMOE_BENCH_GPU_WORK_H

#include "bench.h"
#include "eval/evaluator.h"
#include "train/combine.h"

/* From a preference to the objective vector at the evaluator's own batch, over models
 * and images in files; each time another preference. */
struct drag;
int drag_new(struct bench *bench, struct drag **drag, struct error *error);
void drag_free(struct drag *drag); /* NULL is fine */
struct evaluator *drag_evaluator(struct drag *drag);
bench_run drag_run; /* self: struct drag */

/* One step on bench->backend's pool. */
struct step;
int step_new(struct bench *bench, enum combine method, enum granularity granularity,
             struct step **step, struct error *error);
void step_free(struct step *step); /* NULL is fine */
bench_run step_run;                /* self: struct step */

/* Opens bench's backend and pool as PWEMOE_CUDA_TUNE = tune has it (which then stays
 * so), in place of those that are open; and closes both. */
int work_open(struct bench *bench, const char *tune, struct error *error);
void work_close(struct bench *bench);

#endif
