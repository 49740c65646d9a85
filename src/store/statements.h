/* Prepared statements that are kept for the next time the same SQL is run: preparing
 * one takes many times as long as running it. Not for use outside this folder. */
#ifndef PWEMOE_STORE_STATEMENTS_H
#define PWEMOE_STORE_STATEMENTS_H

#include <sqlite3.h>
#include <stddef.h>

enum { STATEMENTS_MAX = 32 };

/* Those that nobody uses now, the last used first; all of one connection. */
struct statements {
    sqlite3_stmt *idle[STATEMENTS_MAX];
    size_t count;
};

/* A statement of this text with nothing bound, out of the idle ones or newly prepared:
 * the caller's until statements_give. NULL on failure, which sqlite3_errcode tells. */
sqlite3_stmt *statements_take(struct statements *statements, sqlite3 *db,
                              const char *sql);
/* Resets the statement and unbinds its parameters; NULL is fine. sqlite3_errcode
 * then says how its last step went. */
void statements_give(struct statements *statements, sqlite3_stmt *statement);
/* Before the connection is closed. */
void statements_clear(struct statements *statements);

#endif
