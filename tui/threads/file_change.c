#include "threads/file_change.h"

#include <stdlib.h>

#include "base/memory.h"

int file_change_apply(struct store *store, const struct file_change *change,
                      struct file_changed *changed, char *said, size_t size,
                      struct error *error) {
    said[0] = '\0';
    switch (change->kind) {
    case CHANGE_BOOKMARK:
        return bookmark_change_apply(store, &change->bookmark, &changed->deleted, said,
                                     size, error);
    case CHANGE_SELECTION:
        return store_selection_put(store, change->ids, change->count, error);
    case CHANGE_VISITS:
        return store_visits_put(store, &change->visits, VISITS_MOST, &changed->visits,
                                error);
    }
    return 0;
}

struct file_change *file_change_copy(struct file_change *change) {
    struct file_change *copy = array_new(1, sizeof *copy);
    if (copy) {
        *copy = *change;
        copy->next = NULL;
    } else {
        free(change->ids);
        store_visits_clear(&change->visits);
    }
    return copy;
}

void file_change_free(struct file_change *change) {
    if (!change)
        return;
    free(change->ids);
    store_visits_clear(&change->visits);
    free(change);
}

void file_changed_clear(struct file_changed *changed) {
    deleted_bookmarks_free(&changed->deleted);
    store_visits_seen_clear(&changed->visits);
}
