/* MGDA's weights against a quadratic-programming solver's (tests/golden/mgda.txt) and
 * against what makes a point the nearest of a hull. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "train/mgda.h"

enum { MOST = 12 };

static void read_numbers(FILE *file, double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
}

/* Least among all points of the hull, since the norm is convex: no point of it lies
 * below along the direction. Relative to the greatest entry, 1e-10. */
static double assert_nearest(const double *gram, size_t tasks, const double *w) {
    double norm = 0, size = 0, sum = 0;
    for (size_t i = 0; i < tasks; i++) {
        assert_true(w[i] >= 0);
        sum += w[i];
        size = fmax(size, gram[i * tasks + i]);
        for (size_t j = 0; j < tasks; j++)
            norm += w[i] * w[j] * gram[i * tasks + j];
    }
    assert_true(fabs(sum - 1) < 1e-14);
    for (size_t i = 0; i < tasks; i++) {
        double along = 0;
        for (size_t j = 0; j < tasks; j++)
            along += w[j] * gram[i * tasks + j];
        assert_true(along >= norm - 1e-10 * size);
    }
    return norm;
}

static void weights_are_those_of_cvxopt(void **state) {
    (void)state;
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/mgda.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t tasks, cases = 0;
    while (fscanf(file, " case %zu", &tasks) == 1) {
        assert_in_range(tasks, 1, MOST);
        double gram[MOST * MOST], expected[MOST], least, weights[MOST];
        read_numbers(file, gram, tasks * tasks);
        read_numbers(file, expected, tasks);
        read_numbers(file, &least, 1);
        struct error error;
        assert_int_equal(mgda_weights(gram, tasks, weights, &error), 0);
        double norm = assert_nearest(gram, tasks, weights);
        /* An interior-point method's answer: its weights are off by the root of the
         * gap, 1e-14, times the condition of C. */
        assert_true(fabs(norm - least) < 1e-8 * fmax(1, least));
        for (size_t t = 0; t < tasks; t++)
            assert_true(fabs(weights[t] - expected[t]) < 1e-5);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 80);
}

/* Fewer dimensions than points, equal gradients, gradients that cancel. */
static void degenerate_hulls(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 8, 0);
    struct error error;
    for (unsigned round = 0; round < 2000; round++) {
        size_t tasks = 1 + random_below(&random, MOST);
        size_t dims = 1 + random_below(&random, 6);
        double g[MOST][6], gram[MOST * MOST], w[MOST],
            push = random_uniform(&random) * 4;
        double size = round % 5 ? 1 : 1e-9;
        for (size_t t = 0; t < tasks; t++)
            for (size_t k = 0; k < dims; k++)
                g[t][k] =
                    size * (t > 1 && round % 3 == 0 ? g[t / 2][k] / size
                                                    : random_normal(&random) + push);
        for (size_t t = 0; t < tasks; t++)
            for (size_t u = 0; u < tasks; u++) {
                gram[t * tasks + u] = 0;
                for (size_t k = 0; k < dims; k++)
                    gram[t * tasks + u] += g[t][k] * g[u][k];
            }
        assert_int_equal(mgda_weights(gram, tasks, w, &error), 0);
        assert_nearest(gram, tasks, w);
    }
}

static void edges(void **state) {
    (void)state;
    struct error error;
    double w[2];
    const double zero[4] = {0}, bad[4] = {1, NAN, NAN, 1}, right[4] = {1, 0, 0, 4},
                 inside[4] = {1, 2, 2, 9};
    assert_int_equal(mgda_weights(zero, 2, w, &error), 0);
    assert_true(w[0] == 0.5 && w[1] == 0.5);
    assert_int_equal(mgda_weights(bad, 2, w, &error), 0);
    assert_true(w[0] == 0.5 && w[1] == 0.5);
    assert_int_equal(mgda_weights(right, 2, w, &error), 0);
    assert_true(fabs(w[0] - 0.8) < 4 * DBL_EPSILON &&
                fabs(w[1] - 0.2) < 4 * DBL_EPSILON);
    assert_int_equal(mgda_weights(inside, 2, w, &error), 0);
    assert_true(w[0] == 1 && w[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_cvxopt),
        cmocka_unit_test(degenerate_hulls),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
