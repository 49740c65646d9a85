/* A change of one tensor as a product of two thin matrices that lie in a file. */
#ifndef PWEMOE_CHECKPOINT_LOW_RANK_H
#define PWEMOE_CHECKPOINT_LOW_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "checkpoint/safetensors.h"

/* What is added to one tensor: seen as a matrix [rows, columns] of its first dimension
 * and all others. */
struct low_rank {
    const struct tensor *a, *b; /* as in the file */
    double scale;
    bool turned; /* the product of the file is transposed: fan_in_fan_out, embeddings */
    bool embedding;
    size_t rank, rows, columns;
};

/* The factors as f32: left [rows, rank], which has the scale, and right [rank,
 * columns]; NULL where there is no product. Freed with free(). */
int low_rank_read(const struct low_rank *product, const char *where, float **left,
                  float **right, struct error *error);
/* Elements [from, from + count) of the product. */
void low_rank_part(const struct low_rank *product, const float *left,
                   const float *right, size_t from, size_t count, float *out);

#endif
