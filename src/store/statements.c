#include "store/statements.h"

#include <string.h>

sqlite3_stmt *statements_take(struct statements *statements, sqlite3 *db,
                              const char *sql) {
    sqlite3_stmt *statement = NULL;
    for (size_t i = 0; i < statements->count; i++)
        if (strcmp(sqlite3_sql(statements->idle[i]), sql) == 0) {
            statement = statements->idle[i];
            statements->count--;
            memmove(&statements->idle[i], &statements->idle[i + 1],
                    (statements->count - i) * sizeof *statements->idle);
            return statement;
        }
    sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    return statement;
}

void statements_give(struct statements *statements, sqlite3_stmt *statement) {
    if (!statement)
        return;
    /* The reset is the last to say how it went: sqlite3_errcode still tells then. */
    if (statements->count == STATEMENTS_MAX)
        sqlite3_finalize(statements->idle[--statements->count]);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    memmove(statements->idle + 1, statements->idle,
            statements->count * sizeof *statements->idle);
    statements->idle[0] = statement;
    statements->count++;
}

void statements_clear(struct statements *statements) {
    while (statements->count)
        sqlite3_finalize(statements->idle[--statements->count]);
}
