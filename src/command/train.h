/* `pwemoe train` as a part of another command. */
#ifndef PWEMOE_COMMAND_TRAIN_H
#define PWEMOE_COMMAND_TRAIN_H

#include "command/command.h"
#include "store/store.h"

/* The run that the options of command_train ask for: one that is complete with just
 * these settings (whatever its rate where that is left to the models), else one of them
 * that was stopped goes on, else a new one is trained. Prints nothing. 1: *run is
 * complete, its strings owned by the caller (store_run_clear); 0: stopped, and saved;
 * -1. */
int train_take(const struct invocation *invocation, struct store_run *run,
               struct error *error);

#endif
