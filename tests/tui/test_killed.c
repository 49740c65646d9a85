/* The real program killed (SIGKILL), or asked to end, while it evaluates: what another
 * process has seen in the file before is there afterwards as it was, every solution has
 * all of its figures or none, and what was measured is not measured again. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "../support/patience.h"
#include "base/random.h"
#include "terminal.h"

enum { TASKS = 3, SEEN_MOST = 512, ROUNDS = 6 };

struct seen {
    int64_t id;
    double values[TASKS];
    char model_sha256[SHA256_HEX];
};

static char file[4096];
static struct seen seen[SEEN_MOST];
static size_t seen_count;

static struct terminal *start(void) {
    struct terminal *terminal = terminal_explore(file, 100, 30);
    terminal_expect(terminal, "cpu");
    return terminal;
}

static void kill_it(struct terminal *terminal) {
    terminal_signal(terminal, SIGKILL);
    assert_int_equal(terminal_wait(terminal), 128 + SIGKILL);
    terminal_close(terminal);
}

/* What a process beside it sees: rows that were seen before are as they were, new ones
 * are whole. Returns how many solutions have figures. */
static size_t look(struct store *store) {
    struct store_row *rows;
    size_t count, with = 0;
    struct error error;
    if (store_rows(store, "test", &rows, &count, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < count; i++) {
        const struct store_evaluation *e = rows[i].evaluations;
        assert_true(e[0].present == e[1].present && e[1].present == e[2].present);
        if (!e[0].present)
            continue;
        with++;
        assert_true(e[0].complete && e[1].complete && e[2].complete);
        assert_true(strlen(rows[i].solution.model_sha256) == SHA256_HEX - 1);
        size_t at = 0;
        while (at < seen_count && seen[at].id != rows[i].solution.id)
            at++;
        assert_true(at < SEEN_MOST);
        struct seen now = {.id = rows[i].solution.id};
        memcpy(now.model_sha256, rows[i].solution.model_sha256,
               sizeof now.model_sha256);
        for (size_t t = 0; t < TASKS; t++)
            now.values[t] = e[t].value;
        if (at == seen_count)
            seen[seen_count++] = now;
        else
            assert_memory_equal(&seen[at], &now, sizeof now);
    }
    store_rows_free(rows, count);
    assert_true(with >= seen_count); /* none that was seen has gone */
    return with;
}

static struct store *open_file(enum store_mode mode) {
    struct store *store;
    struct error error;
    if (store_open(file, mode, &store, &error))
        fail_msg("%s", error.text);
    return store;
}

/* Are the figures at a preference in the file? */
static bool is_there(struct store *store, const double *preference) {
    struct store_row *rows;
    size_t count;
    bool there = false;
    if (store_rows(store, "test", &rows, &count, NULL))
        fail_msg("the file cannot be read");
    for (size_t i = 0; i < count; i++) {
        const double *p = rows[i].solution.preference;
        bool same = p && rows[i].evaluations[0].complete;
        for (size_t t = 0; same && t < TASKS; t++)
            same = p[t] - preference[t] < 1e-9 && preference[t] - p[t] < 1e-9;
        there = there || same;
    }
    store_rows_free(rows, count);
    return there;
}

static void wait_for(struct store *store, const double *preference) {
    for (int tries = 0; tries < 50 * PATIENCE && !is_there(store, preference); tries++)
        usleep(20000);
    assert_true(is_there(store, preference));
}

/* Killed as soon as the screen says so. */
static void what_is_shown_as_measured_is_stored(void **state) {
    (void)state;
    static const double corner[] = {0, 0, 1};
    struct terminal *terminal = start();
    terminal_type(terminal, "3");
    terminal_expect(terminal, "1.000 gamma");
    terminal_expect(terminal, "here, measured");
    kill_it(terminal);
    struct store *store = open_file(STORE_READ_WRITE);
    assert_true(is_there(store, corner));
    store_close(store);
}

static void killed_at_any_moment(void **state) {
    (void)state;
    static const char *const keys[] = {"1", "2", "3", "0", "l",
                                       "h", "k", "j", "L", "K"};
    struct random random;
    random_seed(&random, 11, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct terminal *terminal = start();
        struct store *viewer = open_file(STORE_READ_ONLY);
        size_t before = look(viewer);
        /* From one preference to another, sometimes before the last one is done, until
         * something new is in the file. */
        for (int step = 0; step < 12 || look(viewer) == before; step++) {
            terminal_type(terminal,
                          keys[random_below(&random, sizeof keys / sizeof *keys)]);
            terminal_settle(terminal, (int)random_below(&random, 30));
            look(viewer);
        }
        usleep((useconds_t)random_below(&random, 20000));
        kill_it(terminal);
        look(viewer);
        store_close(viewer);
        struct store *store = open_file(STORE_READ_WRITE);
        look(store);
        store_close(store);
    }
    assert_true(seen_count >= ROUNDS);
}

/* Asked to end at any moment, from the first on: it ends by that signal, whatever its
 * threads do, and the terminal is as it was. How soon is the program's own promise: a
 * second. The bound here is for machines that have other work. */
static void interrupted_at_any_moment(void **state) {
    (void)state;
    enum { SECONDS = 6 };
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    static const char *const keys[] = {"1", "2", "3", "0", "h",
                                       "j", "L", "P", "e", "?"};
    struct random random;
    random_seed(&random, 12, 0);
    for (int round = 0; round < 4 * ROUNDS; round++) {
        int number = signals[round % 3];
        struct terminal *terminal = terminal_explore(file, 100, 30);
        if (round % 4)
            terminal_expect(terminal, "cpu");
        else
            terminal_expect_taken(terminal); /* nothing is drawn yet, perhaps */
        for (uint64_t steps = random_below(&random, 6); steps > 0; steps--) {
            terminal_type(terminal,
                          keys[random_below(&random, sizeof keys / sizeof *keys)]);
            terminal_settle(terminal, (int)random_below(&random, 30));
        }
        usleep((useconds_t)random_below(&random, 30000));
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        terminal_signal(terminal, number);
        assert_int_equal(terminal_wait(terminal), 128 + number);
        clock_gettime(CLOCK_MONOTONIC, &end);
        assert_true(end.tv_sec - begin.tv_sec < SECONDS);
        terminal_expect_restored(terminal);
        terminal_close(terminal);
        struct store *store = open_file(STORE_READ_WRITE);
        look(store);
        store_close(store);
    }
}

static void a_bookmark_that_was_told_is_kept(void **state) {
    (void)state;
    struct terminal *terminal = start();
    terminal_type(terminal, "1b\025corner\r");
    terminal_expect(terminal, "bookmark corner saved");
    kill_it(terminal);
    struct store *store = open_file(STORE_READ_WRITE);
    struct store_bookmark *bookmarks;
    size_t count;
    struct error error;
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(bookmarks[0].name, "corner");
    store_bookmarks_free(bookmarks, count);
    store_close(store);
}

/* The centre, where the program then begins, and a corner: both measured before, so
 * that nothing is written when they are looked at again. */
static void nothing_is_paid_for_twice(void **state) {
    (void)state;
    static const double centre[] = {1.0 / 3, 1.0 / 3, 1.0 / 3}, corner[] = {1, 0, 0};
    struct store *viewer = open_file(STORE_READ_ONLY);
    struct store_mark before, after;
    struct terminal *terminal = start();
    terminal_type(terminal, "0");
    wait_for(viewer, centre);
    terminal_type(terminal, "1");
    wait_for(viewer, corner);
    kill_it(terminal);
    assert_int_equal(store_mark(viewer, &before, NULL), 0);
    terminal = start();
    terminal_type(terminal, "1");
    terminal_expect(terminal, "1.000 alpha");
    terminal_settle(terminal, 300);
    terminal_expect(terminal, "here, measured");
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    assert_int_equal(store_mark(viewer, &after, NULL), 0);
    assert_true(after.time == before.time && after.solution == before.solution);
    look(viewer);
    store_close(viewer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_as_measured_is_stored),
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(interrupted_at_any_moment),
        cmocka_unit_test(a_bookmark_that_was_told_is_kept),
        cmocka_unit_test(nothing_is_paid_for_twice),
    };
    snprintf(file, sizeof file, "%s/results.db", folder());
    fixture_write_real(file, 60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
