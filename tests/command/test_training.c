/* What training keeps: settings as a run's parameters, and a curve in a saved state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/io/settings.h"
#include "command/work/curve.h"

enum { ONE = 1 << 0, TWO = 1 << 1 };

struct values {
    double rate, decay;
    uint64_t steps, rank;
    unsigned loss;
    bool fast, resume;
    const char *task;
};

static const struct option_spec specs[] = {
    {.name = "lr",
     .type = OPTION_REAL,
     .maximum = 100,
     .above_minimum = true,
     .kept = ONE | TWO,
     .offset = offsetof(struct values, rate)},
    {.name = "weight-decay",
     .type = OPTION_REAL,
     .maximum = 10,
     .kept = ONE,
     .untold = "0.5",
     .offset = offsetof(struct values, decay)},
    {.name = "steps-of-all",
     .type = OPTION_UNSIGNED,
     .minimum = 1,
     .maximum = 1000,
     .kept = ONE | TWO,
     .key = "steps",
     .offset = offsetof(struct values, steps)},
    {.name = "rank",
     .type = OPTION_UNSIGNED,
     .kept = TWO,
     .offset = offsetof(struct values, rank)},
    {.name = "loss",
     .type = OPTION_CHOICE,
     .choices = "ce|distil",
     .kept = TWO,
     .offset = offsetof(struct values, loss)},
    {.name = "fast",
     .type = OPTION_FLAG,
     .kept = TWO,
     .offset = offsetof(struct values, fast)},
    {.name = "task",
     .type = OPTION_TEXT,
     .kept = TWO,
     .offset = offsetof(struct values, task)},
    {.name = "resume", .type = OPTION_FLAG, .offset = offsetof(struct values, resume)},
    {0}};

static void settings_come_back(void **state) {
    (void)state;
    struct values v = {.rate = 0.1 + 0.2,
                       .decay = 3,
                       .steps = 700,
                       .rank = 8,
                       .loss = 1,
                       .fast = true,
                       .resume = true,
                       .task = "cars"};
    struct values back = {.resume = false, .decay = -1};
    struct error error;
    json_t *object = json_object();
    assert_int_equal(settings_write(specs, &v, TWO, object, &error), 0);
    char *text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text, "{\"fast\":true,\"loss\":\"distil\",\"lr\":"
                              "0.30000000000000004,\"rank\":8,\"steps\":700,"
                              "\"task\":\"cars\"}");
    json_decref(object);
    object = json_loads(text, 0, NULL);
    free(text);
    assert_int_equal(settings_read(specs, &back, TWO, object, &error), 0);
    assert_true(back.rate == v.rate && back.steps == 700 && back.rank == 8 &&
                back.loss == 1 && back.fast);
    assert_string_equal(back.task, "cars");
    /* What this kind of run does not keep stays. */
    assert_true(!back.resume && back.decay == -1);
    /* What older runs did not tell has a value of its own. */
    assert_int_equal(settings_read(specs, &back, ONE, object, &error), 0);
    assert_true(back.decay == 0.5);
    json_decref(object);
}

/* The bounds of the command line hold for what is read back too. */
static void settings_of_a_file_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"{\"lr\":0,\"steps\":1}", "'lr'"},
        {"{\"lr\":101,\"steps\":1}", "'lr'"},
        {"{\"lr\":\"1\",\"steps\":1}", "'lr'"},
        {"{\"steps\":1}", "'lr'"},
        {"{\"lr\":1,\"steps\":0}", "'steps'"},
        {"{\"lr\":1,\"steps\":-1}", "'steps'"},
        {"{\"lr\":1,\"steps\":1001}", "'steps'"},
        {"{\"lr\":1,\"steps\":1e300}", "'steps'"},
        {"{\"lr\":1,\"steps\":1,\"weight_decay\":11}", "'weight_decay'"},
        {"[]", "'lr'"},
        {"", "'lr'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct values v = {0};
        struct error error = {.text = ""};
        json_t *object = json_loads(cases[i].text, 0, NULL);
        if (settings_read(specs, &v, ONE, object, &error) == 0)
            fail_msg("'%s' is taken", cases[i].text);
        if (!strstr(error.text, cases[i].names))
            fail_msg("'%s': %s", cases[i].text, error.text);
        json_decref(object);
    }
    struct values v = {0};
    struct error error;
    json_t *object = json_loads("{\"lr\":1,\"steps\":1,\"rank\":1,\"loss\":\"kl\","
                                "\"fast\":false,\"task\":null}",
                                0, NULL);
    assert_int_equal(settings_read(specs, &v, TWO, object, &error), -1);
    assert_non_null(strstr(error.text, "'loss'"));
    json_decref(object);
}

