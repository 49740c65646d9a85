/* Which threads of a process a handler of a signal could run on, from /proc. */
#ifndef PWEMOE_TESTS_SUPPORT_MASKS_H
#define PWEMOE_TESTS_SUPPORT_MASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Signals that have a handler and are not blocked, in words ("thread 12: signals 2
 * 15"), of the first thread that has such; "" where there is none. Faults (SIGSEGV and
 * the like), which come to the thread that made them, and the C library's own do not
 * count, nor does the thread called "signals": while it waits for them they are
 * unblocked there. except: another thread that is passed over; 0: none. Returns how
 * many threads were looked at. */
size_t masks_open(pid_t process, pid_t except, char *text, size_t size);

/* Does the process have a thread called "signals", which takes them? Until then they
 * end it, as they do any program. */
bool masks_taken(pid_t process);

/* In a child, before it becomes another program: every signal as a program finds it
 * that a shell has started. Who runs the tests may have ignored some (nohup) or blocked
 * them. */
void signals_as_usual(void);

#endif
