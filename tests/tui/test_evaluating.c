/* The explorer in a pseudo-terminal, with models: what it evaluates, stores and
 * exports, and what happens where a device or a library gives up. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "results/catalog.h"
#include "support/masks.h"
#include "terminal.h"

/* The emulated device is lost while it evaluates: the CPU takes its place, which is
 * told, and what was asked for is measured. */
static void goes_on_without_its_device(void **state) {
    (void)state;
    char file[4096];
    if (access("tests/gpu/emulated/pwemoe-cuda.so", F_OK) != 0)
        skip(); /* no C++ compiler */
    snprintf(file, sizeof file, "%s/lost", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/lost/results.db", folder());
    fixture_write_real(file, 60);
    const char *argv[] = {
        terminal_program(), "--threads", "1", "--device", "cuda", file, NULL};
    const char *const environment[] = {"PWEMOE_MODULE_DIR=tests/gpu/emulated",
                                       "EMULATION_LOSE_AFTER=60", NULL};
    struct terminal_options options = {
        .width = 160, .height = 40, .environment = environment};
    struct terminal *terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "the CPU is used from now on");
    terminal_expect(terminal, "complete");
    terminal_type(terminal, "2");
    terminal_expect(terminal, "1.000 beta");
    terminal_expect(terminal, "here, measured");
    terminal_expect(terminal, "cpu");
    terminal_quit(terminal);
}

/* The centre is measured in the precision that is asked for: fp8 is told with the
 * device and with the model; without the option it is measured again. What is none is
 * refused before the terminal is touched. */
