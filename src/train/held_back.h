/* Training examples that no step sees, by which training notices that it no longer
 * improves: which they are, and the best state so far. */
#ifndef PWEMOE_TRAIN_HELD_BACK_H
#define PWEMOE_TRAIN_HELD_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/dataset.h"

struct held_back {
    size_t tasks;
    uint32_t **held, **used;         /* [tasks] numbers of examples, ascending */
    size_t *held_count, *used_count; /* [tasks] */
    unsigned every, patience; /* steps between two looks; steps without getting better
                                 after which training ends */
    /* The least loss on them, after which step, and what the result was then (owned, as
     * the trainer's kind has it): NULL before the first look. */
    double best;
    unsigned best_step;
    void *result;
    size_t result_size;
};

/* Holds back `wanted` examples of each task, and no more than a tenth of them: the same
 * ones whatever the seed, each class in proportion. `steps` the training may take. None
 * of a task are held back where it has fewer than ten. */
int held_back_choose(struct held_back *held, const struct dataset *const *train,
                     size_t tasks, size_t wanted, unsigned steps, struct error *error);
void held_back_clear(struct held_back *held);
/* Whether any are held back. */
bool held_back_any(const struct held_back *held);

/* Whether to look at the examples held back after `step` of `steps`, and whether
 * training ends there because it no longer improves. */
bool held_back_looks(const struct held_back *held, unsigned step, unsigned steps);
bool held_back_ends(const struct held_back *held, unsigned step);

/* All of that is to be kept in a file, as bytes (free()), and back. */
int held_back_save(const struct held_back *held, void **bytes, size_t *size,
                   struct error *error);
int held_back_resume(struct held_back *held, const void *bytes, size_t size,
                     struct error *error);

#endif
