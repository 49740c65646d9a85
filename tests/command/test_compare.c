/* pwemoe compare over the demo's first two tasks: what it trains and measures, what it
 * takes as it is, its rows, its page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

#define METHODS "distil,wudi,average,dare:drop=0.5"
#define COMPARE                                                     \
    "compare %s/two.db --methods " METHODS " --budget 3 --seeds 2 " \
    "--edge-points 3 --threads 1 --quiet"

static int copy_demo(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    setenv("OMP_WAIT_POLICY", "passive", 1);
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && sed '/^  surfaces:/,$d' recipe.yaml >two.yaml",
                           folder(), source ? source : ".");
    int status = ran.status;
    ran_free(&ran);
    if (status == 0) {
        ran = run("init %1$s/two.db %1$s/two.yaml --quiet", folder());
        status = ran.status;
        ran_free(&ran);
    }
    return status;
}

static const json_t *row_of(const json_t *rows, const char *method) {
    size_t i;
    json_t *row;
    json_array_foreach(
        rows, i, row) if (!strcmp(json_string_value(json_object_get(row, "method")),
                                  method)) return row;
    fail_msg("no row of %s", method);
    return NULL;
}

static double number(const json_t *row, const char *key) {
    return json_number_value(json_object_get(row, key));
}

static size_t count_of(const char *what) {
    json_t *rows = json_of("show %s/two.db %s --format json", folder(), what);
    size_t count = json_array_size(rows);
    json_decref(rows);
    return count;
}

static void trains_and_measures_what_is_missing(void **state) {
    (void)state;
    /* A run with the same settings is there already, and one with others. */
    json_decref(json_of("train %s/two.db --steps 3 --seed 0 --threads 1 --quiet "
                        "--format json",
                        folder()));
    json_decref(json_of("train %s/two.db --steps 3 --seed 0 --loss ce --threads 1 "
                        "--quiet --format json",
                        folder()));
    json_t *rows = json_of(COMPARE " --format json", folder());
    assert_int_equal(json_array_size(rows), 4);
    assert_int_equal(count_of("routers"), 3);
    const json_t *distil = row_of(rows, "distil"), *average = row_of(rows, "average");
    assert_int_equal(number(distil, "seeds"), 2);
    assert_int_equal(number(average, "seeds"), 1);
    assert_int_equal(number(row_of(rows, "dare:drop=0.5"), "seeds"), 2);
    /* At a unit preference a correction is the expert itself. */
    assert_true(fabs(number(distil, "own") - 100) < 1e-9);
    assert_true(number(row_of(rows, "wudi"), "share") > number(average, "share"));
    assert_int_equal(number(distil, "images"), 3 * 16 * 2);
    assert_int_equal(number(distil, "labels"), 0);
    assert_true(number(distil, "trainable") > 1000);
    assert_true(json_is_null(json_object_get(average, "monotone")));
    assert_int_equal(json_array_size(json_object_get(distil, "share_seeds")), 2);
    double p = number(average, "p_examples");
    assert_true(p >= 0 && p <= 1);

    /* The same volume, by another command: one model's box. */
    json_t *solutions = json_of("show %s/two.db solutions --where 'method == average' "
                                "--format json",
                                folder());
    const json_t *figures = json_object_get(json_array_get(solutions, 0), "objectives");
    double volume = number(json_object_get(figures, "digits"), "value") *
                    number(json_object_get(figures, "letters"), "value");
    json_t *stl = json_of("show %s/two.db solutions --where 'method == stl' "
                          "--format json",
                          folder());
    figures = json_object_get(json_array_get(stl, 0), "objectives");
    volume /= number(json_object_get(figures, "digits"), "value") *
              number(json_object_get(figures, "letters"), "value");
    assert_true(fabs(number(average, "share") - volume) < 1e-9);
    json_decref(stl);
    json_decref(solutions);
    json_decref(rows);
}

