/* Moves of the preference: locks hold, what is typed is divided by its sum, steps along
 * the front say what they cost, and where one has been is there after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/fixture.h"
#include "driver.h"
#include "panels/simplex_view.h"
#include "terminal/keys.h"

static char three[4200], five[4200], twelve[4200];

static void locks_hold(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, five, 100, 30);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "LL"); /* alpha gets 0.4 */
    double alpha = explorer->preference[0];
    assert_true(fabs(alpha - 0.4) < 1e-9);
    driver_type(&app, " 0");
    assert_true(explorer->preference[0] == alpha);
    for (size_t t = 1; t < 5; t++)
        assert_true(fabs(explorer->preference[t] - 0.15) < 1e-9);
    assert_non_null(strstr(explorer->message, "1 locked share stays as it is"));
    driver_type(&app, "3");
    assert_true(explorer->preference[0] == alpha);
    assert_true(fabs(explorer->preference[2] - 0.6) < 1e-9);
    driver_type(&app, "1");
    assert_string_equal(explorer->message, "alpha is locked; Space unlocks it");
    driver_type(&app, "l");
    assert_string_equal(explorer->message, "alpha is locked; Space unlocks it");
    assert_true(explorer->preference[0] == alpha);
    /* Half of beta is not to be had then. */
    driver_type(&app, "M");
    assert_string_equal(
        explorer->message,
        "halfway between alpha and beta, as far as 1 locked share lets");
    /* The only one that is free has a share, and keeps it. */
    driver_type(&app, "0j j j j ");
    assert_true(explorer->locked[1] && explorer->locked[4]);
    driver_type(&app, " ");
    const struct rect *rect = &app.arrangement.rect[PANEL_SIMPLEX];
    struct simplex_geometry geometry = app_simplex(&app);
    for (int way = 0; way < 3; way++) {
        explorer_say(explorer, false, "%s", "");
        if (way < 2)
            driver_type(&app, way ? "<" : "l");
        else
            driver_click(&app, rect->x + geometry.track_x + 3,
                         rect->y + geometry.top + 4);
        assert_string_equal(explorer->message,
                            "epsilon has what the others leave, which are locked");
        assert_true(fabs(explorer->preference[4] - 0.15) < 1e-9);
    }
    driver_close(&app);
}

static void a_proposed_line_is_typed_over(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 100, 30);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "v2,5,3");
    assert_string_equal(explorer->dialog.text, "2,5,3");
    driver_type(&app, "\r");
    assert_true(fabs(explorer->preference[1] - 0.5) < 1e-12);
    assert_string_equal(explorer->message, "divided by their sum, 10: 0.2,0.5,0.3");
    driver_type(&app, "v1/3 1/3 1/3\r");
    assert_true(fabs(explorer->preference[0] - 1.0 / 3) < 1e-9);
    assert_string_equal(explorer->message, "");
    /* With an arrow one goes on from the proposal. */
    driver_type(&app, "v");
    driver_key(&app, KEYS_LEFT);
    driver_type(&app, "9");
    assert_string_equal(explorer->dialog.text, "0.333333,0.333333,0.3333393");
    driver_close(&app);
}

static void steps_along_the_front_say_what_they_cost(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 100, 30);
    struct explorer *explorer = &app.explorer;
    double before = explorer->preference[1];
    driver_type(&app, ";");
    driver_expect(&app, "> and < change the share of beta");
    driver_type(&app, ">");
    assert_true(fabs(explorer->preference[1] - before - 0.02) < 1e-9);
    assert_non_null(strstr(explorer->message, "beta +"));
    assert_non_null(strstr(explorer->message, " for "));
    assert_non_null(strstr(explorer->message, "alpha -"));
    assert_non_null(strstr(explorer->message, "expected: "));
    driver_type(&app, "<");
    assert_true(fabs(explorer->preference[1] - before) < 1e-9);
    driver_type(&app, "2>");
    assert_string_equal(explorer->message,
                        "beta has all the weight that is not locked");
    driver_close(&app);
}

/* F1 to F12 give a task a little more, with Shift a little less; what was measured is
 * held against what was expected. */
