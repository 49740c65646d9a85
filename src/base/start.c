#define _GNU_SOURCE
#include "base/start.h"

#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Holds the number of the process that has been started again; it is no more set then.
 * An exec keeps the number, and a program that this one starts has another. After it
 * `one` where the number of OpenBLAS's threads was set, too. */
static const char started[] = "PWEMOE_STARTED";
static const char blas_threads[] = "OPENBLAS_NUM_THREADS", one[] = " 1";

static const int ignored[] = {SIGPIPE, SIGXFSZ};
enum { IGNORED = sizeof ignored / sizeof *ignored };
static struct sigaction before[IGNORED];
static sigset_t blocked; /* what a child is to have unblocked */

static void in_child(void) {
    for (size_t i = 0; i < IGNORED; i++)
        sigaction(ignored[i], &before[i], NULL);
    pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
}

static bool is_started_again(void) {
    const char *value = getenv(started);
    char *end = NULL;
    if (!value || strtol(value, &end, 10) != (long)getpid())
        return false;
    /* OpenBLAS has read it; a program that this one starts is to have all its threads.
     */
    if (strcmp(end, one) == 0)
        unsetenv(blas_threads);
    return true;
}

static void start_again(char **argv) {
    char number[32];
    /* Without a base the loader was started, with this program as its operand: by the
     * launcher of a bundle (bundle/launch.c), or by hand. */
    const char *self =
        getauxval(AT_BASE) ? "/proc/self/exe" : getenv("PWEMOE_LAUNCHER");
    if (!self)
        return;
    /* A few microseconds: about as long as it takes to sleep and be woken. */
    if (!getenv("OMP_WAIT_POLICY") && !getenv("GOMP_SPINCOUNT"))
        setenv("GOMP_SPINCOUNT", "1000", 1);
    bool set = !getenv(blas_threads) && setenv(blas_threads, "1", 1) == 0;
    snprintf(number, sizeof number, "%ld%s", (long)getpid(), set ? one : "");
    if (setenv(started, number, 1) == 0) {
        pthread_sigmask(SIG_BLOCK, &blocked, NULL);
        execv(self, argv);
    }
}

void start_process(char **argv, const int *taken) {
    /* A program that was started as /proc/self/exe is called "exe" in lists of
     * processes. */
    prctl(PR_SET_NAME, program_invocation_short_name);
    sigemptyset(&blocked);
    for (size_t i = 0; taken && taken[i]; i++)
        sigaddset(&blocked, taken[i]);
    if (!is_started_again())
        start_again(argv);
    unsetenv(started);
    /* One that came meanwhile ends the program here, where nothing is done yet. */
    pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
    if (!taken)
        return;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < IGNORED; i++)
        sigaction(ignored[i], &ignore, &before[i]);
    pthread_atfork(NULL, NULL, in_child);
}

int start_locale(int category, struct error *error) {
    errno = 0;
    return setlocale(category, "") || errno != ENOMEM ? 0 : error_memory(error);
}
