/* Starting ranks in tests. */
#ifndef PWEMOE_TESTS_PARALLEL_LAUNCH_H
#define PWEMOE_TESTS_PARALLEL_LAUNCH_H

#include <stdio.h>
#include <stdlib.h>

#include "parallel/ranks.h"

/* In a rank, whose `ranks` are in sight: cmocka is the launcher's alone. */
#define CHECK(what)                                                                \
    do {                                                                           \
        if (!(what)) {                                                             \
            fprintf(stderr, "rank %u, line %d: %s\n", ranks_rank(ranks), __LINE__, \
                    #what);                                                        \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

/* Why no ranks can be started here (no Open MPI, or this build has no module), or NULL.
 * Sets the environment for all that is started: this build's module, more ranks than
 * cores, root, and no look for leaks, which Open MPI has. */
const char *launch_missing(void);

/* For cmocka, before a program's tests: a copy of the demo in folder(), its results.db
 * as kept.db; where no ranks can be started the program is skipped aloud. */
int launch_setup(void **state);

#endif
