/* A long vector added up over ranks while its numbers are still being made, from its
 * end to its beginning, as a backward pass makes gradients: piece by piece by
 * ranks_add_parts, on a thread that does nothing else. The order is the pieces',
 * whoever is how fast: the bits are those of the same calls one after the other.
 *
 * From begin to end the ranks are that thread's: the caller asks nothing of them, and
 * leaves alone what it has handed over. */
#ifndef PWEMOE_PARALLEL_BEHIND_H
#define PWEMOE_PARALLEL_BEHIND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct ranks;

struct behind {
    struct ranks *ranks;
    float *values;
    const size_t *begins; /* [pieces + 1] */
    atomic_size_t left;   /* pieces that are not added up yet */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    size_t made; /* values from here on are there */
    int result;
    struct error error;
};

/* Piece i of values is those from begins[i] to begins[i + 1]; both are the caller's
 * until behind_end. Where no thread can be had all is done by behind_end. */
void behind_begin(struct behind *behind, struct ranks *ranks, float *values,
                  const size_t *begins, size_t pieces);
/* All values from `from` on are there. */
void behind_made(struct behind *behind, size_t from);
/* Waits until all is added up, of each piece this rank's part. What is not there is
 * taken as it lies: a rank that has failed must not keep the others waiting. Fails
 * where the connection does. */
int behind_end(struct behind *behind, struct error *error);

#endif
