#define _GNU_SOURCE
#include "base/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/usage.h"

static struct {
    struct signals given;
    sigset_t taken;
    pthread_t thread;
} watch;

/* Where the program could not be started again, a thread that a library made before
 * main() may be given a signal. It is none that computes with oneDNN: those are made
 * later. */
static void pass_on(int number) {
    pthread_kill(watch.thread, number);
}

_Noreturn void signals_end(int number) {
    sigset_t one;
    signal(number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, number);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(128 + number);
}

static void *take(void *unused) {
    static const double at_once = 0.2; /* seconds; nobody types so fast */
    double first[2] = {0, 0};
    (void)unused;
    prctl(PR_SET_NAME, "signals");
    for (;;) {
        int number;
        if (sigwait(&watch.taken, &number))
            continue;
        double *time = number == SIGINT    ? &first[0]
                       : number == SIGTERM ? &first[1]
                                           : NULL;
        if (time && *time > 0 && usage_clock() - *time > at_once) {
            if (watch.given.ends)
                watch.given.ends();
            signals_end(number);
        }
        if (time && *time <= 0)
            *time = usage_clock();
        watch.given.asked(number);
    }
    return NULL;
}

static bool is_ignored(int number) {
    struct sigaction action;
    return (number == SIGHUP || number == SIGXCPU) &&
           sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int signals_watch(const struct signals *signals, struct error *error) {
    sigset_t all, before;
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    watch.given = *signals;
    sigemptyset(&watch.taken);
    for (size_t i = 0; signals->taken[i]; i++)
        if (!is_ignored(signals->taken[i]))
            sigaddset(&watch.taken, signals->taken[i]);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&watch.thread, NULL, take, NULL);
    if (failed) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return error_set(error, "cannot start the thread for signals: %s",
                         strerror(failed));
    }
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; signals->taken[i]; i++)
        if (sigismember(&watch.taken, signals->taken[i]) == 1) {
            sigaction(signals->taken[i], &action, NULL);
            sigaddset(&before, signals->taken[i]);
        }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return 0;
}