static void each_task_has_its_keys(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, twelve, 100, 30);
    struct explorer *explorer = &app.explorer;
    double before = explorer->preference[11];
    driver_key(&app, KEYS_F12);
    assert_true(fabs(explorer->preference[11] - before - 0.02) < 1e-9);
    driver_key(&app, KEYS_SHIFT_F1 + 11);
    assert_true(fabs(explorer->preference[11] - before) < 1e-9);
    driver_type(&app, "#");
    assert_true(explorer->preference[11] == 1);
    driver_type(&app, "!");
    assert_true(explorer->preference[9] == 1);
    driver_close(&app);
    driver_open(&app, three, 100, 30);
    driver_type(&app, "#");
    assert_string_equal(explorer->message, "there are only 3 tasks");
    driver_key(&app, KEYS_F1 + 3);
    assert_string_equal(explorer->message, "there are only 3 tasks");
    /* From a measured place; the step is measured by and by. */
    driver_type(&app, "v1 1 2\rf");
    assert_int_equal(explorer->figures, FIGURES_COMPLETE);
    double alpha = fixture_value(explorer->preference, 0);
    driver_key(&app, KEYS_F1);
    assert_non_null(strstr(explorer->message, "expected: alpha +"));
    assert_non_null(strstr(explorer->message, "+-"));
    assert_true(explorer->stepped.waits);
    assert_true(explorer->stepped.change[0] > 0 && explorer->stepped.change[2] < 0);
    for (size_t t = 0; t < 3; t++)
        explorer->running[t] =
            (struct running){.examples = 900,
                             .value = fixture_value(explorer->preference, t),
                             .complete = true};
    explorer->figures = FIGURES_COMPLETE;
    app_answer_stepped(explorer);
    char text[64];
    snprintf(text, sizeof text, "measured: alpha %+.2f for ",
             fixture_value(explorer->preference, 0) - alpha);
    assert_int_equal(strncmp(explorer->message, text, strlen(text)), 0);
    assert_non_null(strstr(explorer->message, "; expected: alpha +"));
    assert_false(explorer->stepped.waits);
    driver_close(&app);
}

