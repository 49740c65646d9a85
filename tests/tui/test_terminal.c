/* The real program in a pseudo-terminal: started, looked at, steered, left. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "terminal.h"

static char *folder, *program;
static char three[4096], two[4096], five[4096];

static struct terminal *start(const char *file, int width, int height) {
    const char *argv[] = {program, "--threads", "1", file, NULL};
    struct terminal_options options = {.width = width, .height = height};
    return terminal_start(argv, &options);
}

static void quit(struct terminal *terminal) {
    terminal_type(terminal, "q");
    assert_int_equal(terminal_wait(terminal), 0);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

static void opens_looks_and_quits(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
    terminal_expect(terminal, "look only: models/base is missing, and 6 more");
    terminal_expect(terminal, "Preference");
    terminal_expect(terminal, "Objectives: accuracy in %");
    terminal_expect(terminal, "Legend");
    terminal_expect(terminal, "task arithmetic");
    terminal_expect(terminal, "77.32");
    terminal_expect_taken(terminal);
    quit(terminal);
}

static void keys_move_and_undo(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
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
    quit(terminal);
}

static void the_mouse_drags(void **state) {
    (void)state;
    int x = 14, y = 11, left, bottom; /* inside the triangle */
    struct terminal *terminal = start(three, 80, 24);
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
    quit(terminal);
}

static void a_slider_is_dragged_and_locked(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = start(five, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_locate(terminal, "gamma ", &x, &y);
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
    quit(terminal);
}

static void the_objective_space_turns(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 120, 40);
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
    quit(terminal);
    /* Any three of more. */
    terminal = start(five, 120, 40);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "xp");
    terminal_expect(terminal, "[x] alpha");
    terminal_expect(terminal, "[ ] epsilon");
    terminal_type(terminal, "jjjj \r");
    terminal_expect(terminal, "beta, gamma, epsilon");
    quit(terminal);
}

static void a_polygon_is_dragged(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = start(five, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "y");
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
    terminal_type(terminal, "y");
    terminal_expect_gone(terminal, "● 0.20 beta");
    quit(terminal);
}

static void sizes_change(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
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
    quit(terminal);
}

static void starts_small(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 20, 5);
    terminal_expect(terminal, "alpha    77.32");
    terminal_expect(terminal, "gamma    77.32");
    terminal_type(terminal, "\033?q"); /* help opens and closes even here */
    terminal_settle(terminal, 100);
    quit(terminal);
}

static void the_legend_switches(void **state) {
    (void)state;
    int x, y;
    struct terminal *terminal = start(two, 130, 40);
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
    quit(terminal);
}

static void panels_open_and_zoom(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
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
    terminal_type(terminal, "\033[6~\033[6~\033[6~\033[6~\033[6~");
    terminal_expect(terminal, "interpolated from stored points");
    terminal_type(terminal, "\033");
    terminal_expect_gone(terminal, "interpolated from stored points");
    terminal_type(terminal, "a");
    terminal_expect(terminal, "Ask for figures");
    terminal_type(terminal, "alpha 85\r");
    terminal_expect(terminal, "here it is met");
    terminal_type(terminal, "aalpha 85, beta 85, gamma 85\r");
    terminal_expect(terminal, "not to be had");
    quit(terminal);
}

static void another_process_writes(void **state) {
    (void)state;
    struct store *store;
    struct error error;
    struct terminal *terminal = start(three, 80, 24);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "o");
    terminal_expect(terminal, "line 29 of the log");
    assert_int_equal(store_open(three, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_log(store, &error, "news from elsewhere"), 0);
    store_close(store);
    terminal_expect(terminal, "news from elsewhere");
    quit(terminal);
}

