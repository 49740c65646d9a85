#include "threads/bookmark_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void clear(struct store_bookmark *bookmark) {
    free(bookmark->name);
    free(bookmark->preference);
    free(bookmark->note);
    *bookmark = (struct store_bookmark){0};
}

void deleted_bookmarks_free(struct deleted_bookmarks *deleted) {
    for (size_t i = 0; i < deleted->count; i++)
        clear(&deleted->items[i]);
    free(deleted->items);
    *deleted = (struct deleted_bookmarks){0};
}

/* The stored bookmark of this name, and of this id unless that is 0: 1 and it is the
 * caller's, 0, or -1. */
static int take_stored(struct store *store, int64_t id, const char *name,
                       struct store_bookmark *out, struct error *error) {
    struct store_bookmark *bookmarks;
    size_t count;
    int found = 0;
    if (store_bookmarks(store, &bookmarks, &count, error))
        return -1;
    for (size_t i = 0; i < count && !found; i++)
        if (!strcmp(bookmarks[i].name, name) && (!id || bookmarks[i].id == id)) {
            *out = bookmarks[i];
            bookmarks[i].name = NULL;
            bookmarks[i].preference = NULL;
            bookmarks[i].note = NULL;
            found = 1;
        }
    store_bookmarks_free(bookmarks, count);
    return found;
}

/* Is the bookmark still the one that was meant? *out is the caller's. */
static int take_meant(struct store *store, const struct bookmark_change *change,
                      struct store_bookmark *out, struct error *error) {
    int found = take_stored(store, change->id, change->name, out, error);
    if (found == 0)
        return error_set(error, "bookmark %s has been changed meanwhile; B lists them",
                         change->name);
    return found > 0 ? 0 : -1;
}

static int add(struct store *store, struct store_bookmark *bookmark,
               struct error *error) {
    struct store_bookmark other = {0};
    int taken = take_stored(store, 0, bookmark->name, &other, error);
    clear(&other);
    if (taken > 0)
        return error_set(error, "there is a bookmark %s already; choose another name",
                         bookmark->name);
    return taken < 0 ? -1 : store_bookmark_put(store, bookmark, error);
}

static int rename_one(struct store *store, const struct bookmark_change *change,
                      struct error *error) {
    struct store_bookmark meant = {0};
    int result = take_meant(store, change, &meant, error);
    if (result == 0)
        result = store_bookmark_rename(store, change->id, change->to, error);
    clear(&meant);
    return result;
}

static int note_one(struct store *store, const struct bookmark_change *change,
                    struct error *error) {
    struct store_bookmark meant = {0};
    int result = take_meant(store, change, &meant, error);
    if (result == 0)
        result = store_bookmark_note(store, change->id, change->to, error);
    clear(&meant);
    return result;
}

/* What goes is kept in the place behind the last deleted one. */
static int delete_one(struct store *store, const struct bookmark_change *change,
                      struct deleted_bookmarks *deleted, struct error *error) {
    if (array_reserve((void **)&deleted->items, &deleted->capacity, deleted->count + 1,
                      sizeof *deleted->items))
        return error_memory(error);
    struct store_bookmark *meant = &deleted->items[deleted->count];
    *meant = (struct store_bookmark){0};
    if (take_meant(store, change, meant, error) ||
        store_bookmark_delete(store, change->id, error)) {
        clear(meant);
        return -1;
    }
    return 0;
}

static int apply(struct store *store, const struct bookmark_change *change,
                 struct deleted_bookmarks *deleted, struct error *error) {
    struct store_bookmark bookmark = {
        .name = (char *)change->name,
        .preference = change->has_preference ? (double *)change->preference : NULL,
        .solution = change->solution};
    switch (change->kind) {
    case BOOKMARK_ADD:
        return add(store, &bookmark, error);
    case BOOKMARK_REPLACE:
        return store_bookmark_put(store, &bookmark, error);
    case BOOKMARK_RENAME:
        return rename_one(store, change, error);
    case BOOKMARK_NOTE:
        return note_one(store, change, error);
    case BOOKMARK_DELETE:
        return delete_one(store, change, deleted, error);
    case BOOKMARK_RESTORE:
        break;
    }
    if (!deleted->count)
        return error_set(error, "no bookmark has been deleted here");
    return add(store, &deleted->items[deleted->count - 1], error);
}

/* Once it is in the file. */
static void settle(const struct bookmark_change *change,
                   struct deleted_bookmarks *deleted, char *said, size_t size) {
    switch (change->kind) {
    case BOOKMARK_ADD:
        snprintf(said, size, "bookmark %s saved", change->name);
        break;
    case BOOKMARK_REPLACE:
        snprintf(said, size, "bookmark %s replaced", change->name);
        break;
    case BOOKMARK_RENAME:
        snprintf(said, size, "bookmark %s renamed to %s", change->name, change->to);
        break;
    case BOOKMARK_NOTE:
        snprintf(said, size,
                 *change->to ? "bookmark %s has a note" : "bookmark %s has no note",
                 change->name);
        break;
    case BOOKMARK_DELETE:
        deleted->count++;
        snprintf(said, size, "bookmark %s deleted; D brings it back", change->name);
        break;
    case BOOKMARK_RESTORE:
        snprintf(said, size, "bookmark %s is back",
                 deleted->items[--deleted->count].name);
        clear(&deleted->items[deleted->count]);
        break;
    }
}

int bookmark_change_apply(struct store *store, const struct bookmark_change *change,
                          struct deleted_bookmarks *deleted, char *said, size_t size,
                          struct error *error) {
    if (store_begin(store, error))
        return -1;
    if (apply(store, change, deleted, error)) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, error)) {
        if (change->kind == BOOKMARK_DELETE)
            clear(&deleted->items[deleted->count]);
        return -1;
    }
    settle(change, deleted, said, size);
    return 0;
}
