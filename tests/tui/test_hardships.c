/* Journeys under hard conditions: figures that are no numbers, another process that
 * deletes, sizes that change faster than anyone draws, a thousand equal points, and a
 * long script. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "base/random.h"
#include "terminal.h"

/* A file with so many tasks and its path, as nobody has looked at it yet. */
static const char *fresh(size_t tasks, size_t edge) {
    static char path[4200];
    snprintf(path, sizeof path, "%s/%zu-tasks.db", folder(), tasks);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char file[4300];
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    fixture_write_in(folder(), tasks, edge, path);
    return path;
}

static struct terminal *begin(const char *file, int width, int height) {
    struct terminal *terminal = terminal_explore(file, width, height);
    /* What is missing may be told before the solutions are read. */
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "Objectives");
    return terminal;
}

/* What another process does to the file, which may be read at that moment. */
static void change(const char *path, const char *sql) {
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* The frame stays, what is wrong is said; when it is mended, it goes on. */
static void figures_that_are_no_numbers(void **state) {
    (void)state;
    const char *path = fresh(3, 7);
    struct terminal *terminal = begin(path, 100, 30);
    terminal_type(terminal, "T");
    terminal_expect(terminal, "Solutions: 53");
    /* One more solution, of infinite figures. */
    change(path,
           "INSERT INTO solution SELECT 10000, kind, method, '{\"scale\":9}', "
           "preference, preference_key, routers, label, model_sha256, created, "
           "seconds, peak_bytes FROM solution WHERE method = 'ties' LIMIT 1;"
           "INSERT INTO evaluation (solution, objective, split, value, low, high, "
           "examples, complete, stale, loss, time) SELECT 10000, objective, split, "
           "9e999, 0, 9e999, examples, complete, 0, loss, time + 9 FROM evaluation "
           "WHERE solution = 5");
    terminal_expect(terminal, "is corrupt");
    terminal_type(terminal, "\0331");
    terminal_expect(terminal, "1.000 alpha");
    change(path, "DELETE FROM evaluation WHERE solution = 10000;"
                 "DELETE FROM solution WHERE id = 10000");
    terminal_expect_gone(terminal, "is corrupt");
    terminal_type(terminal, "/alpha >= 95\r");
    terminal_expect(terminal, "of 53, alpha >= 95");
    terminal_quit(terminal);
    /* From the start: an error, and the terminal as it was. */
    change(path, "UPDATE evaluation SET low = -9e999 WHERE solution = 7");
    const char *argv[] = {terminal_program(), path, NULL};
    struct terminal_options options = {.width = 80, .height = 24};
    terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "is corrupt");
    terminal_type(terminal, "q");
    terminal_wait(terminal);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

/* What is pointed at, selected, compared and listed goes away while it is looked at. */
static void another_process_deletes(void **state) {
    (void)state;
    const char *path = fresh(3, 7);
    struct terminal *terminal = begin(path, 120, 40);
    terminal_type(terminal, "T/method == ties\r*");
    terminal_expect(terminal, "11 selected");
    terminal_type(terminal, "j");
    /* At once: the explorer may be writing the selection. */
    change(path, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; "
                 "DELETE FROM selected; "
                 "DELETE FROM evaluation WHERE solution IN "
                 "(SELECT id FROM solution WHERE method = 'ties'); "
                 "DELETE FROM solution WHERE method = 'ties'; COMMIT");
    terminal_expect(terminal, "0 of 42");
    terminal_type(terminal, "/\025\r");
    terminal_expect(terminal, "Solutions: 42");
    terminal_type(terminal, "jjx\t\033x");
    /* All of them. */
    change(path, "PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; "
                 "DELETE FROM selected; DELETE FROM evaluation; "
                 "DELETE FROM solution; COMMIT");
    terminal_expect(terminal, "Solutions: 0");
    terminal_type(terminal, "jj*Txxf\033");
    terminal_expect(terminal, "Objectives");
    terminal_quit(terminal);
}

/* Keys are answered and the last size is what is drawn, however many came before. */
static void a_storm_of_sizes(void **state) {
    (void)state;
    struct random random;
    struct terminal *terminal = begin(fresh(12, 2), 80, 24);
    random_seed(&random, 7, 0);
    static const char *const keys[] = {"x",  "T", "\033[C", "z", "+",
                                       "\t", "w", "j",      "?"};
    for (size_t i = 0; i < 300; i++) {
        terminal_resize(terminal, 1 + (int)random_below(&random, 250),
                        1 + (int)random_below(&random, 70));
        if (i % 7 == 0)
            terminal_type(terminal, keys[i / 7 % (sizeof keys / sizeof *keys)]);
    }
    terminal_resize(terminal, 120, 40);
    terminal_type(terminal, "\033\033\033");
    terminal_expect(terminal, "look only");
    terminal_quit(terminal);
}

/* A thousand equal points are one place; everything that looks for neighbours, gaps,
 * knees and ranges has nothing to divide by. */
static void a_thousand_equal_points(void **state) {
    (void)state;
    const char *path = fresh(3, 7);
    change(path,
           "UPDATE evaluation SET value = 61, low = 60, high = 62;"
           "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
           "SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n;"
           "CREATE TEMP TABLE one AS SELECT * FROM solution WHERE method = 'ties' "
           "LIMIT 1;"
           "INSERT INTO solution SELECT 10000 + n.i, kind, method, "
           "'{\"scale\":' || (100 + n.i) || '}', preference, preference_key, routers, "
           "label, model_sha256, created, seconds, peak_bytes FROM temp.n, temp.one;"
           "INSERT INTO evaluation (solution, objective, split, value, low, high, "
           "examples, complete, stale, loss, time) SELECT 10000 + n.i, e.objective, "
           "e.split, 61, 60, 62, e.examples, 1, 0, e.loss, e.time FROM temp.n, "
           "evaluation e WHERE e.solution = (SELECT id FROM temp.one)");
    struct terminal *terminal = begin(path, 100, 30);
    terminal_expect(terminal, "Objectives");
    terminal_type(terminal, "T");
    terminal_expect(terminal, "Solutions: 1053");
    terminal_type(terminal, "/alpha == 61\r*");
    terminal_expect(terminal, "1053 selected");
    terminal_type(terminal, "Tx=x=x++--=\t\033[C\033[B\033a");
    terminal_expect(terminal, "Ask for figures");
    terminal_type(terminal, "alpha 61\r");
    terminal_expect(terminal, "reached");
    terminal_quit(terminal);
}

/* Brushing, filter, zoom, asking, a step, the tour, a paste and the way back, by a
 * script. */
static void a_long_script(void **state) {
    (void)state;
    const char *path = fresh(2, 11);
    char script[4300];
    snprintf(script, sizeof script, "%s/long", folder());
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    /* What is missing may be told before the solutions are read. */
    fputs("wait look only:\nwait Objectives\n"
          "brush 60 4 90 12\nwait selected\n"
          "type T/selected\nkey Enter\nwait , selected\n"
          "key Esc\ntype T\nwait Objectives\n"
          "type +\ntype +\ntype -\ntype =\nkey Esc\n"
          "type 1\nwait 1.000\n"
          "type <\nwait 0.9\n"
          "type v\npaste 1,3\nkey Enter\nwait 0.750\n"
          "type a\nwait Ask for figures\npaste alpha 70 max beta\nkey Enter\nwait "
          "reached\n"
          "type G\nwait 1 of 5\nkey Esc\n"
          "type uuUu\nwait Objectives\n"
          "key q\n",
          file);
    assert_int_equal(fclose(file), 0);
    const char *argv[] = {terminal_program(), path, "--replay", script, NULL};
    struct terminal_options options = {.width = 100, .height = 30};
    struct terminal *terminal = terminal_start(argv, &options);
    int status = terminal_wait(terminal);
    if (status)
        fail_msg("status %d: %s", status, terminal_screen(terminal));
    terminal_close(terminal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_that_are_no_numbers),
        cmocka_unit_test(another_process_deletes),
        cmocka_unit_test(a_storm_of_sizes),
        cmocka_unit_test(a_thousand_equal_points),
        cmocka_unit_test(a_long_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
