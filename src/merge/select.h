/* The k-th smallest magnitude of a long vector, by counting and not by sorting. */
#ifndef PWEMOE_MERGE_SELECT_H
#define PWEMOE_MERGE_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A run of a vector; what lies between runs is not looked at. */
struct select_run {
    size_t begin, count;
};

struct select;

/* Room for vectors of up to `longest` elements in all their runs, which takes 4 MiB a
 * thread from some 1,000,000 on and next to nothing below; threads > 0. NULL when
 * memory is out. */
struct select *select_new(unsigned threads, size_t longest);
void select_free(struct select *select); /* NULL is fine */

struct select_result {
    uint32_t bits; /* of the magnitude as f32, which are in the order of magnitudes */
    size_t below;  /* how many magnitudes are less */
    size_t equal;  /* how many are the same */
};

/* rank is 1 for the smallest, up to the sum of counts. A sample brackets the answer,
 * then one pass over the vector counts what is below the bracket and what is where in
 * it; a second is needed for short vectors, many equal magnitudes, or bad luck with
 * the sample. The answer is exact and does not depend on threads. NaN counts as
 * greater than infinity. */
void select_magnitude(struct select *select, const float *vector,
                      const struct select_run *runs, size_t run_count, size_t rank,
                      struct select_result *result);

#endif