static void the_same_command_has_nothing_left_to_do(void **state) {
    (void)state;
    json_t *before = json_of(COMPARE " --format json", folder());
    size_t solutions = count_of("solutions"), runs = count_of("routers");
    json_t *after = json_of(COMPARE " --format json", folder());
    assert_true(json_equal(before, after));
    assert_int_equal(count_of("solutions"), solutions);
    assert_int_equal(count_of("routers"), runs);
    json_decref(before);
    json_decref(after);
}

static void writes_a_page(void **state) {
    (void)state;
    struct ran ran = run(COMPARE " --out %s/page", folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    assert_non_null(strstr(ran.out, "share_edges"));
    ran_free(&ran);
    ran = shell("cd %s/page && ls && cat report.md && tail -5 report.tex && "
                "file -b --mime-type edges.png attainment.png 2>/dev/null",
                folder());
    assert_non_null(strstr(ran.out, "attainment.png"));
    /* Marks are those of the series everywhere else (results/series.c). */
    assert_non_null(strstr(ran.out, "| ■ average"));
    assert_non_null(strstr(ran.out, "| • distil"));
    assert_non_null(strstr(ran.out, "edges.png"));
    assert_non_null(strstr(ran.out, "| experts | 93.8 | 93.2 |"));
    assert_non_null(strstr(ran.out, "\\end{tabular}"));
    assert_non_null(strstr(ran.out, "dare:drop=0.5"));
    ran_free(&ran);
    expect_error(1, "exists already", COMPARE " --out %s/page", folder(), folder());
}

/* A surrogate is fitted once, and its answers measured as all others. */
static void compares_a_surrogate(void **state) {
    (void)state;
    const char *command =
        "compare %s/two.db --methods map:evaluations=8:refine=1,average "
        "--seeds 1 --edge-points 3 --threads 1 --quiet --format json";
    json_t *rows = json_of(command, folder());
    const json_t *map = row_of(rows, "map:evaluations=8:refine=1");
    assert_int_equal(count_of("solutions --where 'method == map'"), 3);
    assert_true(number(map, "share") > number(row_of(rows, "average"), "share"));
    /* Two tasks' training examples, for eight models; six numbers a task. */
    assert_true(number(map, "images") >= 2 * 8 * 100);
    assert_int_equal(number(map, "labels"), number(map, "images"));
    assert_int_equal(number(map, "trainable"), 12);
    size_t solutions = count_of("solutions"), runs = count_of("routers");
    json_t *again = json_of(command, folder());
    assert_true(json_equal(rows, again));
    assert_int_equal(count_of("solutions"), solutions);
    assert_int_equal(count_of("routers"), runs);
    json_decref(again);
    json_decref(rows);
    expect_error(2, "map:evaluation=8", "compare %s/two.db --methods map:evaluation=8",
                 folder());
}

static void mistakes_are_told(void **state) {
    (void)state;
    const char *f = folder();
    expect_error(2, "wudi", "compare %s/two.db --methods wuid", f);
    expect_error(2, "no parameter 'scale'", "compare %s/two.db --methods wudi:scale=1",
                 f);
    expect_error(2, "distil:losses=ce", "compare %s/two.db --methods distil:losses=ce",
                 f);
    expect_error(2, "not a setting", "compare %s/two.db --methods distil:seed=4", f);
    expect_error(2, "is given twice", "compare %s/two.db --methods wudi,wudi", f);
    expect_error(2, "leave it out", "compare %s/two.db --methods stl", f);
    expect_error(2, "a setting is missing beside a colon",
                 "compare %s/two.db --methods ls::lr=0.1:batch=3:alpha=2:seeds=1", f);
    expect_error(2, "a setting is missing", "compare %s/two.db --methods ties:", f);
    expect_error(2, "odd", "compare %s/two.db --edge-points 4", f);
    expect_error(1, "cannot be used with",
                 "compare %s/two.db --methods distil:upscale=all --budget 1", f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(trains_and_measures_what_is_missing),
        cmocka_unit_test(the_same_command_has_nothing_left_to_do),
        cmocka_unit_test(writes_a_page),
        cmocka_unit_test(compares_a_surrogate),
    };
    return cmocka_run_group_tests(tests, copy_demo, NULL);
}
