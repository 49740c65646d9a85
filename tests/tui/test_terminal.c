/* The explorer in a pseudo-terminal, without models: started, looked at, steered, left.
 */
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

#include "../results/fixture.h"
#include "../support/patience.h"
#include "terminal.h"

static char three[4096], two[4096], five[4096];

static void opens_looks_and_quits(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "look only: models/base is missing, and 6 more");
    terminal_expect(terminal, "Preference");
    terminal_expect(terminal, "Objectives: accuracy in %");
    terminal_expect(terminal, "Legend");
    terminal_expect(terminal, "task arithmetic");
    terminal_expect(terminal, "77.32");
    terminal_expect_taken(terminal);
    terminal_quit(terminal);
}

static void keys_move_and_undo(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "0.333 alpha");
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "K");
    terminal_expect(terminal, "0.433 alpha");
    terminal_expect(terminal, "estimate");
    terminal_expect(terminal, "est ");
    terminal_type(terminal, "\033OC"); /* Right, as keypad mode sends it */
    terminal_expect(terminal, "0.293 gamma");
    terminal_type(terminal, "uu");
    terminal_expect(terminal, "0.333 alpha");
    terminal_type(terminal, "\022"); /* Ctrl-R */
    terminal_expect(terminal, "0.433 alpha");
    terminal_type(terminal, "2");
    terminal_expect(terminal, "1.000 beta");
    terminal_expect(terminal, "here, measured");
    terminal_type(terminal, "0");
    terminal_expect(terminal, "0.333 beta");
    terminal_type(terminal, "\033[1;2D"); /* Shift-Left */
    terminal_expect(terminal, "0.433 beta");
    terminal_type(terminal, "f");
    terminal_expect(terminal, "here, measured");
    terminal_type(terminal, "v\025"
                            "0.5 0.25 0.25\r");
    terminal_expect(terminal, "0.500 alpha");
    terminal_type(terminal, "v\025"
                            "0.5 0.25\r");
    terminal_expect(terminal, "Preference vector"); /* stays open, with the reason */
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "Preference vector");
    terminal_quit(terminal);
}

static void the_mouse_drags(void **state) {
    (void)state;
    int x = 14, y = 11, left, bottom; /* inside the triangle */
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "0.333 alpha");
    terminal_expect(terminal, "look only:");
    terminal_locate(terminal, "0.333 beta", &left, &bottom);
    terminal_point(terminal, POINT_PRESS, x, y);
    terminal_point(terminal, POINT_MOVE, x - 4, y);
    terminal_point(terminal, POINT_MOVE, left, bottom + 1);
    terminal_expect(terminal, "1.000 beta");
    /* Far outside it stays on the simplex. */
    terminal_point(terminal, POINT_MOVE, 79, 2);
    terminal_expect_gone(terminal, "1.000 beta");
    terminal_point(terminal, POINT_MOVE, x, y - 3);
    terminal_point(terminal, POINT_RELEASE, x, y - 3);
    terminal_expect(terminal, "estimate");
    /* The whole drag is one step back. */
    terminal_type(terminal, "u");
    terminal_expect(terminal, "0.333 alpha");
    terminal_expect(terminal, "0.333 beta");
    /* Off, it is the terminal's. */
    terminal_type(terminal, "m");
    terminal_expect(terminal, "mouse off");
    assert_false(terminal_mode(terminal, MODE_MOUSE));
    terminal_type(terminal, "m");
    terminal_expect(terminal, "mouse on");
    assert_true(terminal_mode(terminal, MODE_MOUSE));
    terminal_quit(terminal);
}

