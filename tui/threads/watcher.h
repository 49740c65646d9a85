/* The thread that reads results.db: at once, and again whenever anyone has changed
 * it (asked twice a second). It owns a read-only store, and asks for the hypervolume of
 * what it reads. */
#ifndef PWEMOE_TUI_THREADS_WATCHER_H
#define PWEMOE_TUI_THREADS_WATCHER_H

#include "threads/mailbox.h"

struct watcher;

/* store is the watcher's from now on, also on failure. */
int watcher_start(struct store *store, struct mailbox *mailbox,
                  struct watcher **watcher, struct error *error);
void watcher_stop(struct watcher *watcher); /* NULL is fine */
/* Looks again without waiting for its next turn. */
void watcher_wake(struct watcher *watcher);
/* Compares two solutions on the same examples: EVENT_PAIRED. */
void watcher_compare(struct watcher *watcher, int64_t a, int64_t b);

#endif
