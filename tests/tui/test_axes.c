/* Axes of the parallel coordinates: moved, turned round, hidden, by keys and the mouse;
 * names that tell them apart; what is cut is told. */
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
#include "panels/parallel.h"
#include "panels/places.h"
#include "state/axes.h"
#include "state/space.h"
#include "terminal/keys.h"

static char five[4096], twelve[4096];

static void assert_order(const struct app *app, const char *names) {
    size_t shown[STORE_TASKS_MAX], count = axes_shown(&app->explorer, shown);
    char text[400] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
                 explorer_task_name(&app->explorer, shown[i]));
    }
    assert_string_equal(text, names);
}

static void open_parallel(struct app *app, const char *path, int width, int height) {
    driver_open(app, path, width, height);
    assert_true(explorer_show_space(&app->explorer, SPACE_PARALLEL));
    driver_resize(app, width, height);
}

/* Focus on the objective space, beta's axis chosen. */
static void open_at_beta(struct app *app) {
    open_parallel(app, five, 120, 40);
    app->explorer.wish.focus = PANEL_SCATTER;
    app->explorer.pointed_axis = 1;
    driver_resize(app, 120, 40);
}

static void keys_move_turn_and_hide(void **state) {
    (void)state;
    struct app app;
    open_at_beta(&app);
    driver_type(&app, "}}");
    assert_order(&app, "alpha gamma delta beta epsilon");
    driver_type(&app, "}}}");
    assert_order(&app, "alpha gamma delta epsilon beta");
    driver_type(&app, "{{{{{{");
    assert_order(&app, "beta alpha gamma delta epsilon");
    driver_expect(&app, "beta   alpha");
    driver_type(&app, "I");
    driver_expect(&app, "beta has its worse end on top now");
    driver_type(&app, "d");
    assert_order(&app, "alpha gamma delta epsilon");
    driver_expect(&app, "Parallel coordinates: 1 hidden");
    /* The next one is chosen; two stay. */
    driver_type(&app, "dddd");
    driver_expect(&app, "at least two axes must stay");
    assert_order(&app, "delta epsilon");
    driver_type(&app, "A");
    /* The list that the same is chosen from says it, too. */
    for (size_t t = 0; t < 5; t++)
        app.explorer.axes.hidden[t] = t != 1 && t != 3;
    driver_type(&app, "pbeta ");
    driver_expect(&app, "at least two axes must stay");
    assert_order(&app, "beta delta");
    app_key(&app, KEYS_ENTER);
    driver_type(&app, "A");
    assert_order(&app, "alpha beta gamma delta epsilon");
    assert_false(app.explorer.axes.turned[1]);
    driver_close(&app);
}

/* The numbers at the ends of an axis change places. */
static void a_turned_axis_has_its_worse_end_on_top(void **state) {
    (void)state;
    struct app app;
    double top, bottom;
    open_at_beta(&app);
    struct view view = view_rect(&app.canvas, app.arrangement.rect[PANEL_SCATTER]);
    assert_true(parallel_view_value(&view, &app.explorer, 1, 3, &top));
    assert_true(parallel_view_value(&view, &app.explorer, 1, view.height - 2, &bottom));
    assert_true(top > bottom);
    driver_type(&app, "I");
    assert_true(parallel_view_value(&view, &app.explorer, 1, 3, &top));
    assert_true(parallel_view_value(&view, &app.explorer, 1, view.height - 2, &bottom));
    assert_true(top < bottom);
    assert_true(parallel_view_value(&view, &app.explorer, 0, 3, &top));
    assert_true(parallel_view_value(&view, &app.explorer, 0, view.height - 2, &bottom));
    assert_true(top > bottom);
    driver_close(&app);
}