static void a_slider_is_dragged_and_locked(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = terminal_explore(five, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_locate(terminal, "▸ alpha", &x, &y);
    y += 2; /* gamma */
    int handle_x, handle_y;
    terminal_locate(terminal, "◆", &handle_x, &handle_y);
    terminal_point(terminal, POINT_PRESS, handle_x, y);
    terminal_point(terminal, POINT_MOVE, 99, y + 2); /* a held slider stays held */
    terminal_point(terminal, POINT_RELEASE, 99, y + 2);
    terminal_expect(terminal, "1.000");
    terminal_type(terminal, " "); /* locks gamma */
    terminal_expect(terminal, "■");
    terminal_type(terminal, "kL");
    terminal_settle(terminal, 200);
    assert_true(terminal_shows(terminal, "1.000")); /* nothing is left to give */
    terminal_type(terminal, "j k");                 /* unlock, and to beta */
    terminal_type(terminal, "L");
    terminal_expect(terminal, "0.900");
    terminal_quit(terminal);
}

static void the_objective_space_turns(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 120, 40);
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "beta ↑ alpha →");
    terminal_type(terminal, "x");
    terminal_expect(terminal, "alpha, beta, gamma");
    terminal_expect_gone(terminal, "beta ↑");
    int x, y;
    terminal_locate(terminal, "▲", &x, &y);
    terminal_type(terminal, "..........");
    terminal_expect_moved(terminal, "▲", x);
    /* The mouse brings it back: the panel's width is half a turn. */
    char *before = strdup(terminal_screen(terminal));
    terminal_point(terminal, POINT_PRESS, 70, 12);
    terminal_point(terminal, POINT_MOVE, 60, 12);
    terminal_point(terminal, POINT_MOVE, 50, 8);
    terminal_point(terminal, POINT_RELEASE, 50, 8);
    terminal_expect_change(terminal, before);
    free(before);
    terminal_expect(terminal, "0.333 alpha"); /* and the preference stayed */
    terminal_type(terminal, "x");
    terminal_expect(terminal, "Parallel coordinates");
    terminal_type(terminal, "x");
    terminal_expect(terminal, "beta ↑ alpha →");
    terminal_quit(terminal);
    /* Any three of more. */
    terminal = terminal_explore(five, 120, 40);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "xxp");
    terminal_expect(terminal, "[x] alpha");
    terminal_expect(terminal, "[ ] epsilon");
    terminal_type(terminal, "jjjj \r");
    terminal_expect(terminal, "beta, gamma, epsilon");
    terminal_quit(terminal);
}

static void a_polygon_is_dragged(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = terminal_explore(five, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "Y");
    terminal_expect(terminal, "● 0.20 beta");
    terminal_locate(terminal, "● 0.20 beta", &x, &y);
    terminal_point(terminal, POINT_PRESS, x - 8, y + 2);
    terminal_point(terminal, POINT_MOVE, x, y);
    terminal_expect(terminal, "◆ 1.00 beta");
    terminal_point(terminal, POINT_RELEASE, x, y);
    terminal_type(terminal, "uL"); /* the drag is one step; a coarse key to the right */
    terminal_expect_gone(terminal, "0.20 alpha");
    terminal_type(terminal, "u");
    terminal_expect(terminal, "0.20 alpha");
    terminal_type(terminal, "Y");
    terminal_expect_gone(terminal, "● 0.20 beta");
    terminal_quit(terminal);
}

static void sizes_change(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "Objectives");
    terminal_resize(terminal, 200, 50);
    terminal_expect(terminal, "Routing weights");
    terminal_expect(terminal, "Mean by scaling coefficient");
    terminal_expect(terminal, "Training loss");
    terminal_expect(terminal, "from pretrained to STL");
    terminal_resize(terminal, 20, 5);
    terminal_expect_gone(terminal, "Routing");
    terminal_expect(terminal, "alpha");
    terminal_expect(terminal, "77.32");
    terminal_resize(terminal, 12, 3);
    terminal_expect(terminal, "terminal to");
    terminal_resize(terminal, 1, 1);
    terminal_settle(terminal, 100);
    terminal_resize(terminal, 80, 24);
    terminal_expect(terminal, "Legend");
    terminal_quit(terminal);
}

static void starts_small(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 20, 5);
    terminal_expect(terminal, "alpha    77.32");
    terminal_expect(terminal, "mean     77.32");
    terminal_type(terminal, "\033?q"); /* help opens and closes even here */
    terminal_settle(terminal, 100);
    terminal_quit(terminal);
}

