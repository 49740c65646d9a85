#include "base/blas_room.h"

#include <cblas.h>
#include <errno.h>
#include <pthread.h>

#include "base/memory.h"

/* What a call or a thread takes: a buffer of 128 MiB on x86-64, never given back; a
 * thread a stack besides. */
static const size_t buffer = 130 << 20, stack = 10 << 20;

/* OpenBLAS has places for some more buffers, and ends the process where they are all
 * taken. */
enum { CALLERS_MAX = 64 };

/* OpenBLAS's own: a buffer as a call takes it, and back among those that calls take. */
extern void *blas_memory_alloc(int position) __attribute__((weak));
extern void blas_memory_free(void *memory) __attribute__((weak));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned held;        /* buffers for callers that there are */
static unsigned started = 1; /* threads that OpenBLAS has, the caller among them */

/* Buffers for so many callers, or for as many as there is memory for. They are taken
 * here, so that what is allocated between this and the first call cannot take their
 * place. */
static unsigned take(unsigned callers) {
    void *taken[CALLERS_MAX];
    unsigned count = 0;
    for (; count < callers && (count < held || memory_has_room(buffer)); count++)
        taken[count] = blas_memory_alloc ? blas_memory_alloc(0) : NULL;
    for (unsigned i = 0; i < count && blas_memory_free; i++)
        blas_memory_free(taken[i]);
    held = count > held ? count : held;
    return count;
}

/* A thread takes its buffer some time after it was started: only where there is as much
 * again for whatever is allocated meanwhile. */
static unsigned threads_that_fit(unsigned threads) {
    while (threads > started &&
           !memory_has_room(2 * (threads - started) * (buffer + stack)))
        threads--;
    return threads < 1 ? 1 : threads;
}

static unsigned prepare(unsigned callers, unsigned threads, struct error *error) {
    pthread_mutex_lock(&lock);
    unsigned count = take(callers < CALLERS_MAX ? callers : CALLERS_MAX);
    threads = count ? threads_that_fit(threads) : 1;
    openblas_set_num_threads((int)threads);
    started = threads > started ? threads : started;
    pthread_mutex_unlock(&lock);
    errno = ENOMEM;
    if (count == 0)
        error_set(error, "out of memory for the buffer of OpenBLAS, 128 MiB");
    return count;
}

int blas_room_alone(unsigned threads, struct error *error) {
    return prepare(1, threads, error) ? 0 : -1;
}

unsigned blas_room_beside(unsigned threads, struct error *error) {
    return prepare(threads < 1 ? 1 : threads, 1, error);
}
