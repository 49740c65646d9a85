/* Columns of a row, checked: what this program cannot have written is refused. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/sql.h"

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
    text_print(what, sizeof what, format, arguments);
    va_end(arguments);
    if (!row->failed)
        sql_corrupt(row->store, row->error, "%s", what);
    row->failed = true;
}

void sql_row_memory(struct sql_row *row) {
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

void sql_read_int(struct sql_row *row, void *to) {
    *(int *)to = (int)sql_integer(row, 0, INT32_MIN, INT32_MAX);
}

void sql_read_id(struct sql_row *row, void *to) {
    *(int64_t *)to = sql_integer(row, 0, 1, INT64_MAX);
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
        sql_row_memory(row);
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
        sql_row_memory(row);
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
        sql_row_memory(row);
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
        sql_row_memory(row);
    return preference;
}
