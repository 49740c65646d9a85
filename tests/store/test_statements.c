/* Statements are prepared once and used again. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql.h"

static struct error error;

static void one_is_taken_once(void **state) {
    (void)state;
    static const char sql[] = "SELECT ?1";
    struct statements statements = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_stmt *a = statements_take(&statements, db, sql);
    sqlite3_stmt *b = statements_take(&statements, db, sql);
    assert_true(a && b && a != b);
    assert_int_equal(sqlite3_bind_int(a, 1, 7), SQLITE_OK);
    assert_int_equal(sqlite3_step(a), SQLITE_ROW);
    statements_give(&statements, a);
    /* It comes back from before its first row, with nothing bound. */
    assert_ptr_equal(statements_take(&statements, db, "SELECT ?1"), a);
    assert_int_equal(sqlite3_step(a), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(a, 0), SQLITE_NULL);
    statements_give(&statements, a);
    statements_give(&statements, b);
    statements_give(&statements, NULL);
    assert_int_equal(statements.count, 2);
    /* The one that was not used for the longest time makes room. */
    for (int i = 0; i < STATEMENTS_MAX - 1; i++) {
        char other[32];
        snprintf(other, sizeof other, "SELECT %d", i);
        statements_give(&statements, statements_take(&statements, db, other));
    }
    assert_int_equal(statements.count, STATEMENTS_MAX);
    assert_ptr_equal(statements_take(&statements, db, sql), b);
    statements_give(&statements, b);
    assert_null(statements_take(&statements, db, "SELECT nothing"));
    statements_clear(&statements);
    assert_int_equal(sqlite3_close(db), SQLITE_OK); /* BUSY where one is left */
}

/* A failure is told after its statement was given back, too. */
static void failures_are_told(void **state) {
    (void)state;
    struct statements statements = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)", NULL, NULL,
                 NULL);
    for (int i = 0; i < STATEMENTS_MAX; i++) {
        char other[32];
        snprintf(other, sizeof other, "SELECT %d", i);
        statements_give(&statements, statements_take(&statements, db, other));
    }
    sqlite3_stmt *insert = statements_take(&statements, db, "INSERT INTO t VALUES (?)");
    sqlite3_bind_int(insert, 1, 1);
    assert_int_equal(sqlite3_step(insert), SQLITE_CONSTRAINT);
    statements_give(&statements, insert);
    assert_int_equal(sqlite3_errcode(db), SQLITE_CONSTRAINT);
    assert_ptr_equal(statements_take(&statements, db, "INSERT INTO t VALUES (?)"),
                     insert);
    sqlite3_bind_int(insert, 1, 2);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    statements_give(&statements, insert);
    statements_clear(&statements);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Each of these has six statements and more; none is prepared anew. */
static void nothing_is_prepared_again(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    struct statements before = {0};
    assert_done(store_begin(store, &error));
    for (int i = 0; i < 20; i++) {
        char parameters[64];
        struct store_evaluation evaluation = example_evaluation(0, 50);
        snprintf(parameters, sizeof parameters, "{\"scale\":%d}", i);
        int64_t id = add_solution(store, STORE_KIND_MERGE, "ties", parameters, NULL, 0);
        assert_done(store_evaluations_put(store, id, NULL, &evaluation, 1, &error));
        if (i == 0)
            before = store->statements;
    }
    assert_done(store_commit(store, &error));
    assert_true(before.count > 6);
    assert_int_equal(store->statements.count, before.count);
    for (size_t i = 0; i < before.count; i++) {
        size_t k = 0;
        while (k < before.count && store->statements.idle[k] != before.idle[i])
            k++;
        assert_true(k < before.count);
    }
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_taken_once),
        cmocka_unit_test(failures_are_told),
        cmocka_unit_test_setup_teardown(nothing_is_prepared_again, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
