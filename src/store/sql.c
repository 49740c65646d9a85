#include "store/sql.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

double sql_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int sql_error(struct store *store, struct error *error) {
    const char *path = store->path;
    const char *said = sqlite3_errmsg(store->db);
    if (sqlite3_errcode(store->db) == SQLITE_IOERR_NOMEM ||
        (sqlite3_errcode(store->db) != SQLITE_OK &&
         sqlite3_system_errno(store->db) == ENOMEM))
        return error_memory(error);
    switch (sqlite3_errcode(store->db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error,
                         "%s: is locked by another process; wait until that has "
                         "finished, then try again",
                         path);
    case SQLITE_NOMEM:
        return error_memory(error);
    case SQLITE_FULL:
        return error_set(error,
                         "%s: the disk is full; what was stored before is kept, make "
                         "room and try again",
                         path);
    case SQLITE_READONLY:
        return error_set(
            error,
            "%s: cannot be written (%s); copy it to a folder that you can write to",
            path, said);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return error_set(error, "%s: is corrupt (%s); restore a copy of it", path,
                         said);
    case SQLITE_CANTOPEN:
        return error_set(error,
                         "%s: cannot be opened (%s); check the permissions of the file "
                         "and its folder",
                         path, said);
    case SQLITE_TOOBIG:
        return error_set(error, "%s: a value is larger than the file can hold (1 GB)",
                         path);
    case SQLITE_IOERR:
        if (sqlite3_system_errno(store->db) == EDQUOT)
            return error_set(error,
                             "%s: the quota of disk space is used up; what was stored "
                             "before is kept, make room and try again",
                             path);
        return error_set(
            error,
            "%s: reading or writing failed (%s); what was stored before is "
            "kept, check the disk",
            path, said);
    default:
        return error_set(error, "%s: %s", path, said);
    }
}

int sql_corrupt(struct store *store, struct error *error, const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    text_print(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, "%s: is corrupt (%s); restore a copy of it", store->path,
                     what);
}

int sql_execute(struct store *store, const char *sql, struct error *error) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(store, error);
    return 0;
}

static int bind(sqlite3_stmt *statement, const char *types, va_list arguments) {
    for (int i = 1; types[i - 1]; i++) {
        int result = SQLITE_OK;
        switch (types[i - 1]) {
        case 'i':
            result = sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
            break;
        case 'I': {
            int64_t id = va_arg(arguments, int64_t);
            result = id ? sqlite3_bind_int64(statement, i, id)
                        : sqlite3_bind_null(statement, i);
            break;
        }
        case 'b':
            result = sqlite3_bind_int(statement, i, va_arg(arguments, int) != 0);
            break;
        case 'd':
            result = sqlite3_bind_double(statement, i, va_arg(arguments, double));
            break;
        case 't': {
            const char *text = va_arg(arguments, const char *);
            result = sqlite3_bind_text64(statement, i, text ? text : "",
                                         text ? strlen(text) : 0, SQLITE_STATIC,
                                         SQLITE_UTF8);
            break;
        }
        case 'x': {
            const void *bytes = va_arg(arguments, const void *);
            size_t size = va_arg(arguments, size_t);
            /* A zero-sized blob needs a pointer that is not NULL. */
            if (!bytes)
                result = sqlite3_bind_null(statement, i);
            else if (size == 0)
                result = sqlite3_bind_zeroblob(statement, i, 0);
            else
                result = sqlite3_bind_blob64(statement, i, bytes, size, SQLITE_STATIC);
            break;
        }
        }
        if (result != SQLITE_OK)
            return -1;
    }
    return 0;
}

/* As sql_prepare. */
static sqlite3_stmt *prepare(struct store *store, struct error *error, const char *sql,
                             const char *types, va_list arguments) {
    sqlite3_stmt *statement = statements_take(&store->statements, store->db, sql);
    if (statement && bind(statement, types, arguments) == 0)
        return statement;
    sql_error(store, error);
    statements_give(&store->statements, statement);
    return NULL;
}

sqlite3_stmt *sql_prepare(struct store *store, struct error *error, const char *sql,
                          const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    return statement;
}

void sql_done(struct store *store, sqlite3_stmt *statement) {
    statements_give(&store->statements, statement);
}

