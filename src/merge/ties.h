/* TIES merging (Yadav et al. 2023): of each task vector the greatest entries are kept
 * (trim), each entry of the result gets the sign of the sum of what was kept (elect),
 * and is the sum or the mean of the kept entries of that sign (disjoint merge). */
#ifndef PWEMOE_MERGE_TIES_H
#define PWEMOE_MERGE_TIES_H

#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "merge/select.h"

/* d entries, K = keep. */
enum ties_trim {
    /* The original: over all tensors as one vector, entries at or above the
     * (d - floor(d K))-th smallest magnitude, which is one more than floor(d K), and
     * those equal to it. A sum of 0 has the sign that most other sums have. */
    TIES_TRIM_WHOLE,
    /* As mergekit has it: in each tensor exactly floor(d K) entries, at least one; of
     * equal ones the first. A sum of 0 counts as positive. */
    TIES_TRIM_TENSOR
};

enum ties_sum { TIES_MEAN, TIES_SUM };

struct ties {
    double keep; /* in (0, 1] */
    enum ties_trim trim;
    enum ties_sum sum;
    unsigned threads; /* > 0 */
};

/* merged [tensors' elements] from vectors [tasks, stride]: each tensor is a run of
 * every task vector, and its place in merged is the same; elements outside tensors
 * are neither read nor written. merged must not overlap vectors. Two passes over the
 * vectors; the result does not depend on threads. Fails on a keep outside (0, 1],
 * without memory, and where work was stopped ("stopped", merged is then undefined). */
int ties_merge(const float *vectors, size_t stride, size_t tasks,
               const struct select_run *tensors, size_t tensor_count,
               const struct ties *ties, float *merged, const struct work *work,
               struct error *error);

#endif
