/* What the files of store/ share: the connection, statements and checked rows.
 * Not for use outside this folder. */
#ifndef PWEMOE_STORE_SQL_H
#define PWEMOE_STORE_SQL_H

#include <sqlite3.h>

#include "store/statements.h"
#include "store/store.h"

struct store {
    sqlite3 *db;
    struct statements statements;
    char *path;
    enum store_mode mode;
    bool write_ahead;  /* its journal, when it is written: journals.h */
    size_t tasks;      /* 0 until the recipe is there */
    bool explicit_;    /* between store_begin and store_commit */
    bool undone;       /* ... and SQLite has rolled it back by itself */
    bool read_started; /* sql_read_begin opened a transaction */
    int64_t version;
    int data_version;
    int64_t leased; /* the run whose lease is held here (lease.h), or 0 */
    char lease_token[33];
    double lease_renewed;
};

/* The message for what SQLite last said, by its result code. Returns -1. */
int sql_error(struct store *store, struct error *error);
/* The message for a row that this program cannot have written. Returns -1. */
int sql_corrupt(struct store *store, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs statements that give no rows (or whose rows do not matter). */
int sql_execute(struct store *store, const char *sql, struct error *error);

/* One statement with its parameters bound, a letter of types each; it is prepared
 * once and used again (statements.h):
 *   i int64_t             d double (NaN becomes NULL)   t const char * (NULL is "")
 *   I int64_t, 0 is NULL  b bool (int)
 *   x const void *, size_t: a blob, NULL where the pointer is
 * The arguments must live until sql_done. NULL on failure. */
sqlite3_stmt *sql_prepare(struct store *store, struct error *error, const char *sql,
                          const char *types, ...);
/* Every statement of sql_prepare, after its use; NULL is fine. */
void sql_done(struct store *store, sqlite3_stmt *statement);
/* 1: there is a row; 0: done; -1: failed. */
int sql_step(struct store *store, sqlite3_stmt *statement, struct error *error);
/* sql_prepare, one step, sql_done: for writes without rows. */
int sql_write(struct store *store, struct error *error, const char *sql,
              const char *types, ...);

/* A write is a transaction, or a savepoint inside the caller's. Every
 * sql_write_begin that returned 0 is followed by one sql_write_end, which commits
 * when result is 0 and undoes otherwise; it returns result, or -1 when the commit
 * failed. */
int sql_write_begin(struct store *store, struct error *error);
int sql_write_end(struct store *store, int result, struct error *error);
/* Several reads of one state of the file; each begin is followed by its end. */
int sql_read_begin(struct store *store, struct error *error);
void sql_read_end(struct store *store);

/* Checked columns of the current row. The first wrong value fills error and sets
 * failed; later calls then return nothing, so that a row is read in one go and
 * failed asked once. `what` names the row in the message: "a solution". */
struct sql_row {
    struct store *store;
    sqlite3_stmt *statement;
    const char *what;
    struct error *error;
    bool failed;
};
/* What is wrong with the row as a whole; sets failed. */
void sql_row_corrupt(struct sql_row *row, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Memory is out; sets failed. */
void sql_row_memory(struct sql_row *row);
int64_t sql_integer(struct sql_row *row, int column, int64_t low, int64_t high);
int64_t sql_id_or_null(struct sql_row *row, int column); /* 0 for NULL */
bool sql_boolean(struct sql_row *row, int column);
double sql_real(struct sql_row *row, int column);         /* finite */
double sql_real_or_null(struct sql_row *row, int column); /* NaN for NULL */
char *sql_text(struct sql_row *row, int column);          /* free() */
/* The column's own bytes, checked as sql_text does: they hold until the statement is
 * stepped. NULL on failure. */
const char *sql_text_here(struct sql_row *row, int column, size_t *length);
void sql_sha256(struct sql_row *row, int column, char hex[SHA256_HEX]);
/* A copy, or NULL and 0 where the column is NULL; never NULL otherwise. */
void *sql_blob(struct sql_row *row, int column, size_t *size);
/* [tasks], or NULL where the column is NULL. */
double *sql_preference(struct sql_row *row, int column);
/* The same into preference [tasks]; false where the column is NULL, and on failure. */
bool sql_preference_into(struct sql_row *row, int column, double *preference);

/* Reads the columns of a row into *to. */
typedef void sql_read(struct sql_row *row, void *to);
void sql_read_id(struct sql_row *row, void *to);  /* column 0: int64_t, from 1 */
void sql_read_int(struct sql_row *row, void *to); /* column 0: int */

/* Each row of a prepared statement to read, always with the same `to`; stops at the
 * first that fails. 0, or -1. */
int sql_rows(struct store *store, struct error *error, const char *what, sql_read *read,
             void *to, sqlite3_stmt *statement);
/* sql_prepare, sql_rows, sql_done. */
int sql_all(struct store *store, struct error *error, const char *what, sql_read *read,
            void *to, const char *sql, const char *types, ...);
/* sql_prepare, and its first row to read (which may be NULL); what names the row.
 * Returns 1 where there was one, 0 where there was none, -1: then *to may be filled in
 * part. */
int sql_one(struct store *store, struct error *error, const char *what, sql_read *read,
            void *to, const char *sql, const char *types, ...);
/* sql_prepare, and each of its rows to read into an element of an array: `size` bytes,
 * zeroed before. *items is freed with free(), what its elements hold with clear (NULL:
 * nothing); NULL and 0 without rows and on failure. */
int sql_each(struct store *store, struct error *error, const char *what, sql_read *read,
             size_t size, void (*clear)(void *element), void *items, size_t *count,
             const char *sql, const char *types, ...);

/* 1: a table of this name is there, as it may not be in a file of an older format; 0:
 * it is not; -1. */
int sql_has_table(struct store *store, const char *name, struct error *error);

/* Preferences in the file: 8 bytes a number, IEEE 754, low byte first. */
int sql_preference_check(const double *preference, size_t tasks, struct error *error);
void sql_preference_pack(const double *preference, size_t tasks, unsigned char *bytes);

/* JSON object -> canonical text (free()); NULL with error on anything else. */
char *sql_canonical_json(const char *text, const char *what, struct error *error);

double sql_now(void); /* Unix time */

#endif
