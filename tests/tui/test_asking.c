/* Figures asked for: what is said by estimate, and what once they are measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../results/fixture.h"
#include "app/app.h"
#include "results/answerer.h"
#include "terminal/keys.h"

static char gains[4200], losses[4200];
static struct error error;

static void open_app(struct app *app, const char *path) {
    struct store *store;
    struct catalog *catalog;
    *app = (struct app){.dragged = PANEL_COUNT};
    app->canvas.marks = palette_marks(true);
    explorer_init(&app->explorer, path);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(&app->explorer, catalog), 0);
}

static void ask(struct app *app, const char *text) {
    app_key(app, 'a');
    for (; *text; text++)
        app_key(app, *text);
    app_key(app, KEYS_ENTER);
}

/* As the evaluation thread would tell it. */
static void measure(struct app *app, double alpha, double beta) {
    struct explorer *explorer = &app->explorer;
    double values[] = {alpha, beta};
    for (size_t t = 0; t < 2; t++)
        explorer->running[t] = (struct running){.examples = 900,
                                                .value = values[t],
                                                .low = values[t] - 1,
                                                .high = values[t] + 1,
                                                .complete = true};
    explorer->figures = FIGURES_COMPLETE;
    app_answer_asked(explorer);
}

static void assert_says(const struct app *app, const char *text) {
    if (strncmp(app->explorer.message, text, strlen(text)))
        fail_msg("\"%s\" does not begin with \"%s\"", app->explorer.message, text);
}

static void an_estimate_is_followed_by_the_measured(void **state) {
    (void)state;
    struct app app;
    open_app(&app, gains);
    ask(&app, "alpha 82.5");
    assert_int_not_equal(app.explorer.figures, FIGURES_COMPLETE);
    assert_says(&app, "reached by estimate: alpha 82.5");
    measure(&app, 83.33, 75);
    assert_says(&app, "reached, measured: alpha 83.33 >= 82.5");
    assert_false(app.explorer.message_bad);
    /* It is said once. */
    app.explorer.message[0] = '\0';
    app_answer_asked(&app.explorer);
    assert_string_equal(app.explorer.message, "");
    explorer_free(&app.explorer);
}

static void an_estimate_may_be_wrong(void **state) {
    (void)state;
    struct app app;
    open_app(&app, gains);
    ask(&app, "alpha 82.5");
    measure(&app, 82, 75);
    assert_says(&app, "measured, not reached: alpha 82.00 < 82.5 (0.50 short)");
    assert_true(app.explorer.message_bad);
    explorer_free(&app.explorer);
}

/* Into the file what was measured here, and the file read anew. */
static void store_measured(struct app *app, double alpha, double beta) {
    struct explorer *explorer = &app->explorer;
    struct catalog *catalog;
    struct store *store;
    double values[] = {alpha, beta};
    struct store_solution solution =
        answerer_solution(explorer->routers, "ls", explorer->preference);
    assert_int_equal(store_open(explorer->file, STORE_READ_WRITE, &store, &error), 0);
    fixture_put(store, &solution, values, 2);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(explorer, catalog), 0);
}

/* What falls short is known from then on: another preference is measured, until one
 * meets what was asked, or the nearest is measured. */
static void it_looks_again(void **state) {
    (void)state;
    struct app app;
    char path[4300];
    const struct fixture_options options = {.tasks = 2, .edge = 6};
    snprintf(path, sizeof path, "%s/again.db", folder());
    fixture_write(path, &options);
    open_app(&app, path);
    struct explorer *explorer = &app.explorer;
    ask(&app, "alpha 82.5, max beta");
    double first = explorer->preference[0];
    measure(&app, 81, 79);
    assert_non_null(strstr(explorer->message, "(1.50 short)"));
    assert_non_null(strstr(explorer->message, "; looking again"));
    assert_true(explorer->asked.waits);
    store_measured(&app, 81, 79);
    app_answer_asked(explorer);
    assert_true(explorer->preference[0] > first);
    for (int i = 0; i < 10 && explorer->asked.waits; i++) {
        double alpha = fixture_value(explorer->preference, 0);
        double beta = fixture_value(explorer->preference, 1);
        measure(&app, alpha, beta);
        if (explorer->asked.waits)
            store_measured(&app, alpha, beta);
    }
    assert_says(&app, "reached, measured: alpha ");
    assert_false(explorer->asked.waits);
    explorer_free(explorer);
}

