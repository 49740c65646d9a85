/* Several processes on one file, and processes that are killed. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

static struct error error;

/* A child that says something through a pipe, waits there for a byte, and goes on.
 * cmocka's assertions would return into the parent's tests: children use _exit. */
struct child {
    pid_t id;
    int says, hears;
};

static void child_say(int out, char byte) {
    if (write(out, &byte, 1) != 1)
        _exit(9);
}

static void child_wait(int in) {
    char byte;
    if (read(in, &byte, 1) != 1)
        _exit(8);
}

static struct child start(void (*work)(const char *path, int in, int out),
                          const char *path) {
    int up[2], down[2];
    assert_int_equal(pipe(up) | pipe(down), 0);
    struct child child = {fork(), up[0], down[1]};
    assert_true(child.id >= 0);
    if (child.id == 0) {
        close(up[0]);
        close(down[1]);
        work(path, down[0], up[1]);
        _exit(0);
    }
    close(up[1]);
    close(down[0]);
    return child;
}

static void hear(const struct child *child) {
    char byte;
    assert_int_equal(read(child->says, &byte, 1), 1);
}

static int finish(struct child *child) {
    int status;
    close(child->hears);
    assert_true(waitpid(child->id, &status, 0) == child->id);
    close(child->says);
    return status;
}

static size_t log_count(struct store *store) {
    struct store_log_line *lines;
    size_t count;
    assert_done(store_log_lines(store, SIZE_MAX, &lines, &count, &error));
    store_log_lines_free(lines, count);
    return count;
}

static void hold_lock(const char *path, int in, int out) {
    struct store *store;
    if (store_open(path, STORE_READ_WRITE, &store, NULL) || store_begin(store, NULL) ||
        store_log(store, NULL, "from the child"))
        _exit(1);
    child_say(out, 'l');
    child_wait(in);
    if (store_commit(store, NULL))
        _exit(2);
    child_say(out, 'c');
    child_wait(in);
    store_close(store);
}

static void test_viewer_and_lock(void **state) {
    const char *path = in_folder(state, "results.db");
    store_close(example_store(path));
    struct child child = start(hold_lock, path);
    hear(&child);
    /* A viewer opens and reads while a writer is in the middle of its work. */
    struct store *viewer = open_ok(path, STORE_READ_ONLY);
    struct store_recipe *recipe;
    assert_done(store_recipe(viewer, &recipe, &error));
    store_recipe_free(recipe);
    assert_int_equal(log_count(viewer), 0);
    /* A second writer opens, and is told who is in the way. */
    struct store *store = open_ok(path, STORE_READ_WRITE);
    store_set_timeout(store, 20);
    assert_error(store_log(store, &error, "x"), &error, "is locked by another process");
    assert_error(store_begin(store, &error), &error, "is locked by another process");
    assert_int_equal(write(child.hears, "g", 1), 1);
    hear(&child);
    assert_done(store_log(store, &error, "x"));
    assert_int_equal(log_count(viewer), 2);
    assert_int_equal(write(child.hears, "g", 1), 1);
    assert_int_equal(finish(&child), 0);
    store_close(store);
    store_close(viewer);
}

static void write_and_close(const char *path, int in, int out) {
    struct store *store;
    child_wait(in);
    if (store_open(path, STORE_READ_WRITE, &store, NULL) ||
        store_log(store, NULL, "from the child"))
        _exit(1);
    store_close(store);
    child_say(out, 'd');
}

/* A process that opens the file twice (an explorer, `compare`) and closes one keeps
 * the locks of the other: without them another process, closing, would take itself for
 * the last and remove the -wal that is still written to. */
static void test_locks_outlive_a_second_store(void **state) {
    const char *path = in_folder(state, "results.db");
    store_close(example_store(path));
    /* Before anything is open: SQLite knows what its own process has open. */
    struct child child = start(write_and_close, path);
    struct store *first = open_ok(path, STORE_READ_WRITE);
    assert_done(store_log(first, &error, "one"));
    store_close(open_ok(path, STORE_READ_WRITE));
    store_close(open_ok(path, STORE_READ_ONLY));
    assert_int_equal(write(child.hears, "g", 1), 1);
    hear(&child);
    assert_int_equal(finish(&child), 0);
    assert_done(store_log(first, &error, "two"));
    struct store *other = open_ok(path, STORE_READ_ONLY);
    assert_int_equal(log_count(other), 3);
    assert_int_equal(log_count(first), 3);
    store_close(other);
    store_close(first);
    first = open_ok(path, STORE_READ_ONLY);
    assert_int_equal(log_count(first), 3);
    store_close(first);
}

/* --- kill -9 ------------------------------------------------------------------ */

static void write_on(const char *path, int in, int out) {
    (void)in;
    struct store *store;
    if (store_open(path, STORE_READ_WRITE, &store, NULL))
        _exit(1);
    for (uint64_t i = 0;; i++) {
        char parameters[64];
        snprintf(parameters, sizeof parameters, "{\"process\":%d,\"i\":%llu}", getpid(),
                 (unsigned long long)i);
        struct store_solution solution = {
            .kind = STORE_KIND_MERGE, .method = "ties", .parameters = parameters};
        unsigned char bits[125] = {0};
        struct store_evaluation evaluations[3];
        for (size_t t = 0; t < 3; t++) {
            evaluations[t] = example_evaluation(t, (double)(i % 90));
            evaluations[t].correct = bits;
            evaluations[t].correct_size = sizeof bits;
        }
        if (store_solution_put(store, &solution, NULL) ||
            store_evaluations_put(store, solution.id, NULL, evaluations, 3, NULL))
            _exit(2);
        child_say(out, (char)i); /* only now is it promised */
    }
}