static void the_mouse_does_the_same(void **state) {
    (void)state;
    struct app app;
    open_at_beta(&app);
    struct explorer *explorer = &app.explorer;
    struct view view = view_rect(&app.canvas, app.arrangement.rect[PANEL_SCATTER]);
    int y = view.y + 1, from = view.x + parallel_view_column(&view, explorer, 1);
    int to = view.x + parallel_view_column(&view, explorer, 3);
    app_mouse(&app, POINTER_PRESS, from, y);
    for (int x = from; x <= to; x++)
        app_mouse(&app, POINTER_DRAG, x, y);
    app_mouse(&app, POINTER_RELEASE, to, y);
    assert_order(&app, "alpha gamma delta beta epsilon");
    assert_false(explorer->axes.turned[1]);
    app_mouse(&app, POINTER_PRESS, to, y);
    app_mouse(&app, POINTER_RELEASE, to, y);
    assert_true(explorer->axes.turned[1]);
    app_mouse(&app, POINTER_PRESS, to, y);
    app_mouse(&app, POINTER_DRAG, to, 0);
    app_mouse(&app, POINTER_RELEASE, to, 0);
    assert_order(&app, "alpha gamma delta epsilon");
    /* Where it stands one points at what is drawn there. */
    driver_click(&app, view.x + parallel_view_column(&view, explorer, 2), y + 6);
    assert_int_equal(explorer->pointed_axis, 2);
    driver_close(&app);
}

/* p lists the axes; typing finds them. */
static void one_types_to_find(void **state) {
    (void)state;
    struct app app;
    open_parallel(&app, twelve, 120, 40);
    driver_type(&app, "p");
    driver_expect(&app, "type to find");
    driver_type(&app, "ETA");
    driver_expect(&app, "find: ETA");
    assert_int_equal(app.explorer.dialog.count, 4); /* beta zeta eta theta */
    driver_key(&app, KEYS_BACKSPACE);
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "zet ");
    assert_int_equal(app.explorer.dialog.count, 1);
    driver_type(&app, "\r");
    assert_order(&app, "alpha beta gamma delta epsilon eta theta iota kappa task10 "
                       "task11");
    driver_type(&app, "xp");
    driver_expect(&app, "beta over alpha");
    driver_type(&app, "q kappa gam");
    assert_int_equal(app.explorer.dialog.count, 0);
    driver_key(&app, KEYS_CONTROL_U);
    driver_type(&app, "kappa gam\r");
    assert_int_equal(app.explorer.pair_a, 2);
    assert_int_equal(app.explorer.pair_b, 9);
    driver_close(&app);
}

/* Whatever the height the mean is there, and what is cut is counted. */
static void the_mean_stays_in_sight(void **state) {
    (void)state;
    struct app app;
    driver_open(&app, twelve, 80, 24);
    driver_expect(&app, "─ Preference ────────── 2 more ─");
    for (int height = 16; height <= 50; height++) {
        driver_resize(&app, 80, height);
        if (!app.arrangement.shown[PANEL_OBJECTIVES])
            continue;
        struct rect rect = app.arrangement.rect[PANEL_OBJECTIVES];
        char *frame = driver_frame(&app);
        if (rect.height >= 4 && !strstr(frame, "\n mean "))
            fail_msg("no mean at height %d:\n%s", height, frame);
        bool all = strstr(frame, "\n task11 ") && strstr(frame, "\n alpha ");
        if (rect.height >= 6 && !all && !strstr(frame, " more"))
            fail_msg("what is cut is not told at height %d:\n%s", height, frame);
        free(frame);
    }
    driver_close(&app);
}

/* It is the last axis, whichever others are on the screen, and where a line crosses it
 * is the mean of what the line is elsewhere. */
