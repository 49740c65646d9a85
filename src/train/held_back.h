/* Training examples that no step sees, by which training notices that it no longer
 * improves: which they are, and the state to keep.
 *
 * A look gives the loss L of each example, of which 1 - exp(-L) counts: of
 * cross-entropy the chance of a wrong answer, of the divergence from an expert that is
 * sure of its answer the same. L itself has no bound, and its mean is that of a few
 * examples that are sure and wrong; it rises while the answers still get better.
 *
 * Kept is the last state that is not worse, beyond chance, than the look with the least
 * mean: the one-standard-error rule of Breiman et al. (1984), of the differences
 * example by example. A few hundred examples tell a state that went astray from one
 * that did not; which of several near each other is best they do not tell, and of those
 * the one that has learnt longest is the better bet. */
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
    size_t count;                    /* of all tasks together */
    unsigned every, patience; /* steps between two looks; steps that leave the kept
                                 state as it is after which training ends */
    /* The look with the least mean over tasks of the tasks' means: 1 - exp(-L) [count],
     * one task after the other; INFINITY before the first. */
    float *bounded;
    double least;
    unsigned least_step;
    /* What is kept: its mean, after which step, and the result then (owned, as the
     * trainer's kind has it): NULL before the first look. */
    double kept;
    unsigned kept_step;
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

/* Takes the losses [count] of the state after `step`, which become 1 - exp(-L), and
 * says whether that state is to be kept now, as result. What is not a number is worse
 * than all; the first state is kept whatever its losses are. */
bool held_back_keeps(struct held_back *held, float *losses, unsigned step);

/* All of that is to be kept in a file, as bytes (free()), and back. */
int held_back_save(const struct held_back *held, void **bytes, size_t *size,
                   struct error *error);
int held_back_resume(struct held_back *held, const void *bytes, size_t size,
                     struct error *error);

#endif
