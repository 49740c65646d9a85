/* OpenBLAS, kept from what it does where memory is short: it asks for a buffer again
 * and again, for ever, in a call as in each thread that it starts, and at the end of
 * the process waits for those threads. */
#ifndef PWEMOE_BASE_BLAS_ROOM_H
#define PWEMOE_BASE_BLAS_ROOM_H

#include "base/error.h"

/* To be called before functions of BLAS and LAPACK, by a thread that calls them alone,
 * each divided among so many threads; fewer where there is no plenty of memory for
 * more. -1: none even for one. */
int blas_room_alone(unsigned threads, struct error *error);

/* The same for several threads, each of which makes calls of its own at the same time.
 * Returns how many may: 1 to threads, or 0 with error. */
unsigned blas_room_beside(unsigned threads, struct error *error);

#endif
