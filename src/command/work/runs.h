/* Training runs: their rows of output, and which one is meant. */
#ifndef PWEMOE_COMMAND_WORK_RUNS_H
#define PWEMOE_COMMAND_WORK_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/command.h"
#include "store/store.h"

struct output *runs_begin(const struct invocation *invocation, struct error *error);
int runs_add(struct output *output, struct store *store, const struct store_run *run,
             struct error *error);

/* What an expert scores on its own task: percent, 95 % interval; examples 0: not
 * measured. */
struct run_figure {
    const char *task;
    double value, low, high;
    uint64_t examples;
};

/* The row of one run alone, with that figure where it is not NULL. */
int runs_print(const struct invocation *invocation, struct store *store,
               const struct store_run *run, const struct run_figure *figure,
               struct error *error);

/* Puts the newest run that `wanted` takes into *run, whose strings are then the
 * caller's; found false where there is none. */
int runs_take(struct store *store, bool (*wanted)(void *self, const struct store_run *),
              void *self, struct store_run *run, bool *found, struct error *error);

#endif
