/* Solutions to be measured and what was measured, as bytes from rank to rank of one
 * program: what a store would be asked and given. */
#ifndef PWEMOE_COMMAND_WORK_MESSAGE_H
#define PWEMOE_COMMAND_WORK_MESSAGE_H

#include <stddef.h>

#include "base/error.h"
#include "store/store.h"

/* What is to be made: kind, method, parameters, preference [tasks], routers, label.
 * bytes are for free(); what is read is for store_solution_clear. */
int message_solution(const struct store_solution *solution, size_t tasks, void **bytes,
                     size_t *size, struct error *error);
int message_solution_read(const void *bytes, size_t size, size_t tasks,
                          struct store_solution *solution, struct error *error);

/* What came of it: hash, cost, and evaluations [tasks]. Those that are read point into
 * the bytes. */
int message_figures(const struct store_solution *solution,
                    const struct store_evaluation *evaluations, size_t tasks,
                    void **bytes, size_t *size, struct error *error);
int message_figures_read(const void *bytes, size_t size, size_t tasks,
                         struct store_solution *solution,
                         struct store_evaluation *evaluations, struct error *error);

#endif
