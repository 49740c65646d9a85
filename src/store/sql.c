#include "store/sql.h"

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
        return error_set(error,
                         "%s: cannot be written (%s); copy it to a folder of yours",
                         path, said);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return error_set(error, "%s: is corrupt (%s); go back to a copy of it", path,
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
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, "%s: is corrupt (%s); go back to a copy of it", store->path,
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

static sqlite3_stmt *prepare(struct store *store, struct error *error, const char *sql,
                             const char *types, va_list arguments) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
        bind(statement, types, arguments)) {
        sql_error(store, error);
        sqlite3_finalize(statement);
        return NULL;
    }
    return statement;
}

sqlite3_stmt *sql_prepare(struct store *store, struct error *error, const char *sql,
                          const char *types, ...) {
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    return statement;
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
    sqlite3_finalize(statement);
    return result < 0 ? -1 : 0;
}

/* --- transactions ----------------------------------------------------------- */

int sql_write_begin(struct store *store, struct error *error) {
    if (store->undone)
        return error_set(error,
                         "%s: the transaction was undone by an earlier failure; start "
                         "again",
                         store->path);
    return sql_execute(store, store->explicit_ ? "SAVEPOINT step" : "BEGIN IMMEDIATE",
                       error);
}

int sql_write_end(struct store *store, int result, struct error *error) {
    if (store->explicit_) {
        /* After some failures (disk full, no memory) SQLite has rolled back the
         * whole transaction and not the step alone. */
        if (sqlite3_get_autocommit(store->db)) {
            store->undone = true;
            return result ? -1 : sql_error(store, error);
        }
        if (result == 0 && sql_execute(store, "RELEASE step", error) == 0)
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

static void wrong(struct sql_row *row, int column) {
    if (!row->failed)
        sql_corrupt(row->store, row->error, "%s has a wrong %s", row->what,
                    sqlite3_column_name(row->statement, column));
    row->failed = true;
}

void sql_row_corrupt(struct sql_row *row, const char *format, ...) {
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!row->failed)
        sql_corrupt(row->store, row->error, "%s", what);
    row->failed = true;
}

static void no_memory(struct sql_row *row) {
    if (!row->failed)
        error_memory(row->error);
    row->failed = true;
}

/* One call a column instead of two. A connection without a mutex (SQLITE_OPEN_NOMUTEX)
 * makes no difference between values that one protects and others. */
static sqlite3_value *value_at(struct sql_row *row, int column) {
    return sqlite3_column_value(row->statement, column);
}

int64_t sql_integer(struct sql_row *row, int column, int64_t low, int64_t high) {
    if (row->failed)
        return 0;
    sqlite3_value *at = value_at(row, column);
    int64_t value = sqlite3_value_int64(at);
    if (sqlite3_value_type(at) != SQLITE_INTEGER || value < low || value > high) {
        wrong(row, column);
        return 0;
    }
    return value;
}

int64_t sql_id_or_null(struct sql_row *row, int column) {
    if (row->failed || sqlite3_column_type(row->statement, column) == SQLITE_NULL)
        return 0;
    return sql_integer(row, column, 1, INT64_MAX);
}

bool sql_boolean(struct sql_row *row, int column) {
    return sql_integer(row, column, 0, 1) != 0;
}

double sql_real(struct sql_row *row, int column) {
    if (row->failed)
        return 0;
    sqlite3_value *at = value_at(row, column);
    double value = sqlite3_value_double(at);
    if (sqlite3_value_type(at) != SQLITE_FLOAT || !isfinite(value)) {
        wrong(row, column);
        return 0;
    }
    return value;
}

double sql_real_or_null(struct sql_row *row, int column) {
    if (row->failed)
        return NAN;
    sqlite3_value *at = value_at(row, column);
    int type = sqlite3_value_type(at);
    /* A loss may be infinite. */
    if (type == SQLITE_FLOAT)
        return sqlite3_value_double(at);
    if (type != SQLITE_NULL)
        wrong(row, column);
    return NAN;
}

void sql_read_id(struct sql_row *row, void *to) {
    *(int64_t *)to = sql_integer(row, 0, 1, INT64_MAX);
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
    sqlite3_finalize(statement);
    return row.failed ? -1 : result;
}

int sql_each(struct store *store, struct error *error, const char *what, sql_read *read,
             size_t size, void (*clear)(void *element), void *items, size_t *count,
             const char *sql, const char *types, ...) {
    char *all = NULL;
    size_t used = 0, capacity = 0;
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = prepare(store, error, sql, types, arguments);
    va_end(arguments);
    struct sql_row row = {store, statement, what, error, false};
    int result = -1;
    while (statement && (result = sql_step(store, statement, error)) > 0) {
        if (array_reserve((void **)&all, &capacity, used + 1, size)) {
            result = error_memory(error);
            break;
        }
        read(&row, memset(all + size * used++, 0, size));
        if (row.failed) {
            result = -1;
            break;
        }
    }
    sqlite3_finalize(statement);
    for (size_t i = 0; result < 0 && clear && i < used; i++)
        clear(all + size * i);
    if (result < 0)
        free(all);
    *(void **)items = result < 0 ? NULL : all;
    *count = result < 0 ? 0 : used;
    return result;
}

const char *sql_text_here(struct sql_row *row, int column, size_t *length) {
    *length = 0;
    if (row->failed)
        return NULL;
    if (sqlite3_column_type(row->statement, column) != SQLITE_TEXT) {
        wrong(row, column);
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(row->statement, column);
    if (!text) {
        no_memory(row);
        return NULL;
    }
    size_t bytes = (size_t)sqlite3_column_bytes(row->statement, column);
    if (memchr(text, 0, bytes)) {
        wrong(row, column);
        return NULL;
    }
    *length = bytes;
    return text;
}

char *sql_text(struct sql_row *row, int column) {
    size_t length;
    const char *text = sql_text_here(row, column, &length);
    if (!text)
        return NULL;
    char *copy = malloc(length + 1);
    if (!copy) {
        no_memory(row);
        return NULL;
    }
    memcpy(copy, text, length + 1);
    return copy;
}

void sql_sha256(struct sql_row *row, int column, char hex[SHA256_HEX]) {
    size_t length;
    const char *text = sql_text_here(row, column, &length);
    hex[0] = '\0';
    if (!text)
        return;
    if (length == strspn(text, "0123456789abcdef") &&
        (length == 0 || length == SHA256_HEX - 1))
        memcpy(hex, text, length + 1);
    else
        wrong(row, column);
}

/* The column's own bytes, which hold until the statement is stepped; NULL for an empty
 * blob as well as on failure and for NULL, which *is_null tells. */
static const void *blob_here(struct sql_row *row, int column, size_t *size,
                             bool *is_null) {
    *size = 0;
    *is_null = true;
    if (row->failed)
        return NULL;
    int type = sqlite3_column_type(row->statement, column);
    if (type == SQLITE_NULL)
        return NULL;
    if (type != SQLITE_BLOB) {
        wrong(row, column);
        return NULL;
    }
    const void *bytes = sqlite3_column_blob(row->statement, column);
    size_t length = (size_t)sqlite3_column_bytes(row->statement, column);
    /* A NULL pointer is an empty blob, or a page that could not be read or held. */
    int code = sqlite3_errcode(row->store->db) & 0xff;
    if (!bytes && code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE) {
        sql_error(row->store, row->error);
        row->failed = true;
        return NULL;
    }
    *is_null = false;
    *size = length;
    return bytes;
}

void *sql_blob(struct sql_row *row, int column, size_t *size) {
    bool is_null;
    const void *bytes = blob_here(row, column, size, &is_null);
    if (is_null)
        return NULL;
    void *copy = malloc(*size ? *size : 1);
    if (!copy) {
        *size = 0;
        no_memory(row);
        return NULL;
    }
    if (*size)
        memcpy(copy, bytes, *size);
    return copy;
}

/* --- preferences ------------------------------------------------------------ */

int sql_preference_check(const double *preference, size_t tasks, struct error *error) {
    double sum = 0;
    for (size_t t = 0; t < tasks; t++) {
        if (!(preference[t] >= 0 && preference[t] <= 1))
            return error_set(error,
                             "a preference has %g for task %zu; it must be 0 to 1",
                             preference[t], t);
        sum += preference[t];
    }
    if (fabs(sum - 1) > 1e-6)
        return error_set(error, "a preference sums to %.9g; it must be 1", sum);
    return 0;
}

void sql_preference_pack(const double *preference, size_t tasks, unsigned char *bytes) {
    for (size_t t = 0; t < tasks; t++) {
        uint64_t bits;
        memcpy(&bits, &preference[t], sizeof bits);
        for (int i = 0; i < 8; i++)
            *bytes++ = (unsigned char)(bits >> (8 * i));
    }
}

bool sql_preference_into(struct sql_row *row, int column, double *preference) {
    size_t tasks = row->store->tasks, size;
    bool is_null;
    const unsigned char *bytes = blob_here(row, column, &size, &is_null);
    if (is_null)
        return false;
    if (size != tasks * 8) {
        wrong(row, column);
        return false;
    }
    for (size_t t = 0; t < tasks; t++) {
        uint64_t bits = 0;
        for (int i = 7; i >= 0; i--)
            bits = bits << 8 | bytes[8 * t + (size_t)i];
        memcpy(&preference[t], &bits, sizeof bits);
    }
    if (sql_preference_check(preference, tasks, NULL)) {
        wrong(row, column);
        return false;
    }
    return true;
}

double *sql_preference(struct sql_row *row, int column) {
    double values[STORE_TASKS_MAX];
    if (!sql_preference_into(row, column, values))
        return NULL;
    double *preference = array_new(row->store->tasks, sizeof *preference);
    if (preference)
        memcpy(preference, values, row->store->tasks * sizeof *preference);
    else
        no_memory(row);
    return preference;
}
