/* Progress bars on stderr: only where it is a terminal, never with --quiet, one
 * line that is rewritten a few times a second and cleared at the end. */
#ifndef PWEMOE_COMMAND_IO_PROGRESS_H
#define PWEMOE_COMMAND_IO_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct progress {
    bool shown; /* stderr is a terminal, and --quiet is not given */
    bool drawn; /* something is on the line */
    char what[64];
    double began, last; /* seconds, monotonic */
    size_t first;       /* `done` when this bar began: a run that goes on */
    pthread_mutex_t lock;
};

void progress_init(struct progress *progress, bool quiet);
/* For struct work: self is the struct progress. total 0: not known. May be called
 * from any thread. */
void progress_report(void *self, const char *what, size_t done, size_t total);
/* Removes the bar from the screen: before anything else is written there. */
void progress_clear(struct progress *progress);

/* One line without a newline: "training  [#####-----]  2000/4000  51/s  0:39
 * left". rate is in units a second, 0 where it is not known. At most `columns`
 * wide. Returns out. */
char *progress_line(char *out, size_t size, size_t columns, const char *what,
                    size_t done, size_t total, double rate);

#endif
