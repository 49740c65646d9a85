/* Merged weights as a file of the pretrained model's dtypes would give them back: what
 * is measured is what is exported, also where files are BF16 or F16. */
#ifndef PWEMOE_MOE_STORED_DTYPE_H
#define PWEMOE_MOE_STORED_DTYPE_H

#include <stdbool.h>

#include "base/error.h"
#include "moe/pool.h"

struct stored_dtype;

/* pool is the caller's and must outlive it. */
int stored_dtype_new(const struct pool *pool, struct stored_dtype **stored,
                     struct error *error);
void stored_dtype_free(struct stored_dtype *stored); /* NULL is fine */

/* Whether there is anything to be rounded. */
bool stored_dtype_rounds(const struct stored_dtype *stored);

/* Rounds weights (size) on the device to the dtypes of the pretrained tensors; nothing
 * where all of them are F32 or F64. */
void stored_dtype_round(const struct stored_dtype *stored, real *weights);

#endif