static void bookmarks_and_comparison(void **state) {
    (void)state;
    struct terminal *terminal = start(two, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "1b\025left end\r");
    terminal_expect(terminal, "bookmark left end kept");
    terminal_type(terminal, "2b\025right end\r");
    terminal_expect(terminal, "bookmark right end kept");
    /* The list is of what was read back from the file. */
    terminal_type(terminal, "B");
    for (int tries = 0; tries < 200 && !terminal_shows(terminal, "right end  0,1");
         tries++) {
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
    quit(terminal);
}

/* Opens the list of bookmarks until something is on it: it is of what was read back
 * from the file, which takes a moment, and is taken while no list is open. */
static void list_until(struct terminal *terminal, const char *text) {
    for (int tries = 0; tries < 200 && !terminal_shows(terminal, text); tries++) {
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
    snprintf(path, sizeof path, "%s/marks.db", folder);
    fixture_write(path, &options);
    struct terminal *terminal = start(path, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "1b\025first\r");
    terminal_expect(terminal, "bookmark first kept");
    terminal_type(terminal, "2b\025second\r");
    terminal_expect(terminal, "bookmark second kept");
    list_until(terminal, "second  0,1");
    terminal_expect(terminal, "Enter goes there, n renames, d deletes");
    /* A name that is taken is refused where it is typed. */
    terminal_type(terminal, "n\025second\r");
    terminal_expect(terminal, "another bookmark is called so");
    terminal_type(terminal, "\025the end\r");
    terminal_expect(terminal, "bookmark first is now the end");
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
    quit(terminal);
}

static void a_chart_is_written(void **state) {
    (void)state;
    char path[4096], typed[8192];
    struct stat status;
    struct terminal *terminal = start(three, 100, 30);
    terminal_expect(terminal, "look only:");
    terminal_type(terminal, "P");
    terminal_expect(terminal, "chart: scatter, beta over alpha");
    terminal_type(terminal, "\033[A"); /* Up: around the end */
    terminal_expect(terminal, "chart: ternary");
    terminal_expect(terminal, "fixture-ternary.svg");
    snprintf(path, sizeof path, "%s/chart.pdf", folder);
    snprintf(typed, sizeof typed, "\025%s/chart.xyz\r", folder);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "must end in");
    snprintf(typed, sizeof typed, "\025%s\r", path);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "written");
    terminal_type(terminal, "\r");
    terminal_expect_gone(terminal, "chart: ternary");
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 1000);
    quit(terminal);
}

/* --- with models ---------------------------------------------------------------- */

/* The emulated device is lost while it evaluates: the CPU takes its place, which is
 * told, and what was asked for is measured. */
static void goes_on_without_its_device(void **state) {
    (void)state;
    char file[4096];
    if (access("tests/gpu/emulated/pwemoe-cuda.so", F_OK) != 0)
        skip(); /* no C++ compiler */
    snprintf(file, sizeof file, "%s/lost", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/lost/results.db", folder);
    fixture_write_real(file, 60);
    const char *argv[] = {program, "--threads", "1", "--device", "cuda", file, NULL};
    const char *const environment[] = {"PWEMOE_MODULE_DIR=tests/gpu/emulated",
                                       "EMULATION_LOSE_AFTER=60", NULL};
    struct terminal_options options = {
        .width = 160, .height = 40, .environment = environment};
    struct terminal *terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "the CPU is used from here on");
    terminal_expect(terminal, "complete");
    terminal_type(terminal, "2");
    terminal_expect(terminal, "1.000 beta");
    terminal_expect(terminal, "here, measured");
    terminal_expect(terminal, "cpu");
    quit(terminal);
}

static void evaluates_stores_and_exports(void **state) {
    (void)state;
    char file[4096], out[8192], typed[9000], tensors[9000];
    struct stat status;
    snprintf(file, sizeof file, "%s/real", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/real/results.db", folder);
    fixture_write_real(file, 900);
    struct terminal *terminal = start(file, 100, 30);
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
    snprintf(out, sizeof out, "%s/real/exported", folder);
    assert_int_equal(mkdir(out, 0700), 0);
    snprintf(typed, sizeof typed, "e\025%s\r", out);
    terminal_type(terminal, typed);
    terminal_expect(terminal, "that exists; nothing is overwritten");
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
    quit(terminal);

    /* Both preferences are in the file, complete, with the hash of their models. */
    struct store *store;
    struct store_row *rows;
    struct error error;
    size_t count;
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(rows[i].solution.model_sha256), SHA256_HEX - 1);
        for (size_t t = 0; t < 3; t++) {
            assert_true(rows[i].evaluations[t].complete);
            assert_int_equal(rows[i].evaluations[t].examples, 900);
        }
    }
    store_rows_free(rows, count);
    store_close(store);

    /* A part of the split is told from the whole, and keeps its interval. */
    const char *limited[] = {program, "--threads", "1", "--limit", "100", file, NULL};
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
    quit(terminal);

    /* Opened again: nothing is measured twice. */
    terminal = start(file, 100, 30);
    terminal_expect(terminal, "complete");
    terminal_settle(terminal, 300);
    quit(terminal);
    assert_int_equal(store_open(file, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_rows(store, "test", &rows, &count, &error), 0);
    assert_int_equal(count, 3);
    assert_false(rows[2].evaluations[0].complete);
    store_rows_free(rows, count);
    store_close(store);
}