/* Three tasks have three edges, in a round, forth and back. */
static void the_middles_of_the_edges(void **state) {
    (void)state;
    static const double middles[3][3] = {{0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
    struct app app;
    driver_open(&app, three, 100, 30);
    for (size_t i = 0; i < 7; i++) {
        driver_type(&app, "M");
        assert_memory_equal(app.explorer.preference, middles[i % 3], sizeof middles[0]);
    }
    driver_type(&app, "N");
    assert_memory_equal(app.explorer.preference, middles[2], sizeof middles[0]);
    driver_expect(&app, "halfway between beta and gamma");
    driver_close(&app);
    driver_open(&app, twelve, 100, 30);
    bool seen[12][12] = {{false}};
    for (size_t i = 0; i < 66; i++) {
        size_t a = 0, b = 11;
        driver_type(&app, "M");
        while (app.explorer.preference[a] != 0.5)
            a++;
        while (app.explorer.preference[b] != 0.5)
            b--;
        assert_true(a < b && !seen[a][b]);
        seen[a][b] = true;
    }
    driver_close(&app);
}

/* The way is drawn from where one was to where one is, and only when it is wanted. */
/* How many cells of a panel are in the ink of the present place. */
static size_t now_cells(const struct app *app, enum panel panel) {
    struct rect r = app->arrangement.rect[panel];
    size_t count = 0;
    for (int y = r.y; y < r.y + r.height; y++)
        for (int x = r.x; x < r.x + r.width; x++)
            count += canvas_at(&app->canvas, x, y)->ink == INK_NOW;
    return count;
}

/* Over the preferences, and in each scatter by what was measured at the stops. */
static void the_way_is_drawn(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 100, 30);
    driver_type(&app, "12");
    app.explorer.message[0] = '\0';
    driver_resize(&app, 100, 30);
    char *without = driver_frame(&app);
    size_t simplex = now_cells(&app, PANEL_SIMPLEX);
    size_t scatter = now_cells(&app, PANEL_SCATTER);
    driver_type(&app, "V");
    driver_expect(&app, "your path so far is drawn");
    assert_true(now_cells(&app, PANEL_SIMPLEX) > simplex + 5);
    assert_true(now_cells(&app, PANEL_SCATTER) > scatter + 5);
    app.explorer.message[0] = '\0';
    driver_resize(&app, 100, 30);
    char *with = driver_frame(&app);
    assert_string_not_equal(with, without);
    driver_type(&app, "V");
    app.explorer.message[0] = '\0';
    driver_resize(&app, 100, 30);
    char *again = driver_frame(&app);
    assert_string_equal(again, without);
    free(with);
    free(without);
    free(again);
    driver_close(&app);
}

/* To a bookmark one flies: through what lies between, to the very place, and is back by
 * one step. A key skips the rest. */
static void a_flight_arrives(void **state) {
    (void)state;
    struct app app;
    const double to[3] = {0.1, 0.2, 0.7};
    driver_open(&app, three, 100, 30);
    struct explorer *explorer = &app.explorer;
    driver_type(&app, "1");
    app_fly_to(&app, to); /* without a thread that evaluates: at once */
    assert_true(fabs(explorer->preference[2] - 0.7) < 1e-12);
    driver_type(&app, "u");
    app.flight = (struct flight){.on = true, .from = {1, 0, 0}, .to = {0.1, 0.2, 0.7}};
    size_t visited = explorer->history.count;
    double last = 0;
    assert_true(app_fly(&app, 100));
    for (double time = 100.02; app_fly(&app, time); time += 0.02) {
        assert_true(explorer->preference[2] > last);
        last = explorer->preference[2];
    }
    assert_true(fabs(explorer->preference[2] - 0.7) < 1e-12);
    assert_int_equal(explorer->history.count, visited);
    driver_type(&app, "u");
    assert_true(explorer->preference[0] == 1);
    app.flight = (struct flight){.on = true, .from = {1, 0, 0}, .to = {0.1, 0.2, 0.7}};
    driver_type(&app, "?q");
    assert_false(app.flight.on);
    assert_true(fabs(explorer->preference[2] - 0.7) < 1e-12);
    driver_close(&app);
}

/* Back to where one was an earlier time, and forth; the file has the same again. */
static void visits_are_taken_up(void **state) {
    (void)state;
    struct app app;
    double places[] = {1, 0, 0, 0.2, 0.3, 0.5, 0, 0, 1};
    driver_open(&app, three, 100, 30);
    double start[3];
    memcpy(start, app.explorer.preference, sizeof start);
    driver_close(&app);

    app = (struct app){.dragged = PANEL_COUNT};
    app.canvas.marks = palette_marks(true);
    explorer_init(&app.explorer, three);
    struct explorer *explorer = &app.explorer;
    explorer->visits.preferences = malloc(sizeof places);
    assert_non_null(explorer->visits.preferences);
    memcpy(explorer->visits.preferences, places, sizeof places);
    explorer->visits.count = 3;
    explorer->visits.here = 1;
    assert_int_equal(canvas_resize(&app.canvas, 100, 30), 0);
    driver_read_again(&app);
    /* One begins where one does without; the last place is one step back. */
    assert_memory_equal(explorer->preference, start, sizeof start);
    driver_type(&app, "u");
    assert_true(fabs(explorer->preference[1] - 0.3) < 1e-12);
    driver_type(&app, "U");
    assert_true(explorer->preference[2] == 1);
    driver_type(&app, "uu");
    assert_true(explorer->preference[0] == 1);
    driver_type(&app, "u");
    assert_string_equal(explorer->message, "nothing to undo");
    struct store_visits visits =
        history_visits(&explorer->history, explorer->tasks, 500);
    assert_int_equal(visits.count, 3);
    assert_int_equal(visits.here, 0);
    assert_memory_equal(visits.preferences, places, sizeof places);
    store_visits_clear(&visits);
    /* The last two alone. */
    driver_type(&app, "UU");
    visits = history_visits(&explorer->history, explorer->tasks, 2);
    assert_int_equal(visits.count, 2);
    assert_int_equal(visits.here, 1);
    assert_memory_equal(visits.preferences, places + 3, 6 * sizeof(double));
    store_visits_clear(&visits);
    driver_close(&app);
}

/* A move from the start goes on from the last place by way of the start. */
static void a_move_keeps_what_was_before(void **state) {
    (void)state;
    struct app app = {.dragged = PANEL_COUNT};
    double places[] = {1, 0, 0};
    app.canvas.marks = palette_marks(true);
    explorer_init(&app.explorer, three);
    struct explorer *explorer = &app.explorer;
    explorer->visits.preferences = malloc(sizeof places);
    assert_non_null(explorer->visits.preferences);
    memcpy(explorer->visits.preferences, places, sizeof places);
    explorer->visits.count = 1;
    assert_int_equal(canvas_resize(&app.canvas, 100, 30), 0);
    driver_read_again(&app);
    double start = explorer->preference[0];
    driver_type(&app, "2");
    struct store_visits visits =
        history_visits(&explorer->history, explorer->tasks, 500);
    assert_int_equal(visits.count, 3);
    store_visits_clear(&visits);
    driver_type(&app, "u");
    assert_true(explorer->preference[0] == start);
    driver_type(&app, "u");
    assert_true(explorer->preference[0] == 1);
    driver_close(&app);
}

static void the_command_line_is_said(void **state) {
    (void)state;
    struct app app;
    char wanted[5000];
    driver_open(&app, three, 100, 30);
    driver_type(&app, "v0.5,0.25,0.25\ry");
    snprintf(wanted, sizeof wanted, "pwemoe eval %s --preference 0.5,0.25,0.25 --run 1",
             three);
    assert_string_equal(app.explorer.message, wanted);
    explorer_point(&app.explorer, 2);
    driver_type(&app, "y");
    assert_non_null(strstr(app.explorer.message, " --solution 3 --again"));
    /* Longer than a line, it takes more of them. */
    driver_resize(&app, 40, 20);
    driver_expect(&app, "--again");
    driver_close(&app);
}

/* Names of axes are told apart however narrow they are. */
static void many_axes_have_short_names(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, twelve, 80, 24);
    explorer_show_space(&app.explorer, SPACE_PARALLEL);
    driver_expect(&app, "al be ga de ep ze et th io ka 10 11");
    driver_resize(&app, 200, 50);
    driver_expect(&app, "kappa tas10 tas11 mean"); /* and never as task0 */
    driver_resize(&app, 97, 31);
    driver_expect(&app, "kap t10 t11");
    driver_close(&app);
}

