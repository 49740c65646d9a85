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

/* Holds the number of the process that has been started again, which an exec keeps, and
 * the names of the variables that were set for the libraries. */
static const char started[] = "PWEMOE_STARTED";

/* For libraries alone: a program that this one starts is to have its own. */
static const struct {
    const char *name, *value, *instead;
} variables[] = {{START_BLAS, START_BLAS_VALUE, START_BLAS},
                 {START_SPINS, START_SPINS_VALUE, START_WAITS}};
enum { VARIABLES = sizeof variables / sizeof *variables };

void (*start_end_early)(void);

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
    char *names = NULL;
    if (!value || strtol(value, &names, 10) != (long)getpid())
        return false;
    for (size_t i = 0; i < VARIABLES; i++)
        if (strstr(names, variables[i].name))
            unsetenv(variables[i].name);
    return true;
}

static void start_again(char **argv) {
    char number[64];
    /* Without a base the loader was started, with this program as its operand: by the
     * launcher of a bundle (bundle/launch.c), or by hand. */
    const char *self =
        getauxval(AT_BASE) ? "/proc/self/exe" : getenv("PWEMOE_LAUNCHER");
    if (!self)
        return;
    int length = snprintf(number, sizeof number, "%ld", (long)getpid());
    for (size_t i = 0; i < VARIABLES; i++)
        if (!getenv(variables[i].name) && !getenv(variables[i].instead) &&
            setenv(variables[i].name, variables[i].value, 1) == 0)
            length += snprintf(number + length, sizeof number - (size_t)length, " %s",
                               variables[i].name);
    if (setenv(started, number, 1) == 0) {
        pthread_sigmask(SIG_BLOCK, &blocked, NULL);
        execv(self, argv);
    }
}

void start_process(char **argv, const int *taken) {
    sigemptyset(&blocked);
    for (size_t i = 0; taken && taken[i]; i++)
        sigaddset(&blocked, taken[i]);
    if (start_end_early) {
        start_end_early();
    } else {
        /* One that was started as /proc/self/exe is called "exe" in lists of processes.
         */
        prctl(PR_SET_NAME, program_invocation_short_name);
        if (!is_started_again())
            start_again(argv);
        unsetenv(started);
    }
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
