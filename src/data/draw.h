/* Which examples a limit keeps. */
#ifndef PWEMOE_DATA_DRAW_H
#define PWEMOE_DATA_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The examples that a limit below count keeps, ascending: `count` are put in one row,
 * class after class, shuffled within each class, and taken at even steps, so that each
 * class keeps its share to within one. labels [count], *kept in fresh memory. */
int draw_examples(const int32_t *labels, size_t count, size_t classes, size_t limit,
                  uint32_t **kept, struct error *error);

#endif
