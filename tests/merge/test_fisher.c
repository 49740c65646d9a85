/* Fisher merging against fusion-bench (tests/golden/fisher.txt). */
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
#include "merge/fisher.h"

#include "golden.h"

static void merged_as_fusion_bench_does(void **state) {
    (void)state;
    FILE *file = golden_open("fisher.txt");
    size_t tasks, count, cases = 0;
    int normalise;
    double floor;
    while (fscanf(file, " case %zu %zu %d %lf", &tasks, &count, &normalise, &floor) ==
           4) {
        float *pretrained = golden_floats(file, count);
        float *experts = golden_floats(file, tasks * count);
        float *diagonals = golden_floats(file, tasks * count);
        float *expected = golden_floats(file, count);
        float *numerator = calloc(count, sizeof *numerator);
        float *denominator = calloc(count, sizeof *denominator);
        assert_true(numerator && denominator);
        for (size_t t = 0; t < tasks; t++) {
            float *vector = experts + t * count;
            for (size_t i = 0; i < count; i++)
                vector[i] -= pretrained[i];
            fisher_join(numerator, denominator, diagonals + t * count, vector, count,
                        normalise, floor, 2);
        }
        fisher_finish(numerator, denominator, count, 2);
        /* Weights and parameters of order 1, a dozen roundings each. */
        for (size_t i = 0; i < count; i++)
            assert_true(fabsf(pretrained[i] + numerator[i] - expected[i]) <=
                        16 * FLT_EPSILON * fmaxf(1, fabsf(expected[i])));
        free(numerator);
        free(denominator);
        free(pretrained);
        free(experts);
        free(diagonals);
        free(expected);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 24);
}

static void squares_are_summed(void **state) {
    (void)state;
    enum { COUNT = 5000011 };
    struct random random;
    random_seed(&random, 11, 0);
    float *fisher = calloc(COUNT, sizeof *fisher),
          *gradient = calloc(COUNT, sizeof *gradient);
    assert_true(fisher && gradient);
    double sum = 0;
    for (size_t i = 0; i < COUNT; i++)
        gradient[i] = (float)random_uniform(&random) - 0.25f;
    for (int batch = 0; batch < 2; batch++)
        fisher_add(fisher, gradient, COUNT, 0.125, 3);
    for (size_t i = 0; i < COUNT; i++) {
        double square = (double)gradient[i] * (double)gradient[i] * 0.25;
        assert_true(fabs((double)fisher[i] - square) <= 4 * FLT_EPSILON * square);
        sum += (double)fisher[i] * (double)fisher[i];
    }
    double norm = fisher_norm(fisher, COUNT, 1);
    assert_true(fabs(norm - sqrt(sum)) <= 1e-12 * norm);
    assert_true(norm == fisher_norm(fisher, COUNT, 4));
    free(fisher);
    free(gradient);
}

/* Between tensors there is nothing: no vector, no Fisher information, no floor. */
static void nothing_from_nothing(void **state) {
    (void)state;
    float numerator[2] = {0}, denominator[2] = {0};
    const float fisher[2] = {0, 0}, vector[2] = {0, 3};
    fisher_join(numerator, denominator, fisher, vector, 2, false, 0, 1);
    fisher_finish(numerator, denominator, 2, 1);
    assert_true(numerator[0] == 0 && numerator[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_as_fusion_bench_does),
        cmocka_unit_test(squares_are_summed),
        cmocka_unit_test(nothing_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
