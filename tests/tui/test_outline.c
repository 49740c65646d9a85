/* A large file is on the screen before its solutions are read: what is shown then is
 * true, and what is done then holds when they come. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/fixture.h"
#include "app/app.h"
#include "panels/views.h"
#include "terminal/keys.h"

/* 2,024 preferences on the grid and 25 baselines. */
enum { TASKS = 4, EDGE = 22, SOLUTIONS = 2024 + 25 };
static const char waiting[] = "reading 2049 solutions";

static char large[4200];

static struct store *open_store(const char *path) {
    struct store *store;
    struct error error;
    if (store_open(path, STORE_READ_ONLY, &store, &error))
        fail_msg("%s", error.text);
    return store;
}

/* The outline of the large file, and then all of it. */
static void read_both(struct catalog **outline, struct catalog **whole) {
    struct store *store = open_store(large);
    struct catalog_source *source = catalog_source_new(store);
    struct error error;
    assert_non_null(source);
    if (catalog_source_outline(source, outline, &error) ||
        catalog_source_read(source, false, whole, &error))
        fail_msg("%s", error.text);
    catalog_source_free(source);
    store_close(store);
    assert_non_null(*outline);
}

static char *frame(struct explorer *explorer, int width, int height) {
    struct canvas canvas = {.marks = palette_marks(true)};
    struct arrangement arrangement;
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    frame_draw(&canvas, explorer, &arrangement);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

static void assert_shown(struct explorer *explorer, int width, int height,
                         const char *what, bool shown) {
    char *text = frame(explorer, width, height);
    if (!strstr(text, what) == shown)
        fail_msg("\"%s\" is %s the frame:\n%s", what, shown ? "not in" : "in", text);
    free(text);
}

static void a_small_file_has_none(void **state) {
    (void)state;
    char path[4300];
    struct fixture_options options = {.tasks = TASKS, .edge = 6};
    struct error error;
    struct catalog *outline;
    snprintf(path, sizeof path, "%s/small.db", folder());
    fixture_write(path, &options);
    struct store *store = open_store(path);
    struct catalog_source *source = catalog_source_new(store);
    assert_int_equal(catalog_source_outline(source, &outline, &error), 0);
    assert_null(outline);
    catalog_source_free(source);
    store_close(store);
}

static void it_shows_only_what_is_known(void **state) {
    (void)state;
    static const char *const unknown[] = {"nothing is measured",
                                          "no scaling sweep is stored",
                                          "hypervolume",
                                          "95.00",
                                          "complete",
                                          "estimate"};
    static const int sizes[][2] = {{80, 24}, {120, 40}, {200, 50}};
    struct catalog *outline, *whole;
    struct explorer explorer;
    read_both(&outline, &whole);
    assert_int_equal(outline->reading, SOLUTIONS);
    assert_int_equal(outline->count, 0);
    assert_int_equal(whole->reading, 0);
    assert_int_equal(whole->count, SOLUTIONS);
    explorer_init(&explorer, large);
    assert_int_equal(explorer_take_catalog(&explorer, outline), 0);
    assert_true(explorer.figures == FIGURES_NONE);
    for (size_t i = 0; i < 3; i++) {
        for (enum space space = SPACE_PAIRS; space <= SPACE_PARALLEL; space++) {
            explorer.space = space;
            assert_shown(&explorer, sizes[i][0], sizes[i][1], waiting, true);
            for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++)
                assert_shown(&explorer, sizes[i][0], sizes[i][1], unknown[k], false);
        }
        /* What is no solution is there. */
        assert_shown(&explorer, sizes[i][0], sizes[i][1], "gamma", true);
    }
    assert_shown(&explorer, 200, 50, "ls mlp, 200 steps", true);
    /* How far the training is stands in the title, however little room there is. */
    assert_shown(&explorer, 200, 50, "Training loss: ls mlp, step 200 of 200", true);
    assert_shown(&explorer, 120, 40, "Loss: ls mlp, 200 of 200", true);
    explorer.space = SPACE_PAIRS;
    assert_int_equal(explorer_take_catalog(&explorer, whole), 0);
    assert_shown(&explorer, 120, 40, "reading", false);
    assert_shown(&explorer, 120, 40, "95.00", true);
    explorer_free(&explorer);
}

/* Where the file alone would have had one begin. */
static void who_stays_begins_with_what_is_stored(void **state) {
    (void)state;
    struct catalog *outline, *whole, *alone;
    struct explorer explorer, other;
    struct error error;
    struct store *store = open_store(large);
    assert_int_equal(catalog_read(store, &alone, &error), 0);
    store_close(store);
    explorer_init(&other, large);
    assert_int_equal(explorer_take_catalog(&other, alone), 0);
    read_both(&outline, &whole);
    explorer_init(&explorer, large);
    assert_int_equal(explorer_take_catalog(&explorer, outline), 0);
    uint64_t serial = explorer.serial;
    assert_int_equal(explorer_take_catalog(&explorer, whole), 0);
    assert_true(explorer.serial > serial);
    assert_true(explorer.figures == FIGURES_COMPLETE && explorer.row == other.row);
    assert_memory_equal(explorer.preference, other.preference,
                        sizeof explorer.preference);
    assert_false(explorer_undo(&explorer));
    explorer_free(&explorer);
    explorer_free(&other);
}

