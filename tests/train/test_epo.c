/* EPO's weights against GLPK's, from tests/golden/epo.txt, which also holds each
 * linear programme as its script made it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "train/epo.h"

enum { MOST = 8 };

static void read_numbers(FILE *file, double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
}

/* Both solvers let bounds be missed by about 1e-7 of the entries' size; the cases are
 * such that bounds moved by ten times as much move the objective by at most a
 * hundred times as much, relative to the greatest entry of C. */
static const double slack = 1e-6;

static void weights_are_those_of_glpk(void **state) {
    (void)state;
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/epo.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t tasks, cases = 0, compared = 0;
    int step, unique;
    while (fscanf(file, " case %zu %d %d", &tasks, &step, &unique) == 3) {
        assert_in_range(tasks, 2, MOST);
        double gram[MOST * MOST], losses[MOST], preference[MOST], objective[MOST],
            low[MOST], row[MOST], bound, alpha[MOST], value, weights[MOST];
        read_numbers(file, gram, tasks * tasks);
        read_numbers(file, losses, tasks);
        read_numbers(file, preference, tasks);
        read_numbers(file, objective, tasks);
        read_numbers(file, low, tasks);
        read_numbers(file, row, tasks);
        read_numbers(file, &bound, 1);
        if (step != EPO_NONE) {
            read_numbers(file, alpha, tasks);
            read_numbers(file, &value, 1);
        }
        struct error error;
        enum epo_step taken;
        assert_int_equal(
            epo_weights(gram, losses, preference, tasks, weights, &taken, &error), 0);
        assert_int_equal(taken, step);
        cases++;
        if (step == EPO_NONE) {
            for (size_t t = 0; t < tasks; t++)
                assert_true(fabs(weights[t] - (double)tasks * preference[t]) < slack);
            continue;
        }
        /* A solution at all, as good as GLPK's; and the same where there is one. */
        double sum = 0, got = 0, along = 0, size = 0;
        for (size_t i = 0; i < tasks * tasks; i++)
            size = fmax(size, fabs(gram[i]));
        for (size_t t = 0; t < tasks; t++) {
            weights[t] /= (double)tasks;
            assert_true(weights[t] >= 0);
            sum += weights[t];
            got += objective[t] * weights[t];
            along += row[t] * weights[t];
        }
        assert_true(fabs(sum - 1) < 1e-12);
        for (size_t i = 0; i < tasks; i++) {
            double left = 0;
            for (size_t t = 0; t < tasks; t++)
                left += gram[i * tasks + t] * weights[t];
            assert_true(left >= low[i] - slack * size);
        }
        assert_true(along >= bound - slack * size);
        assert_true(fabs(got - value) <= slack * size);
        for (size_t t = 0; unique && t < tasks; t++)
            assert_true(fabs(weights[t] - alpha[t]) < 1e-5);
        compared += unique != 0;
    }
    fclose(file);
    assert_int_equal(cases, 230);
    assert_true(compared > 150);
}

static void scale_of_gradients_is_nothing(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 7, 0);
    struct error error;
    for (unsigned round = 0; round < 50; round++) {
        double g[3][5], gram[9], small[9], losses[3], r[3], a[3], b[3];
        random_dirichlet(&random, 1, 3, r);
        for (size_t t = 0; t < 3; t++) {
            losses[t] = random_uniform(&random) + 0.1;
            for (size_t k = 0; k < 5; k++)
                g[t][k] = random_normal(&random);
        }
        for (size_t t = 0; t < 3; t++)
            for (size_t u = 0; u < 3; u++) {
                gram[3 * t + u] = 0;
                for (size_t k = 0; k < 5; k++)
                    gram[3 * t + u] += g[t][k] * g[u][k];
                small[3 * t + u] = ldexp(gram[3 * t + u], -60);
            }
        assert_int_equal(epo_weights(gram, losses, r, 3, a, NULL, &error), 0);
        assert_int_equal(epo_weights(small, losses, r, 3, b, NULL, &error), 0);
        for (size_t t = 0; t < 3; t++)
            assert_true(a[t] == b[t]);
    }
}

