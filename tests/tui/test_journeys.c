/* What a person does with the explorer from beginning to end, in the real program in an
 * emulated terminal, without models. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../results/fixture.h"
#include "terminal.h"

static char three[4096], twelve[4096];

static struct terminal *begin(const char *file, int width, int height) {
    struct terminal *terminal = terminal_explore(file, width, height);
    /* What is missing may be told before the solutions are read. */
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "Objectives");
    return terminal;
}

/* The best solution above some bound that is no baseline: found in the table, gone to,
 * bookmarked. */
static void a_solution_is_found_in_the_table(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = begin(three, 80, 24);
    terminal_type(terminal, "T");
    terminal_expect(terminal, "Solutions: 53");
    terminal_type(terminal, "/al");
    terminal_expect(terminal, "alpha"); /* what may stand there */
    terminal_type(terminal, "\t >= 70 && bet");
    terminal_expect(terminal, "alpha >= 70 && bet");
    terminal_type(terminal, "\t < 70 && kindd == pwemoe\r");
    terminal_expect(terminal, "did you mean 'kind'?");
    terminal_type(terminal, "\033[3~\033[3~\033[3~\033[3~\033[3~kind\r");
    terminal_expect_gone(terminal, "Filter the solutions");
    terminal_expect(terminal, "of 53, alpha >= 70 && beta < 70");
    /* The best in alpha: all its weight is there. */
    terminal_locate(terminal, "alpha ", &x, &y);
    terminal_type(terminal, "hhh");
    terminal_expect(terminal, "alpha▼");
    terminal_type(terminal, "j");
    terminal_expect(terminal, "▸");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "T");
    terminal_expect_gone(terminal, "Solutions: ");
    terminal_expect(terminal, "Objectives");
    terminal_quit(terminal);
}

/* Function keys as an xterm sends them: a little more of a task, and with Shift a
 * little less; the middle of an edge; what is selected goes into a file. */
static void keys_of_single_tasks_and_a_file(void **state) {
    (void)state;
    char typed[4400], path[4300];
    struct stat status;
    struct terminal *terminal = begin(three, 100, 30);
    terminal_type(terminal, "1");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "\033OQ");
    terminal_expect(terminal, "0.020 beta");
    terminal_type(terminal, "\033[1;2Q");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "M");
    terminal_expect(terminal, "halfway between alpha and beta");
    terminal_expect(terminal, "0.500 alpha");
    terminal_type(terminal, "T/method == ties\r*");
    terminal_expect(terminal, "11 selected");
    snprintf(path, sizeof path, "%s/journey.csv", folder());
    snprintf(typed, sizeof typed, "S\025%s\r", path);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "11 solutions are written to");
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 500);
    terminal_quit(terminal);
}

/* Axes are moved and hidden; the frame holds at every size. */
static void axes_of_twelve_objectives(void **state) {
    (void)state;
    struct terminal *terminal = begin(twelve, 120, 40);
    terminal_expect(terminal, "Parallel coordinates");
    terminal_type(terminal, "p");
    terminal_expect(terminal, "type to find");
    terminal_type(terminal, "kap \r");
    terminal_expect(terminal, "Parallel coordinates: 1 hidden");
    terminal_type(terminal, "\t}");
    terminal_type(terminal, "dd");
    terminal_expect(terminal, "3 hidden");
    terminal_resize(terminal, 40, 12);
    terminal_expect_gone(terminal, "Parallel coordinates: 3");
    terminal_resize(terminal, 120, 40);
    terminal_expect(terminal, "3 hidden");
    terminal_type(terminal, "A");
    terminal_expect_gone(terminal, "3 hidden");
    terminal_quit(terminal);
}

static void twelve_objectives_in_a_table(void **state) {
    (void)state;
    struct terminal *terminal = begin(twelve, 80, 24);
    terminal_type(terminal, "Tz");
    terminal_expect(terminal, "more columns");
    terminal_type(terminal, "hj");
    terminal_expect(terminal, "▼");
    terminal_resize(terminal, 40, 12);
    terminal_expect(terminal, "Solutions");
    terminal_resize(terminal, 200, 50);
    terminal_expect(terminal, "standing");
    terminal_type(terminal, "z");
    terminal_expect(terminal, "Objectives");
    terminal_quit(terminal);
}

/* Two tasks, as nobody has looked at them yet. */
static void write_two(char path[4200]) {
    snprintf(path, 4200, "%s/2-tasks.db", folder());
    unlink(path);
    fixture_write_in(folder(), 2, 11, path);
}

static void brush(struct terminal *terminal, int x0, int y0, int x1, int y1) {
    char bytes[100];
    snprintf(bytes, sizeof bytes, "\033[<2;%d;%dM\033[<34;%d;%dM\033[<2;%d;%dm", x0 + 1,
             y0 + 1, x1 + 1, y1 + 1, x1 + 1, y1 + 1);
    terminal_type(terminal, bytes);
}