static void measures_in_the_precision_asked_for(void **state) {
    (void)state;
    char file[4096];
    static const char *const precisions[] = {"fp8", "auto", "fp4"};
    static const char *const environment[] = {"PWEMOE_MODULE_DIR=tests/gpu/emulated",
                                              NULL};
    struct terminal_options options = {
        .width = 160, .height = 40, .environment = environment};
    if (access("tests/gpu/emulated/pwemoe-cuda.so", F_OK) != 0)
        skip(); /* no C++ compiler */
    snprintf(file, sizeof file, "%s/precise", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/precise/results.db", folder());
    fixture_write_real(file, 21);
    for (size_t i = 0; i < 3; i++) {
        const char *argv[] = {terminal_program(), "--threads", "1",
                              "--device",         "cuda",      "--precision",
                              precisions[i],      file,        NULL};
        struct terminal *terminal = terminal_start(argv, &options);
        if (i == 2) {
            assert_int_equal(terminal_wait(terminal), 2);
            size_t count;
            assert_non_null(strstr(terminal_bytes(terminal, &count), "fp4"));
            assert_false(terminal_mode(terminal, MODE_ALTERNATE));
            terminal_close(terminal);
            break;
        }
        terminal_expect(terminal, "here, measured");
        terminal_expect(terminal, i == 0 ? " in fp8" : "Emulated");
        terminal_quit(terminal);
        struct store *store;
        struct catalog *catalog;
        struct error error;
        if (store_open(file, STORE_READ_ONLY, &store, &error) ||
            catalog_read_solutions(store, "test", &catalog, &error))
            fail_msg("%s", error.text);
        assert_int_equal(catalog->count, 1);
        assert_int_equal(catalog->solutions[0].fp8, i == 0);
        catalog_free(catalog);
        store_close(store);
    }
}

static void evaluates_stores_and_exports(void **state) {
    (void)state;
    char file[4096], out[8192], typed[9000], tensors[9000];
    struct stat status;
    snprintf(file, sizeof file, "%s/real", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/real/results.db", folder());
    fixture_write_real(file, 900);
    struct terminal *terminal = terminal_explore(file, 100, 30);
    terminal_expect(terminal, "complete");
    terminal_expect(terminal, "here, measured");
    terminal_expect(terminal, "cpu");
    terminal_type(terminal, "w");
    terminal_expect(terminal, "block 0 mlp");
    terminal_expect(terminal, "0.300");
    terminal_type(terminal, "w1");
    terminal_expect(terminal, "1.000 alpha");
    terminal_expect(terminal, "here, measured");

    /* A directory that exists is refused; a new one is written whole. */
    snprintf(out, sizeof out, "%s/real/exported", folder());
    assert_int_equal(mkdir(out, 0700), 0);
    snprintf(typed, sizeof typed, "e\025%s\r", out);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "this path exists and is not overwritten");
    terminal_type(terminal, "-2\033[B\033[B"); /* with beta's head */
    terminal_expect(terminal, "classifier head: beta");
    terminal_expect_gone(terminal, "overwritten");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "written");
    terminal_type(terminal, "\r");
    terminal_expect_gone(terminal, "classifier head");
    snprintf(tensors, sizeof tensors, "%s-2/model.safetensors", out);
    assert_int_equal(stat(tensors, &status), 0);
    snprintf(tensors, sizeof tensors, "%s-2/pwemoe.json", out);
    assert_int_equal(stat(tensors, &status), 0);
    terminal_quit(terminal);

    /* Both preferences are in the file, complete, with the hash of their models and
     * what making them took. */
    struct store *store;
    struct store_row *rows;
    struct error error;
    size_t count;
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(rows[i].solution.model_sha256), SHA256_HEX - 1);
        assert_true(rows[i].solution.seconds > 0);
        assert_true(rows[i].solution.peak_bytes > 0);
        for (size_t t = 0; t < 3; t++) {
            assert_true(rows[i].evaluations[t].complete);
            assert_int_equal(rows[i].evaluations[t].examples, 900);
        }
    }
    store_rows_free(rows, count);
    store_close(store);

    /* A part of the split is told from the whole, and keeps its interval. */
    const char *limited[] = {
        terminal_program(), "--threads", "1", "--limit", "100", file, NULL};
    struct terminal_options options = {.width = 100, .height = 30};
    terminal = terminal_start(limited, &options);
    terminal_expect(terminal, "cpu");
    terminal_type(terminal, "3");
    terminal_expect(terminal, "1.000 gamma");
    terminal_expect(terminal, "measured in part");
    terminal_settle(terminal, 200);
    assert_false(terminal_shows(terminal, "complete"));
    /* Of 100 examples, a quarter right or so: more than ten points wide. */
    const char *row = strstr(terminal_screen(terminal), "\n gamma ");
    double value, low, high;
    assert_non_null(row);
    assert_int_equal(sscanf(row, " gamma %lf %lf–%lf 100", &value, &low, &high), 3);
    assert_true(low < value && value < high && high - low > 10);
    terminal_quit(terminal);

    /* Opened again: nothing is measured twice. */
    terminal = terminal_explore(file, 100, 30);
    terminal_expect(terminal, "complete");
    terminal_settle(terminal, 300);
    terminal_quit(terminal);
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    assert_int_equal(count, 3);
    assert_false(rows[2].evaluations[0].complete);
    store_rows_free(rows, count);
    store_close(store);
}

/* The front is filled in the background: its price first, then a pause and going on; a
 * move in between is measured first. */
static void fills_the_front(void **state) {
    (void)state;
    char file[4096];
    snprintf(file, sizeof file, "%s/filled", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/filled/results.db", folder());
    fixture_write_real(file, 300);
    struct terminal *terminal = terminal_explore(file, 120, 30);
    terminal_expect(terminal, "here, measured");
    terminal_type(terminal, "F");
    terminal_expect(terminal, "the widest gap: 1 model, about");
    terminal_type(terminal, "\033[B\033[B\r");
    terminal_expect(terminal, "Fill the front: a grid");
    terminal_type(terminal, "5");
    terminal_expect(terminal, "15 preferences, 0 of them measured; 15 models, about");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "filling ");
    terminal_type(terminal, "F\r");
    terminal_expect(terminal, "filling paused");
    terminal_type(terminal, "2");
    terminal_expect(terminal, "1.000 beta");
    terminal_expect(terminal, "here, measured");
    terminal_type(terminal, "F\r");
    terminal_expect(terminal, "models measured in");
    terminal_quit(terminal);
    struct store *store;
    struct store_row *rows;
    struct error error;
    size_t count, whole = 0;
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    for (size_t i = 0; i < count; i++)
        whole += rows[i].evaluations[2].complete && rows[i].solution.model_sha256[0];
    /* Fifteen of the grid, where one began among none of them. */
    assert_int_equal(whole, 16);
    store_rows_free(rows, count);
    store_close(store);
}