static void typed_settings_are_held_against_the_run(void **state) {
    (void)state;
    struct values v = {.rate = 0.5, .steps = 7, .rank = 4};
    struct error error = {.text = ""};
    json_t *object = json_loads("{\"lr\":0.5,\"steps\":8.0}", 0, NULL);
    uint64_t lr = 1, steps = 4, rank = 8, resume = 128;
    assert_int_equal(settings_agree(specs, &v, lr | resume, ONE, object, &error), 0);
    assert_int_equal(settings_agree(specs, &v, 0, ONE, object, &error), 0);
    assert_int_equal(settings_agree(specs, &v, lr | steps, ONE, object, &error), -1);
    assert_non_null(strstr(error.text, "--steps-of-all 7: the run has 8.0"));
    v.steps = 8;
    assert_int_equal(settings_agree(specs, &v, lr | steps, ONE, object, &error), 0);
    assert_int_equal(settings_belong(specs, lr | rank | resume, TWO, "x", &error), 0);
    assert_int_equal(settings_belong(specs, lr | rank, ONE, "--method ls", &error), -1);
    assert_string_equal(error.text,
                        "--rank cannot be used with --method ls; leave it out");
    json_decref(object);
}

/* losses of one task of `tasks` at a step: no two are alike, none is a short number. */
static double loss(unsigned step, size_t task) {
    return 1.0 / (3.0 * step + (double)task + 1);
}

enum { FIRST = 2, TASKS = 3, STEPS = 57 };

static void train(struct curve *curve, unsigned from, unsigned to) {
    struct error error;
    for (unsigned step = from; step <= to; step++) {
        double losses[TASKS];
        for (size_t t = 0; t < TASKS; t++)
            losses[t] = loss(step, t);
        assert_int_equal(curve_add(curve, step, losses, &error), 0);
    }
}

static void assert_same(const struct store_curve_point *a,
                        const struct store_curve_point *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (a[i].step != b[i].step || a[i].task != b[i].task || a[i].loss != b[i].loss)
            fail_msg("point %zu: %u %zu %.17g, %u %zu %.17g", i, a[i].step, a[i].task,
                     a[i].loss, b[i].step, b[i].task, b[i].loss);
}

/* Stopped at any step and gone on with, a curve has the same points to the last bit. */
static void a_curve_goes_on(void **state) {
    (void)state;
    struct error error;
    struct curve whole;
    assert_int_equal(curve_new(FIRST, TASKS, &whole, &error), 0);
    train(&whole, 1, STEPS);
    assert_int_equal(whole.count, 6 * TASKS);
    for (unsigned stop = 1; stop < STEPS; stop++)
        for (int saved = 0; saved < 2; saved++) {
            struct curve first, second;
            assert_int_equal(curve_new(FIRST, TASKS, &first, &error), 0);
            assert_int_equal(curve_new(FIRST, TASKS, &second, &error), 0);
            train(&first, 1, stop);
            /* Saved in one transaction with the points, or in a file before them. */
            char *text = curve_text(&first, !saved);
            assert_non_null(text);
            size_t before = saved ? first.count : 0;
            assert_int_equal(curve_resume(&second, stop, text, &error), 0);
            free(text);
            train(&second, stop + 1, STEPS);
            assert_int_equal(before + second.count, whole.count);
            assert_same(first.points, whole.points, before);
            assert_same(second.points, whole.points + before, second.count);
            curve_free(&first);
            curve_free(&second);
        }
    curve_free(&whole);
}

static void a_damaged_curve_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "{\"steps\":3,\"sums\":[1,2],\"points\":[]}",
        "{\"steps\":10,\"sums\":[1,2,3],\"points\":[]}",
        "{\"steps\":-1,\"sums\":[1,2,3],\"points\":[]}",
        "{\"steps\":3,\"sums\":[1,2,null],\"points\":[]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[[1,1,0.5]]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[[1,5,0.5]]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[[0,2,0.5]]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[[41,2,0.5]]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[[1,2]]}",
        "{\"steps\":3,\"sums\":[1,2,3],\"points\":[7]}",
        "{\"steps\":3,\"sums\":[1,2,3]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct curve curve;
        struct error error = {.text = ""};
        assert_int_equal(curve_new(FIRST, TASKS, &curve, &error), 0);
        if (curve_resume(&curve, 40, texts[i], &error) == 0)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(strstr(error.text, "damaged"));
        curve_free(&curve);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_come_back),
        cmocka_unit_test(settings_of_a_file_are_checked),
        cmocka_unit_test(typed_settings_are_held_against_the_run),
        cmocka_unit_test(a_curve_goes_on),
        cmocka_unit_test(a_damaged_curve_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
