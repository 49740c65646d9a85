/* A training step shared by the ranks of one mpirun: which examples are a rank's, and
 * the one sum of a step. */
#ifndef PWEMOE_TRAIN_SHARING_H
#define PWEMOE_TRAIN_SHARING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"

struct ranks;

struct sharing {
    struct ranks *ranks;     /* NULL: nothing is shared */
    const struct work *work; /* of this process */
    bool asked;              /* `work` of some rank asked to stop before the last sum */
    size_t count, tasks;     /* at most so many numbers, and losses */
    double *sums; /* (count) numbers of all ranks, then losses, how many ranks have
                     failed, and how many were asked to stop */
};

/* Which of `count` things are this rank's: [*first, *end); all without ranks. */
void sharing_range(const struct ranks *ranks, size_t count, size_t *first, size_t *end);
/* Which of `batch` examples of each task are this rank's: [*first, *first + *count). */
int sharing_part(const struct ranks *ranks, size_t batch, size_t *first, size_t *count,
                 struct error *error);
/* Memory for sums; freed by sharing_close. Nothing where there are no ranks. */
int sharing_open(struct sharing *sharing, size_t count, size_t tasks,
                 struct error *error);
void sharing_close(struct sharing *sharing);

/* Adds up values [count] and losses [tasks] of all ranks, in f64 (parallel/ranks.h):
 * the values into sums, the losses in place. result: -1 where this rank has none, error
 * says why; all ranks then return -1 with the reason of the first that has none. What a
 * rank sends is (count + tasks + 2) numbers of 8 bytes, up once and down to its
 * children. */
int sharing_add(struct sharing *sharing, int result, const float *values, size_t count,
                double *losses, struct error *error);

#endif