static void test_killed_writers(void **state) {
    const char *path = in_folder(state, "results.db");
    struct random random;
    random_seed(&random, 1, 0);
    store_close(example_store(path));
    size_t promised = 0;
    for (int round = 0; round < 15; round++) {
        struct child child = start(write_on, path);
        size_t wait = (size_t)random_below(&random, 10);
        for (size_t i = 0; i <= wait; i++)
            hear(&child);
        promised += wait + 1;
        /* Anywhere in the work that follows. */
        usleep((useconds_t)random_below(&random, 3000));
        assert_int_equal(kill(child.id, SIGKILL), 0);
        char byte;
        while (read(child.says, &byte, 1) == 1)
            promised++;
        int status = finish(&child);
        assert_true(WIFSIGNALED(status));

        struct store *store = open_ok(path, STORE_READ_WRITE);
        struct store_row *rows;
        size_t count, complete = 0;
        assert_done(store_rows(store, "test", &rows, &count, &error));
        for (size_t i = 0; i < count; i++) {
            const struct store_evaluation *e = rows[i].evaluations;
            /* All three of one call or none. */
            assert_true(e[0].present == e[1].present && e[1].present == e[2].present);
            complete += e[0].present;
        }
        store_rows_free(rows, count);
        /* What was promised, and at most one more a round that could not be told. */
        assert_true(complete >= promised);
        promised = complete;
        store_close(store);
    }
}

/* --- nothing may be written ------------------------------------------------------ */

static void view(const char *path, int in, int out) {
    (void)in;
    (void)out;
    struct store *store;
    struct error problem = {.text = ""};
    struct store_row *rows;
    size_t count;
    /* Root may write anywhere; nobody may not. */
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        _exit(1);
    if (access(path, W_OK) == 0)
        _exit(2);
    if (store_open(path, STORE_READ_WRITE, &store, &problem) == 0 ||
        !strstr(problem.text, "cannot be written"))
        _exit(3);
    if (store_open(path, STORE_READ_ONLY, &store, &problem)) {
        _exit(strstr(problem.text, "copy both") ? 20 : 4);
    }
    if (store_rows(store, "test", &rows, &count, NULL))
        _exit(5);
    store_rows_free(rows, count);
    if (store_log(store, &problem, "x") == 0)
        _exit(6);
    store_close(store);
    _exit(10 + (int)count);
}

static int view_status(const char *path) {
    struct child child = start(view, path);
    int status = finish(&child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_read_only_folder(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    add_solution(store, STORE_KIND_MERGE, "ties", NULL, NULL, 0);
    store_close(store);
    assert_true(access(in_folder(state, "results.db-wal"), F_OK) != 0);
    chmod(path, 0444);
    chmod(*state, 0555);
    assert_int_equal(view_status(path), 11);
    chmod(*state, 0755);
    assert_true(access(in_folder(state, "results.db-shm"), F_OK) != 0);
    chmod(path, 0644);

    /* With a -wal that holds commits it reads on, with the -shm that goes with it or
     * without; where the -wal cannot be read it says what to do. */
    const char *wal = in_folder(state, "results.db-wal");
    const char *shm = in_folder(state, "results.db-shm"),
               *kept = in_folder(state, "kept");
    store = open_ok(path, STORE_READ_WRITE);
    add_solution(store, STORE_KIND_MERGE, "average", NULL, NULL, 0);
    chmod(path, 0444);
    chmod(wal, 0444);
    chmod(shm, 0444);
    chmod(*state, 0555);
    assert_int_equal(view_status(path), 12);
    chmod(*state, 0755);
    rename(shm, kept);
    chmod(*state, 0555);
    assert_int_equal(view_status(path), 12);
    chmod(wal, 0);
    assert_int_equal(view_status(path), 20);
    /* The -wal lies beside the file and not beside a link to it. */
    const char *link = in_folder(state, "link.db");
    assert_int_equal(symlink("results.db", link), 0);
    assert_int_equal(view_status(link), 20);
    chmod(*state, 0755);
    rename(kept, shm);
    store_close(store);
}

static void test_viewer_alone_leaves_nothing(void **state) {
    const char *path = in_folder(state, "results.db");
    const char *wal = in_folder(state, "results.db-wal");
    const char *shm = in_folder(state, "results.db-shm");
    store_close(example_store(path));
    struct store *store = open_ok(path, STORE_READ_ONLY);
    assert_int_equal(log_count(store), 0);
    store_close(store);
    assert_true(access(wal, F_OK) != 0 && access(shm, F_OK) != 0);
    /* Nor when it is closed after the writer. */
    struct store *writer = open_ok(path, STORE_READ_WRITE);
    store = open_ok(path, STORE_READ_ONLY);
    assert_done(store_log(writer, &error, "x"));
    store_close(writer);
    assert_int_equal(log_count(store), 1);
    store_close(store);
    assert_true(access(wal, F_OK) != 0 && access(shm, F_OK) != 0);
    store = open_ok(path, STORE_READ_ONLY);
    assert_int_equal(log_count(store), 1);
    store_close(store);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_viewer_and_lock, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_locks_outlive_a_second_store, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_killed_writers, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_read_only_folder, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_viewer_alone_leaves_nothing, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
