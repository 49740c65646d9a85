/* Surrogates of figures: designs, answers where the best is known, bytes and damage. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "moe/surrogate.h"

enum { TASKS = 2, COUNT = 20 };

static struct surrogate *make(bool by_preference) {
    struct surrogate *s;
    struct error error;
    assert_int_equal(
        surrogate_new(TASKS, "task-arithmetic", "{}", by_preference, &s, &error), 0);
    return s;
}

static void test_design(void **state) {
    (void)state;
    double x[COUNT * TASKS], again[COUNT * TASKS], other[COUNT * TASKS];
    struct error error;
    for (int by_preference = 0; by_preference < 2; by_preference++) {
        struct surrogate *s = make(by_preference);
        assert_int_equal(surrogate_design(s, COUNT, 5, x, &error), 0);
        assert_int_equal(surrogate_design(s, COUNT, 5, again, &error), 0);
        assert_int_equal(surrogate_design(s, COUNT, 6, other, &error), 0);
        assert_memory_equal(x, again, sizeof x);
        assert_true(memcmp(x, other, sizeof x) != 0);
        assert_true(x[0] == 1 && x[1] == 0 && x[2] == 0 && x[3] == 1);
        for (size_t i = 0; i < COUNT; i++) {
            double sum = x[2 * i] + x[2 * i + 1];
            assert_true(sum >= s->least - 1e-4 && sum <= s->most + 1e-4);
            assert_true(x[2 * i] >= 0 && x[2 * i] <= 1 && x[2 * i + 1] <= 1);
            if (by_preference)
                assert_true(fabs(sum - 1) < 1e-9);
        }
        surrogate_free(s);
    }
}

/* Two bowls around places of their own, of which one is to be small and the other
 * great: a quadratic has both, and the best at any preference lies between them. */
static const double places[TASKS][TASKS] = {{0.9, 0.2}, {0.3, 0.8}};

static double bowl(size_t task, const double *x) {
    double squares = pow(x[0] - places[task][0], 2) + pow(x[1] - places[task][1], 2);
    return task ? 7 - 3 * squares : squares;
}

static const bool maximise[TASKS] = {false, true};

static struct surrogate *fit_bowls(void) {
    double x[COUNT * TASKS], y[COUNT * TASKS];
    const uint64_t examples[TASKS] = {1, 1};
    struct surrogate *s = make(false);
    struct error error;
    assert_int_equal(surrogate_design(s, COUNT - 2, 1, x, &error), 0);
    memcpy(x + 2 * (COUNT - 2), places, sizeof places);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t t = 0; t < TASKS; t++)
            y[2 * i + t] = bowl(t, x + 2 * i);
    const struct surrogate_points points = {COUNT, x, y, examples};
    if (surrogate_fit(s, &points, maximise, NULL, &error))
        fail_msg("%s", error.text);
    return s;
}

static void test_answers(void **state) {
    (void)state;
    struct surrogate *s = fit_bowls();
    double x[TASKS], y[TASKS];
    struct error error;
    for (size_t t = 0; t < TASKS; t++)
        assert_true(s->objectives[t].held_out < 1e-9 &&
                    s->objectives[t].deviation > 0.1);
    /* Best and worst are those of the two places, 0.72 apart. */
    assert_true(fabs(s->objectives[0].worst - 0.72) < 1e-12);
    assert_true(fabs(s->objectives[1].best - 7) < 1e-12);
    const double probe[TASKS] = {0.4, 0.5};
    surrogate_figures(s, probe, y);
    assert_true(fabs(y[0] - bowl(0, probe)) < 1e-9 &&
                fabs(y[1] - bowl(1, probe)) < 1e-9);
    for (int k = 0; k <= 10; k++) {
        const double r[TASKS] = {k / 10.0, 1 - k / 10.0};
        assert_int_equal(surrogate_answer(s, r, x, &error), 0);
        /* On the line from one place to the other, u of the way, where the two weighted
         * shares are equal but for what the sum adds: r u^2 = (1 - r) (1 - u)^2. */
        double u = sqrt(r[1]) / (sqrt(r[0]) + sqrt(r[1]));
        for (size_t t = 0; t < TASKS; t++) {
            double expected = places[0][t] * (1 - u) + places[1][t] * u;
            if (!(fabs(x[t] - expected) < 0.02))
                fail_msg("%d: x[%zu] is %g and not %g", k, t, x[t], expected);
        }
    }
    surrogate_free(s);
}

