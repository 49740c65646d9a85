/* The explorer's state without a terminal: where a preference goes, what is known
 * of it, undo, locks, the estimate and the way back from figures. */
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
#include "merge/method.h"
#include "panels/simplex_view.h"
#include "state/dialog.h"
#include "state/explorer.h"
#include "terminal/keys.h"

static struct catalog *read_fixture(const struct fixture_options *options) {
    static int serial;
    char path[4096];
    struct store *store;
    struct catalog *catalog;
    struct error error;
    snprintf(path, sizeof path, "%s/%d.db", folder(), serial++);
    fixture_write(path, options);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    return catalog;
}

static struct explorer *open_fixture(const struct fixture_options *options) {
    struct explorer *explorer = malloc(sizeof *explorer);
    assert_non_null(explorer);
    explorer_init(explorer, "file");
    assert_int_equal(explorer_take_catalog(explorer, read_fixture(options)), 0);
    return explorer;
}

static struct explorer *open_model(size_t tasks, size_t edge, bool baselines) {
    struct fixture_options options = {
        .tasks = tasks, .edge = edge, .baselines = baselines};
    return open_fixture(&options);
}

static void close_model(struct explorer *explorer) {
    explorer_free(explorer);
    free(explorer);
}

static void starts_where_something_is_known(void **state) {
    (void)state;
    struct explorer *explorer = open_model(3, 7, true);
    struct figure figure;
    assert_int_equal(explorer->figures, FIGURES_COMPLETE);
    assert_false(explorer_needs_evaluation(explorer));
    for (size_t t = 0; t < 3; t++) {
        assert_true(fabs(explorer->preference[t] - 1.0 / 3) < 0.1);
        assert_true(explorer_figure(explorer, t, &figure));
        assert_true(figure.complete && !figure.estimated);
        assert_true(fabs(figure.value - fixture_value(explorer->preference, t)) < 1e-9);
    }
    close_model(explorer);
}

static void between_stored_points_it_estimates(void **state) {
    (void)state;
    struct explorer *explorer = open_model(2, 11, false);
    struct figure figure;
    double between[] = {0.45, 0.55};
    explorer_go(explorer, between, false);
    assert_int_equal(explorer->figures, FIGURES_ESTIMATE);
    assert_true(explorer_needs_evaluation(explorer));
    for (size_t t = 0; t < 2; t++) {
        assert_true(explorer_figure(explorer, t, &figure));
        assert_true(figure.estimated && !figure.complete);
        /* The curve bends by less than 0.1 over this tenth of the segment. */
        assert_true(fabs(figure.value - fixture_value(between, t)) < 0.5);
    }
    close_model(explorer);
}

static void without_stored_points_it_says_nothing(void **state) {
    (void)state;
    struct explorer *explorer = open_model(3, 0, true);
    struct figure figure;
    assert_int_equal(explorer->figures, FIGURES_NONE);
    assert_false(explorer_figure(explorer, 0, &figure));
    assert_int_equal(explorer->routers, CATALOG_CLOSED_FORM);
    close_model(explorer);
}

/* What the explorer takes where nothing is trained is the method with its defaults, as
 * the store writes them. */
static void the_closed_form_is_the_method_s_own(void **state) {
    (void)state;
    struct error error;
    const struct merge_method *method =
        merge_method_find(store_role_name(STORE_ROLE_CLOSED_FORM), &error);
    assert_non_null(method);
    assert_true(method->takes_preference);
    json_t *defaults = merge_parameters(method, NULL, &error);
    json_t *ours = json_loads(catalog_parameters(CATALOG_CLOSED_FORM), 0, NULL);
    const char *key;
    json_t *value;
    assert_int_equal(json_object_size(defaults), json_object_size(ours));
    json_object_foreach(defaults, key, value) assert_true(
        json_number_value(value) == json_number_value(json_object_get(ours, key)));
    json_decref(defaults);
    json_decref(ours);
}

static void undo_and_redo(void **state) {
    (void)state;
    struct explorer *explorer = open_model(2, 11, false);
    double start[2], a[] = {0.2, 0.8}, b[] = {0.9, 0.1}, c[] = {0.7, 0.3};
    memcpy(start, explorer->preference, sizeof start);
    assert_false(explorer_undo(explorer));
    explorer_go(explorer, a, false);
    explorer_go(explorer, b, false);
    assert_true(explorer_undo(explorer));
    assert_memory_equal(explorer->preference, a, sizeof a);
    assert_true(explorer_undo(explorer));
    assert_memory_equal(explorer->preference, start, sizeof start);
    assert_false(explorer_undo(explorer));
    assert_true(explorer_redo(explorer));
    assert_memory_equal(explorer->preference, a, sizeof a);
    /* A new way forward ends the old one. */
    explorer_go(explorer, c, false);
    assert_false(explorer_redo(explorer));
    /* A drag is one step, however many points it went over. */
    memcpy(start, explorer->preference, sizeof start);
    explorer_go(explorer, a, true);
    explorer_go(explorer, b, true);
    explorer_remember(explorer, start);
    assert_true(explorer_undo(explorer));
    assert_memory_equal(explorer->preference, start, sizeof start);
    close_model(explorer);
}

