/* TIES merging (Yadav et al. 2023): of each task vector the greatest entries are kept
 * (trim), each entry of the result gets the sign of the sum of what was kept (elect),
 * and is the sum or the mean of the kept entries of that sign (disjoint merge).
 *
 * DARE (Yu et al. 2024) is another way to trim: which entries are kept is drawn, and
 * what is kept is divided by the probability that it is, so that each entry's
 * expectation stays. It stands alone, all that is kept added up, or before TIES'
 * election. */
#ifndef PWEMOE_MERGE_TIES_H
#define PWEMOE_MERGE_TIES_H

#include <stddef.h>
#include <stdint.h>

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
    TIES_TRIM_TENSOR,
    /* DARE: each entry is kept with probability K, independently, and divided by K. The
     * draws depend on the seed, the numbers of task and tensor, and the entry's place
     * in it. A sum of 0 counts as positive. */
    TIES_TRIM_DARE
};

/* TIES_ALL: the sum of all that was kept, without an election. */
enum ties_sum { TIES_MEAN, TIES_SUM, TIES_ALL };

struct ties {
    double keep; /* in (0, 1] */
    enum ties_trim trim;
    enum ties_sum sum;
    unsigned threads; /* > 0 */
    uint64_t seed;    /* of DARE */
    /* [tensors, tasks]: what is kept is multiplied by them before the election, as
     * mergekit has it; NULL: by 1. */
    const float *weights;
};

/* merged [tensors' elements] from vectors [tasks, stride]: each tensor is a run of
 * every task vector, and its place in merged is the same; elements outside tensors
 * are neither read nor written. merged must not overlap vectors. Two passes over the
 * vectors; the result depends on neither threads nor the instruction set. Fails on a
 * keep outside (0, 1], without memory, and where work was stopped ("stopped", merged is
 * then undefined). */
int ties_merge(const float *vectors, size_t stride, size_t tasks,
               const struct select_run *tensors, size_t tensor_count,
               const struct ties *ties, float *merged, const struct work *work,
               struct error *error);

/* The same where no task vector is there, but a part of one can be made: whole trims
 * from one task vector after the other, all else from one tensor of every task. The
 * tensors are in the order of their places. */
struct ties_source {
    void *self;
    /* Elements [begin, begin + count) of a task's vector, a tensor, into out. */
    int (*read)(void *self, size_t task, size_t begin, size_t count, float *out,
                struct error *error);
};
int ties_merge_read(const struct ties_source *source, size_t tasks,
                    const struct select_run *tensors, size_t tensor_count,
                    const struct ties *ties, float *merged, const struct work *work,
                    struct error *error);

/* DARE of entries [from, from + count) of a tensor, which x and kept begin with (they
 * may be the same): two draws of 32 bits from each number of the sequence (random_at),
 * so that what is kept does not depend on how a tensor is divided. */
void ties_draw(uint64_t sequence, double keep, size_t from, size_t count,
               const float *x, float *kept);

#endif
