/* Filling the front: what is measured next, what it costs, when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../results/fixture.h"
#include "app/actions.h"
#include "driver.h"
#include "pareto/simplex.h"
#include "results/answerer.h"
#include "results/volume.h"
#include "state/filling.h"

static struct error error;
static char path[4096];

static void write_front(size_t tasks, size_t edge) {
    const struct fixture_options options = {
        .tasks = tasks, .edge = edge, .baselines = true};
    snprintf(path, sizeof path, "%s/%zu-%zu.db", folder(), tasks, edge);
    remove(path);
    fixture_write(path, &options);
}

/* As the evaluation thread does it: into the file, then read anew. */
static void measure(struct app *app, double worse) {
    struct explorer *explorer = &app->explorer;
    struct store *store;
    double values[STORE_TASKS_MAX];
    for (size_t t = 0; t < explorer->tasks; t++)
        values[t] = fixture_value(explorer->filling.preference, t) - worse;
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    struct store_solution solution =
        answerer_solution(explorer->routers, "ls", explorer->filling.preference);
    fixture_put(store, &solution, values, explorer->tasks);
    store_close(store);
    filling_measured(explorer, 0.5);
    driver_read_again(app);
}

/* The hypervolume as its thread would tell it. */
static void take_volume(struct app *app, double value) {
    struct explorer *explorer = &app->explorer;
    struct volume_points points;
    front_volume_free(explorer->volume);
    assert_int_equal(volume_points_make(&points, explorer->catalog, &error), 0);
    explorer->volume = front_volume_new(&points, VOLUME_KNOWN, value, NULL);
    volume_points_clear(&points);
}

static void a_grid_without_what_is_measured(void **state) {
    (void)state;
    struct app app;
    char text[96];
    write_front(3, 3);
    driver_open(&app, path, 120, 40);
    struct explorer *explorer = &app.explorer;
    /* Fifteen of edge 5, six of edge 3 among them. */
    assert_int_equal(filling_missing(explorer, 5), 9);
    assert_int_equal(filling_missing(explorer, 1001), SIZE_MAX);
    assert_int_equal(filling_next(explorer), FILLING_WAITS);
    filling_begin(explorer, FILL_GRID, 5);
    assert_true(isnan(filling_price(explorer, 1)));
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(filling_next(explorer), FILLING_MEASURE);
        for (size_t t = 0; t < 3; t++)
            assert_true(fabs(explorer->filling.preference[t] * 4 -
                             round(explorer->filling.preference[t] * 4)) < 1e-12);
        assert_int_equal(catalog_find(explorer->catalog, explorer->filling.preference,
                                      explorer->routers),
                         SIZE_MAX);
        assert_int_equal(filling_next(explorer), FILLING_WAITS); /* for that one */
        measure(&app, 0);
    }
    assert_int_equal(filling_next(explorer), FILLING_OVER);
    assert_string_equal(explorer->filling.ended, "9 models measured in 4.5 s");
    assert_int_equal(filling_missing(explorer, 5), 0);
    assert_false(filling_text(explorer, text, sizeof text));
    driver_close(&app);
}

/* With every key of its question: 97461 preferences, 2145 solutions. Each looked for
 * among all the others takes seconds. */
static void a_large_grid_is_counted_at_once(void **state) {
    (void)state;
    struct app app;
    write_front(3, 65);
    driver_open(&app, path, 120, 40);
    clock_t begun = clock();
    assert_int_equal(filling_missing(&app.explorer, 441), 97461 - 45);
    assert_true(clock() - begun < CLOCKS_PER_SEC / 4);
    driver_close(&app);
}

