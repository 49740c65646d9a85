/* `pwemoe map` as a part of another command. */
#ifndef PWEMOE_COMMAND_MAP_H
#define PWEMOE_COMMAND_MAP_H

#include "command/command.h"
#include "store/store.h"

/* The surrogate that the options of command_map ask for, as a run of the store: what is
 * measured already is not measured again, the front is not measured. *examples: how
 * many were answered for it. 1: *run is owned by the caller (store_run_clear); 0:
 * stopped, and what is measured is kept; -1. */
int map_take(const struct invocation *invocation, struct store_run *run,
             uint64_t *examples, struct error *error);

#endif
