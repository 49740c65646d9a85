/* Solutions are looked up through an index, and their words and states. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql.h"

static struct error error;

/* --- how much is read --------------------------------------------------------- */

struct cost {
    int statements, steps; /* steps of SQLite's machine, of a row or within one */
};

static int add_cost(unsigned event, void *self, void *statement, void *nanoseconds) {
    struct cost *cost = self;
    (void)event, (void)nanoseconds;
    cost->statements++;
    cost->steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    return 0;
}

static void add_scales(struct store *store, int first, int end) {
    assert_done(store_begin(store, &error));
    for (int i = first; i < end; i++) {
        char parameters[64];
        snprintf(parameters, sizeof parameters, "{\"keep\":0.2,\"scale\":%d}", i);
        int64_t id = add_solution(store, STORE_KIND_MERGE, "ties", parameters, NULL, 0);
        struct store_evaluation all[3];
        for (size_t t = 0; t < 3; t++)
            all[t] = example_evaluation(t, 50);
        assert_done(store_evaluations_put(store, id, NULL, all, 3, &error));
    }
    assert_done(store_commit(store, &error));
}

/* Finding one that is there, its state, and one that is not. */
static struct cost look(struct store *store, int64_t expected) {
    struct cost cost = {0};
    struct store_solution wanted = {.kind = STORE_KIND_MERGE,
                                    .method = "ties",
                                    .parameters = "{\"scale\": 7, \"keep\": 0.2}"};
    enum store_state state;
    int64_t id;
    /* A statement that is used again counts on. */
    for (size_t i = 0; i < store->statements.count; i++)
        sqlite3_stmt_status(store->statements.idle[i], SQLITE_STMTSTATUS_VM_STEP, 1);
    sqlite3_trace_v2(store->db, SQLITE_TRACE_PROFILE, add_cost, &cost);
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_true(id == expected);
    assert_done(store_solution_state(store, id, "test", &state, &error));
    assert_int_equal(state, STORE_STATE_COMPLETE);
    wanted.parameters = "{\"scale\": 7.5, \"keep\": 0.2}";
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);
    sqlite3_trace_v2(store->db, 0, NULL, NULL);
    return cost;
}

/* `merge --scales 0:1:3000` asks so for each of its models: what one question reads
 * must not grow with the file. */
static void test_many(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    add_scales(store, 0, 10);
    struct cost few = look(store, 8);
    add_scales(store, 10, 3000);
    struct cost many = look(store, 8);
    assert_int_equal(few.statements, 5);
    assert_int_equal(many.statements, 5);
    assert_true(few.steps > 0);
    if (many.steps > few.steps + few.steps / 2)
        fail_msg("%d steps among 10 solutions, %d among 3000", few.steps, many.steps);
    store_close(store);
}

/* --- identity ------------------------------------------------------------------- */

static void test_identity(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    double r[] = {0.25, 0.25, 0.5}, near[] = {0.25 + 9e-10, 0.25 - 9e-10, 0.5},
           far[] = {0.25 + 2e-9, 0.25 - 2e-9, 0.5};
    int64_t id;
    int64_t routed = add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, r, 0);
    struct store_solution wanted = {
        .kind = STORE_KIND_PWEMOE, .method = "ls", .preference = near};
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_true(id == routed);
    wanted.preference = far;
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);
    wanted.preference = NULL;
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);
    wanted.preference = r;
    wanted.kind = STORE_KIND_TRAIN;
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);
    wanted.kind = STORE_KIND_PWEMOE;
    wanted.method = "epo";
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);
    wanted.method = "ls";
    wanted.routers = 1; /* which are not there: no such solution either */
    assert_done(store_solution_find(store, &wanted, &id, &error));
    assert_int_equal(id, 0);

    wanted.parameters = "[]";
    id = 5;
    assert_error(store_solution_find(store, &wanted, &id, &error), &error,
                 "parameters");
    assert_int_equal(id, 0);
    wanted.parameters = NULL;
    wanted.kind = STORE_KIND_NONE;
    assert_error(store_solution_find(store, &wanted, &id, &error), &error, "no kind");
    store_close(store);
}

/* --- words ---------------------------------------------------------------------- */

