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

#include "app.h"
#include "fixture.h"
#include "views.h"

/* 2,024 preferences on the grid and 25 baselines. */
enum { TASKS = 4, EDGE = 22, SOLUTIONS = 2024 + 25 };
static const char waiting[] = "reading 2049 solutions";

static char *folder, large[4200];

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

static char *frame(struct model *model, int width, int height) {
    struct canvas canvas = {.marks = palette_marks(true)};
    struct layout layout;
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    frame_draw(&canvas, model, &layout);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

static void assert_shown(struct model *model, int width, int height, const char *what,
                         bool shown) {
    char *text = frame(model, width, height);
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
    snprintf(path, sizeof path, "%s/small.db", folder);
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
                                          "no sweep is stored",
                                          "hypervolume",
                                          "95.00",
                                          "complete",
                                          "estimate"};
    static const int sizes[][2] = {{80, 24}, {120, 40}, {200, 50}};
    struct catalog *outline, *whole;
    struct model model;
    read_both(&outline, &whole);
    assert_int_equal(outline->reading, SOLUTIONS);
    assert_int_equal(outline->count, 0);
    assert_int_equal(whole->reading, 0);
    assert_int_equal(whole->count, SOLUTIONS);
    model_init(&model, large);
    assert_int_equal(model_take_catalog(&model, outline), 0);
    assert_true(model.figures == FIGURES_NONE);
    for (size_t i = 0; i < 3; i++) {
        for (enum space space = SPACE_PAIRS; space <= SPACE_PARALLEL; space++) {
            model.space = space;
            assert_shown(&model, sizes[i][0], sizes[i][1], waiting, true);
            for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++)
                assert_shown(&model, sizes[i][0], sizes[i][1], unknown[k], false);
        }
        /* What is no solution is there. */
        assert_shown(&model, sizes[i][0], sizes[i][1], "gamma", true);
    }
    assert_shown(&model, 200, 50, "ls mlp, 200 steps", true);
    assert_shown(&model, 200, 50, "Training loss: ls mlp", true);
    model.space = SPACE_PAIRS;
    assert_int_equal(model_take_catalog(&model, whole), 0);
    assert_shown(&model, 120, 40, "reading", false);
    assert_shown(&model, 120, 40, "95.00", true);
    model_free(&model);
}

/* Where the file alone would have had one begin. */
static void who_stays_begins_with_what_is_stored(void **state) {
    (void)state;
    struct catalog *outline, *whole, *alone;
    struct model model, other;
    struct error error;
    struct store *store = open_store(large);
    assert_int_equal(catalog_read(store, &alone, &error), 0);
    store_close(store);
    model_init(&other, large);
    assert_int_equal(model_take_catalog(&other, alone), 0);
    read_both(&outline, &whole);
    model_init(&model, large);
    assert_int_equal(model_take_catalog(&model, outline), 0);
    uint64_t serial = model.serial;
    assert_int_equal(model_take_catalog(&model, whole), 0);
    assert_true(model.serial > serial);
    assert_true(model.figures == FIGURES_COMPLETE && model.row == other.row);
    assert_memory_equal(model.preference, other.preference, sizeof model.preference);
    assert_false(model_undo(&model));
    model_free(&model);
    model_free(&other);
}

static void who_moved_stays_there(void **state) {
    (void)state;
    static const double there[STORE_TASKS_MAX] = {0.7, 0.1, 0.1, 0.1};
    struct catalog *outline, *whole;
    struct model model;
    read_both(&outline, &whole);
    model_init(&model, large);
    assert_int_equal(model_take_catalog(&model, outline), 0);
    model_go(&model, there, false);
    double kept[STORE_TASKS_MAX];
    memcpy(kept, model.preference, sizeof kept);
    assert_int_equal(model_take_catalog(&model, whole), 0);
    assert_memory_equal(model.preference, kept, sizeof kept);
    assert_true(model.figures == FIGURES_ESTIMATE);
    assert_true(model_undo(&model));
    model_free(&model);
}

/* Keys that ask for stored solutions say what they wait for; the others work. */
static void keys_wait_for_solutions(void **state) {
    (void)state;
    static const char asking[] = "fatceP";
    struct catalog *outline, *whole;
    struct app app = {.dragged = PANEL_COUNT};
    read_both(&outline, &whole);
    model_init(&app.model, large);
    app.model.ready = true;
    app.canvas.marks = palette_marks(true);
    assert_int_equal(model_take_catalog(&app.model, outline), 0);
    for (const char *key = asking; *key; key++) {
        app_key(&app, *key);
        assert_int_equal(app.model.dialog.kind, DIALOG_NONE);
        assert_string_equal(app.model.message, "2049 solutions are still being read");
    }
    app_key(&app, '1');
    assert_true(app.model.preference[0] == 1);
    assert_string_equal(app.model.message, "");
    app_key(&app, 'b');
    assert_int_equal(app.model.dialog.purpose, FOR_BOOKMARK);
    app_key(&app, KEYS_ESCAPE);
    /* What was said ends with the waiting. */
    app_key(&app, 'f');
    assert_true(app.model.message[0]);
    assert_int_equal(model_take_catalog(&app.model, whole), 0);
    assert_string_equal(app.model.message, "");
    app_key(&app, 't');
    assert_int_equal(app.model.dialog.purpose, FOR_SERIES);
    model_free(&app.model);
}

static int make_file(void **state) {
    (void)state;
    struct fixture_options options = {
        .tasks = TASKS, .edge = EDGE, .baselines = true, .log = true};
    folder = fixture_folder();
    snprintf(large, sizeof large, "%s/large.db", folder);
    fixture_write(large, &options);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    fixture_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_has_none),
        cmocka_unit_test(it_shows_only_what_is_known),
        cmocka_unit_test(who_stays_begins_with_what_is_stored),
        cmocka_unit_test(who_moved_stays_there),
        cmocka_unit_test(keys_wait_for_solutions),
    };
    return cmocka_run_group_tests(tests, make_file, remove_folder);
}
