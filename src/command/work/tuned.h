/* What becomes of a model that finetune has trained: written, kept as a task's expert
 * or measured as a model of all tasks, and reported. */
#ifndef PWEMOE_COMMAND_WORK_TUNED_H
#define PWEMOE_COMMAND_WORK_TUNED_H

#include "base/error.h"
#include "command/work/tuning.h"

/* Writes the directory and closes the run; where that fails, what was trained is saved,
 * and the line says how to go on. */
int tuned_write(struct finetune_session *tuning, struct error *error);
/* The directory becomes the task's expert, and is measured on the task's held-out
 * examples, where there are any; prints the run with that figure. What keeps it from
 * being measured is a remark: the expert is made. */
int tuned_expert(struct finetune_session *tuning, struct error *error);
/* The directory is measured on every task and stored as a solution, which is printed.
 */
int tuned_model(struct finetune_session *tuning, struct error *error);

#endif