static void who_moved_stays_there(void **state) {
    (void)state;
    static const double there[STORE_TASKS_MAX] = {0.7, 0.1, 0.1, 0.1};
    struct catalog *outline, *whole;
    struct explorer explorer;
    read_both(&outline, &whole);
    explorer_init(&explorer, large);
    assert_int_equal(explorer_take_catalog(&explorer, outline), 0);
    explorer_go(&explorer, there, false);
    double kept[STORE_TASKS_MAX];
    memcpy(kept, explorer.preference, sizeof kept);
    assert_int_equal(explorer_take_catalog(&explorer, whole), 0);
    assert_memory_equal(explorer.preference, kept, sizeof kept);
    assert_true(explorer.figures == FIGURES_ESTIMATE);
    assert_true(explorer_undo(&explorer));
    explorer_free(&explorer);
}

/* Keys that ask for stored solutions say what they wait for; the others work. */
static void keys_wait_for_solutions(void **state) {
    (void)state;
    static const char asking[] = "fatceP";
    struct catalog *outline, *whole;
    struct app app = {.dragged = PANEL_COUNT};
    read_both(&outline, &whole);
    explorer_init(&app.explorer, large);
    app.explorer.ready = true;
    app.canvas.marks = palette_marks(true);
    assert_int_equal(explorer_take_catalog(&app.explorer, outline), 0);
    for (const char *key = asking; *key; key++) {
        app_key(&app, *key);
        assert_int_equal(app.explorer.dialog.kind, DIALOG_NONE);
        assert_string_equal(app.explorer.message,
                            "2049 solutions are still being read");
    }
    app_key(&app, '1');
    assert_true(app.explorer.preference[0] == 1);
    assert_string_equal(app.explorer.message, "");
    app_key(&app, 'b');
    assert_string_equal(app.explorer.dialog.question->title, "Bookmark");
    app_key(&app, KEYS_ESCAPE);
    /* What was said ends with the waiting. */
    app_key(&app, 'f');
    assert_true(app.explorer.message[0]);
    assert_int_equal(explorer_take_catalog(&app.explorer, whole), 0);
    assert_string_equal(app.explorer.message, "");
    app_key(&app, 't');
    assert_string_equal(app.explorer.dialog.question->title, "Shown solutions");
    explorer_free(&app.explorer);
}

/* What is typed before even the outline is there is done in its order when it is. */
static void keys_before_the_first_catalog_are_kept(void **state) {
    (void)state;
    struct catalog *outline, *whole;
    struct app app = {.dragged = PANEL_COUNT, .keys = {{'1', '2'}, {'2', '1'}, 2}};
    read_both(&outline, &whole);
    catalog_free(outline);
    explorer_init(&app.explorer, large);
    app.canvas.marks = palette_marks(true);
    explorer_say(&app.explorer, true, "look only: a file is missing");
    app_key(&app, '1');
    app_key(&app, 'b');
    app_key(&app, '3'); /* a letter of the name that is asked for */
    assert_false(app_take_early(&app));
    assert_string_equal(app.explorer.message, "look only: a file is missing");
    assert_int_equal(explorer_take_catalog(&app.explorer, whole), 0);
    assert_true(app_take_early(&app));
    assert_true(app.explorer.preference[1] == 1);
    assert_true(app_take_early(&app));
    assert_true(app_take_early(&app));
    assert_false(app_take_early(&app));
    assert_string_equal(app.explorer.dialog.question->title, "Bookmark");
    size_t length = strlen(app.explorer.dialog.text);
    assert_true(length > 1 && app.explorer.dialog.text[length - 1] == '3');
    explorer_free(&app.explorer);
    for (size_t i = 0; i < 2 * sizeof app.early; i++) /* more than are kept */
        app_key(&app, '1');
    assert_false(app.quit);
    app_key(&app, 'q');
    assert_true(app.quit);
}

static int make_file(void **state) {
    (void)state;
    struct fixture_options options = {
        .tasks = TASKS, .edge = EDGE, .baselines = true, .log = true};
    snprintf(large, sizeof large, "%s/large.db", folder());
    fixture_write(large, &options);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_has_none),
        cmocka_unit_test(it_shows_only_what_is_known),
        cmocka_unit_test(who_stays_begins_with_what_is_stored),
        cmocka_unit_test(who_moved_stays_there),
        cmocka_unit_test(keys_wait_for_solutions),
        cmocka_unit_test(keys_before_the_first_catalog_are_kept),
    };
    return cmocka_run_group_tests(tests, make_file, NULL);
}
