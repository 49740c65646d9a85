/* Inside of TIES (ties.h): what a merge works on. */
#ifndef PWEMOE_MERGE_TIES_RUN_H
#define PWEMOE_MERGE_TIES_RUN_H

#include "backend/simd/kernels.h"
#include "merge/ties.h"

/* What is kept of one tensor of one task vector: magnitudes at or above `bits` before
 * element `cut`, above it from there on. */
struct ties_trimmed {
    int32_t bits;
    size_t cut;
};

struct ties_chunk {
    size_t tensor, begin, count;
    uint64_t
        cancelled; /* a bit for each grain with a sum of 0 of entries that are not */
};

/* What the parts of a merge work on, and the memory of the threads. */
struct ties_run {
    const struct ties *ties;
    const float *vectors; /* (tasks, stride), from element `origin` on */
    size_t stride, tasks, origin;
    const struct select_run *tensors;
    size_t tensor_count;
    struct ties_chunk *parts; /* tensor by tensor */
    size_t part_count;
    struct ties_trimmed *trims; /* [tensors, tasks] */
    int32_t *least;             /* [threads, tasks] */
    float *drawn; /* [threads, tasks, GRAIN] of DARE and of weights, or one */
    float *merged;
    const struct work *work;
};

/* What is kept of some tensors of a task vector: of all together, or of one. */
struct ties_trimmed ties_trim_of(struct select *select, const float *vector,
                                 const struct select_run *tensors, size_t count,
                                 const struct ties *ties);

/* All but the vectors. Ended by close_run, whether it fails or not. */
int ties_open_run(struct ties_run *run, size_t tasks, const struct select_run *tensors,
                  size_t tensor_count, const struct ties *ties, float *merged,
                  const struct work *work, struct error *error);
void ties_close_run(struct ties_run *run);

/* Parts [first, end), or (again) only their grains that were marked. Adds how many
 * entries came out positive, and negative. */
void ties_merge_parts(const struct ties_run *run, size_t first, size_t end, bool again,
                      bool zero_positive, struct ties_signs *signs);

#endif