static void locks_hold(void **state) {
    (void)state;
    struct explorer *explorer = open_model(5, 4, false);
    double at[STORE_TASKS_MAX] = {0.1, 0.2, 0.3, 0.4, 0};
    explorer_go(explorer, at, false);
    explorer->locked[1] = true;
    explorer_set_share(explorer, 0, 0.5, false);
    double sum = 0;
    for (size_t t = 0; t < 5; t++)
        sum += explorer->preference[t];
    assert_true(fabs(sum - 1) < 1e-9);
    assert_true(fabs(explorer->preference[0] - 0.5) < 1e-9);
    assert_true(fabs(explorer->preference[1] - 0.2) < 1e-9);
    /* The loose ones keep their proportions. */
    assert_true(fabs(explorer->preference[2] * 4 - explorer->preference[3] * 3) < 1e-9);
    /* No more than the locks leave. */
    explorer_set_share(explorer, 0, 1, false);
    assert_true(fabs(explorer->preference[0] - 0.8) < 1e-9);
    explorer_set_share(explorer, 1, 0.9, false);
    assert_true(fabs(explorer->preference[1] - 0.2) < 1e-9);
    close_model(explorer);
}

static void geometry_goes_there_and_back(void **state) {
    (void)state;
    static const int sizes[][2] = {{28, 13}, {30, 16}, {60, 24}, {16, 9}, {100, 50}};
    for (size_t tasks = 2; tasks <= 3; tasks++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct simplex_geometry geometry =
                simplex_geometry_make(sizes[i][0], sizes[i][1], tasks, 0, false);
            assert_true(geometry.shape != SHAPE_NONE);
            for (int step = 0; step <= 20; step++) {
                double r[3] = {step / 20.0, 0, 0}, back[3], x, y;
                r[1] = (1 - r[0]) * (tasks == 2 ? 1 : 0.3);
                r[2] = 1 - r[0] - r[1];
                simplex_geometry_place(&geometry, r, &x, &y);
                assert_true(x >= 0 && x < sizes[i][0] && y >= 1 && y < sizes[i][1]);
                simplex_geometry_preference(&geometry, x, y, back);
                for (size_t t = 0; t < tasks; t++)
                    assert_true(fabs(r[t] - back[t]) < 1e-9);
            }
            /* Outside is brought back onto the simplex. */
            double r[3], sum = 0;
            simplex_geometry_preference(&geometry, -20, 1000, r);
            for (size_t t = 0; t < tasks; t++) {
                assert_true(r[t] >= 0);
                sum += r[t];
            }
            assert_true(fabs(sum - 1) < 1e-9);
        }
}

static void steps_stay_on_the_simplex(void **state) {
    (void)state;
    double r[3] = {0.95, 0.03, 0.02};
    for (int i = 0; i < 40; i++) {
        simplex_step(r, 3, i % 3 - 1, i % 2 ? -1 : 1, 0.1, r);
        assert_true(fabs(r[0] + r[1] + r[2] - 1) < 1e-9);
        for (size_t t = 0; t < 3; t++)
            assert_true(r[t] >= 0 && r[t] <= 1);
    }
    double two[2] = {0.5, 0.5};
    simplex_step(two, 2, 1, 0, 0.1, two);
    assert_true(fabs(two[1] - 0.6) < 1e-12);
    double three[3] = {0.4, 0.3, 0.3};
    simplex_step(three, 3, 0, -1, 0.1, three);
    assert_true(fabs(three[0] - 0.5) < 1e-12 && fabs(three[1] - 0.25) < 1e-12);
}