/* Percentages by their logit: what is one on that scale is found, and stays within. */
static void test_percent(void **state) {
    (void)state;
    double x[COUNT * TASKS], y[COUNT * TASKS], z[TASKS];
    const uint64_t examples[TASKS] = {1000000, 1000000};
    const bool both[TASKS] = {true, true};
    struct surrogate *s = make(false);
    struct surrogate_doubts *doubts;
    struct error error;
    s->objectives[0].percent = s->objectives[1].percent = true;
    assert_int_equal(surrogate_design(s, COUNT, 1, x, &error), 0);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t t = 0; t < TASKS; t++)
            y[2 * i + t] = 100 / (1 + exp(-4 + 9 * fabs(bowl(0, x + 2 * i))));
    const struct surrogate_points points = {COUNT, x, y, examples};
    assert_int_equal(surrogate_fit(s, &points, both, &doubts, &error), 0);
    assert_true(s->objectives[0].held_out < 1e-3);
    const double far[TASKS] = {0, 0};
    surrogate_figures(s, far, z);
    assert_true(z[0] > 0 && z[0] < 100);
    /* Next to no doubt where the fit is exact: numbers of about 10 and a prior of at
     * most 10^6 deviations leave 1e-5 of a logit, a hundredth of the shortest range. */
    const double near[TASKS] = {0.5, 0.5};
    assert_true(surrogate_doubt(s, doubts, near) < 1e-2);
    surrogate_doubts_free(doubts);
    /* Percentages by a command that does not say of how many they are: all were taken
     * for 50. More than 99.95 is as much as that. */
    const uint64_t unknown[TASKS] = {0, 1};
    const struct surrogate_points told = {COUNT, x, y, unknown};
    assert_int_equal(surrogate_fit(s, &told, both, NULL, &error), 0);
    assert_true(s->objectives[0].held_out < 0.2 * s->objectives[0].deviation);
    assert_true(s->objectives[1].held_out < 0.2 * s->objectives[1].deviation);
    surrogate_free(s);
}

/* Eight tasks, each of which wants its own coefficient up and minds those of the others
 * unequally, by logits with errors of 0.2: 34 models for quadratics of 45 numbers. */
enum { MANY = 8, FEW = 34, SEEN = 200 };

static double many(size_t task, const double *x) {
    double z = -1;
    for (size_t s = 0; s < MANY; s++)
        z += s == task ? 5 * x[s] - 2.5 * x[s] * x[s]
                       : -0.2 * (double)(1 + (task + 3 * s) % 5) * x[s] * (1 + x[task]);
    return z;
}

static void fill_many(const double *x, size_t count, double *y) {
    for (size_t i = 0; i < count * MANY; i++) {
        double z = many(i % MANY, x + i / MANY * MANY) + 0.3 * sin(1000.0 * (double)i);
        y[i] = 100 / (1 + exp(-z));
    }
}

/* The mean error, in points, at models that the fit has not seen. */
static double miss(struct surrogate *s, const double *x, const double *y) {
    double sum = 0, is[MANY];
    for (size_t i = 0; i < SEEN; i++) {
        surrogate_figures(s, x + i * MANY, is);
        for (size_t t = 0; t < MANY; t++)
            sum += fabs(is[t] - y[i * MANY + t]) / (SEEN * MANY);
    }
    return sum;
}

