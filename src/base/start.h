/* What must be set up before the libraries' threads exist. */
#ifndef PWEMOE_BASE_START_H
#define PWEMOE_BASE_START_H

#include "base/error.h"

/* To be called first in main(). Libraries make threads and read the environment before
 * main() does anything: a program that is linked with base/early.c has had its part
 * done by the loader, before them, and what that set is taken back here. Another (of
 * libpwemoe.a alone, or where early.c finds no room) is started again here, once.
 *
 * - Signals. `taken`, ended by 0, are those that the program will take by
 * signals_watch; NULL: none. OpenBLAS makes its threads before main() with the mask of
 * signals that it finds; with `taken` blocked by then, every thread of a library blocks
 * them, and none runs a handler. When this returns they are as usual again in the
 * calling thread, which is then the only one that they can reach.
 *   SIGPIPE and SIGXFSZ are ignored from here on: a closed pipe and a limit on the size
 * of files are then errors of writing (EPIPE, EFBIG). fork() gives children all of it
 * back.
 * - Memory. OpenBLAS starts a thread for each core before main(), and where memory is
 *   limited these look for a buffer for ever, and the end of the process waits for
 * them. It finds one thread asked for, unless the user has set OPENBLAS_NUM_THREADS;
 * more are started when they are wanted: base/blas_room.h.
 * - Waiting. GNU's OpenMP spins for milliseconds at the end of each parallel loop
 * before a thread sleeps. Where other programs want the cores too, a thread then burns
 * the time that the one it waits for would need: small models ran ten times slower on a
 *   busy machine. It finds a short time, a few microseconds, unless the user has set
 *   OMP_WAIT_POLICY or GOMP_SPINCOUNT.
 *
 * Both variables are gone afterwards, for programs that this one starts. Where the
 * program cannot be started again (the loader was started by hand, not by the launcher
 * of a bundle; /proc is not there) the rest is as it was. */
void start_process(char **argv, const int *taken);

/* For base/early.c: what it and start_process set, and what ends the time that it
 * began: takes the variables back and gives the thread its signals. NULL: it began
 * none. */
#define START_BLAS "OPENBLAS_NUM_THREADS"
#define START_BLAS_VALUE "1"
#define START_SPINS "GOMP_SPINCOUNT"
#define START_SPINS_VALUE "1000" /* about as long as it takes to sleep and be woken */
#define START_WAITS "OMP_WAIT_POLICY"
extern void (*start_end_early)(void);

/* setlocale with what the environment says. A locale that is not there leaves "C"; -1
 * with error only where memory is out, as "C" would then draw other characters. */
int start_locale(int category, struct error *error);

#endif