static void finds_the_preference_of_figures(void **state) {
    (void)state;
    struct explorer *explorer = open_model(3, 7, true);
    struct target_answer answer = {0};
    struct error error;
    struct target target;
    const double *least = target.bounds;
    const struct catalog *catalog = explorer->catalog;
    assert_int_equal(target_parse("alpha >= 80, be 70", catalog, &target, &error), 0);
    assert_true(least[0] == 80 && least[1] == 70 && isnan(least[2]));
    assert_true(estimate_target(&explorer->samples, &target, &answer));
    assert_true(answer.met);
    assert_true(answer.values[0] >= 80 && answer.values[1] >= 70);
    /* 60 + 30 sqrt(r): r = (4/9, 1/9, 4/9) at the bounds; the rest is gamma's. */
    assert_true(fabs(answer.preference[2] - 4.0 / 9) < 0.08);
    /* Not to be had: 89 for all three; says how much is missing. */
    assert_int_equal(target_parse("89, 89, 89", catalog, &target, &error), 0);
    assert_true(estimate_target(&explorer->samples, &target, &answer));
    assert_false(answer.met);
    assert_true(answer.shortfall > 20);
    static const char *const same[] = {"alpha at least 72, then the best of the rest",
                                       "alpha: 72", "Alpha>=72 %", "72%",
                                       "al \u2265 72, , "};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (target_parse(same[i], catalog, &target, &error))
            fail_msg("%s: %s", same[i], error.text);
        assert_true(least[0] == 72 && isnan(least[1]) && isnan(least[2]));
    }
    /* Figures that end a name are no bound. */
    assert_int_equal(target_parse("alpha72", catalog, &target, &error), -1);
    assert_int_equal(target_parse("nobody 3", catalog, &target, &error), -1);
    assert_int_equal(target_parse("alpha", catalog, &target, &error), -1);
    assert_int_equal(target_parse("", catalog, &target, &error), -1);
    close_model(explorer);
}

/* A bound on a loss is what it may be at most, and the best of the rest the least. */
static void losses_are_asked_for_at_most(void **state) {
    (void)state;
    struct fixture_options options = {.tasks = 3, .edge = 7, .losses = true};
    struct explorer *explorer = open_fixture(&options);
    struct target_answer answer = {0};
    struct error error;
    struct target target;
    const double *bounds = target.bounds;
    const struct catalog *catalog = explorer->catalog;
    static const char *const same[] = {
        "alpha 0.4, beta 0.6", "alpha at most 0.4, be <= 0.6",
        "alpha < 0.4, then the best of the rest, beta: 0.6", "al \u2264 0.4, 0.6"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (target_parse(same[i], catalog, &target, &error))
            fail_msg("%s: %s", same[i], error.text);
        assert_true(bounds[0] == 0.4 && bounds[1] == 0.6 && isnan(bounds[2]));
    }
    assert_true(estimate_target(&explorer->samples, &target, &answer));
    assert_true(answer.met && answer.shortfall == 0);
    assert_true(answer.values[0] <= 0.4 && answer.values[1] <= 0.6);
    /* 0.8 - 0.6 sqrt(r): r = (4/9, 1/9, 4/9) at the bounds; the rest is gamma's. */
    assert_true(fabs(answer.preference[2] - 4.0 / 9) < 0.08);
    assert_int_equal(target_parse("0.22, 0.22, 0.22", catalog, &target, &error), 0);
    assert_true(estimate_target(&explorer->samples, &target, &answer));
    assert_false(answer.met);
    /* About 0.45 each at the centre, 0.22 wanted. */
    assert_true(answer.shortfall > 0.5 && answer.shortfall < 0.8);
    assert_int_equal(target_parse("alpha at least 0.3", catalog, &target, &error), -1);
    assert_non_null(strstr(error.text, "less is better"));
    /* One of each kind. */
    catalog->recipe->tasks[1].objective.maximise = true;
    assert_int_equal(target_parse("alpha <= 0.4, beta >= 1", catalog, &target, &error),
                     0);
    assert_int_equal(target_parse("beta at most 1", catalog, &target, &error), -1);
    assert_non_null(strstr(error.text, "more is better"));
    close_model(explorer);
}

static void the_front_and_the_knee(void **state) {
    (void)state;
    struct explorer *explorer = open_model(2, 11, true);
    const struct catalog *catalog = explorer->catalog;
    size_t front = 0, knees = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        bool ours = catalog->series[solution->series].answers;
        front += solution->front;
        knees += solution->knee;
        if (ours)
            assert_true(solution->front);
        if (!strcmp(catalog->rows[i].solution.method, "stl"))
            assert_false(solution->front);
        if (solution->knee)
            assert_true(fabs(catalog->rows[i].solution.preference[0] - 0.5) < 1e-9);
    }
    assert_int_equal(front, 11);
    assert_int_equal(knees, 1);
    size_t count;
    const size_t *rows = explorer_pair_front(explorer, 0, 1, &count);
    assert_int_equal(count, 11);
    for (size_t i = 1; i < count; i++)
        assert_true(catalog_value(catalog, rows[i - 1], 0) >
                    catalog_value(catalog, rows[i], 0));
    /* Without the routers' series the front is that of the merges. */
    explorer_series_toggle(explorer, 0);
    rows = explorer_pair_front(explorer, 0, 1, &count);
    assert_true(count >= 1 && count < 11);
    assert_false(catalog->series[catalog->solutions[rows[0]].series].answers);
    close_model(explorer);
}