static void a_zoomed_scatter_counts_what_is_beyond(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 120, 40);
    driver_type(&app, "++++");
    const struct scatter_points *points = &app.explorer.points[1];
    size_t beyond =
        points->beyond[0] + points->beyond[1] + points->beyond[2] + points->beyond[3];
    assert_true(beyond > 10);
    char text[40];
    snprintf(text, sizeof text, "←%zu", points->beyond[0]);
    driver_expect(&app, text);
    driver_type(&app, "=");
    driver_expect_none(&app, text);
    driver_close(&app);
}

/* Each step goes on when what it says is done, and Escape leaves at any. */
static void the_tour_leads_through(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, three, 100, 30);
    struct explorer *explorer = &app.explorer;
    app_tour(&app);            /* there is none */
    driver_type(&app, "\tlG"); /* from the scatters, where arrows step */
    driver_expect(&app, "1 of 5: Drag the point");
    app_tour(&app);
    assert_int_equal(explorer->tour.step, 1);
    driver_type(&app, "l");
    app_tour(&app);
    driver_expect(&app, "2 of 5: est is an estimate");
    app_tour(&app);
    assert_int_equal(explorer->tour.step, 2);
    explorer->figures = FIGURES_COMPLETE;
    app_tour(&app); /* measured before it was read */
    assert_int_equal(explorer->tour.step, 2);
    driver_type(&app, "l");
    app_tour(&app);
    assert_int_equal(explorer->tour.step, 2);
    explorer->figures = FIGURES_COMPLETE;
    app_tour(&app);
    driver_expect(&app, "3 of 5: T lists");
    driver_type(&app, "Tj");
    app_tour(&app);
    driver_expect(&app, "4 of 5: a asks");
    driver_type(&app, "a80 70\r");
    app_tour(&app);
    driver_expect(&app, "5 of 5: b keeps");
    driver_resize(&app, 40, 12);
    driver_expect(&app, "5 of 5:");
    /* It covers nothing. */
    driver_resize(&app, 80, 24);
    static const char *const shown[] = {"\n alpha ", "\n beta ", "\n gamma ",
                                        "\n mean "};
    driver_type(&app, "T");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        driver_expect(&app, shown[i]);
    driver_type(&app, "T");
    driver_resize(&app, 100, 30);
    driver_type(&app, "j ");
    app_tour(&app);
    assert_int_equal(explorer->tour.step, 0);
    driver_expect(&app, "that was the tour");
    driver_type(&app, "G");
    assert_int_equal(explorer->tour.step, 1);
    driver_type(&app, "\033");
    assert_int_equal(explorer->tour.step, 0);
    driver_expect_none(&app, "1 of 5");
    driver_close(&app);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 3, 7, three);
    fixture_write_in(folder(), 5, 3, five);
    fixture_write_in(folder(), 12, 2, twelve);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_hold),
        cmocka_unit_test(a_proposed_line_is_typed_over),
        cmocka_unit_test(steps_along_the_front_say_what_they_cost),
        cmocka_unit_test(each_task_has_its_keys),
        cmocka_unit_test(the_middles_of_the_edges),
        cmocka_unit_test(the_way_is_drawn),
        cmocka_unit_test(a_flight_arrives),
        cmocka_unit_test(visits_are_taken_up),
        cmocka_unit_test(a_move_keeps_what_was_before),
        cmocka_unit_test(the_command_line_is_said),
        cmocka_unit_test(the_tour_leads_through),
        cmocka_unit_test(many_axes_have_short_names),
        cmocka_unit_test(a_zoomed_scatter_counts_what_is_beyond),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
