/* The terminal is given back as it was found, whatever ends the program. */
#ifndef PWEMOE_TUI_TERMINAL_RESTORE_H
#define PWEMOE_TUI_TERMINAL_RESTORE_H

#include <stddef.h>

#include "base/error.h"

/* Signals that ask for an end: all whose default is to end the process, and that
 * somebody may send. */
#define RESTORE_SIGNALS \
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2

/* Keeps the terminal's settings, and takes signals that ask for an end, crashes and
 * exit() of libraries: each gives the terminal back and then has its usual effect. The
 * first such signal is noted, a second SIGINT or SIGTERM ends at once (signals.h).
 * Before anything is written to the terminal; once. */
int restore_start(struct error *error);
/* What is to be written then, from the terminal's description; without padding. */
void restore_write(const char *bytes, size_t size);
/* From here on nothing has to be restored. */
void restore_done(void);

/* Libraries that complain on stderr would write over the frame: their words are kept,
 * and shown when the terminal is given back. */
void restore_hold_stderr(void);

/* The process ends within a second from here, whatever its threads do: by the signal
 * that asked for it where one did, else with this status. What is in the store is
 * complete, and what is not is left out, as after a crash. Called by itself when a
 * signal comes; counts from the first call. */
void restore_leave(int status);

/* The signal that asked for an end, or 0. */
int restore_ending(void);
/* Can be read from once there is one; poll() only. */
int restore_fd(void);

#endif