static void test_words(void **state) {
    (void)state;
    for (int k = STORE_KIND_PWEMOE; k < STORE_KINDS; k++) {
        const char *name = store_kind_name((enum store_kind)k);
        assert_true(*name);
        assert_int_equal(store_kind_find(name), k);
    }
    assert_int_equal(store_kind_find("pwemo"), STORE_KIND_NONE);
    assert_int_equal(store_kind_find(""), STORE_KIND_NONE);
    assert_int_equal(store_kind_find(NULL), STORE_KIND_NONE);
    assert_string_equal(store_kind_name(STORE_KIND_NONE), "");
    assert_int_equal(store_method_role("stl"), STORE_ROLE_EXPERTS);
    assert_int_equal(store_method_role("pretrained"), STORE_ROLE_PRETRAINED);
    assert_int_equal(store_method_role("ties"), STORE_ROLE_NONE);
    assert_int_equal(store_method_role(""), STORE_ROLE_NONE);
    assert_true(store_method_is("ties", NULL) && store_method_is("ties", "ties"));
    assert_false(store_method_is("ties", "tie"));
}

/* --- states --------------------------------------------------------------------- */

/* The state by itself and that of the row are the same. */
static void expect(struct store *store, int64_t id, enum store_state expected,
                   bool whole) {
    struct store_row *rows;
    size_t count;
    enum store_state state;
    assert_done(store_solution_state(store, id, "test", &state, &error));
    assert_string_equal(store_state_name(state), store_state_name(expected));
    assert_done(store_rows(store, "test", &rows, &count, &error));
    const struct store_row *row = store_row_find(rows, count, id);
    assert_non_null(row);
    assert_true(row->solution.id == id);
    assert_string_equal(store_state_name(row->state), store_state_name(expected));
    assert_true(row->whole == whole);
    store_rows_free(rows, count);
}

static void put(struct store *store, int64_t id, struct store_evaluation evaluation) {
    assert_done(store_evaluations_put(store, id, NULL, &evaluation, 1, &error));
}

static void test_states(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t id = add_solution(store, STORE_KIND_MERGE, "average", NULL, NULL, 0);
    expect(store, id, STORE_STATE_NONE, false);
    struct store_evaluation train = example_evaluation(0, 50);
    train.split = "train";
    put(store, id, train); /* another split */
    expect(store, id, STORE_STATE_NONE, false);
    put(store, id, example_evaluation(0, 50));
    put(store, id, example_evaluation(1, 50));
    expect(store, id, STORE_STATE_PARTIAL, false); /* an objective is missing */
    struct store_evaluation part = example_evaluation(2, 50);
    part.complete = false;
    put(store, id, part);
    expect(store, id, STORE_STATE_PARTIAL, false); /* part of the split */
    put(store, id, example_evaluation(2, 50));
    expect(store, id, STORE_STATE_COMPLETE, true);
    struct store_checkpoint other = {.path = "/abs/other", .size = 5};
    memset(other.sha256, 'b', SHA256_HEX - 1);
    assert_done(store_set_expert(store, 0, &other, &error));
    expect(store, id, STORE_STATE_STALE, false);

    int64_t imported = add_solution(store, STORE_KIND_IMPORT, "average", NULL, NULL, 0);
    expect(store, imported, STORE_STATE_NONE, false);
    for (size_t t = 0; t < 3; t++) {
        struct store_evaluation figure = example_evaluation(t, 50);
        figure.imported = true;
        put(store, imported, figure);
        expect(store, imported, STORE_STATE_IMPORTED, t == 2);
    }
    enum store_state none;
    assert_done(store_solution_state(store, 99, "test", &none, &error));
    assert_int_equal(none, STORE_STATE_NONE);

    struct store_row *rows;
    size_t count;
    assert_done(store_rows(store, "test", &rows, &count, &error));
    assert_null(store_row_find(rows, count, 0));
    assert_null(store_row_find(rows, count, 99));
    assert_null(store_row_find(NULL, 0, id));
    store_rows_free(rows, count);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_identity, folder_make, folder_remove),
        cmocka_unit_test(test_words),
        cmocka_unit_test_setup_teardown(test_states, folder_make, folder_remove)};
    return cmocka_run_group_tests_name("solutions found", tests, NULL, NULL);
}
