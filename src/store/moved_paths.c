/* Where models and data lie, changed for all at once. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/sql.h"

/* Every column of the present recipe that is a path. Experts of the past keep theirs:
 * nobody opens them. */
static const char *const updates[] = {
#define MOVE(table, column, which)                               \
    "UPDATE " table " SET " column " = ?2 || substr(" column     \
    ", length(?1) + 1) WHERE (" column " = ?1 OR substr(" column \
    ", 1, length(?1) + 1) = ?1 || '/')" which
    MOVE("recipe", "pretrained_path", ""),
    MOVE("task", "train_path", ""),
    MOVE("task", "test_path", ""),
    MOVE("unlabelled", "path", ""),
    MOVE("task", "head", ""),
    MOVE("task", "classnames_path", ""),
    MOVE("task", "templates_path", ""),
    MOVE("expert", "path", " AND id IN (SELECT max(id) FROM expert GROUP BY task)"),
};

static int move(struct store *store, const char *from, const char *to, size_t *changed,
                struct error *error) {
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++) {
        if (sql_write(store, error, updates[i], "tt", from, to))
            return -1;
        *changed += (size_t)sqlite3_changes(store->db);
    }
    /* Models that were moved are read once more. */
    return sql_write(store, error,
                     "DELETE FROM stamp WHERE path = ?1 OR"
                     " substr(path, 1, length(?1) + 1) = ?1 || '/'",
                     "t", from);
}

/* Without slashes at its end, but for the root's; NULL where memory is out. */
static char *without_slash(const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

int store_move_paths(struct store *store, const char *from, const char *to,
                     size_t *changed, struct error *error) {
    *changed = 0;
    if (!*from || !*to)
        return error_set(error, "a path to move from and to must have a name");
    char *a = without_slash(from), *b = without_slash(to);
    int result = -1;
    if (!a || !b)
        error_memory(error);
    else if (sql_write_begin(store, error) == 0)
        result = sql_write_end(store, move(store, a, b, changed, error), error);
    free(a);
    free(b);
    return result;
}
