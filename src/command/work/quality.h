/* `show indicators`: what the table of indicators (pareto/indicators.h) says of each
 * series of merged models, compared with the front of them all. */
#ifndef PWEMOE_COMMAND_WORK_QUALITY_H
#define PWEMOE_COMMAND_WORK_QUALITY_H

#include "command/command.h"
#include "pareto/approximate.h"
#include "results/catalog.h"

/* Prints a row for each series with complete figures among the rows that take [count]
 * marks, and one for all of them. The reference point is the file's; the reference set
 * and the ideal point are the front of all and the best of each objective in it. how:
 * of hypervolumes. */
int quality_print(const struct invocation *invocation, const struct catalog *catalog,
                  const bool *take, const struct approximation *how,
                  struct error *error);

#endif
