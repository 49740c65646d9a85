/* The gradient of the hypervolume of a batch of preferences against PyTorch autograd,
 * and where it decides nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pareto/slopes.h"
#include "support/golden.h"
#include "train/hypervolume.h"

enum { TASKS_MAX = 8, COUNT_MAX = 16 };

static void read_numbers(FILE *file, double *to, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &to[i]), 1);
}

static void compare(const char *what, const double *got, const double *expected,
                    size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - expected[i]) <= 1e-9))
            fail_msg("%s number %zu is %.12g, not %.12g", what, i, got[i], expected[i]);
}

/* Both in f64; the sums over subsets there round to some 1e-14. */
static void test_golden(void **state) {
    (void)state;
    FILE *file = fopen(golden_path("hypervolume.txt"), "r");
    assert_non_null(file);
    size_t tasks, count, cases = 0;
    for (; fscanf(file, "%zu %zu", &tasks, &count) == 2; cases++) {
        double losses[TASKS_MAX * COUNT_MAX], preferences[TASKS_MAX * COUNT_MAX];
        double reference[TASKS_MAX], expected[TASKS_MAX * COUNT_MAX];
        double got[TASKS_MAX * COUNT_MAX];
        struct error error;
        assert_true(tasks <= TASKS_MAX && count <= COUNT_MAX);
        read_numbers(file, losses, count * tasks);
        read_numbers(file, preferences, count * tasks);
        read_numbers(file, reference, tasks);
        read_numbers(file, expected, count * tasks);
        assert_int_equal(
            pareto_hypervolume_slopes(losses, count, tasks, reference, got, &error), 0);
        compare("slope", got, expected, count * tasks);
        read_numbers(file, expected, count * tasks);
        assert_int_equal(
            hypervolume_weights(losses, preferences, count, tasks, got, &error), 0);
        compare("weight", got, expected, count * tasks);
    }
    assert_int_equal(cases, 6);
    fclose(file);
}

/* Losses that are not finite leave the preference; equal models are one point, each of
 * which has weights; too many tasks are refused. */
static void test_edges(void **state) {
    (void)state;
    const double preferences[] = {0.25, 0.75, 0.5, 0.5};
    const double infinite[] = {1, INFINITY, 1, 2}, same[] = {1, 2, 1, 2};
    double weights[4];
    struct error error;
    assert_int_equal(hypervolume_weights(infinite, preferences, 2, 2, weights, &error),
                     0);
    for (size_t i = 0; i < 4; i++)
        assert_true(weights[i] == preferences[i] / 2);
    assert_int_equal(hypervolume_weights(same, preferences, 2, 2, weights, &error), 0);
    assert_true(weights[0] + weights[1] > 0.2 && weights[2] + weights[3] > 0.2);
    double *many = calloc(65, sizeof *many), *out = calloc(65, sizeof *out);
    assert_true(many && out);
    assert_int_equal(hypervolume_weights(many, many, 1, 65, out, &error), -1);
    assert_int_equal(pareto_hypervolume_slopes(many, 1, 65, many, out, &error), -1);
    free(many);
    free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden),
                                       cmocka_unit_test(test_edges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