static void edges(void **state) {
    (void)state;
    struct error error;
    enum epo_step step;
    const double one[4] = {1, 0, 0, 1}, zero[4] = {0}, bad[4] = {1, NAN, NAN, 1};
    const double unit[2] = {1, 0}, some[2] = {0.25, 0.75}, losses[2] = {0.5, 2};
    double w[2];
    /* A task that is not wanted takes no part in the proportions. */
    assert_int_equal(epo_weights(one, losses, unit, 2, w, &step, &error), 0);
    assert_int_equal(step, EPO_BALANCE);
    assert_true(w[0] == 2 && w[1] == 0);
    assert_int_equal(epo_weights(zero, losses, some, 2, w, &step, &error), 0);
    assert_int_equal(step, EPO_NONE);
    assert_true(w[0] == 0.5 && w[1] == 1.5);
    assert_int_equal(epo_weights(bad, losses, some, 2, w, &step, &error), 0);
    assert_int_equal(step, EPO_NONE);
    const double lost[2] = {NAN, 1};
    assert_int_equal(epo_weights(one, lost, some, 2, w, &step, &error), 0);
    assert_int_equal(step, EPO_NONE);
    assert_int_equal(epo_weights(one, losses, unit, 1, w, &step, &error), 0);
    assert_true(w[0] == 1);
}

/* At losses in exact proportion a is 0, and alpha.Ca >= min(0, max Ca) says nothing: of
 * two tasks the greatest sum(C alpha) where C alpha >= 0 is at an end of an interval.
 */
static void balanced_losses_are_no_bound(void **state) {
    (void)state;
    struct error error;
    enum epo_step step;
    double gram[] = {11.31, -3.95, -3.95, 5.9}, r[] = {0.72, 0.28};
    double losses[] = {1 / r[0], 1 / r[1]}, weights[2];
    assert_int_equal(epo_weights(gram, losses, r, 2, weights, &step, &error), 0);
    assert_int_equal(step, EPO_DESCENT);
    assert_true(fabs(weights[0] / 2 - 5.9 / 9.85) < slack); /* 0.599 */
    struct random random;
    random_seed(&random, 11, 0);
    for (int i = 0; i < 2000; i++) {
        double a = 0.1 + 10 * random_uniform(&random);
        double c = 0.1 + 10 * random_uniform(&random);
        double b = -(0.2 + 0.7 * random_uniform(&random)) * sqrt(a * c);
        double share = 0.02 + 0.96 * random_uniform(&random);
        double scale = exp(4 * random_uniform(&random) - 2);
        double most = c / (c - b), least = -b / (a - b);
        if (fabs(a - c) < 0.01)
            continue;
        double want = a > c ? most : least;
        memcpy(gram, (double[]){a, b, b, c}, sizeof gram);
        memcpy(r, (double[]){share, 1 - share}, sizeof r);
        memcpy(losses, (double[]){scale / r[0], scale / r[1]}, sizeof losses);
        assert_int_equal(epo_weights(gram, losses, r, 2, weights, &step, &error), 0);
        if (step != EPO_DESCENT || fabs(weights[0] / 2 - want) > slack)
            fail_msg("r %.17g, C %g %g %g: %.9g, not %.9g", share, a, b, c,
                     weights[0] / 2, want);
    }
}

/* 0.1 * 3 is one unit in the last place above 0.3 * 1: neither loss may grow. */
static void both_of_two_worst_are_held(void **state) {
    (void)state;
    struct error error;
    enum epo_step step;
    static const double r[] = {0.1, 0.3, 0.6}, losses[] = {3, 1, 0.1};
    /* The first two fight; on the first alone alpha were (1, 0, 0), by scipy's linprog.
     */
    static const double gram[] = {5, -5, -9, -5, 14, 15, -9, 15, 22};
    double weights[3];
    assert_true(r[0] * losses[0] != r[1] * losses[1]);
    assert_int_equal(epo_weights(gram, losses, r, 3, weights, &step, &error), 0);
    assert_int_equal(step, EPO_BALANCE);
    assert_true(fabs(weights[0] / 3 - 14.0 / 19) < slack);
    assert_true(fabs(weights[1] / 3 - 5.0 / 19) < slack);
    assert_true(fabs(weights[2]) < slack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_glpk),
        cmocka_unit_test(scale_of_gradients_is_nothing),
        cmocka_unit_test(edges),
        cmocka_unit_test(balanced_losses_are_no_bound),
        cmocka_unit_test(both_of_two_worst_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
