/* Another program, run beside this one: in a process group of its own, with signals as
 * a shell gives them (this program blocks them in all of its threads), without a shell,
 * nothing on its standard input and none of our files open. What it prints is kept. */
#ifndef PWEMOE_BASE_CHILD_H
#define PWEMOE_BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct child;

enum {
    CHILD_OUTPUT = 1 << 16, /* bytes of standard output that are kept */
    CHILD_COMPLAINT = 2048  /* the last of standard error */
};

/* words: the program and its arguments, NULL at the end; a program without a slash is
 * looked for along PATH. folder: where it runs. setting: "NAME=VALUE" in its
 * environment, which is this program's otherwise; NULL: none. seconds: after so many it
 * is killed; 0: never. Fails where it cannot be started, naming it. */
int child_start(const char *const *words, const char *folder, const char *setting,
                double seconds, struct child **child, struct error *error);

/* Waits at most so long. 1: it has ended, and with it everything in its process group;
 * 0: it runs. */
int child_wait(struct child *child, int milliseconds);

/* After its end. The exit status, or 128 and the signal's number; and whether its time
 * was over. */
int child_status(const struct child *child, bool *late);
/* Ends in a zero byte; *size without it, and more than CHILD_OUTPUT where more was
 * printed. */
const char *child_output(const struct child *child, size_t *size);
/* The last line that is not empty, or "". */
const char *child_complaint(struct child *child);

/* Kills the process group where it runs. NULL is fine. */
void child_free(struct child *child);

#endif
