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
    int result = sql_one(store, error, "a bookmark", sql_read_id, id,
                         "SELECT id FROM bookmark WHERE name = ?", "t", name);
    if (result == 0)
        result = error_set(error, "%s: there is no bookmark %s", store->path, name);
    return result < 0 ? -1 : 0;
}

static int put_note(struct store *store, int64_t id, const char *note,
                    struct error *error) {
    if (!note || !*note)
        return sql_write(store, error, "DELETE FROM note WHERE bookmark = ?", "i", id);
    return sql_write(store, error,
                     "INSERT INTO note (bookmark, text) VALUES (?, ?)"
                     " ON CONFLICT (bookmark) DO UPDATE SET text = excluded.text",
                     "it", id, note);
}

int store_bookmark_note(struct store *store, int64_t id, const char *note,
                        struct error *error) {
    if (sql_write_begin(store, error))
        return -1;
    int there = sql_one(store, error, "a bookmark", NULL, NULL,
                        "SELECT 1 FROM bookmark WHERE id = ?", "i", id);
    int result = there > 0    ? put_note(store, id, note, error)
                 : there == 0 ? error_set(error, "%s: there is no bookmark %lld",
                                          store->path, (long long)id)
                              : -1;
    return sql_write_end(store, result, error);
}

int store_bookmark_put(struct store *store, struct store_bookmark *bookmark,
                       struct error *error) {
    if (!bookmark->name || !*bookmark->name)
        return error_set(error, "a bookmark has no name");
    if (!bookmark->preference && !bookmark->solution)
        return error_set(error, "bookmark %s has neither a solution nor a preference",
                         bookmark->name);
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
    if (result == 0 && bookmark->note)
        result = put_note(store, id, bookmark->note, error);
    if (sql_write_end(store, result, error))
        return -1;
    bookmark->id = id;
    bookmark->created = created;
    return 0;
}

static int name_is_free(struct store *store, int64_t id, const char *name,
                        struct error *error) {
    int result =
        sql_one(store, error, "a bookmark", NULL, NULL,
                "SELECT 1 FROM bookmark WHERE name = ? AND id <> ?", "ti", name, id);
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

static void clear_bookmark(void *element) {
    struct store_bookmark *bookmark = element;
    free(bookmark->name);
    free(bookmark->preference);
    free(bookmark->note);
}

void store_bookmarks_free(struct store_bookmark *bookmarks, size_t count) {
    for (size_t i = 0; i < count; i++)
        clear_bookmark(&bookmarks[i]);
    free(bookmarks);
}

static void read_bookmark(struct sql_row *row, void *to) {
    struct store_bookmark *out = to;
    out->id = sql_integer(row, 0, 1, INT64_MAX);
    out->name = sql_text(row, 1);
    out->preference = sql_preference(row, 2);
    out->solution = sql_id_or_null(row, 3);
    out->created = sql_real(row, 4);
    out->note = sql_text(row, 5);
    if (!row->failed && !out->preference && !out->solution)
        sql_row_corrupt(row, "a bookmark has neither a solution nor a preference");
}

int store_bookmarks(struct store *store, struct store_bookmark **result, size_t *count,
                    struct error *error) {
    int notes = sql_has_table(store, "note", error);
    *result = NULL;
    *count = 0;
    if (notes < 0)
        return -1;
    return sql_each(
        store, error, "a bookmark", read_bookmark, sizeof **result, clear_bookmark,
        result, count,
        notes ? "SELECT id, name, preference, solution, created, ifnull(text, '')"
                " FROM bookmark LEFT JOIN note ON bookmark = id ORDER BY id"
              : "SELECT id, name, preference, solution, created, ''"
                " FROM bookmark ORDER BY id",
        "");
}

/* --- the log ---------------------------------------------------------------- */

int store_log(struct store *store, struct error *error, const char *format, ...) {
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    text_print(text, sizeof text, format, arguments);
    va_end(arguments);
    if (sql_write_begin(store, error))
        return -1;
    int result = sql_write(store, error, "INSERT INTO log (time, text) VALUES (?, ?)",
                           "dt", sql_now(), text);
    return sql_write_end(store, result, error);
}

static void clear_line(void *element) {
    free(((struct store_log_line *)element)->text);
}

void store_log_lines_free(struct store_log_line *lines, size_t count) {
    for (size_t i = 0; i < count; i++)
        clear_line(&lines[i]);
    free(lines);
}

static void read_line(struct sql_row *row, void *to) {
    struct store_log_line *out = to;
    out->id = sql_integer(row, 0, 1, INT64_MAX);
    out->time = sql_real(row, 1);
    out->text = sql_text(row, 2);
}

int store_log_lines(struct store *store, size_t newest, struct store_log_line **result,
                    size_t *count, struct error *error) {
    int64_t limit = newest > INT64_MAX ? INT64_MAX : (int64_t)newest;
    return sql_each(store, error, "a log line", read_line, sizeof **result, clear_line,
                    result, count,
                    "SELECT id, time, text FROM"
                    " (SELECT id, time, text FROM log ORDER BY id DESC LIMIT ?)"
                    " ORDER BY id",
                    "i", limit);
}