static void the_legend_switches(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = terminal_explore(two, 130, 40);
    terminal_expect(terminal, "× task arithmetic");
    terminal_locate(terminal, "× task arithmetic", &x, &y);
    terminal_point(terminal, POINT_PRESS, x + 3, y);
    terminal_point(terminal, POINT_RELEASE, x + 3, y);
    terminal_expect(terminal, "task arithmetic off");
    terminal_type(terminal, "t");
    terminal_expect(terminal, "[ ] × task arithmetic (11)");
    terminal_expect(terminal, "[x] + TIES (11)");
    terminal_type(terminal, "jjjj ");
    terminal_expect(terminal, "[x] × task arithmetic (11)");
    terminal_type(terminal, "\r");
    terminal_expect_gone(terminal, "Shown solutions");
    assert_false(terminal_shows(terminal, "task arithmetic off"));
    terminal_quit(terminal);
}

static void panels_open_and_zoom(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "o");
    terminal_expect(terminal, "line 29 of the log");
    terminal_type(terminal, "\033[5~"); /* PgUp */
    terminal_expect_gone(terminal, "line 29 of the log");
    terminal_type(terminal, "s");
    terminal_expect(terminal, "scaling coefficient");
    terminal_type(terminal, "z");
    terminal_expect_gone(terminal, "Preference");
    terminal_type(terminal, "z");
    terminal_expect(terminal, "Preference");
    terminal_type(terminal, "s");
    terminal_expect(terminal, "Legend");
    terminal_type(terminal, "?");
    terminal_expect(terminal, "all weight on one task");
    terminal_type(terminal, "\033OF"); /* End */
    terminal_expect(terminal, "paired: two models");
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "paired: two models");
    terminal_type(terminal, "a");
    terminal_expect(terminal, "Ask for figures");
    terminal_type(terminal, "alpha 85\r");
    terminal_expect(terminal, "reached by estimate: alpha 8");
    terminal_type(terminal, "aalpha 85, beta 85, gamma 85\r");
    terminal_expect(terminal, "cannot be reached");
    terminal_quit(terminal);
}

static void another_process_writes(void **state) {
    (void)state;
    struct store *store;
    struct error error;
    struct terminal *terminal = terminal_explore(three, 80, 24);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "o");
    terminal_expect(terminal, "line 29 of the log");
    assert_int_equal(store_open(three, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_log(store, &error, "news from elsewhere"), 0);
    store_close(store);
    terminal_expect(terminal, "news from elsewhere");
    terminal_quit(terminal);
}

static void bookmarks_and_comparison(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(two, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "1b\025left end\r");
    terminal_expect(terminal, "bookmark left end saved");
    terminal_type(terminal, "2b\025right end\r");
    terminal_expect(terminal, "bookmark right end saved");
    /* The list is of what was read back from the file. */
    terminal_type(terminal, "B");
    for (int tries = 0;
         tries < 5 * PATIENCE && !terminal_shows(terminal, "right end  0,1"); tries++) {
        terminal_settle(terminal, 100);
        terminal_type(terminal, "\033B");
    }
    terminal_expect(terminal, "left end  1,0");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "1.000 alpha");
    terminal_type(terminal, "c");
    terminal_expect(terminal, "Compare: A");
    terminal_type(terminal, "j\r");
    terminal_expect(terminal, "Compare with: B");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "Side by side");
    terminal_expect(terminal, "A  left end");
    terminal_expect(terminal, "B  right end");
    terminal_expect(terminal, "-30.00"); /* alpha from 90 to 60 */
    /* The fixture keeps no bits of single examples, so nothing is claimed. */
    terminal_expect(terminal, "not paired");
    terminal_type(terminal, "q");
    terminal_expect_gone(terminal, "Side by side");
    terminal_quit(terminal);
}

/* Opens the list of bookmarks until something is on it: it is of what was read back
 * from the file, which takes a moment, and is taken while no list is open. */
