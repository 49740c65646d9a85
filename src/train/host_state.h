/* The state between steps of what trains by Adam on the host: how many examples were
 * drawn of each task, parameters, and their moments. */
#ifndef PWEMOE_TRAIN_HOST_STATE_H
#define PWEMOE_TRAIN_HOST_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"
#include "train/task_batch.h"

/* Views of the training; none is kept. */
struct host_state {
    const char *magic; /* 8 bytes: the kind and its version */
    unsigned *step;    /* those done */
    uint64_t steps;    /* how many there are to be */
    struct task_batch *batch;
    size_t tasks;
    float *parameters, *first, *second; /* [count] */
    size_t count;
    struct random *random; /* NULL where the training draws nothing else */
};

/* Bytes in fresh memory. */
int host_state_save(const struct host_state *state, void **bytes, size_t *size,
                    struct error *error);
/* Goes on from what was saved; bytes of another run (kind, tasks, count, more steps
 * than there are to be) are an error, and nothing is changed then. */
int host_state_resume(const struct host_state *state, const void *bytes, size_t size,
                      struct error *error);

#endif
