/* What every kind of training is to the loop that drives it: routers, whole models,
 * and whatever else learns step by step (src/command/work/training.h is that loop).
 *
 * A new kind brings one `struct trainer_kind` and a function that makes a trainer from
 * its own options; the loop takes care of the run in the store, of curves, saving,
 * going on, and stopping. */
#ifndef PWEMOE_TRAIN_TRAINER_H
#define PWEMOE_TRAIN_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ranks;

struct trainer_kind {
    const char *doing; /* for a progress bar: "training" */
    /* Between steps all of the state is the host's: it can be saved whatever became of
     * the device in the step after. */
    bool on_host;

    unsigned (*step_count)(const void *self); /* steps done */
    uint64_t (*trainable)(const void *self);  /* how many numbers learn */
    /* One step. losses [tasks] receives what is recorded of each task: the mean loss of
     * its batch. A step that fails leaves step_count and what is saved as they were. */
    int (*step)(void *self, double *losses, struct error *error);

    /* Where several processes train together: whether one of them was asked to stop
     * before the last step, which all of them then know of. NULL: it is not known to.
     */
    bool (*asked)(const void *self);

    /* Whether it is done before its steps are, and one clause for the log of how it
     * ended ("" for nothing) into text. NULL: neither. */
    bool (*finished)(const void *self);
    void (*remark)(const void *self, char *text, size_t size);

    /* All that the next step depends on, and back into a trainer made with the same
     * options: it then goes on to the same numbers, bit for bit on one device and
     * number of threads. Either as bytes (freed with free()), which the store keeps,
     * or, where they are as large as a model, in a file of their own with a note of the
     * caller's in it; the other two are NULL. resume_file gives the note back, for
     * free(): NULL where the file has none. */
    int (*save)(void *self, void **bytes, size_t *size, struct error *error);
    int (*resume)(void *self, const void *bytes, size_t size, struct error *error);
    int (*save_file)(void *self, const char *path, const char *note,
                     struct error *error);
    int (*resume_file)(void *self, const char *path, char **note, struct error *error);
    /* Where several processes train together: all of that as rank 0 has it, on every
     * rank. Collective. NULL: by save and resume. */
    int (*spread)(void *self, struct ranks *ranks, struct error *error);
    /* Where several processes train together: what rank 0 has not of the state that its
     * save_file writes; the others call this while rank 0 does that. NULL: nothing. */
    int (*lend)(void *self, struct error *error);

    /* What models are made with: the routers (freed with free()). Saved with every
     * state. NULL where there is no usable result before the end. */
    int (*result)(void *self, void **bytes, size_t *size, struct error *error);

    void (*free)(void *self);
};

struct trainer {
    const struct trainer_kind *kind; /* NULL: none was made */
    void *self;
};

#endif
