/* Routing weights as a map in cells: every expert has its column, norms a scale of
 * their own, and the legend says what the shades mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/fixture.h"
#include "base/memory.h"
#include "driver.h"
#include "panels/views.h"

static char three[4096], twelve[4096];

/* As the evaluation thread tells them: module m of `modules`, expert t. */
static void take_weights(struct app *app, size_t modules, const char *const *names,
                         const float *weights) {
    struct explorer *explorer = &app->explorer;
    explorer->modules = modules;
    explorer->module_names = array_new(modules, sizeof *explorer->module_names);
    explorer->routing = array_new(modules * explorer->tasks, sizeof(float));
    assert_non_null(explorer->module_names);
    assert_non_null(explorer->routing);
    for (size_t m = 0; m < modules; m++)
        snprintf(explorer->module_names[m], sizeof *explorer->module_names, "%s",
                 names[m]);
    memcpy(explorer->routing, weights, modules * explorer->tasks * sizeof(float));
    explorer->routing_serial = 1;
}

/* The panel alone, in a frame of that size; free(). */
static char *draw(struct app *app, int width, int height, bool utf8) {
    struct canvas canvas = {.marks = palette_marks(utf8)};
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, height), 0);
    struct view view = view_whole(&canvas);
    routing_view_draw(&view, &app->explorer, false);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

static const char *const names[] = {"block 0 norm 1", "block 0 mlp"};

static void numbers_and_shades(void **state) {
    (void)state;
    struct app app;
    const float weights[] = {8, 4, 0, 0.5f, 0.25f, 0.125f};
    driver_open(&app, three, 80, 24);
    take_weights(&app, 2, names, weights);
    char *text = draw(&app, 60, 6, true);
    assert_string_equal(text,
                        "─ Routing weights, by depth ────────────────────────────────\n"
                        "                 alpha         beta          gamma\n"
                        " block 0 norm 1  8.000 ██████  4.000 ▒▒▒▒▒▒  0.000\n"
                        " block 0 mlp     0.500 ██████  0.250 ▒▒▒▒▒▒  0.125 ░░░░░░\n"
                        "\n"
                        " 0  ░▒▓█ 0.50, norms to 8.00\n");
    free(text);
    /* Without UTF-8 the shades are others. */
    text = draw(&app, 60, 6, false);
    assert_non_null(strstr(text, "8.000 ######"));
    assert_non_null(strstr(text, "0  .:+# 0.50"));
    free(text);
    driver_close(&app);
}

/* Where there is no room for numbers, a sign stands beside the shade. */
static void weights_below_zero_have_a_sign(void **state) {
    (void)state;
    struct app app;
    const float weights[] = {-8, 4, 0, 0.5f, 0.25f, 0.125f};
    driver_open(&app, three, 80, 24);
    take_weights(&app, 2, names, weights);
    char *text = draw(&app, 30, 6, true);
    assert_non_null(strstr(text, "-██"));
    assert_non_null(strstr(text, "+▒▒"));
    assert_non_null(strstr(text, "-/+ 0.50"));
    free(text);
    driver_close(&app);
}

/* From 46 columns on all twelve experts are there; below, what is chosen is, and the
 * others are counted. */
static void every_column_is_reached(void **state) {
    (void)state;
    struct app app;
    float weights[24];
    for (size_t i = 0; i < 24; i++)
        weights[i] = 0.3f;
    driver_open(&app, twelve, 80, 24);
    take_weights(&app, 2, names, weights);
    for (int width = 20; width <= 200; width++)
        for (int height = 1; height <= 8; height++) {
            char *text = draw(&app, width, height, true);
            if (height >= 5 && width >= 46 && strstr(text, " beside"))
                fail_msg("columns are missing at %d columns:\n%s", width, text);
            free(text);
        }
    app.explorer.slider = 11;
    char *text = draw(&app, 30, 6, true);
    assert_non_null(strstr(text, " beside"));
    assert_non_null(strstr(text, "t"));
    free(text);
    driver_close(&app);
}

/* The fixture's run has routers; a file without runs has none. */
static void the_closed_form_has_none(void **state) {
    (void)state;
    struct app app;
    char none[4096];
    driver_open(&app, three, 120, 40);
    explorer_use_routers(&app.explorer, CATALOG_CLOSED_FORM);
    char *text = draw(&app, 60, 6, true);
    assert_non_null(strstr(text, "the closed form has none; r chooses trained ones"));
    free(text);
    driver_expect_none(&app, "none trained");
    driver_expect(&app, "closed form wudi");
    driver_close(&app);
    snprintf(none, sizeof none, "%s/untrained.db", folder());
    fixture_write_untrained(none, 8);
    driver_open(&app, none, 120, 40);
    text = draw(&app, 60, 6, true);
    assert_non_null(strstr(text, "no routers are trained yet; run pwemoe train"));
    free(text);
    text = draw(&app, 30, 6, true); /* no word is lost in a narrow panel */
    assert_non_null(strstr(text, "pwemoe train"));
    free(text);
    driver_expect(&app, "none trained, closed form wudi");
    driver_close(&app);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 3, 3, three);
    fixture_write_in(folder(), 12, 2, twelve);
    return fixture_utf8(state);
}

/* A model by fitted heads is in the file, the examples that they were fitted on are
 * not: that preferences have other answers now is said. */
static void examples_that_are_gone_are_told(void **state) {
    (void)state;
    static double preference[] = {0.5, 0.5};
    struct fixture_options options = {.tasks = 2, .edge = 0, .baselines = true};
    char path[4200];
    for (int fitted = 0; fitted < 2; fitted++) {
        struct store_solution solution = {
            .kind = STORE_KIND_MERGE,
            .method = (char *)"wudi",
            .parameters = (char *)(uintptr_t)catalog_parameters(
                fitted ? CATALOG_CLOSED_FITTED : CATALOG_CLOSED_FORM),
            .preference = preference,
            .label = (char *)""};
        struct store *store;
        struct error error;
        struct app app;
        snprintf(path, sizeof path, "%s/fitted%d.db", folder(), fitted);
        fixture_write(path, &options);
        assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
        fixture_put(store, &solution, (double[]){80, 80}, 2);
        store_close(store);
        driver_open(&app, path, 120, 40);
        assert_true(app.explorer.routers == CATALOG_CLOSED_FORM);
        if (fitted)
            driver_expect(&app, "heads were fitted on is not there any more");
        else
            driver_expect_none(&app, "not there any more");
        driver_close(&app);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_shades),
        cmocka_unit_test(weights_below_zero_have_a_sign),
        cmocka_unit_test(every_column_is_reached),
        cmocka_unit_test(the_closed_form_has_none),
        cmocka_unit_test(examples_that_are_gone_are_told),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
