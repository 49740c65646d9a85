/* The bookmarks of another results.db, of import_state.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/import_results.h"
#include "command/work/import_state.h"

static bool same_place(const struct store_bookmark *a, const struct store_bookmark *b,
                       int64_t solution, size_t tasks) {
    if (a->solution != solution || !a->preference != !b->preference)
        return false;
    return !a->preference ||
           memcmp(a->preference, b->preference, tasks * sizeof *a->preference) == 0;
}

static const struct store_bookmark *find_bookmark(const struct store_bookmark *list,
                                                  size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

struct bookmarks {
    struct store_bookmark *list;
    size_t count;
};

/* A name that no bookmark has, or one of the same place, which *same then says; free().
 * NULL where memory is out. */
static char *free_name(const struct bookmarks *here, const struct bookmarks *there,
                       const struct store_bookmark *wanted, int64_t solution,
                       size_t tasks, bool *same) {
    for (size_t i = 1;; i++) {
        char *name =
            i == 1 ? strdup(wanted->name) : text_format("%s (%zu)", wanted->name, i);
        const struct store_bookmark *taken =
            name ? find_bookmark(here->list, here->count, name) : NULL;
        *same = taken && same_place(taken, wanted, solution, tasks);
        bool others = name && i > 1 && find_bookmark(there->list, there->count, name);
        if (!name || *same || (!taken && !others))
            return name;
        free(name);
    }
}

static int take_bookmark(struct importing *importing, const struct bookmarks *here,
                         const struct bookmarks *there,
                         const struct store_bookmark *wanted, struct error *error) {
    struct store_bookmark bookmark = *wanted;
    bookmark.id = 0;
    bookmark.solution =
        wanted->solution ? pairs_find(&importing->solutions, wanted->solution) : 0;
    if (!bookmark.solution && !bookmark.preference)
        return 0; /* of a solution that was deleted */
    bool same;
    bookmark.name = free_name(here, there, wanted, bookmark.solution,
                              importing->recipe->task_count, &same);
    if (!bookmark.name)
        return error_memory(error);
    int failed = same ? 0 : store_bookmark_put(importing->store, &bookmark, error);
    importing->result->bookmarks += !same;
    free(bookmark.name);
    return failed;
}

int import_bookmarks(struct importing *importing, struct error *error) {
    struct bookmarks here, there;
    if (store_bookmarks(importing->store, &here.list, &here.count, error))
        return -1;
    int failed = store_bookmarks(importing->other, &there.list, &there.count, error);
    for (size_t i = 0; !failed && i < there.count; i++)
        failed = take_bookmark(importing, &here, &there, &there.list[i], error);
    store_bookmarks_free(here.list, here.count);
    store_bookmarks_free(there.list, there.count);
    return failed;
}
