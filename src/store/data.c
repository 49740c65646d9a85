/* What the examples of a split were when figures were measured on them. */
#include <math.h>
#include <string.h>

#include "store/sql.h"

static void read_data(struct sql_row *row, void *to) {
    struct store_data *data = to;
    data->files = (uint64_t)sql_integer(row, 0, 0, INT64_MAX);
    data->size = (unsigned long long)sql_integer(row, 1, 0, INT64_MAX);
    sql_sha256(row, 2, data->stamp);
    sql_sha256(row, 3, data->sha256);
}

int store_data_get(struct store *store, size_t task, const char *split, bool *found,
                   struct store_data *data, struct error *error) {
    memset(data, 0, sizeof *data);
    int result = sql_one(store, error, "the data of a split", read_data, data,
                         "SELECT files, size, stamp, sha256 FROM data"
                         " WHERE task = ? AND split = ? ORDER BY id DESC LIMIT 1",
                         "it", (int64_t)task, split);
    *found = result > 0;
    return result < 0 ? -1 : 0;
}

static int put(struct store *store, size_t task, const char *split,
               const struct store_data *data, bool *changed, struct error *error) {
    struct store_data before;
    bool found;
    if (store_data_get(store, task, split, &found, &before, error))
        return -1;
    if (found && strcmp(before.sha256, data->sha256) == 0 &&
        (strcmp(before.stamp, data->stamp) == 0 || !*data->stamp))
        return 0;
    if (sql_write(store, error,
                  "INSERT INTO data (task, split, files, size, stamp, sha256, since)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?)",
                  "itiittd", (int64_t)task, split, (int64_t)data->files,
                  (int64_t)data->size, data->stamp, data->sha256, sql_now()))
        return -1;
    if (!found || strcmp(before.sha256, data->sha256) == 0)
        return 0;
    /* The time brings these rows to who reads what is new. */
    int result = sql_write(store, error,
                           "UPDATE evaluation SET stale = 1, time = ?"
                           " WHERE objective = ? AND split = ? AND solution IN"
                           "  (SELECT id FROM solution WHERE kind <> 'import')",
                           "dit", sql_now(), (int64_t)task, split);
    *changed = result == 0 && sqlite3_changes(store->db) > 0;
    return result;
}

int store_data_put(struct store *store, size_t task, const char *split,
                   const struct store_data *data, bool *changed, struct error *error) {
    *changed = false;
    if (task >= store->tasks)
        return error_set(error, "%s: there is no task %zu; it has %zu", store->path,
                         task, store->tasks);
    if (data->files > INT64_MAX || data->size > INT64_MAX)
        return error_set(error, "%s: the data's size is out of range", store->path);
    if (sql_write_begin(store, error))
        return -1;
    return sql_write_end(store, put(store, task, split, data, changed, error), error);
}