/* Each shortfall by itself; a sum of them is none of them. */
static void what_cannot_be_reached(void **state) {
    (void)state;
    struct app app;
    open_app(&app, gains);
    ask(&app, "alpha 88, beta 88");
    assert_says(&app, "cannot be reached; the nearest, ");
    assert_non_null(strstr(app.explorer.message, "alpha "));
    assert_non_null(strstr(app.explorer.message, "beta "));
    app.explorer.asked.waits = true;
    measure(&app, 81, 82.5);
    assert_says(&app,
                "cannot be reached; the nearest, measured: alpha 81.00 < 88 (7.00 "
                "short), beta 82.50 < 88 (5.50 short)");
    explorer_free(&app.explorer);
}

static void who_moves_on_is_told_nothing(void **state) {
    (void)state;
    struct app app;
    open_app(&app, gains);
    ask(&app, "alpha 82.5");
    app_key(&app, '1');
    app_answer_asked(&app.explorer);
    assert_string_equal(app.explorer.message, "");
    explorer_free(&app.explorer);
}

static void less_may_be_asked_for(void **state) {
    (void)state;
    struct app app;
    open_app(&app, losses);
    ask(&app, "alpha at most 0.4");
    app.explorer.asked.waits = true;
    measure(&app, 0.45, 0.3);
    assert_non_null(
        strstr(app.explorer.message, "alpha 0.4500 > 0.4 (0.0500 too much)"));
    /* No shortfall is rounded away. */
    app.explorer.asked.waits = true;
    measure(&app, 0.4012, 0.3);
    assert_non_null(
        strstr(app.explorer.message, "alpha 0.4012 > 0.4 (0.0012 too much)"));
    explorer_free(&app.explorer);
}

/* What the answer would be stands below the line, and what was asked comes back. */
static void it_estimates_while_one_types(void **state) {
    (void)state;
    struct app app;
    open_app(&app, gains);
    struct dialog *dialog = &app.explorer.dialog;
    app_key(&app, 'a');
    for (const char *text = "alpha 82.5"; *text; text++)
        app_key(&app, *text);
    if (strncmp(dialog->remark, "reached", 7) || !strstr(dialog->remark, ">= 82.5"))
        fail_msg("%s", dialog->remark);
    for (const char *text = " beta 88"; *text; text++)
        app_key(&app, *text);
    assert_non_null(strstr(dialog->remark, "cannot be reached; the nearest"));
    app_key(&app, KEYS_BACKSPACE);
    app_key(&app, KEYS_BACKSPACE);
    app_key(&app, KEYS_BACKSPACE);
    assert_non_null(strstr(dialog->remark, "beta: which figure?"));
    app_key(&app, KEYS_ESCAPE);
    ask(&app, "alpha 70");
    ask(&app, "alpha 71");
    ask(&app, "alpha 70"); /* once again: the last, and there once */
    ask(&app, "alpha 72");
    app_key(&app, 'a');
    static const char *const before[] = {"alpha 72", "alpha 70", "alpha 71",
                                         "alpha 71"};
    for (size_t i = 0; i < 4; i++) {
        app_key(&app, KEYS_UP);
        assert_string_equal(dialog->text, before[i]);
    }
    app_key(&app, KEYS_DOWN);
    assert_string_equal(dialog->text, "alpha 70");
    app_key(&app, KEYS_DOWN);
    app_key(&app, KEYS_DOWN);
    assert_string_equal(dialog->text, "");
    explorer_free(&app.explorer);
}

static int prepare(void **state) {
    struct fixture_options options = {.tasks = 2, .edge = 6};
    (void)state;
    snprintf(gains, sizeof gains, "%s/gains.db", folder());
    fixture_write(gains, &options);
    snprintf(losses, sizeof losses, "%s/losses.db", folder());
    options.losses = true;
    fixture_write(losses, &options);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_estimate_is_followed_by_the_measured),
        cmocka_unit_test(an_estimate_may_be_wrong),
        cmocka_unit_test(it_looks_again),
        cmocka_unit_test(what_cannot_be_reached),
        cmocka_unit_test(who_moves_on_is_told_nothing),
        cmocka_unit_test(less_may_be_asked_for),
        cmocka_unit_test(it_estimates_while_one_types),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
