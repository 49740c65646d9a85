/* What the evaluation thread is asked to do with bookmarks, and doing it: each change
 * is one transaction that looks first whether another process was faster. */
#ifndef PWEMOE_TUI_THREADS_BOOKMARK_CHANGE_H
#define PWEMOE_TUI_THREADS_BOOKMARK_CHANGE_H

#include "store/store.h"

enum bookmark_change_kind {
    BOOKMARK_ADD,     /* an error where the name is taken */
    BOOKMARK_REPLACE, /* or added, where nothing has the name any longer */
    BOOKMARK_RENAME,  /* id from name to `to`; an error where it has another name now */
    BOOKMARK_NOTE,    /* `to` is written about id of this name; "" for nothing */
    BOOKMARK_DELETE,  /* id; likewise */
    BOOKMARK_RESTORE  /* the one deleted last; an error where its name is taken */
};

struct bookmark_change {
    enum bookmark_change_kind kind;
    int64_t id; /* of one that is renamed or deleted */
    char name[512], to[512];
    /* To add or replace: what is marked; solution 0: none. */
    bool has_preference;
    double preference[STORE_TASKS_MAX];
    int64_t solution;
};

/* What was deleted, as it was then, the last one last. Zeroed to begin with. */
struct deleted_bookmarks {
    struct store_bookmark *items;
    size_t count, capacity;
};
void deleted_bookmarks_free(struct deleted_bookmarks *deleted);

/* said, at least 1100 bytes, receives what was done, for the person who asked for it.
 */
int bookmark_change_apply(struct store *store, const struct bookmark_change *change,
                          struct deleted_bookmarks *deleted, char *said, size_t size,
                          struct error *error);

#endif
