/* Weights of smooth Tchebycheff scalarisation against PyTorch's autograd
 * (tests/golden/tchebycheff.txt), and where the smoothing goes to its ends. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "train/combine.h"
#include "train/tchebycheff.h"

enum { MOST = 8 };

static void read_numbers(FILE *file, double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
}

/* An exponent of up to 2e4 is exact to 2e4 epsilons, its power to 4e-12 of itself. */
static const double slack = 1e-11;

static void weights_are_those_of_autograd(void **state) {
    (void)state;
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/tchebycheff.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t tasks, cases = 0;
    double smoothing;
    while (fscanf(file, " case %zu %lf", &tasks, &smoothing) == 2) {
        assert_in_range(tasks, 1, MOST);
        double losses[MOST], preference[MOST], expected[MOST], weights[MOST];
        read_numbers(file, losses, tasks);
        read_numbers(file, preference, tasks);
        read_numbers(file, expected, tasks);
        struct error error;
        assert_int_equal(combine_weights(COMBINE_STCH, smoothing, NULL, losses,
                                         preference, tasks, weights, &error),
                         0);
        for (size_t t = 0; t < tasks; t++)
            if (!(fabs(weights[t] - expected[t]) <= slack * preference[t]))
                fail_msg("case %zu, task %zu: %.17g, not %.17g", cases, t, weights[t],
                         expected[t]);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 60);
}

static void ends_of_the_smoothing(void **state) {
    (void)state;
    double losses[] = {2, 1, 0.5}, preference[] = {0.2, 0.5, 0.3}, weights[3];
    /* The greatest r L alone. */
    tchebycheff_weights(losses, preference, 3, 1e-300, weights);
    assert_true(weights[0] == 0 && weights[1] == 0.5 && weights[2] == 0);
    /* Two of them, each with half. */
    losses[0] = 2.5;
    tchebycheff_weights(losses, preference, 3, 1e-300, weights);
    assert_true(weights[0] == 0.1 && weights[1] == 0.25 && weights[2] == 0);
    /* The weighted sum. */
    tchebycheff_weights(losses, preference, 3, 1e12, weights);
    for (size_t t = 0; t < 3; t++)
        assert_true(fabs(weights[t] - preference[t] / 3) < 1e-12);
    /* A task that is not wanted, however bad it is, and a loss that is no number. */
    preference[0] = 0;
    losses[0] = 1e9;
    tchebycheff_weights(losses, preference, 3, 0.1, weights);
    assert_true(weights[0] == 0 && weights[1] > weights[2]);
    losses[0] = NAN;
    tchebycheff_weights(losses, preference, 3, 0.1, weights);
    assert_true(weights[0] == 0 && weights[1] == 0.5 && weights[2] == 0.3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_autograd),
        cmocka_unit_test(ends_of_the_smoothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
