/* Where `pwemoe map` measures next. */
#ifndef PWEMOE_COMMAND_WORK_MAP_NEXT_H
#define PWEMOE_COMMAND_WORK_MAP_NEXT_H

#include "moe/surrogate.h"

/* Refining where the posterior is widest: of the surrogate's answers x [tasks] at many
 * preferences (a grid; of six tasks or more draws of all kinds) the one of the greatest
 * surrogate_doubt, those nearer than 0.03 (Euclidean) to one that was measured left
 * out. *found is false where all are. Fails without memory. */
int map_next(const struct surrogate *surrogate, const struct surrogate_doubts *doubts,
             double *x, bool *found, struct error *error);

#endif
