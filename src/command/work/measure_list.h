/* Many solutions measured and stored, by one process or by all ranks of an mpirun: rank
 * 0 hands them out one at a time and is the only one that writes. */
#ifndef PWEMOE_COMMAND_WORK_MEASURE_LIST_H
#define PWEMOE_COMMAND_WORK_MEASURE_LIST_H

#include "command/work/measure.h"

/* Solutions to be measured one after the other, by this process or by all ranks. */
struct measure_list {
    size_t count;
    /* Called by any thread; what it returns points into self. */
    struct store_solution (*at)(void *self, size_t i);
    void *self;
    const char *what; /* names the progress bar */
    int64_t *ids;     /* [count] of what was measured, else 0; the caller's, or NULL */
};

/* Measures them all: models and data are loaded where that has not been done, and the
 * ids of what was measured are added to ids in their order. 1 when all are done, 0 when
 * it was stopped or a rank has ended and what is finished is kept, -1. */
int measure_listed(struct measure *measure, const struct measure_list *list,
                   struct error *error);

/* What a command does on ranks other than 0: it measures what rank 0 hands out, which
 * also tells what fails. */
enum exit_status measure_serve(const struct invocation *invocation, const char *path,
                               const struct measure_options *options,
                               struct error *error);

#endif