/* The models lie beside the file, wherever a link to it is. */
static void through_a_link(void **state) {
    (void)state;
    char file[4096], link[4096];
    snprintf(file, sizeof file, "%s/linked", folder);
    snprintf(link, sizeof link, "%s/link.db", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/linked/results.db", folder);
    fixture_write_real(file, 30);
    assert_int_equal(symlink("linked/results.db", link), 0);
    struct terminal *terminal = start(link, 100, 30);
    terminal_expect(terminal, "here, measured");
    quit(terminal);
}

/* What was asked for before the models are read, and before the end, is done. */
static void a_bookmark_is_kept_by_who_leaves_at_once(void **state) {
    (void)state;
    char file[4096];
    struct store *store;
    struct store_bookmark *bookmarks;
    struct error error;
    size_t count;
    snprintf(file, sizeof file, "%s/hasty", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/hasty/results.db", folder);
    fixture_write_real(file, 900);
    struct terminal *terminal = start(file, 100, 30);
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

/* OpenMP's library ends the process where it gets no thread. */
static void a_library_that_gives_up_leaves_the_terminal_whole(void **state) {
    (void)state;
    char file[4096];
    snprintf(file, sizeof file, "%s/giving-up", folder);
    assert_int_equal(mkdir(file, 0700), 0);
    snprintf(file, sizeof file, "%s/giving-up/results.db", folder);
    fixture_write_real(file, 900);
    const char *argv[] = {program, "--threads", "2", file, NULL};
    const char *const environment[] = {"OMP_STACKSIZE=200000G", NULL};
    struct terminal_options options = {
        .width = 100, .height = 30, .environment = environment};
    struct terminal *terminal = terminal_start(argv, &options);
    assert_int_equal(terminal_wait(terminal), 1);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

/* --- terminals ------------------------------------------------------------------ */

static void no_utf8(void **state) {
    (void)state;
    const char *argv[] = {program, three, NULL};
    struct terminal_options options = {.width = 100, .height = 30, .lang = "C"};
    struct terminal *terminal = terminal_start(argv, &options);
    size_t count;
    terminal_expect(terminal, "look only:");
    terminal_expect(terminal, "x task arithmetic");
    terminal_type(terminal, "K?");
    terminal_expect(terminal, "all weight on one task");
    terminal_type(terminal, "\033");
    terminal_settle(terminal, 100);
    quit(terminal);
    terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "look only:");
    const char *bytes = terminal_bytes(terminal, &count);
    for (size_t i = 0; i < count; i++)
        if ((unsigned char)bytes[i] >= 0x80)
            fail_msg("byte %02x without UTF-8", (unsigned char)bytes[i]);
    quit(terminal);
}

/* Colours are asked for by SGR 30 to 49 and 90 to 107: "\033[3", "\033[4" and so on
 * with further digits; 39 and 49 alone are the defaults. */
static bool asks_for_colour(const char *bytes, size_t count) {
    for (size_t i = 0; i + 2 < count; i++) {
        if (bytes[i] != '\033' || bytes[i + 1] != '[')
            continue;
        size_t end = i + 2;
        while (end < count &&
               (bytes[end] == ';' || (bytes[end] >= '0' && bytes[end] <= '9')))
            end++;
        if (end >= count || bytes[end] != 'm')
            continue;
        int number = 0;
        for (size_t k = i + 2; k <= end; k++) {
            if (bytes[k] >= '0' && bytes[k] <= '9') {
                number = number * 10 + bytes[k] - '0';
                continue;
            }
            if ((number >= 30 && number < 39) || (number >= 40 && number < 49) ||
                (number >= 90 && number <= 107))
                return true;
            number = 0;
        }
    }
    return false;
}

static void without_colour(void **state) {
    (void)state;
    static const char *const no_color[] = {"NO_COLOR=1", NULL};
    const char *argv[] = {program, three, NULL};
    const struct terminal_options kinds[] = {
        {.width = 80, .height = 24},
        {.width = 80, .height = 24, .environment = no_color},
        {.width = 80, .height = 24, .term = "vt100"},
    };
    for (int i = 0; i < 3; i++) {
        size_t count;
        struct terminal *terminal = terminal_start(argv, &kinds[i]);
        terminal_expect(terminal, "look only:");
        terminal_type(terminal, "K");
        terminal_expect(terminal, "0.433 alpha");
        const char *bytes = terminal_bytes(terminal, &count);
        assert_int_equal(asks_for_colour(bytes, count), i == 0);
        if (i == 2) /* a vt100 has no mouse */
            assert_false(terminal_mode(terminal, MODE_MOUSE));
        terminal_type(terminal, "q");
        assert_int_equal(terminal_wait(terminal), 0);
        assert_true(terminal_mode(terminal, MODE_ECHO));
        terminal_close(terminal);
    }
}

static void stops_and_goes_on(void **state) {
    (void)state;
    const char *argv[] = {program, three, NULL};
    struct terminal_options options = {.width = 80, .height = 24, .job_control = true};
    struct terminal *terminal = terminal_start(argv, &options);
    terminal_expect(terminal, "look only:");
    for (int i = 0; i < 2; i++) {
        terminal_type(terminal, "\032"); /* Ctrl-Z */
        terminal_expect(terminal, "stopped");
        terminal_expect_restored(terminal);
        terminal_type(terminal, "g\n");
        terminal_expect(terminal, "Objectives");
        terminal_expect_gone(terminal, "stopped");
        terminal_expect_taken(terminal);
    }
    terminal_type(terminal, "K");
    terminal_expect(terminal, "0.433 alpha");
    quit(terminal);
}

static void signals_restore_the_terminal(void **state) {
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGSEGV};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct terminal *terminal = start(three, 80, 24);
        terminal_expect(terminal, "look only:");
        if (signals[i] == SIGINT)
            terminal_type(terminal, "\003");
        else
            terminal_signal(terminal, signals[i]);
        assert_int_equal(terminal_wait(terminal), 128 + signals[i]);
        terminal_expect_restored(terminal);
        terminal_close(terminal);
    }
}

/* A thread of the program, other than its first, that leaves a signal unblocked; or 0.
 */
static pid_t open_thread(struct terminal *terminal, int signal) {
    char path[64], line[256];
    pid_t found = 0, pid = terminal_pid(terminal);
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) && !found;) {
        char status[512];
        unsigned long long blocked = ~0ULL;
        if (task->d_name[0] == '.' || atoi(task->d_name) == pid)
            continue;
        snprintf(status, sizeof status, "%s/%s/status", path, task->d_name);
        FILE *file = fopen(status, "r");
        while (file && fgets(line, sizeof line, file))
            sscanf(line, "SigBlk: %llx", &blocked);
        if (file)
            fclose(file);
        if (!(blocked >> (signal - 1) & 1))
            found = atoi(task->d_name);
    }
    closedir(tasks);
    return found;
}