static void a_line_is_edited(void **state) {
    (void)state;
    struct dialog dialog = {0};
    static const struct question line = {.kind = DIALOG_LINE, .title = ""};
    dialog_open(&dialog, &line);
    static const int keys[] = {
        'a',       0xe9, 0x1f600,  'b', KEYS_LEFT, KEYS_BACKSPACE, 'c',
        KEYS_HOME, 'x',  KEYS_END, 'y', KEYS_HOME, KEYS_DELETE};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(dialog_key(&dialog, keys[i]), DIALOG_OPEN);
    assert_string_equal(dialog.text, "a\xc3\xa9"
                                     "cby");
    for (int i = 0; i < 2000; i++)
        dialog_key(&dialog, 0xe9);
    assert_true(strlen(dialog.text) < sizeof dialog.text);
    assert_int_equal(dialog_key(&dialog, KEYS_CONTROL_U), DIALOG_OPEN);
    assert_string_equal(dialog.text, "");
    assert_int_equal(dialog_key(&dialog, KEYS_ENTER), DIALOG_ACCEPT);
    assert_int_equal(dialog_key(&dialog, KEYS_ESCAPE), DIALOG_CANCEL);
    dialog_close(&dialog);
}

/* Pasted lines become one; no key is pressed, whatever they read. */
static void what_is_pasted_is_text(void **state) {
    (void)state;
    struct dialog dialog = {0};
    static const struct question line = {.kind = DIALOG_LINE, .title = ""},
                                 list = {.kind = DIALOG_LIST, .title = ""};
    static const int pasted[] = {KEYS_ENTER,  '0',       KEYS_TAB, '1', KEYS_ENTER,
                                 KEYS_ENTER,  0xe9,      21,       'q', KEYS_BACKSPACE,
                                 KEYS_ESCAPE, KEYS_ENTER};
    dialog_open(&dialog, &line);
    for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++)
        assert_true(dialog_paste(&dialog, pasted[i]));
    assert_int_equal(dialog.kind, DIALOG_LINE);
    assert_string_equal(dialog.text, "0 1 \xc3\xa9q");
    /* The last line's end is no blank once something is typed. */
    dialog_key(&dialog, '!');
    assert_string_equal(dialog.text, "0 1 \xc3\xa9q!");
    dialog_open(&dialog, &list);
    assert_false(dialog_paste(&dialog, 'q'));
    assert_int_equal(dialog.kind, DIALOG_LIST);
    dialog_close(&dialog);
}

/* As worked out there and then; the price, or 0 where there is none. */
static double check_price(struct explorer *explorer, size_t gain, size_t loss) {
    struct price price;
    bool known =
        price_at(&explorer->samples, NULL, explorer->preference, gain, loss, &price);
    const struct price *kept = explorer_price(explorer, gain, loss);
    assert_ptr_equal(explorer_price(explorer, gain, loss), kept);
    assert_int_equal(kept != NULL, known);
    if (known)
        assert_true(kept->cost == price.cost && kept->error == price.error);
    return known ? kept->cost : 0;
}

static void a_price_is_kept_while_it_holds(void **state) {
    (void)state;
    struct fixture_options options = {.tasks = 3, .edge = 20};
    struct explorer *explorer = open_fixture(&options);
    explorer_go(explorer, (double[]){0.3, 0.3, 0.4}, false);
    double first = check_price(explorer, 0, 1);
    assert_true(first > 0);
    explorer_go(explorer, (double[]){0.6, 0.15, 0.25}, false);
    double second = check_price(explorer, 0, 1), other = check_price(explorer, 1, 2);
    assert_true(second > 0 && second != first && other != second);
    options.edge = 12;
    assert_int_equal(explorer_take_catalog(explorer, read_fixture(&options)), 0);
    assert_true(check_price(explorer, 0, 1) != second);
    close_model(explorer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_where_something_is_known),
        cmocka_unit_test(between_stored_points_it_estimates),
        cmocka_unit_test(without_stored_points_it_says_nothing),
        cmocka_unit_test(the_closed_form_is_the_method_s_own),
        cmocka_unit_test(undo_and_redo),
        cmocka_unit_test(locks_hold),
        cmocka_unit_test(geometry_goes_there_and_back),
        cmocka_unit_test(steps_stay_on_the_simplex),
        cmocka_unit_test(finds_the_preference_of_figures),
        cmocka_unit_test(losses_are_asked_for_at_most),
        cmocka_unit_test(the_front_and_the_knee),
        cmocka_unit_test(a_line_is_edited),
        cmocka_unit_test(what_is_pasted_is_text),
        cmocka_unit_test(a_price_is_kept_while_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
