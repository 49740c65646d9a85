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

/* Makes it. said, at least 1100 bytes: what was done, "" where nobody need be told. */
int file_change_apply(struct store *store, const struct file_change *change,
                      struct deleted_bookmarks *deleted, char *said, size_t size,
                      struct error *error);
/* What it holds becomes the copy's; NULL where memory is out, and it is freed. */
struct file_change *file_change_copy(struct file_change *change);
void file_change_free(struct file_change *change);

#endif
