/* Whether the examples that figures were measured on are still the same.
 *
 * A split is known by its files (class folders: all that count as pictures; idx files:
 * both; a table), the recipe's files of class names, templates and head of that task,
 * and the order of its classes; where a command measures the task, by its program, or
 * by its first argument where that is a file and the program has no slash (python3
 * score.py). Names, sizes, times and inodes tell that nothing has changed; where they
 * differ, the contents are read. */
#ifndef PWEMOE_EVAL_DATA_WATCH_H
#define PWEMOE_EVAL_DATA_WATCH_H

#include "base/error.h"
#include "base/work.h"
#include "eval/task_classes.h"
#include "store/store.h"

/* Compares each task's split with what the store knows and stores what is there now;
 * each change is reported to remarks (may be NULL) and makes the figures of that data
 * stale. Data that cannot be read are skipped: loading them reports the error. -1 where
 * the store fails, memory is out, or work says stop. */
int data_watch(struct store *store, const struct store_recipe *recipe,
               const char *directory, const char *split, const struct remarks *remarks,
               const struct work *work, struct error *error);

#endif
