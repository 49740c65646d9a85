#include "base/waiting.h"

#include <stdlib.h>
#include <unistd.h>

void waiting_spin_briefly(char **argv) {
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    /* A few microseconds: about as long as it takes to sleep and be woken. */
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        execv("/proc/self/exe", argv);
}
