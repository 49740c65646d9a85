/* Jobs of uneven size, handed out to ranks one at a time.
 *
 * Rank 0 has the jobs and keeps what comes back, at once and by itself; it works on
 * jobs as well. A thread of its own answers the other ranks meanwhile, so that they
 * never wait for a job of rank 0's. The others are in handout_serve until they are
 * dismissed. A rank that has ended costs its job, where ranks_gone can tell, and the
 * rest go on. */
#ifndef PWEMOE_PARALLEL_HANDOUT_H
#define PWEMOE_PARALLEL_HANDOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/work.h"
#include "parallel/ranks.h"

struct handout_jobs {
    size_t count;
    /* Job i for another rank: bytes for free(). */
    int (*pack)(void *self, size_t job, void **bytes, size_t *size,
                struct error *error);
    /* What it made of it. */
    int (*keep)(void *self, size_t job, const void *bytes, size_t size,
                struct error *error);
    /* Something that a person should know: a rank has ended. */
    void (*tell)(void *self, const char *line);
    void *self;
    const struct work *work; /* when it is stopped nothing more is handed out */
};

struct handout;

/* On rank 0; jobs is the caller's until handout_end. pack, keep and tell are called on
 * the other thread, one at a time. Nobody else may use ranks until handout_end. */
int handout_begin(struct ranks *ranks, const struct handout_jobs *jobs,
                  struct handout **handout, struct error *error);
/* The next job for rank 0 itself; false: there is none, or it is to stop. */
bool handout_take(struct handout *handout, size_t *job);
/* How many jobs of other ranks are kept. */
size_t handout_kept(struct handout *handout);
/* Nothing more is handed out: rank 0 could not do its own job. */
void handout_stop(struct handout *handout);
/* Waits for what others still work on, and frees. 1: every job was taken and none lost;
 * 0: some are left, as it was stopped or a rank has ended; -1. */
int handout_end(struct handout *handout, struct error *error);

/* On the other ranks: does what comes until rank 0 dismisses them; a failure of `serve`
 * is told to rank 0 and is none here. serve returns 1 with a result (for free()), 0:
 * stopped, -1. */
int handout_serve(struct ranks *ranks,
                  int (*serve)(void *self, const void *bytes, size_t size,
                               void **result, size_t *result_size, struct error *error),
                  void *self, struct error *error);
/* On rank 0, once, when there will be no more: the others leave handout_serve. NULL is
 * fine. */
int handout_dismiss(struct ranks *ranks, struct error *error);

#endif
