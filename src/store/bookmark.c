/* Bookmarks and the log. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/sql.h"

/* The id of the bookmark with this name. */
static int find(struct store *store, const char *name, int64_t *id,
                struct error *error) {
    sqlite3_stmt *statement =
        sql_prepare(store, error, "SELECT id FROM bookmark WHERE name = ?", "t", name);
    int result = statement ? sql_step(store, statement, error) : -1;
    if (result == 0)
        result = error_set(error, "%s: there is no bookmark %s", store->path, name);
    if (result > 0)
        *id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result < 0 ? -1 : 0;
}

int store_bookmark_put(struct store *store, struct store_bookmark *bookmark,
                       struct error *error) {
    if (!bookmark->name || !*bookmark->name)
        return error_set(error, "a bookmark has no name");
    if (!bookmark->preference && !bookmark->solution)
        return error_set(error, "bookmark %s marks nothing", bookmark->name);
    if (!isfinite(bookmark->created))
        return error_set(error, "a bookmark's time is not a number");
    unsigned char bytes[8 * STORE_TASKS_MAX];
    if (bookmark->preference) {
        if (sql_preference_check(bookmark->preference, store->tasks, error))
            return -1;
        sql_preference_pack(bookmark->preference, store->tasks, bytes);
    }
    double created = bookmark->created != 0 ? bookmark->created : sql_now();
    int64_t id = 0;
    if (sql_write_begin(store, error))
        return -1;
    int result = sql_write(
        store, error,
        "INSERT INTO bookmark (name, preference, solution, created) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET preference = excluded.preference,"
        " solution = excluded.solution, created = excluded.created",
        "txId", bookmark->name, bookmark->preference ? (const void *)bytes : NULL,
        store->tasks * 8, bookmark->solution, created);
    if (result)
        error_prefix(error, "bookmark %s", bookmark->name);
    else
        result = find(store, bookmark->name, &id, error);
    if (sql_write_end(store, result, error))
        return -1;
    bookmark->id = id;
    bookmark->created = created;
    return 0;
}

static int name_is_free(struct store *store, int64_t id, const char *name,
                        struct error *error) {
    sqlite3_stmt *statement =
        sql_prepare(store, error, "SELECT 1 FROM bookmark WHERE name = ? AND id <> ?",
                    "ti", name, id);
    int result = statement ? sql_step(store, statement, error) : -1;
    sqlite3_finalize(statement);
    return result > 0
               ? error_set(error, "there is a bookmark %s already; choose another name",
                           name)
               : result;
}

int store_bookmark_rename(struct store *store, int64_t id, const char *name,
                          struct error *error) {
    if (!name || !*name)
        return error_set(error, "a bookmark has no name");
    if (sql_write_begin(store, error))
        return -1;
    int result = name_is_free(store, id, name, error);
    if (result == 0)
        result = sql_write(store, error, "UPDATE bookmark SET name = ? WHERE id = ?",
                           "ti", name, id);
    if (result == 0 && sqlite3_changes64(store->db) == 0)
        result = error_set(error, "%s: there is no bookmark %lld", store->path,
                           (long long)id);
    return sql_write_end(store, result, error);
}

int store_bookmark_delete(struct store *store, int64_t id, struct error *error) {
    if (sql_write_begin(store, error))
        return -1;
    int result = sql_write(store, error, "DELETE FROM bookmark WHERE id = ?", "i", id);
    if (result == 0 && sqlite3_changes64(store->db) == 0)
        result = error_set(error, "%s: there is no bookmark %lld", store->path,
                           (long long)id);
    return sql_write_end(store, result, error);
}

void store_bookmarks_free(struct store_bookmark *bookmarks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(bookmarks[i].name);
        free(bookmarks[i].preference);
    }
    free(bookmarks);
}

int store_bookmarks(struct store *store, struct store_bookmark **result, size_t *count,
                    struct error *error) {
    *result = NULL;
    *count = 0;
    sqlite3_stmt *statement = sql_prepare(
        store, error,
        "SELECT id, name, preference, solution, created FROM bookmark ORDER BY id", "");
    if (!statement)
        return -1;
    struct store_bookmark *bookmarks = NULL;
    size_t used = 0, capacity = 0;
    int step;
    while ((step = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "a bookmark", error, false};
        if (array_reserve((void **)&bookmarks, &capacity, used + 1,
                          sizeof *bookmarks)) {
            step = error_memory(error);
            break;
        }
        struct store_bookmark *out = &bookmarks[used++];
        out->id = sql_integer(&row, 0, 1, INT64_MAX);
        out->name = sql_text(&row, 1);
        out->preference = sql_preference(&row, 2);
        out->solution = sql_id_or_null(&row, 3);
        out->created = sql_real(&row, 4);
        if (!row.failed && !out->preference && !out->solution) {
            sql_corrupt(store, error, "a bookmark marks nothing");
            row.failed = true;
        }
        if (row.failed) {
            step = -1;
            break;
        }
    }
    sqlite3_finalize(statement);
    if (step < 0) {
        store_bookmarks_free(bookmarks, used);
        return -1;
    }
    *result = bookmarks;
    *count = used;
    return 0;
}

/* --- the log ---------------------------------------------------------------- */

int store_log(struct store *store, struct error *error, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (sql_write_begin(store, error))
        return -1;
    int result = sql_write(store, error, "INSERT INTO log (time, text) VALUES (?, ?)",
                           "dt", sql_now(), text);
    return sql_write_end(store, result, error);
}

void store_log_lines_free(struct store_log_line *lines, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(lines[i].text);
    free(lines);
}

int store_log_lines(struct store *store, size_t newest, struct store_log_line **result,
                    size_t *count, struct error *error) {
    *result = NULL;
    *count = 0;
    int64_t limit = newest > INT64_MAX ? INT64_MAX : (int64_t)newest;
    sqlite3_stmt *statement =
        sql_prepare(store, error,
                    "SELECT id, time, text FROM"
                    " (SELECT id, time, text FROM log ORDER BY id DESC LIMIT ?)"
                    " ORDER BY id",
                    "i", limit);
    if (!statement)
        return -1;
    struct store_log_line *lines = NULL;
    size_t used = 0, capacity = 0;
    int step;
    while ((step = sql_step(store, statement, error)) > 0) {
        struct sql_row row = {store, statement, "a log line", error, false};
        if (array_reserve((void **)&lines, &capacity, used + 1, sizeof *lines)) {
            step = error_memory(error);
            break;
        }
        struct store_log_line *out = &lines[used++];
        out->id = sql_integer(&row, 0, 1, INT64_MAX);
        out->time = sql_real(&row, 1);
        out->text = sql_text(&row, 2);
        if (row.failed) {
            step = -1;
            break;
        }
    }
    sqlite3_finalize(statement);
    if (step < 0) {
        store_log_lines_free(lines, used);
        return -1;
    }
    *result = lines;
    *count = used;
    return 0;
}
