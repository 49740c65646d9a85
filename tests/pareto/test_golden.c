/* Indicators against moocore's, from tests/golden/pareto.txt. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pareto/indicators.h"
#include "pareto/pareto.h"

static double *read_numbers(FILE *file, size_t count) {
    double *numbers = calloc(count, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
    return numbers;
}

/* Sums of a few hundred products of numbers of order 1, in another order than
 * moocore's: a relative error of some hundred roundings, absolute where volumes
 * are differences of volumes of order 1. */
static void assert_close(double ours, double theirs) {
    double limit = 500 * DBL_EPSILON * fmax(1, fabs(theirs));
    if (!(fabs(ours - theirs) <= limit))
        fail_msg("%.17g is not %.17g", ours, theirs);
}

static void indicators_are_those_of_moocore(void **state) {
    (void)state;
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/pareto.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t objectives, count, others, cases = 0;
    while (fscanf(file, " case %zu %zu %zu", &objectives, &count, &others) == 3) {
        double *reference = read_numbers(file, objectives);
        double *points = read_numbers(file, count * objectives);
        double *references = read_numbers(file, others * objectives);
        double *alone = read_numbers(file, count);
        double *expected = read_numbers(file, 4);
        double *contributions = calloc(count, sizeof *contributions);
        assert_non_null(contributions);
        struct error error;
        double volume;
        assert_int_equal(pareto_hypervolume(points, count, objectives, reference,
                                            &volume, NULL, &error),
                         0);
        assert_close(volume, expected[0]);
        assert_int_equal(pareto_contributions(points, count, objectives, reference,
                                              contributions, NULL, &error),
                         0);
        for (size_t i = 0; i < count; i++)
            assert_close(contributions[i], alone[i]);
        const struct indicator_input in = {.points = points,
                                           .count = count,
                                           .objectives = objectives,
                                           .set = references,
                                           .set_count = others};
        static const char *const names[] = {"igd", "igd_plus", "epsilon_additive"};
        for (size_t i = 0; i < 3; i++) {
            double value;
            assert_int_equal(
                indicator_measure(indicator_find(names[i]), &in, &value, &error), 0);
            assert_close(value, expected[i + 1]);
        }
        free(contributions);
        free(expected);
        free(alone);
        free(references);
        free(points);
        free(reference);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indicators_are_those_of_moocore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