static void list_until(struct terminal *terminal, const char *text) {
    for (int tries = 0; tries < 5 * PATIENCE && !terminal_shows(terminal, text);
         tries++) {
        terminal_type(terminal, "\033");
        terminal_settle(terminal, 100);
        terminal_type(terminal, "B");
        terminal_settle(terminal, 100);
    }
    terminal_expect(terminal, text);
}

static void bookmarks_are_renamed_and_deleted(void **state) {
    (void)state;
    char path[4200];
    struct fixture_options options = {.tasks = 2, .edge = 5};
    struct store_bookmark *bookmarks;
    struct store *store;
    struct error error;
    size_t count;
    snprintf(path, sizeof path, "%s/marks.db", folder());
    fixture_write(path, &options);
    struct terminal *terminal = terminal_explore(path, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "1b\025first\r");
    terminal_expect(terminal, "bookmark first saved");
    terminal_type(terminal, "2b\025second\r");
    terminal_expect(terminal, "bookmark second saved");
    list_until(terminal, "second  0,1");
    terminal_expect(terminal, "Enter goes, n renames, N notes, d deletes");
    /* A name that is taken is refused where it is typed. */
    terminal_type(terminal, "n\025second\r");
    terminal_expect(terminal, "another bookmark has this name");
    terminal_type(terminal, "\025the end\r");
    terminal_expect(terminal, "bookmark first renamed to the end");
    list_until(terminal, "the end  1,0");
    /* Enter at once, Escape and the answer that keeps it all keep it. */
    terminal_type(terminal, "jd");
    terminal_expect(terminal, "Delete this bookmark?");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "second  0,1");
    terminal_type(terminal, "\033[3~"); /* Delete */
    terminal_expect(terminal, "Delete this bookmark?");
    terminal_type(terminal, "\033");
    terminal_expect(terminal, "second  0,1");
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    assert_int_equal(count, 2);
    assert_string_equal(bookmarks[0].name, "the end");
    assert_true(bookmarks[0].preference[0] == 1);
    /* Changed by another process while the question stands: it is left alone. */
    terminal_type(terminal, "d");
    terminal_expect(terminal, "Delete this bookmark?");
    assert_int_equal(store_bookmark_rename(store, bookmarks[1].id, "third", &error), 0);
    store_bookmarks_free(bookmarks, count);
    terminal_type(terminal, "j\r");
    terminal_expect(terminal, "bookmark second has been changed meanwhile");
    list_until(terminal, "third  0,1");
    terminal_type(terminal, "jdj\r");
    terminal_expect(terminal, "bookmark third deleted");
    assert_int_equal(store_bookmarks(store, &bookmarks, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(bookmarks[0].name, "the end");
    store_bookmarks_free(bookmarks, count);
    store_close(store);
    terminal_type(terminal, "D");
    terminal_expect(terminal, "bookmark third is back");
    list_until(terminal, "third  0,1");
    terminal_type(terminal, "\033b\025third\r");
    terminal_expect(terminal, "Replace this bookmark?");
    terminal_type(terminal, "j\r");
    terminal_expect(terminal, "bookmark third replaced");
    terminal_quit(terminal);
}

/* By mouse and by keys, over each view; the line at the bottom says what it is. */
static void solutions_are_pointed_at(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = terminal_explore(two, 120, 40);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "look only:");
    terminal_locate(terminal, "■", &x, &y); /* simple average, above its legend */
    terminal_point(terminal, POINT_PRESS, x, y);
    terminal_point(terminal, POINT_RELEASE, x, y);
    terminal_expect(terminal, "simple average  alpha ");
    terminal_expect(terminal, "dominated by ");
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "has no preference to go to");
    terminal_type(terminal, "\033");
    terminal_expect(terminal, "dominated by ");
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "dominated by ");
    terminal_expect(terminal, "Enter go there"); /* the panel has the focus */
    terminal_type(terminal, "\033OA");           /* Up: begins in the middle */
    terminal_expect(terminal, "dominate");
    terminal_type(terminal, "b\025pointed\r");
    terminal_expect(terminal, "bookmark pointed saved");
    terminal_type(terminal, "\033+");
    terminal_expect(terminal, "dominate");
    terminal_type(terminal, "==");
    terminal_expect(terminal, "axes fit all solutions");
    terminal_type(terminal, "\033x"); /* no 3-D view of two tasks */
    terminal_expect(terminal, "Parallel coordinates");
    terminal_expect(terminal, "dominate");
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "dominate");
    terminal_type(terminal, "\033");
    terminal_expect(terminal, "arrows move");
    terminal_type(terminal, "\033OC");
    terminal_expect(terminal, "0.490 alpha");
    terminal_quit(terminal);
}