/* The one hole of a segment is measured first, and what is told of it. */
static void the_widest_gap_first(void **state) {
    (void)state;
    struct app app;
    char text[96];
    write_front(2, 5);
    driver_open(&app, path, 120, 40);
    struct explorer *explorer = &app.explorer;
    take_volume(&app, 100);
    filling_set_price(explorer, explorer->routers, 2);
    filling_begin(explorer, FILL_GAPS, 3);
    assert_int_equal(filling_next(explorer), FILLING_MEASURE);
    /* The square root is steepest at the ends. */
    double share = explorer->filling.preference[0];
    assert_true((share > 0 && share < 0.25) || (share > 0.75 && share < 1));
    assert_true(filling_text(explorer, text, sizeof text));
    assert_string_equal(text, "filling 1 of 3, 6.0 s left");
    measure(&app, 0);
    take_volume(&app, 103);
    assert_int_equal(filling_next(explorer), FILLING_MEASURE);
    assert_true(explorer->filling.preference[0] != share);
    explorer->filling.paused = true;
    assert_true(filling_text(explorer, text, sizeof text));
    assert_string_equal(text, "filling paused 2 of 3");
    filling_end(explorer);
    assert_string_equal(explorer->filling.ended,
                        "stopped: 1 model measured in 0.5 s, hypervolume +3.00 %");
    driver_close(&app);
}

/* Three in a row that add less; one that adds more begins the count anew. What is on
 * the front waits for its hypervolume. */
static void until_it_hardly_grows(void **state) {
    (void)state;
    static const double volumes[] = {100.05, 102, 102.05, 102.06};
    struct app app;
    write_front(2, 5);
    driver_open(&app, path, 120, 40);
    struct explorer *explorer = &app.explorer;
    filling_begin(explorer, FILL_UNTIL, 0.1);
    assert_int_equal(filling_next(explorer), FILLING_WAITS); /* no volume yet */
    take_volume(&app, 100);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(filling_next(explorer), FILLING_MEASURE);
        measure(&app, 0);
        assert_int_equal(filling_next(explorer), FILLING_WAITS);
        take_volume(&app, volumes[i]);
    }
    assert_int_equal(filling_next(explorer), FILLING_MEASURE);
    measure(&app, 30); /* dominated: adds nothing, and nothing is waited for */
    assert_int_equal(filling_next(explorer), FILLING_OVER);
    assert_string_equal(explorer->filling.ended,
                        "3 models in a row added less than 0.1 %: 5 models measured in "
                        "2.5 s, hypervolume +2.06 %");
    driver_close(&app);
}

/* Where nothing is measured the ends come first, then the middle. */
static void an_empty_file_begins_with_the_ends(void **state) {
    (void)state;
    struct app app;
    write_front(3, 0);
    driver_open(&app, path, 120, 40);
    struct explorer *explorer = &app.explorer;
    filling_begin(explorer, FILL_GAPS, 10);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(filling_next(explorer), FILLING_MEASURE);
        if (i < 3)
            assert_true(explorer->filling.preference[i] == 1);
        else if (i == 3)
            assert_true(fabs(explorer->filling.preference[0] - 1.0 / 3) < 1e-12);
        measure(&app, 0);
    }
    assert_int_equal(explorer->filling.done, 5);
    /* With other routers nothing goes on. */
    explorer->routers = 77;
    assert_int_equal(filling_next(explorer), FILLING_OVER);
    assert_non_null(strstr(explorer->filling.ended, "other routers"));
    driver_close(&app);
}

static void times_in_words(void **state) {
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } times[] = {{0.64, "0.6 s"}, {9.94, "9.9 s"},  {12.3, "12 s"},
                 {150, "2 min"},  {5400, "90 min"}, {9000, "2.5 h"}};
    char text[32];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        assert_string_equal(filling_time(times[i].seconds, text, sizeof text),
                            times[i].text);
}

/* Without an evaluator the key says why. */
static void nothing_measures_here(void **state) {
    (void)state;
    struct app app;
    write_front(2, 5);
    driver_open(&app, path, 120, 40);
    driver_type(&app, "F");
    driver_expect(&app, "the checkpoints are still being read");
    app.explorer.ready = app.explorer.limited = true;
    driver_type(&app, "F");
    driver_expect(&app, "with --limit nothing is measured whole");
    driver_close(&app);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_without_what_is_measured),
        cmocka_unit_test(a_large_grid_is_counted_at_once),
        cmocka_unit_test(the_widest_gap_first),
        cmocka_unit_test(until_it_hardly_grows),
        cmocka_unit_test(an_empty_file_begins_with_the_ends),
        cmocka_unit_test(times_in_words),
        cmocka_unit_test(nothing_measures_here),
    };
    return cmocka_run_group_tests(tests, fixture_utf8, NULL);
}
