#define _GNU_SOURCE
#include "base/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

void waiting_spin_briefly(char **argv) {
    /* A program that was started as /proc/self/exe is called "exe" in lists of
     * processes. */
    prctl(PR_SET_NAME, program_invocation_short_name);
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    /* Without a base the loader was started, with this program as its operand. */
    if (getauxval(AT_BASE) == 0)
        return;
    /* A few microseconds: about as long as it takes to sleep and be woken. */
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv("/proc/self/exe", argv);
}
