/* Leases: of two processes one trains a run; one that has ended keeps nothing. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/lease.h"
#include "store/sql.h"

static struct error error;

static int64_t begin_run(struct store *store) {
    struct store_run run = {.method = "ls", .upscale = "mlp", .steps = 10};
    assert_done(store_run_begin(store, &run, &error));
    return run.id;
}

static int save(struct store *store, int64_t run, unsigned step) {
    struct store_run saved = {.id = run, .steps_done = step, .steps = 10};
    return store_run_save(store, &saved, NULL, "state", 5, NULL, 0, &error);
}

static size_t leases(struct store *store) {
    sqlite3_stmt *statement;
    sqlite3_prepare_v2(store->db, "SELECT count(*) FROM lease", -1, &statement, NULL);
    sqlite3_step(statement);
    size_t count = (size_t)sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

static void test_one_of_two(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *one = example_store(path), *two = open_ok(path, STORE_READ_WRITE);
    int64_t run = begin_run(one), other = begin_run(one);
    char words[64];
    snprintf(words, sizeof words, "being trained by process %d on ", (int)getpid());
    assert_done(save(two, run, 1)); /* nobody trains it */
    assert_done(store_lease_take(one, run, &error));
    assert_error(store_lease_take(two, run, &error), &error, words);
    assert_error(save(two, run, 2), &error, words);
    assert_error(store_lease_check(two, run, &error), &error, words);
    assert_done(save(one, run, 2));
    /* Another run is nobody's. */
    assert_done(store_lease_take(two, other, &error));
    assert_done(save(two, other, 1));
    /* Who closes the file, or takes another run, lets go. */
    store_close(one);
    assert_int_equal(leases(two), 1);
    assert_done(store_lease_take(two, run, &error));
    assert_int_equal(leases(two), 1);
    assert_done(save(two, run, 3));
    store_close(two);
    two = open_ok(path, STORE_READ_WRITE);
    assert_int_equal(leases(two), 0);
    assert_error(store_lease_take(two, 99, &error), &error, "");
    store_close(two);
}

