/* The thread that reads results.db: at once, and again whenever anyone has changed
 * it (asked twice a second). It owns a read-only store, and asks for the hypervolume of
 * what it reads. */
#ifndef PWEMOE_TUI_READER_H
#define PWEMOE_TUI_READER_H

#include "mailbox.h"

struct reader;

/* store is the reader's from now on, also on failure. */
int reader_start(struct store *store, struct mailbox *mailbox, struct reader **reader,
                 struct error *error);
void reader_stop(struct reader *reader); /* NULL is fine */
/* Looks again without waiting for its next turn. */
void reader_wake(struct reader *reader);
/* Compares two solutions on the same examples: EVENT_PAIRED. */
void reader_compare(struct reader *reader, int64_t a, int64_t b);

#endif
