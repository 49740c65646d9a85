/* The thread that compares the task vectors: it reads the models once, when somebody
 * looks at the panel, and nothing waits for it. */
#ifndef PWEMOE_TUI_THREADS_SIMILARITY_READER_H
#define PWEMOE_TUI_THREADS_SIMILARITY_READER_H

#include <pthread.h>
#include <stdatomic.h>

#include "threads/mailbox.h"

struct similarity_reader { /* begins as zeroes */
    pthread_t thread;
    bool started;
    atomic_bool stop;
    const char *path;
    struct mailbox *mailbox;
};

/* path: of results.db; it lives as long as the thread. EVENT_SIMILARITY tells how far
 * it is, and how it went. -1: no thread could be started. */
int similarity_reader_begin(struct similarity_reader *reader, struct mailbox *mailbox,
                            const char *path, struct error *error);
/* Asks for its end and waits for it: at most for one model to be read. */
void similarity_reader_stop(struct similarity_reader *reader);

#endif