static void the_mean_is_an_axis(void **state) {
    (void)state;
    struct app app;
    open_parallel(&app, twelve, 80, 40);
    struct explorer *explorer = &app.explorer;
    explorer->wish.focus = PANEL_SCATTER;
    struct rect rect = app.arrangement.rect[PANEL_SCATTER];
    struct view view = view_rect(&app.canvas, rect);
    int right = 0;
    for (int scroll = 0; scroll < 12; scroll++) {
        explorer->scroll[PANEL_SCATTER] = scroll;
        driver_resize(&app, 80, 40);
        driver_expect(&app, " mean");
        assert_int_equal(parallel_view_axis(&view, explorer, rect.width - 1), 12);
    }
    right = parallel_view_column(&view, explorer, 12);
    struct row_place *places = calloc(explorer->catalog->count, sizeof *places);
    size_t count = parallel_view_places(&view, explorer, right, places);
    struct range range;
    assert_true(count > 20 && space_range(explorer, 12, &range));
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t t = 0; t < 12; t++)
            sum += catalog_value(explorer->catalog, places[i].row, t);
        double share = (range.high - sum / 12) / (range.high - range.low);
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        double top = 3, height = rect.height - 4; /* heading, names, numbers */
        assert_true(fabs(places[i].y - (top + share * (height - 1))) < 1e-6);
    }
    free(places);
    /* It is read only: not moved, not brushed. */
    driver_click(&app, rect.x + rect.width - 3, rect.y + 1);
    assert_int_equal(explorer->pointed_axis, 12);
    driver_type(&app, "{");
    driver_expect(&app, "choose an axis first");
    app_mouse(&app, POINTER_BRUSH, rect.x + rect.width - 3, rect.y + 8);
    driver_resize(&app, 80, 40);
    driver_expect(&app, "the mean has no range");
    assert_false(explorer->box.open);
    driver_close(&app);

    /* No mean of percent and milliseconds. */
    driver_open(&app, five, 120, 40);
    struct store_task *tasks = app.explorer.catalog->recipe->tasks;
    assert_true(space_has_mean(&app.explorer));
    tasks[2].objective.maximise = false;
    assert_false(space_has_mean(&app.explorer));
    tasks[2].objective.maximise = true;
    free(tasks[2].objective.unit);
    tasks[2].objective.unit = strdup("ms");
    assert_false(space_has_mean(&app.explorer));
    driver_resize(&app, 160, 50);
    driver_expect(&app, "no mean: the tasks have different units");
    driver_expect(&app, "each in its unit");
    driver_expect(&app, "different units, which"); /* the scaling curves */
    driver_expect_none(&app, " mean   ");
    driver_close(&app);
}

/* Cut or not, no two axes have the same name. */
static void names_tell_axes_apart(void **state) {
    (void)state;
    static const char *const names[] = {"cifar10", "cifar100", "cifar1000",
                                        "cifar1000b", "cars"};
    const struct fixture_options options = {.tasks = 5, .edge = 3, .names = names};
    struct app app;
    char path[4200];
    snprintf(path, sizeof path, "%s/names.db", folder());
    fixture_write(path, &options);
    open_parallel(&app, path, 120, 40);
    for (int width = 40; width <= 140; width += 4) {
        driver_resize(&app, width, 24);
        if (!app.arrangement.shown[PANEL_SCATTER])
            continue;
        struct rect rect = app.arrangement.rect[PANEL_SCATTER];
        char line[200] = "", whole[200], *word, *rest, *seen[8];
        size_t count = 0;
        for (int x = 0; x < rect.width && x < 199; x++) {
            wchar_t c = canvas_at(&app.canvas, rect.x + x, rect.y + 1)->c;
            line[x] = c < 0x80 ? (char)c : '.';
        }
        snprintf(whole, sizeof whole, "%s", line);
        for (word = strtok_r(line, " ", &rest); word && count < 8;
             word = strtok_r(NULL, " ", &rest)) {
            for (size_t i = 0; i < count; i++)
                if (!strcmp(seen[i], word))
                    fail_msg("two axes are \"%s\" at %d columns", word, width);
            seen[count++] = word;
        }
        if (count != 5 + 1) /* and the mean */
            fail_msg("%zu names at %d columns: %s", count, width, whole);
    }
    driver_close(&app);
}

/* What an axis reaches over is kept from frame to frame; whatever is done in between,
 * it is what it would be if nothing were kept. */
static void what_is_kept_is_right(void **state) {
    (void)state;
    static const char *const done[] = {"l", "1", "=", "T/kind == merge\r*T",
                                       "=", "=", "=", "2",
                                       "X", "h", "=", "t \033",
                                       "L", "=", "3", "t \033",
                                       "="};
    struct app app;
    driver_open(&app, five, 120, 40);
    struct explorer *explorer = &app.explorer;
    assert_non_null(explorer->reaches);
    for (size_t i = 0; i < sizeof done / sizeof *done; i++) {
        driver_type(&app, done[i]);
        for (size_t t = 0; t <= explorer->tasks; t++) { /* the mean, too */
            struct range kept, anew;
            struct reach *reaches = explorer->reaches;
            bool known = space_range(explorer, t, &kept);
            explorer->reaches = NULL;
            assert_int_equal(space_range(explorer, t, &anew), known);
            explorer->reaches = reaches;
            if (known && (kept.low != anew.low || kept.high != anew.high))
                fail_msg("after \"%s\" objective %zu: %g to %g, not %g to %g", done[i],
                         t, kept.low, kept.high, anew.low, anew.high);
        }
    }
    driver_close(&app);
}

/* Ends of axes move by whole steps, so that hardly a frame of a long drag has to count
 * lines anew; what is here stays in sight. */