/* A child that holds the lease until it is killed. */
static pid_t hold(const char *path, int64_t run) {
    int says[2];
    char byte;
    assert_int_equal(pipe(says), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store;
        if (store_open(path, STORE_READ_WRITE, &store, NULL) ||
            store_lease_take(store, run, NULL) || write(says[1], "h", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(says[1]);
    assert_int_equal(read(says[0], &byte, 1), 1);
    close(says[0]);
    return child;
}

static void test_killed(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    int64_t run = begin_run(store);
    pid_t child = hold(path, run);
    char words[64];
    snprintf(words, sizeof words, "run %d is being trained by process %d on ", (int)run,
             (int)child);
    assert_error(store_lease_take(store, run, &error), &error, words);
    assert_int_equal(kill(child, SIGSTOP), 0); /* asleep is not dead */
    assert_error(save(store, run, 1), &error, words);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_true(waitpid(child, NULL, 0) == child);
    assert_int_equal(leases(store), 1);
    assert_done(save(store, run, 1));
    assert_done(store_lease_take(store, run, &error));
    store_close(store);
}

/* Whose clock or machine was taken for dead saves nothing over what went on. */
static void test_taken_over(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    int64_t run = begin_run(store);
    assert_done(store_lease_take(store, run, &error));
    assert_done(save(store, run, 1));
    plant(path, "UPDATE lease SET token = '00000000000000000000000000000000'");
    assert_error(save(store, run, 2), &error, "another process has taken run 1 over");
    assert_error(store_lease_check(store, run, &error), &error, "has taken run 1 over");
    assert_done(store_lease_renew(store, &error)); /* not yet due */
    store->lease_renewed -= LEASE_RENEWAL + 1;
    assert_error(store_lease_renew(store, &error), &error, "has taken run 1 over");
    plant(path, "DELETE FROM lease"); /* and has ended since */
    assert_error(save(store, run, 2), &error, "has taken run 1 over");
    store_close(store);
}

static void test_renewed(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    assert_done(store_lease_renew(store, &error)); /* none is held */
    int64_t run = begin_run(store), version, after;
    assert_done(store_lease_take(store, run, &error));
    plant(path, "UPDATE lease SET renewed = 1");
    assert_done(store_version(store, &version, &error));
    assert_done(store_lease_renew(store, &error));
    assert_done(store_version(store, &after, &error));
    assert_true(after == version); /* nothing was written */
    store->lease_renewed -= LEASE_RENEWAL + 1;
    assert_done(store_lease_renew(store, &error));
    sqlite3_stmt *statement;
    sqlite3_prepare_v2(store->db, "SELECT renewed FROM lease", -1, &statement, NULL);
    sqlite3_step(statement);
    assert_true(sqlite3_column_double(statement, 0) > 1e9);
    sqlite3_finalize(statement);
    store_close(store);
}

/* Rows of processes that cannot be looked at from here, and of those that can. */
static void test_who_lives(void **state) {
    static const struct {
        const char *change; /* of a row that this process wrote just now */
        bool lives;
    } cases[] = {
        {"host = host", true},
        {"began = began - 1", false}, /* its number is another's by now */
        {"began = -1", true},         /* began when is not known; it is there */
        {"pid = 2147483647", false},
        {"renewed = 1", true}, /* it lives, whatever the clock says */
        /* Another machine. */
        {"machine = 'x', place = 'y pid:[1]'", true},
        {"machine = 'x', place = 'y pid:[1]', renewed = renewed - 700", false},
        {"machine = 'x', place = 'y pid:[1]', renewed = renewed + 700", false},
        /* This machine and another container. */
        {"place = place || '1'", true},
        {"place = place || '1', renewed = renewed - 700", false},
        /* A machine that does not tell. */
        {"machine = '', place = ' '", true},
        {"machine = '', place = ' ', renewed = renewed - 700", false},
    };
    const char *path = in_folder(state, "results.db");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        struct store *one = example_store(path), *two = open_ok(path, STORE_READ_WRITE);
        int64_t run = begin_run(one);
        assert_done(store_lease_take(one, run, &error));
        snprintf(sql, sizeof sql, "UPDATE lease SET %s", cases[i].change);
        plant(path, sql);
        int result = store_lease_take(two, run, &error);
        if ((result != 0) != cases[i].lives)
            fail_msg("%s: %s", cases[i].change, result ? error.text : "taken");
        store_close(one);
        store_close(two);
        unlink(path);
    }
}

/* This machine, started again since: dead at once, where the machine has a number. */
static void test_started_again(void **state) {
    FILE *file = fopen("/etc/machine-id", "r");
    char line[64] = "";
    if (file && !fgets(line, sizeof line, file))
        *line = '\0';
    if (file)
        fclose(file);
    if (!*line || *line == '\n')
        skip();
    const char *path = in_folder(state, "results.db");
    struct store *one = example_store(path), *two = open_ok(path, STORE_READ_WRITE);
    int64_t run = begin_run(one);
    assert_done(store_lease_take(one, run, &error));
    plant(path, "UPDATE lease SET place = 'another-start pid:[1]'");
    assert_done(store_lease_take(two, run, &error));
    store_close(one);
    store_close(two);
}

static void test_damaged(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *one = example_store(path), *two = open_ok(path, STORE_READ_WRITE);
    int64_t run = begin_run(one);
    assert_done(store_lease_take(one, run, &error));
    plant(path, "PRAGMA ignore_check_constraints=ON; UPDATE lease SET pid = 1 << 40");
    assert_error(store_lease_take(two, run, &error), &error, "a lease");
    store_close(one);
    one = open_ok(path, STORE_READ_WRITE);
    plant(path, "DELETE FROM lease");
    assert_done(store_lease_take(one, run, &error));
    plant(path, "UPDATE lease SET host = char(27) || '[2J' || char(10)");
    assert_error(store_lease_take(two, run, &error), &error, "on ");
    assert_null(strchr(error.text, 27));
    store_close(one);
    store_close(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_of_two, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_killed, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_taken_over, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_renewed, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_who_lives, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_started_again, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_damaged, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