/* Right after init: the first move is measured by the closed form, with nothing
 * trained, and exported; what is trained later takes its place. */
static void explores_without_training(void **state) {
    (void)state;
    char file[4096], out[8192], typed[9000];
    struct stat status;
    snprintf(file, sizeof file, "%s/untrained", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/untrained/results.db", folder());
    fixture_write_untrained(file, 200);
    struct terminal *terminal = terminal_explore(file, 120, 30);
    terminal_expect(terminal, "closed form wudi");
    terminal_expect(terminal, "nothing is trained yet");
    terminal_expect(terminal, "complete");
    terminal_type(terminal, "2");
    terminal_expect(terminal, "1.000 beta");
    terminal_expect(terminal, "here, measured");
    terminal_expect(terminal, "complete");
    terminal_type(terminal, "r");
    terminal_expect(terminal, "of the checkpoints alone");
    terminal_type(terminal, "\r");
    terminal_expect_gone(terminal, "of the checkpoints alone");
    snprintf(out, sizeof out, "%s/untrained/exported", folder());
    snprintf(typed, sizeof typed, "e\025%s\r", out);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "written");
    terminal_type(terminal, "\r");
    terminal_quit(terminal);
    snprintf(typed, sizeof typed, "%s/pwemoe.json", out);
    assert_int_equal(stat(typed, &status), 0);

    struct store *store;
    struct store_row *rows;
    struct error error;
    size_t count;
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        const struct store_solution *solution = &rows[i].solution;
        assert_int_equal(solution->kind, STORE_KIND_MERGE);
        assert_string_equal(solution->method, store_role_name(STORE_ROLE_CLOSED_FORM));
        assert_string_equal(solution->parameters,
                            catalog_parameters(CATALOG_CLOSED_FORM));
        assert_int_equal(catalog_answerer(solution), CATALOG_CLOSED_FORM);
        assert_int_equal(strlen(solution->model_sha256), SHA256_HEX - 1);
    }
    store_rows_free(rows, count);
    store_close(store);
}