/* The kernel may give a signal to any thread that does not block it, and libraries have
 * such (OpenBLAS starts one before main). */
static void signals_to_other_threads_are_seen(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
    terminal_expect(terminal, "look only:");
    pid_t thread = open_thread(terminal, SIGTERM);
    if (!thread) {
        terminal_close(terminal);
        skip(); /* no library here has one */
    }
    terminal_settle(terminal, 300); /* the loop waits */
    terminal_resize(terminal, 12, 3);
    tgkill(terminal_pid(terminal), thread, SIGWINCH);
    terminal_expect(terminal, "terminal to");
    tgkill(terminal_pid(terminal), thread, SIGTERM);
    assert_int_equal(terminal_wait(terminal), 128 + SIGTERM);
    terminal_expect_restored(terminal);
    terminal_close(terminal);
}

static void redraws_what_others_wrote_over(void **state) {
    (void)state;
    struct terminal *terminal = start(three, 80, 24);
    terminal_expect(terminal, "Legend");
    terminal_expect(terminal, "look only:");
    size_t before = 0, after = 1;
    /* Calm: nothing is written when nothing changes, once all is read and computed. */
    for (int tries = 0; tries < 40 && before != after; tries++) {
        terminal_settle(terminal, 700);
        terminal_bytes(terminal, &before);
        terminal_settle(terminal, 700);
        terminal_bytes(terminal, &after);
    }
    assert_int_equal(before, after);
    terminal_type(terminal, "\014");
    terminal_expect_bytes(terminal, after + 1000); /* the whole frame again */
    terminal_expect(terminal, "Legend");
    quit(terminal);
}

/* --- without a screen ----------------------------------------------------------- */