/* A box drawn with the right button; the selection is there after a restart, and pwemoe
 * shows it; another process changes it. */
static void a_selection_is_kept(void **state) {
    (void)state;
    char path[4200];
    struct store *store;
    struct error error;
    int64_t *ids, first;
    size_t count;
    write_two(path);
    struct terminal *terminal = begin(path, 80, 24);
    brush(terminal, 45, 3, 60, 8);
    terminal_expect(terminal, " selected");
    terminal_type(terminal, "T/selected\r");
    terminal_expect(terminal, "of 36, selected");
    terminal_quit(terminal);
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_selection(store, &ids, &count, &error), 0);
    assert_true(count > 0);
    terminal = begin(path, 80, 24);
    char said[64];
    snprintf(said, sizeof said, "%zu selected", count);
    terminal_type(terminal, "\033");
    terminal_expect(terminal, said);
    first = ids[0];
    free(ids);
    assert_int_equal(store_selection_put(store, &first, 1, &error), 0);
    terminal_expect(terminal, "1 selected");
    store_close(store);
    terminal_type(terminal, "X");
    terminal_expect_gone(terminal, "1 selected");
    terminal_quit(terminal);
}

/* A script in a real terminal; what was visited is there after a restart. */
static void a_script_is_replayed(void **state) {
    (void)state;
    char path[4200], script[4300];
    write_two(path);
    snprintf(script, sizeof script, "%s/script", folder());
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    fputs("wait look only:\nwait Objectives\ntype 1\nwait 1.000\ntype a\nwait Ask for "
          "figures\n"
          "type alpha 82.5 max beta\nwait reached\nkey Enter\n"
          "wait reached\nkey q\n",
          file);
    assert_int_equal(fclose(file), 0);
    const char *argv[] = {terminal_program(), path, "--replay", script, NULL};
    struct terminal_options options = {.width = 80, .height = 24};
    struct terminal *terminal = terminal_start(argv, &options);
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    terminal = begin(path, 80, 24);
    terminal_expect(terminal, "0.500 alpha");
    terminal_type(terminal, "uu");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "u");
    terminal_expect(terminal, "0.500 alpha");
    terminal_quit(terminal);
}

static void a_file_that_goes_is_told_of(void **state) {
    (void)state;
    char path[4200], other[4300];
    write_two(path);
    snprintf(other, sizeof other, "%s.moved", path);
    struct terminal *terminal = begin(path, 80, 24);
    assert_int_equal(rename(path, other), 0);
    terminal_expect(terminal, "the file has been removed or renamed");
    assert_int_equal(rename(other, path), 0);
    terminal_expect(terminal, "the file is back");
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(other, path), 0);
    terminal_expect(terminal, "another file has taken its name");
    terminal_quit(terminal);
}

/* Settings of the person whose home this is. */
static void settings_hold(void **state) {
    (void)state;
    char folders[4200], conf[4300], variable[4300];
    snprintf(folders, sizeof folders, "%s/pwemoe", folder());
    assert_int_equal(mkdir(folders, 0700), 0);
    snprintf(conf, sizeof conf, "%s/explore.conf", folders);
    snprintf(variable, sizeof variable, "XDG_CONFIG_HOME=%s", folder());
    const char *environment[] = {variable, NULL};
    const char *argv[] = {terminal_program(), three, NULL};
    struct terminal_options options = {
        .width = 80, .height = 24, .environment = environment};
    FILE *file = fopen(conf, "w");
    assert_non_null(file);
    fputs("mouse = off\nkey Z = 1\n", file);
    assert_int_equal(fclose(file), 0);
    struct terminal *terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "look only:");
    assert_false(terminal_mode(terminal, MODE_MOUSE));
    terminal_type(terminal, "Z");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_close(terminal);
    file = fopen(conf, "w");
    assert_non_null(file);
    fputs("theme = green\n", file);
    assert_int_equal(fclose(file), 0);
    terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "not \"green\"");
    assert_int_equal(terminal_wait(terminal), 1);
    terminal_close(terminal);
}

static int write_files(void **state) {
    (void)state;
    fixture_write_in(folder(), 3, 7, three);
    fixture_write_in(folder(), 12, 2, twelve);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_solution_is_found_in_the_table),
        cmocka_unit_test(keys_of_single_tasks_and_a_file),
        cmocka_unit_test(axes_of_twelve_objectives),
        cmocka_unit_test(twelve_objectives_in_a_table),
        cmocka_unit_test(a_selection_is_kept),
        cmocka_unit_test(a_script_is_replayed),
        cmocka_unit_test(a_file_that_goes_is_told_of),
        cmocka_unit_test(settings_hold),
    };
    return cmocka_run_group_tests(tests, write_files, NULL);
}