/* The models lie beside the file, wherever a link to it is. */
static void through_a_link(void **state) {
    (void)state;
    char file[4096], link[4096];
    snprintf(file, sizeof file, "%s/linked", folder());
    snprintf(link, sizeof link, "%s/link.db", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/linked/results.db", folder());
    fixture_write_real(file, 30);
    assert_int_equal(symlink("linked/results.db", link), 0);
    struct terminal *terminal = terminal_explore(link, 100, 30);
    terminal_expect(terminal, "here, measured");
    terminal_quit(terminal);
}

/* What was asked for before the models are read, and before the end, is done. */
static void a_bookmark_is_kept_by_who_leaves_at_once(void **state) {
    (void)state;
    char file[4096];
    struct store *store;
    struct store_bookmark *bookmarks;
    struct error error;
    size_t count;
    snprintf(file, sizeof file, "%s/hasty", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/hasty/results.db", folder());
    fixture_write_real(file, 900);
    struct terminal *terminal = terminal_explore(file, 100, 30);
    terminal_expect(terminal, "0.333 alpha");
    terminal_type(terminal, "b\025early\rq");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(bookmarks[0].name, "early");
    store_bookmarks_free(bookmarks, count);
    store_close(store);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* q and SIGTERM end it within a second, whatever a thread does: here it waits, for up
 * to ten seconds, for a lock that another program holds. Half of that is a loaded
 * machine's. */
static void leaves_whatever_a_thread_does(void **state) {
    (void)state;
    char file[4096];
    snprintf(file, sizeof file, "%s/held", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/held/results.db", folder());
    fixture_write_real(file, 60);
    for (int by_signal = 0; by_signal < 2; by_signal++) {
        sqlite3 *db;
        struct terminal *terminal = terminal_explore(file, 100, 30);
        terminal_expect(terminal, "here, measured");
        terminal_settle(terminal, 300);
        assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                         SQLITE_OK);
        terminal_type(terminal, "b\025kept\r");
        terminal_settle(terminal, 300);
        double begin = now();
        if (by_signal)
            terminal_signal(terminal, SIGTERM);
        else
            terminal_type(terminal, "q");
        assert_int_equal(terminal_wait(terminal), by_signal ? 128 + SIGTERM : 0);
        assert_true(now() - begin < 5);
        terminal_expect_restored(terminal);
        terminal_close(terminal);
        sqlite3_close(db);
    }
}

/* OpenMP's library ends the process where it gets no thread: GCC's by exit(), clang's
 * by abort(). */
static void a_library_that_gives_up_leaves_the_terminal_whole(void **state) {
    (void)state;
    char file[4096];
    snprintf(file, sizeof file, "%s/giving-up", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/giving-up/results.db", folder());
    fixture_write_real(file, 900);
    const char *argv[] = {terminal_program(), "--threads", "2", file, NULL};
    const char *const environment[] = {"OMP_STACKSIZE=200000G", NULL};
    struct terminal_options options = {
        .width = 100, .height = 30, .environment = environment};
    struct terminal *terminal = terminal_start(argv, &options);
    int status = terminal_wait(terminal);
    assert_true(status == 1 || status == 128 + SIGABRT);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

/* A handler's frame overwrites memory where oneDNN computes (base/signals.h). The
 * loop's thread may run some: it does so while it waits, and computes no product. */
static void no_thread_that_computes_runs_a_handler(void **state) {
    (void)state;
    static const char *const keys[] = {"1", "2", "3"};
    char file[4096], open[256] = "";
    size_t most = 0;
    snprintf(file, sizeof file, "%s/masks", folder());
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/masks/results.db", folder());
    fixture_write_real(file, 3000);
    const char *argv[] = {terminal_program(), "--threads", "2", file, NULL};
    struct terminal_options options = {.width = 100, .height = 30};
    struct terminal *terminal = terminal_start(argv, &options);
    pid_t process = terminal_pid(terminal);
    terminal_expect(terminal, "here, measured");
    for (int i = 0; i < 30 && !*open; i++) {
        terminal_type(terminal, keys[i % 3]);
        terminal_settle(terminal, 20);
        size_t count = masks_open(process, process, open, sizeof open);
        most = count > most ? count : most;
        terminal_resize(terminal, 100 + i % 2, 30); /* SIGWINCH */
    }
    if (*open)
        fail_msg("%s", open);
    assert_true(most >= 4); /* loop, signals, watcher, evaluation, and libraries' */
    terminal_quit(terminal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_without_its_device),
        cmocka_unit_test(measures_in_the_precision_asked_for),
        cmocka_unit_test(evaluates_stores_and_exports),
        cmocka_unit_test(fills_the_front),
        cmocka_unit_test(explores_without_training),
        cmocka_unit_test(through_a_link),
        cmocka_unit_test(a_bookmark_is_kept_by_who_leaves_at_once),
        cmocka_unit_test(leaves_whatever_a_thread_does),
        cmocka_unit_test(no_thread_that_computes_runs_a_handler),
        cmocka_unit_test(a_library_that_gives_up_leaves_the_terminal_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