static int run(const char *arguments, char *output, size_t size) {
    char command[16384];
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 %s %s 2>&1 </dev/null", program,
             arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t count = fread(output, 1, size - 1, pipe);
    output[count] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static size_t lines_of(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void snapshots(void **state) {
    (void)state;
    char arguments[8192], output[65536];
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_int_equal(lines_of(output), 40);
    assert_non_null(strstr(output, "Objectives: accuracy in %"));
    assert_non_null(strstr(output, "77.32"));
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 --view 3d %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "alpha, beta, gamma"));
    snprintf(arguments, sizeof arguments,
             "--snapshot 120x40 --polygon --view parallel %s", five);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "Parallel coordinates"));
    assert_non_null(strstr(output, "● 0.20 beta"));
    snprintf(arguments, sizeof arguments, "--snapshot 120x40 --view 3d %s", two);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_non_null(strstr(output, "too few objectives"));
    snprintf(arguments, sizeof arguments, "--snapshot 3x2 %s", three);
    assert_int_equal(run(arguments, output, sizeof output), 0);
    assert_int_equal(lines_of(output), 2);
}

static void refuses_in_one_line(void **state) {
    (void)state;
    char arguments[8192], output[65536], path[4096];
    static const char *const wrong[] = {"",
                                        "--nonsense x",
                                        "--snapshot 80 x",
                                        "--snapshot 0x9 x",
                                        "--threads 0 x",
                                        "--limit -1 x",
                                        "--view 4d x",
                                        "a b",
                                        "--device"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (run(wrong[i], output, sizeof output) != 2)
            fail_msg("%s: not refused: %s", wrong[i], output);
        assert_int_equal(lines_of(output), 1);
        assert_non_null(strstr(output, "pwemoe-explore: "));
    }
    snprintf(path, sizeof path, "%s/nodatabase", folder);
    FILE *file = fopen(path, "w");
    fputs("not a database at all, but long enough to be looked at closely\n", file);
    fclose(file);
    static const char *const options[] = {"", "--snapshot 80x24"};
    for (int i = 0; i < 2; i++) {
        snprintf(arguments, sizeof arguments, "%s %s/absent.db", options[i], folder);
        assert_int_equal(run(arguments, output, sizeof output), 1);
        assert_int_equal(lines_of(output), 1);
    }
    snprintf(arguments, sizeof arguments, "--snapshot 80x24 %s", path);
    assert_int_equal(run(arguments, output, sizeof output), 1);
    assert_int_equal(lines_of(output), 1);
    assert_int_equal(run("--help", output, sizeof output), 0);
    assert_non_null(strstr(output, "export this model to a directory"));
    assert_int_equal(run("--version", output, sizeof output), 0);
    assert_int_equal(run("--version >/dev/full", output, sizeof output), 1);
    assert_int_equal(run("--help >/dev/full", output, sizeof output), 1);
}

/* --- ---------------------------------------------------------------------------- */

static int prepare(void **state) {
    (void)state;
    struct fixture_options options = {
        .tasks = 3, .edge = 7, .baselines = true, .log = true};
    program = realpath("pwemoe-explore", NULL);
    if (!program) {
        fprintf(stderr, "pwemoe-explore is not built here\n");
        return -1;
    }
    folder = fixture_folder();
    snprintf(three, sizeof three, "%s/three.db", folder);
    fixture_write(three, &options);
    options.tasks = 2;
    options.edge = 11;
    snprintf(two, sizeof two, "%s/two.db", folder);
    fixture_write(two, &options);
    options.tasks = 5;
    options.edge = 3;
    snprintf(five, sizeof five, "%s/five.db", folder);
    fixture_write(five, &options);
    return 0;
}

static int clean(void **state) {
    (void)state;
    fixture_remove(folder);
    free(program);
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
        cmocka_unit_test(a_chart_is_written),
        cmocka_unit_test(goes_on_without_its_device),
        cmocka_unit_test(evaluates_stores_and_exports),
        cmocka_unit_test(through_a_link),
        cmocka_unit_test(a_bookmark_is_kept_by_who_leaves_at_once),
        cmocka_unit_test(a_library_that_gives_up_leaves_the_terminal_whole),
        cmocka_unit_test(no_utf8),
        cmocka_unit_test(without_colour),
        cmocka_unit_test(stops_and_goes_on),
        cmocka_unit_test(signals_restore_the_terminal),
        cmocka_unit_test(signals_to_other_threads_are_seen),
        cmocka_unit_test(redraws_what_others_wrote_over),
        cmocka_unit_test(snapshots),
        cmocka_unit_test(refuses_in_one_line),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
