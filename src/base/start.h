/* What must be set up before the libraries' threads exist. */
#ifndef PWEMOE_BASE_START_H
#define PWEMOE_BASE_START_H

#include "base/error.h"

/* To be called first in main(): starts the program again, once, because libraries make
 * threads and read the environment before main() does anything.
 *
 * - Signals. `taken`, ended by 0, are those that the program will take by
 * signals_watch; NULL: none. OpenBLAS makes its threads before main() with the mask of
 * signals that the process was started with; started again with `taken` blocked, every
 * thread of a library blocks them, and none runs a handler. When this returns they are
 * as usual again in the calling thread, which is then the only one that they can reach.
 *   SIGPIPE and SIGXFSZ are ignored from here on: a closed pipe and a limit on the size
 * of files are then errors of writing (EPIPE, EFBIG). fork() gives children all of it
 * back.
 * - Memory. OpenBLAS starts a thread for each core before main(), and where memory is
 *   limited these look for a buffer for ever, and the end of the process waits for
 * them. Started again with one thread, unless the user has set OPENBLAS_NUM_THREADS;
 * more are started when they are wanted: base/blas_room.h.
 * - Waiting. GNU's OpenMP spins for milliseconds at the end of each parallel loop
 * before a thread sleeps. Where other programs want the cores too, a thread then burns
 * the time that the one it waits for would need: small models ran ten times slower on a
 *   busy machine. Started again with a short time, unless the user has set
 *   OMP_WAIT_POLICY or GOMP_SPINCOUNT.
 *
 * Gives the process its name. Where the program cannot be started again (the loader was
 * started by hand, not by the launcher of a bundle; /proc is not there) the rest is as
 * it was. */
void start_process(char **argv, const int *taken);

/* setlocale with what the environment says. A locale that is not there leaves "C"; -1
 * with error only where memory is out, as "C" would then draw other characters. */
int start_locale(int category, struct error *error);

#endif
