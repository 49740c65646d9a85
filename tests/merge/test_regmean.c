/* RegMean against fusion-bench (tests/golden/regmean.txt), and the solver below it. */
#include <float.h>
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
#include "merge/regmean.h"
#include "merge/solve.h"

#include "golden.h"

static void merged_as_fusion_bench_does(void **state) {
    (void)state;
    FILE *file = golden_open("regmean.txt");
    size_t tasks, inputs, outputs, cases = 0;
    double ratio;
    while (fscanf(file, " case %zu %zu %zu %lf", &tasks, &inputs, &outputs, &ratio) ==
           4) {
        size_t cells = inputs * outputs;
        float *pretrained = golden_floats(file, cells);
        float *experts = golden_floats(file, tasks * cells);
        float *grams = golden_floats(file, tasks * inputs * inputs);
        float *expected = golden_floats(file, cells);
        float *merged = calloc(cells, sizeof *merged);
        struct regmean *regmean = regmean_new(inputs, outputs, ratio, 2);
        struct error error;
        assert_true(merged && regmean);
        for (size_t t = 0; t < tasks; t++) {
            float *vector = experts + t * cells;
            for (size_t i = 0; i < cells; i++)
                vector[i] -= pretrained[i];
            assert_int_equal(
                regmean_join(regmean, grams + t * inputs * inputs, vector, 1, &error),
                0);
        }
        assert_int_equal(regmean_finish(regmean, merged, &error), 0);
        /* Products in f32 of task vectors of order 0.1, times the condition of sums of
         * tasks' inner products over three times as many rows as columns: 100. */
        for (size_t i = 0; i < cells; i++)
            assert_true(fabsf(pretrained[i] + merged[i] - expected[i]) <=
                        16 * FLT_EPSILON * fmaxf(1, fabsf(expected[i])));
        regmean_free(regmean);
        free(merged);
        free(expected);
        free(grams);
        free(experts);
        free(pretrained);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 10);
}

/* Inputs that are always 0, and fewer rows than inputs: the mean there, and no nonsense
 * elsewhere. */
static void directions_without_inputs_have_the_mean(void **state) {
    (void)state;
    struct error error;
    float merged[6];
    const float vectors[2][6] = {{1, 2, 3, 4, 5, 6}, {3, 4, 7, 0, 1, -2}};
    float gram[9] = {2, 0, 0, 0, 2, 0, 0, 0, 0}, none[9] = {0};
    for (int zero = 0; zero < 2; zero++) {
        struct regmean *regmean = regmean_new(3, 2, 0.95, 1);
        assert_non_null(regmean);
        for (int t = 0; t < 2; t++) {
            assert_int_equal(
                regmean_join(regmean, zero ? none : gram, vectors[t], 1, &error), 0);
            gram[0] = 6;
        }
        gram[0] = 2;
        assert_int_equal(regmean_finish(regmean, merged, &error), 0);
        /* The first input counts thrice as much for the second task. */
        const float first[2] = {zero ? 2 : 2.5f, zero ? 2 : 1};
        for (int o = 0; o < 2; o++) {
            assert_true(fabsf(merged[3 * o] - first[o]) < 1e-6f);
            for (int i = 1; i < 3; i++)
                assert_true(fabsf(merged[3 * o + i] -
                                  (vectors[0][3 * o + i] + vectors[1][3 * o + i]) / 2) <
                            1e-6f);
        }
        regmean_free(regmean);
    }
    struct regmean *regmean = regmean_new(3, 2, 1, 1);
    assert_non_null(regmean);
    gram[4] = NAN;
    assert_int_equal(regmean_join(regmean, gram, vectors[0], 1, &error), 0);
    assert_int_equal(regmean_finish(regmean, merged, &error), -1);
    assert_non_null(strstr(error.text, "RegMean"));
    regmean_free(regmean);
}

static void rows_are_solved(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 12, 0);
    const size_t sizes[] = {1, 2, 7, 127, 128, 129, 300};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s], count = 1 + s * 11;
        double *matrix = calloc(n * n, sizeof *matrix),
               *factor = calloc(n * n, sizeof *factor);
        double *wanted = calloc(count * n, sizeof *wanted),
               *rows = calloc(count * n, sizeof *rows);
        assert_true(matrix && factor && wanted && rows);
        for (size_t i = 0; i < n * n; i++)
            factor[i] = random_normal(&random);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                for (size_t k = 0; k < n; k++)
                    matrix[i * n + j] += factor[i * n + k] * factor[j * n + k];
                matrix[i * n + j] += i == j ? (double)n : 0;
            }
        for (size_t r = 0; r < count; r++)
            for (size_t i = 0; i < n; i++)
                wanted[r * n + i] = random_normal(&random);
        for (size_t r = 0; r < count; r++)
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < n; k++)
                    rows[r * n + i] += wanted[r * n + k] * matrix[k * n + i];
        /* The upper triangle is not read. */
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++)
                matrix[i * n + j] = NAN;
        assert_int_equal(solve_rows(matrix, n, rows, count, 2), 0);
        /* Condition below 10, entries of order 1, sums of n. */
        for (size_t i = 0; i < count * n; i++)
            assert_true(fabs(rows[i] - wanted[i]) < 100 * (double)n * DBL_EPSILON);
        free(matrix);
        free(factor);
        free(wanted);
        free(rows);
    }
    double singular[4] = {1, 1, 1, 1}, x[2] = {1, 2};
    assert_int_equal(solve_rows(singular, 2, x, 1, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_solved),
        cmocka_unit_test(merged_as_fusion_bench_does),
        cmocka_unit_test(directions_without_inputs_have_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
