/* What the explorer writes to the file besides figures, one change after the other:
 * bookmarks, the selection, where one has been. */
#ifndef PWEMOE_TUI_THREADS_FILE_CHANGE_H
#define PWEMOE_TUI_THREADS_FILE_CHANGE_H

#include "threads/bookmark_change.h"

enum file_change_kind { CHANGE_BOOKMARK, CHANGE_SELECTION, CHANGE_VISITS };

struct file_change {
    enum file_change_kind kind;
    uint64_t serial; /* whose number it is told to be done by */
    struct bookmark_change bookmark;
    int64_t *ids; /* [count] of the selection */
    size_t count;
    struct store_visits visits;
    struct file_change *next;
};

enum { VISITS_MOST = 500 }; /* that are kept */

/* What one explorer knows of what it changed. Zeroed to begin with. */
struct file_changed {
    struct deleted_bookmarks deleted;
    struct store_visits_seen visits;
};
void file_changed_clear(struct file_changed *changed);

/* Makes it. said, at least 1100 bytes: what was done, "" where nobody need be told. */
int file_change_apply(struct store *store, const struct file_change *change,
                      struct file_changed *changed, char *said, size_t size,
                      struct error *error);
/* What it holds becomes the copy's; NULL where memory is out, and it is freed. */
struct file_change *file_change_copy(struct file_change *change);
void file_change_free(struct file_change *change);

#endif
