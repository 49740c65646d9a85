/* pwemoe ask: figures, what they fall short by, and the exit status that says whether
 * they are reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../results/fixture.h"
#include "run.h"

static char three[4096];

/* Routers on a grid of 1/6: 60 + 30 sqrt(share), the same for every task. */
static void the_status_is_the_answer(void **state) {
    (void)state;
    struct ran ran = run("ask %s 'alpha >= 80 beta 70' --format json", three);
    json_t *rows = json_loads(ran.out, 0, NULL);
    assert_int_equal(ran.status, 0);
    assert_int_equal(json_array_size(rows), 3);
    json_t *alpha = json_array_get(rows, 0), *gamma = json_array_get(rows, 2);
    assert_true(json_real_value(json_object_get(alpha, "figure")) >= 80);
    assert_true(json_is_true(json_object_get(alpha, "met")));
    assert_true(json_is_null(json_object_get(gamma, "wanted")));
    assert_non_null(strstr(ran.err, "reached"));
    double sum = 0;
    for (size_t t = 0; t < 3; t++)
        sum += json_real_value(json_object_get(json_array_get(rows, t), "weight"));
    assert_true(fabs(sum - 1) < 1e-9);
    json_decref(rows);
    ran_free(&ran);
    /* Each shortfall by itself. */
    ran = run("ask %s '89, 89, 89'", three);
    assert_int_equal(ran.status, 3);
    assert_non_null(strstr(ran.err, "not reached; the nearest"));
    const char *at = ran.err;
    size_t shorts = 0;
    for (; (at = strstr(at, " short)")); at++)
        shorts++;
    assert_int_equal(shorts, 3);
    ran_free(&ran);
}

/* Commands ask the run that the explorer begins with: a newer one that was interrupted
 * answers only where it is named. */
static void an_interrupted_run_does_not_answer(void **state) {
    (void)state;
    char path[4096];
    fixture_write_in(folder(), 4, 5, path);
    fixture_interrupt_run(path);
    struct ran ran = run("ask %s 'alpha >= 70' --format json", path);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    expect_error(1, "nothing is measured yet", "ask %s 'alpha >= 70' --run 2", path);
    expect_error(1, "nothing is measured yet", "ask %s 'alpha >= 70' --method epo",
                 path);
}

/* The best of one task where the others' bounds allow it. */
static void max_chooses(void **state) {
    (void)state;
    double weight[3];
    static const char *const asked[] = {"beta>=70 max alpha", "beta>=70 max gamma"};
    for (size_t i = 0; i < 2; i++) {
        json_t *rows = json_of("ask %s '%s' --format json", three, asked[i]);
        for (size_t t = 0; t < 3; t++)
            weight[t] =
                json_number_value(json_object_get(json_array_get(rows, t), "weight"));
        assert_true(weight[i ? 2 : 0] > 0.7 && weight[i ? 0 : 2] < 0.1);
        assert_true(weight[1] > 0.1);
        json_decref(rows);
    }
}

static void what_is_not_understood_is_wrong_usage(void **state) {
    (void)state;
    expect_error(2, "there is no such task", "ask %s 'alhpa 80'", three);
    expect_error(2, "which figure?", "ask %s 'alpha'", three);
    expect_error(2, "too few operands", "ask %s", three);
    expect_error(1, "7", "ask %s 'alpha 80' --run 7", three);
}

/* Measured once and for all: the second time nothing is computed. */
static void it_measures(void **state) {
    (void)state;
    char real[4200];
    snprintf(real, sizeof real, "%s/real.db", folder());
    fixture_write_real(real, 40);
    for (int i = 0; i < 2; i++) {
        struct ran ran =
            run("ask %s 'max alpha beta 0' --measure --tries 9 --threads 1 "
                "--format json",
                real);
        json_t *rows = json_loads(ran.out, 0, NULL), *alpha = json_array_get(rows, 0);
        assert_int_equal(ran.status, 0);
        assert_true(json_is_true(json_object_get(alpha, "measured")));
        assert_true(json_integer_value(json_object_get(alpha, "solution")) > 0);
        json_decref(rows);
        ran_free(&ran);
    }
    struct ran ran = run("ask %s 'alpha 101' --measure --tries 2 --threads 1", real);
    assert_int_equal(ran.status, 3);
    ran_free(&ran);
}

/* Figures that promise more between the corners than a model keeps: after one try it is
 * not said that measuring is left out. */
static void tries_run_out(void **state) {
    (void)state;
    struct error error;
    struct store *store;
    char path[4200];
    snprintf(path, sizeof path, "%s/tries.db", folder());
    fixture_write_real(path, 40);
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    for (size_t i = 0; i < 3; i++) {
        double preference[3] = {i == 0, i == 1, i == 2};
        struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                          .method = (char *)"ls",
                                          .preference = preference,
                                          .routers = 1,
                                          .label = (char *)""};
        fixture_put(store, &solution, (double[]){i ? 40 : 90, i ? 90 : 40, 50}, 3);
    }
    store_close(store);
    struct ran ran =
        run("ask %s 'alpha 60 beta 60' --measure --tries 1 --threads 1", path);
    assert_int_equal(ran.status, 3);
    assert_null(strstr(ran.err, "--measure measures it"));
    if (!strstr(ran.err, "after --tries 1 it is not measured yet"))
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

/* The reference point is changed, kept with those before it, and used from then on. */
static void the_reference_point_changes(void **state) {
    (void)state;
    char path[4096];
    fixture_write_in(folder(), 2, 5, path);
    json_t *rows = json_of("reference %s --set 50,40 --format json", path);
    assert_int_equal(json_array_size(rows), 2);
    json_t *now = json_object_get(json_array_get(rows, 1), "reference");
    assert_true(json_number_value(json_array_get(now, 0)) == 50);
    assert_true(json_number_value(json_array_get(now, 1)) == 40);
    json_decref(rows);
    struct ran ran = run("show %s front", path);
    assert_non_null(strstr(ran.out, "from reference (50, 40)"));
    ran_free(&ran);
    rows = json_of("reference %s --set 10 --format json", path);
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    expect_error(2, "--set has 3 numbers", "reference %s --set 1,2,3", path);
    expect_error(2, "--set", "reference %s --set many", path);
}

static int prepare(void **state) {
    fixture_write_in(folder(), 3, 7, three);
    return fixture_utf8(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_is_the_answer),
        cmocka_unit_test(an_interrupted_run_does_not_answer),
        cmocka_unit_test(max_chooses),
        cmocka_unit_test(what_is_not_understood_is_wrong_usage),
        cmocka_unit_test(it_measures),
        cmocka_unit_test(tries_run_out),
        cmocka_unit_test(the_reference_point_changes),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
