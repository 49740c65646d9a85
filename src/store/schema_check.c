/* Whether a file has the tables of this program, and is not damaged. */
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "store/schema.h"
#include "store/schema_objects.h"

/* Of ours by that name; NULL: none is. */
static const struct schema_object *find_object(const char *name, size_t *at) {
    const struct schema_object *object;
    for (*at = 0; (object = schema_object_at(*at)); ++*at)
        if (strcmp(object->name, name) == 0)
            return object;
    return NULL;
}

static bool is_ours(const char *name) {
    size_t at;
    return find_object(name, &at) != NULL;
}

/* What is not ours may lie in the file as well: backup daemons add a table, people a
 * view or an index for questions of their own. It is passed over, but for what could
 * change what is written or read: a trigger on a table of ours (which is never run
 * here; any other program would run it), and an index that forbids rows or is of
 * expressions. */
static void read_foreign_index(struct sql_row *row, void *to) {
    const char *table = to;
    const char *name = (const char *)sqlite3_column_text(row->statement, 0);
    if (!name) {
        sql_row_memory(row);
    } else if (!is_ours(name)) {
        error_set(row->error,
                  "%s: another program's index \"%s\" on the table \"%s\" "
                  "may forbid rows; remove it: DROP INDEX \"%s\"",
                  row->store->path, name, table, name);
        row->failed = true;
    }
}

static int check_foreign_indices(struct store *store, const char *name,
                                 struct error *error) {
    return sql_all(
        store, error, "an index", read_foreign_index, (char *)(uintptr_t)name,
        "SELECT name FROM pragma_index_list(?) AS l WHERE origin='c' AND"
        " (\"unique\" OR partial OR EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name)"
        " WHERE cid=-2))",
        "t", name);
}

static int check_foreign(struct store *store, const char *type, const char *name,
                         const char *table, struct error *error) {
    if (strcmp(type, "trigger") == 0 && is_ours(table))
        return error_set(error,
                         "%s: another program's trigger \"%s\" would change the table "
                         "\"%s\"; remove it: DROP TRIGGER \"%s\"",
                         store->path, name, table, name);
    return 0;
}

struct seen {
    int format;
    bool objects[SCHEMA_OBJECTS_MAX];
};

static void read_object(struct sql_row *row, void *to) {
    struct seen *seen = to;
    const char *text[4];
    for (int c = 0; c < 4; c++) {
        text[c] = (const char *)sqlite3_column_text(row->statement, c);
        text[c] = text[c] ? text[c] : "";
    }
    if (sqlite3_errcode(row->store->db) == SQLITE_NOMEM) {
        sql_row_memory(row);
        return;
    }
    size_t i;
    const struct schema_object *object = find_object(text[0], &i);
    if (!object) {
        row->failed =
            check_foreign(row->store, text[2], text[0], text[3], row->error) != 0;
        return;
    }
    if (!schema_object_is_of(object, seen->format) || strcmp(text[1], object->sql) ||
        seen->objects[i])
        sql_row_corrupt(row, "its table or index \"%s\" is not of format %d", text[0],
                        seen->format);
    seen->objects[i] = true;
}

/* Marks our tables and indices that are there as this format has them; -1 with error
 * where one is otherwise. */
static int see_objects(struct store *store, struct seen *seen, struct error *error) {
    /* sqlite_ names are SQLite's own: automatic indices, ANALYZE's tables. */
    return sql_all(store, error, "a table", read_object, seen,
                   "SELECT name, sql, type, tbl_name FROM sqlite_schema WHERE name NOT "
                   "LIKE 'sqlite^_%' ESCAPE '^'",
                   "");
}

int schema_check_objects(struct store *store, int format, struct error *error) {
    struct seen seen = {.format = format};
    const struct schema_object *object;
    int result = see_objects(store, &seen, error);
    for (size_t i = 0; result == 0 && (object = schema_object_at(i)); i++)
        if (!seen.objects[i] && schema_object_is_of(object, format))
            result = sql_corrupt(store, error, "its table or index \"%s\" is missing",
                                 object->name);
    for (size_t i = 0; result == 0 && (object = schema_object_at(i)); i++)
        if (seen.objects[i])
            result = check_foreign_indices(store, object->name, error);
    return result;
}

/* A dump that was restored has the tables, but not the numbers in the file's header:
 * the format whose tables these are, or 0. */
static int format_by_tables(struct store *store) {
    for (int format = STORE_FORMAT; format >= 1; format--)
        if (schema_check_objects(store, format, NULL) == 0)
            return format;
    return 0;
}

int schema_check_application(struct store *store, int *format, struct error *error) {
    int application = 0;
    *format = 0;
    if (schema_pragma(store, "PRAGMA application_id", &application, error) ||
        schema_pragma(store, "PRAGMA user_version", format, error))
        return -1;
    bool restored = application == 0 && *format == 0;
    if (restored && (*format = format_by_tables(store)) > 0 &&
        store->mode == STORE_READ_WRITE && schema_number_file(store, *format, error))
        return -1;
    if (application != SCHEMA_APPLICATION && !(restored && *format > 0))
        return error_set(error,
                         "%s: is a database of another program; give a file that "
                         "`pwemoe init` made",
                         store->path);
    if (*format > STORE_FORMAT)
        return error_set(
            error,
            "%s: is of format %d, this program reads up to %d; use a newer "
            "pwemoe",
            store->path, *format, STORE_FORMAT);
    if (*format < 1)
        return sql_corrupt(store, error, "its format is %d", *format);
    return 0;
}

static void read_verdict(struct sql_row *row, void *to) {
    bool *damaged = to;
    const char *said = (const char *)sqlite3_column_text(row->statement, 0);
    *damaged = said && strcmp(said, "ok") != 0;
    if (!said)
        sql_row_memory(row);
    else if (*damaged)
        sql_row_corrupt(row, "%s", said);
}

/* A check that gets no memory for a page says that the page is damaged: only what it
 * says again, with memory at hand, is true. */
static int check(struct store *store, const char *sql, struct error *error) {
    enum { ROOM = 16 << 20 }; /* more than the cache of pages takes */
    bool damaged = false;
    int result = sql_one(store, error, "a check", read_verdict, &damaged, sql, "");
    if (damaged && !memory_has_room(ROOM))
        return error_memory(error);
    if (damaged)
        result = sql_one(store, error, "a check", read_verdict, &damaged, sql, "");
    return result < 0 ? -1 : 0;
}

int schema_check_pages(struct store *store, struct error *error) {
    /* All pages of a small file; of a large one those that everything else hangs
     * on. A damaged page elsewhere is found when it is read. */
    enum { PAGES_MAX = 1024 };
    static const char *const first[] = {
        "PRAGMA quick_check('recipe')",    "PRAGMA quick_check('task')",
        "PRAGMA quick_check('expert')",    "PRAGMA quick_check('objective')",
        "PRAGMA quick_check('reference')",
    };
    int pages = 0;
    if (schema_pragma(store, "PRAGMA page_count", &pages, error))
        return -1;
    if (pages <= PAGES_MAX)
        return check(store, "PRAGMA quick_check(1)", error);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (check(store, first[i], error))
            return -1;
    return 0;
}
