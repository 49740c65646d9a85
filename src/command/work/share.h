/* The other ranks of an mpirun make layers of the model that rank 0 is making, while
 * they have no model of their own to measure: so one preference of a large model takes
 * as long as its share of the layers, and no less than its largest. */
#ifndef PWEMOE_COMMAND_WORK_SHARE_H
#define PWEMOE_COMMAND_WORK_SHARE_H

#include "command/work/measure.h"

/* On rank 0 of several, before its evaluator is there: fills measure->share. measure
 * stays where it is until the evaluator is closed. */
void share_begin(struct measure *measure);

/* measure_load before a solution: where its layers will be shared out, the other ranks
 * load meanwhile. */
int share_load(struct measure *measure, const struct store_solution *solution,
               struct error *error);

/* On the others: bytes are a message of layers, or that they will come; what was made,
 * for free(). 1 with that, 0 when it was stopped, -1. */
int share_serve(struct measure *measure, const void *bytes, size_t size, void **made,
                size_t *made_size, struct error *error);

#endif