/* The e and P of a pasted line once began an export and a chart, Enter wrote it. */
static void what_is_pasted_presses_no_keys(void **state) {
    (void)state;
    struct terminal *terminal = terminal_explore(three, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_paste(terminal, "hello world eP\r0.2\rq");
    terminal_expect(terminal, "what was pasted is ignored");
    assert_true(terminal_shows(terminal, "0.333 alpha"));
    assert_false(terminal_shows(terminal, "Chart"));
    terminal_type(terminal, "v\025");
    terminal_expect(terminal, "Preference vector");
    terminal_paste(terminal, "0.5\n0.25\n0.25\n");
    terminal_expect(terminal, "0.5 0.25 0.25");
    terminal_settle(terminal, 200);
    assert_true(terminal_shows(terminal, "Preference vector"));
    terminal_type(terminal, "\r");
    terminal_expect(terminal, "0.500 alpha");
    terminal_quit(terminal);
}

static void a_chart_is_written(void **state) {
    (void)state;
    char path[4096], typed[8192];
    struct stat status;
    struct terminal *terminal = terminal_explore(three, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "P");
    terminal_expect(terminal, "chart: scatter, beta over alpha");
    terminal_type(terminal, "\033[A"); /* Up: around the end */
    terminal_expect(terminal, "chart: training loss");
    terminal_type(terminal, "\033[A");
    terminal_expect(terminal, "chart: figures by scaling");
    terminal_type(terminal, "\033[A");
    terminal_expect(terminal, "chart: simplex");
    terminal_type(terminal, "\033[A");
    terminal_expect(terminal, "chart: ternary");
    terminal_expect(terminal, "fixture-ternary.svg");
    snprintf(path, sizeof path, "%s/chart.pdf", folder());
    snprintf(typed, sizeof typed, "\025%s/chart.xyz\r", folder());
    terminal_type(terminal, typed);
    terminal_expect(terminal, "must end in");
    snprintf(typed, sizeof typed, "\025%s\r", path);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "written");
    terminal_type(terminal, "\r");
    terminal_expect_gone(terminal, "chart: ternary");
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 1000);
    terminal_quit(terminal);
}

static int write_files(void **state) {
    (void)state;
    fixture_write_in(folder(), 3, 7, three);
    fixture_write_in(folder(), 2, 11, two);
    fixture_write_in(folder(), 5, 3, five);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_looks_and_quits),
        cmocka_unit_test(keys_move_and_undo),
        cmocka_unit_test(the_mouse_drags),
        cmocka_unit_test(a_slider_is_dragged_and_locked),
        cmocka_unit_test(the_objective_space_turns),
        cmocka_unit_test(a_polygon_is_dragged),
        cmocka_unit_test(sizes_change),
        cmocka_unit_test(starts_small),
        cmocka_unit_test(the_legend_switches),
        cmocka_unit_test(panels_open_and_zoom),
        cmocka_unit_test(another_process_writes),
        cmocka_unit_test(bookmarks_and_comparison),
        cmocka_unit_test(bookmarks_are_renamed_and_deleted),
        cmocka_unit_test(solutions_are_pointed_at),
        cmocka_unit_test(what_is_pasted_presses_no_keys),
        cmocka_unit_test(a_chart_is_written),
    };
    return cmocka_run_group_tests(tests, write_files, NULL);
}
