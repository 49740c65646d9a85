/* Signals, taken by one thread that does nothing else. */
#ifndef PWEMOE_BASE_SIGNALS_H
#define PWEMOE_BASE_SIGNALS_H

#include "base/error.h"

/* No handler of a signal may run on a thread that computes: oneDNN's products for
 * AVX-512 keep their stack pointer elsewhere while they run (oneDNN issue 4845, in
 * Debian 12's version), so that the frame of any handler overwrites memory of the
 * program's. Therefore signals are blocked in every thread (start_process sees to those
 * of the libraries that are older than main()), and a thread of this module waits for
 * them. */
struct signals {
    const int *taken; /* ended by 0; must stay, as start_process has been given them */
    /* On the module's thread, where anything may be called: `number` asks for an end.
     */
    void (*asked)(int number);
    /* SIGINT or SIGTERM came a second time: the process ends by it when this returns.
     * May be NULL. */
    void (*ends)(void);
};

/* Blocks these signals in the calling thread, whose later threads inherit it, and
 * starts the thread that takes them. SIGHUP and SIGXCPU are left ignored where they are
 * (nohup). What comes twice at once is one request: timeout(1) and shells signal a
 * process both by itself and with its group. SIGHUP and SIGXCPU never end the process
 * by their number: a terminal that goes away sends several, a limit of time one a
 * second. To be called once, before other threads are made. Where it fails, nothing has
 * changed: signals end the process as they do by default. */
int signals_watch(const struct signals *signals, struct error *error);

/* Ends the process by this signal's default action, from any thread. */
_Noreturn void signals_end(int number);

#endif