static void test_fewer_than_terms(void **state) {
    (void)state;
    static double x[FEW * MANY], y[FEW * MANY], other[SEEN * MANY], seen[SEEN * MANY];
    uint64_t examples[MANY];
    bool all[MANY];
    struct surrogate *s;
    struct surrogate_doubts *doubts;
    struct error error;
    assert_int_equal(surrogate_new(MANY, "ties", "{}", false, &s, &error), 0);
    for (size_t t = 0; t < MANY; t++) {
        s->objectives[t].percent = all[t] = true;
        examples[t] = 1000000;
    }
    assert_true(s->terms > FEW && surrogate_least(s) <= FEW);
    assert_int_equal(surrogate_design(s, FEW, 1, x, &error), 0);
    assert_int_equal(surrogate_design(s, SEEN, 2, other, &error), 0);
    fill_many(x, FEW, y);
    fill_many(other, SEEN, seen);
    const struct surrogate_points points = {FEW, x, y, examples};
    assert_int_equal(surrogate_fit(s, &points, all, &doubts, &error), 0);
    double mean = 0;
    for (size_t t = 0; t < MANY; t++)
        mean += s->objectives[t].deviation / MANY;
    /* Widths of 1 throughout miss by 36 % of the spread, those of 10^6 by 73 %. */
    double missed = miss(s, other, seen);
    if (!(missed < 0.32 * mean))
        fail_msg("missed by %g, spread %g", missed, mean);
    /* It knows that it knows less where nothing was measured. */
    const double far[MANY] = {1, 1, 1, 1, 0, 0, 0, 0};
    assert_true(surrogate_doubt(s, doubts, far) > 2 * surrogate_doubt(s, doubts, x));
    surrogate_doubts_free(doubts);
    s->least_squares = true;
    assert_int_equal(surrogate_fit(s, &points, all, NULL, &error), -1);
    surrogate_free(s);
}

static void test_bytes(void **state) {
    (void)state;
    struct surrogate *s = fit_bowls(), *back;
    struct error error;
    void *bytes;
    size_t size;
    assert_int_equal(surrogate_to_memory(s, &bytes, &size, &error), 0);
    assert_true(surrogate_is(bytes, size));
    assert_false(surrogate_is("nothing", 7));
    if (surrogate_from_memory(bytes, size, "it", &back, &error))
        fail_msg("%s", error.text);
    const double r[TASKS] = {0.35, 0.65};
    double x[TASKS], same[TASKS];
    assert_int_equal(surrogate_answer(s, r, x, &error), 0);
    assert_int_equal(surrogate_answer(back, r, same, &error), 0);
    assert_memory_equal(x, same, sizeof x);
    assert_string_equal(back->method, "task-arithmetic");
    char *parameters = surrogate_parameters(back, (const double[]){0.25, 0.5}, &error);
    assert_string_equal(parameters, "{\"scale\":[0.25,0.5]}");
    free(parameters);
    surrogate_free(back);
    /* The last number is no number, and the others end too early. */
    memset((char *)bytes + size - 8, 0xff, 8);
    assert_int_equal(surrogate_from_memory(bytes, size, "it", &back, &error), -1);
    assert_non_null(strstr(error.text, "it: is a damaged surrogate"));
    assert_int_equal(surrogate_from_memory(bytes, size - 8, "it", &back, &error), -1);
    free(bytes);
    surrogate_free(s);
}

static void test_refused(void **state) {
    (void)state;
    double x[6 * TASKS], y[6 * TASKS] = {0};
    const uint64_t examples[TASKS] = {1, 1};
    struct surrogate *s = make(false), *none;
    struct error error;
    assert_int_equal(surrogate_design(s, 6, 1, x, &error), 0);
    struct surrogate_points points = {6, x, y, examples};
    s->least_squares = true;
    assert_int_equal(surrogate_fit(s, &points, maximise, NULL, &error), -1);
    assert_non_null(strstr(error.text, "6 points are too few for 2 tasks; 7 at least"));
    s->least_squares = false;
    assert_int_equal(surrogate_fit(s, &points, maximise, NULL, &error), 0);
    points.count = 3;
    assert_int_equal(surrogate_fit(s, &points, maximise, NULL, &error), -1);
    assert_non_null(strstr(error.text, "3 points are too few for 2 tasks; 4 at least"));
    assert_int_equal(surrogate_new(1, "ties", "{}", false, &none, &error), -1);
    surrogate_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_design),           cmocka_unit_test(test_answers),
        cmocka_unit_test(test_percent),          cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_fewer_than_terms), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