static void axes_stand_still_while_one_drags(void **state) {
    (void)state;
    struct app app;
    open_parallel(&app, five, 160, 48);
    struct explorer *explorer = &app.explorer;
    assert_true(explorer->have_estimate && explorer->figures < FIGURES_RUNNING);
    for (size_t t = 0; t <= explorer->tasks; t++) {
        struct range range, before = range_empty();
        size_t moves = 0;
        for (int key = 0; key < 200; key++) {
            struct figure figure;
            /* From 88, of 90 that are stored, to far beyond and back. */
            for (size_t k = 0; k < explorer->tasks; k++)
                explorer->estimate[k] = 88 + 0.1 * (key < 100 ? key : 200 - key);
            assert_true(space_range(explorer, t, &range));
            assert_true(space_figure(explorer, t, &figure));
            assert_true(figure.value >= range.low && figure.value <= range.high);
            moves += range.low != before.low || range.high != before.high;
            before = range;
        }
        if (moves > 12)
            fail_msg("axis %zu moved %zu times", t, moves);
    }
    driver_close(&app);
}

/* Between the numbers of its ends each axis has one more, which is the value there;
 * nothing else stands on it. */
static void axes_have_three_numbers(void **state) {
    (void)state;
    static const int sizes[][2] = {{80, 24}, {80, 40}, {120, 30}, {200, 50}};
    for (size_t i = 0; i < 8; i++) {
        struct app app;
        const int *size = sizes[i / 2];
        open_parallel(&app, i % 2 ? twelve : five, size[0], size[1]);
        struct rect rect = app.arrangement.rect[PANEL_SCATTER];
        struct view view = view_rect(&app.canvas, rect);
        for (size_t t = 0; t <= app.explorer.tasks; t++) {
            int x = rect.x + parallel_view_column(&view, &app.explorer, t);
            size_t found = 0;
            for (int y = rect.y + 3; y < rect.y + rect.height - 1; y++) {
                char text[16] = "";
                double value;
                if (canvas_at(&app.canvas, x, y)->c != L'┼')
                    continue;
                for (size_t k = 0; k < 4; k++) {
                    wchar_t c = canvas_at(&app.canvas, x + 1 + (int)k, y)->c;
                    text[k] = (c >= L'0' && c <= L'9') || c == L'.' ? (char)c : '\0';
                    if (!text[k])
                        break;
                }
                assert_true(parallel_view_value(&view, &app.explorer, t,
                                                (double)(y - rect.y), &value));
                if (fabs(strtod(text, NULL) - value) > 0.5 + 1e-9)
                    fail_msg("%dx%d, axis %zu: \"%s\" at %g", size[0], size[1], t, text,
                             value);
                found++;
            }
            if (found != 1)
                fail_msg("%dx%d, axis %zu has %zu numbers between its ends", size[0],
                         size[1], t, found);
        }
        driver_close(&app);
    }
}

static void numbers_fit_into_what_there_is(void **state) {
    (void)state;
    static const struct {
        double value;
        int most;
        const char *text;
    } cases[] = {{98.46, 4, "98.5"}, {98.46, 3, "98"},   {0.72, 3, "0.7"},
                 {0.72, 2, ".7"},    {-0.72, 3, "-.7"},  {0.01, 3, "0.0"},
                 {100, 2, ""},       {1e30, 5, "1e+30"}, {12345, 5, "12345"},
                 {10.4, 2, "10"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        assert_string_equal(
            parallel_number(cases[i].value, cases[i].most, text, sizeof text),
            cases[i].text);
    }
}

static int prepare(void **state) {
    fixture_write_in(folder(), 5, 4, five);
    fixture_write_in(folder(), 12, 3, twelve);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_move_turn_and_hide),
        cmocka_unit_test(a_turned_axis_has_its_worse_end_on_top),
        cmocka_unit_test(the_mouse_does_the_same),
        cmocka_unit_test(one_types_to_find),
        cmocka_unit_test(the_mean_stays_in_sight),
        cmocka_unit_test(the_mean_is_an_axis),
        cmocka_unit_test(names_tell_axes_apart),
        cmocka_unit_test(what_is_kept_is_right),
        cmocka_unit_test(axes_stand_still_while_one_drags),
        cmocka_unit_test(axes_have_three_numbers),
        cmocka_unit_test(numbers_fit_into_what_there_is),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