int sql_step(struct store *store, sqlite3_stmt *statement, struct error *error) {
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    if (result == SQLITE_DONE)
        return 0;
    return sql_error(store, error);
}

int sql_write(struct store *store, struct error *error, const char *sql,
              const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    if (!statement)
        return -1;
    int result = sql_step(store, statement, error);
    sql_done(store, statement);
    return result < 0 ? -1 : 0;
}

/* --- transactions ----------------------------------------------------------- */

int sql_write_begin(struct store *store, struct error *error) {
    if (store->undone)
        return error_set(error,
                         "%s: the transaction was undone by an earlier failure; start "
                         "again",
                         store->path);
    return store->explicit_ ? sql_write(store, error, "SAVEPOINT step", "")
                            : sql_execute(store, "BEGIN IMMEDIATE", error);
}

int sql_write_end(struct store *store, int result, struct error *error) {
    if (store->explicit_) {
        /* After some failures (disk full, no memory) SQLite has rolled back the
         * whole transaction and not the step alone. */
        if (sqlite3_get_autocommit(store->db)) {
            store->undone = true;
            return result ? -1 : sql_error(store, error);
        }
        if (result == 0 && sql_write(store, error, "RELEASE step", "") == 0)
            return 0;
        if (sqlite3_exec(store->db, "ROLLBACK TO step; RELEASE step", NULL, NULL,
                         NULL)) {
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
            store->undone = true;
        }
        return -1;
    }
    if (result == 0 && sql_execute(store, "COMMIT", error) == 0)
        return 0;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int sql_read_begin(struct store *store, struct error *error) {
    store->read_started = false;
    if (!sqlite3_get_autocommit(store->db))
        return 0;
    if (sql_execute(store, "BEGIN", error))
        return -1;
    store->read_started = true;
    return 0;
}

void sql_read_end(struct store *store) {
    if (store->read_started && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    store->read_started = false;
}

/* --- rows ------------------------------------------------------------------- */

int sql_rows(struct store *store, struct error *error, const char *what, sql_read *read,
             void *to, sqlite3_stmt *statement) {
    struct sql_row row = {store, statement, what, error, false};
    int result;
    while ((result = sql_step(store, statement, error)) > 0) {
        read(&row, to);
        if (row.failed)
            return -1;
    }
    return result;
}

int sql_all(struct store *store, struct error *error, const char *what, sql_read *read,
            void *to, const char *sql, const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    int result = statement ? sql_rows(store, error, what, read, to, statement) : -1;
    sql_done(store, statement);
    return result;
}

int sql_one(struct store *store, struct error *error, const char *what, sql_read *read,
            void *to, const char *sql, const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    int result = statement ? sql_step(store, statement, error) : -1;
    struct sql_row row = {store, statement, what, error, false};
    if (result > 0 && read)
        read(&row, to);
    sql_done(store, statement);
    return row.failed ? -1 : result;
}

struct elements { /* of an array that sql_each fills */
    char *all;
    size_t used, capacity, size;
    sql_read *read;
};

static void read_element(struct sql_row *row, void *to) {
    struct elements *e = to;
    if (array_reserve((void **)&e->all, &e->capacity, e->used + 1, e->size))
        sql_row_memory(row);
    else
        e->read(row, memset(e->all + e->size * e->used++, 0, e->size));
}

int sql_each(struct store *store, struct error *error, const char *what, sql_read *read,
             size_t size, void (*clear)(void *element), void *items, size_t *count,
             const char *sql, const char *types, ...) {
    struct elements e = {.size = size, .read = read};
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    int result =
        statement ? sql_rows(store, error, what, read_element, &e, statement) : -1;
    sql_done(store, statement);
    for (size_t i = 0; result < 0 && clear && i < e.used; i++)
        clear(e.all + size * i);
    if (result < 0)
        free(e.all);
    *(void **)items = result < 0 ? NULL : e.all;
    *count = result < 0 ? 0 : e.used;
    return result;
}

int sql_has_table(struct store *store, const char *name, struct error *error) {
    return sql_one(store, error, "a table", NULL, NULL,
                   "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", "t",
                   name);
}
