/* Layers merged by singular vectors where golden models do not go: task vectors of low
 * rank, more tasks than a layer has singular vectors, arrays the other way round, and
 * what is no number. tests/merge/test_methods.c has them against numpy. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "merge/singular.h"

enum { OUTPUTS = 5, INPUTS = 3, CELLS = OUTPUTS * INPUTS, TASKS = 4 };

static const struct linear_layer layer = {.inputs = INPUTS, .outputs = OUTPUTS};
static const enum singular_method methods[] = {SINGULAR_TSV, SINGULAR_ISO_C,
                                               SINGULAR_ISO_CTS};

static void merge(const struct linear_layer *l, enum singular_method method,
                  const float *const *vectors, size_t tasks, float *merged) {
    struct error error;
    if (singular_merge(l, method, vectors, tasks, 0.4, merged, &error))
        fail_msg("%s", error.text);
}

/* Within a few roundings of f32 of numbers of about 1. */
static void expect(const float *got, const double *wanted) {
    for (size_t i = 0; i < CELLS; i++)
        if (!(fabs((double)got[i] - wanted[i]) < 1e-6))
            fail_msg("entry %zu is %g, not %g", i, (double)got[i], wanted[i]);
}

/* The same vector u v' four times, of rank 1 where 3 are possible: TSV-M gives it back,
 * the others share out its one singular value, of the sum 4. */
static void test_low_rank(void **state) {
    (void)state;
    static const double u[OUTPUTS] = {0.5, -0.5, 0.5, 0.1, 0.48989794855663560};
    static const double v[INPUTS] = {0.6, 0, -0.8};
    float vector[CELLS], merged[CELLS];
    const float *vectors[TASKS] = {vector, vector, vector, vector};
    double once[CELLS], shared[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        once[i] = u[i / INPUTS] * v[i % INPUTS];
        shared[i] = TASKS * once[i] / INPUTS;
        vector[i] = (float)once[i];
    }
    merge(&layer, SINGULAR_TSV, vectors, TASKS, merged);
    expect(merged, once);
    merge(&layer, SINGULAR_ISO_C, vectors, TASKS, merged);
    expect(merged, shared);
    /* Three vectors are too few to give each of four tasks one. */
    merge(&layer, SINGULAR_ISO_CTS, vectors, TASKS, merged);
    expect(merged, shared);
}

/* Vectors of nothing are merged to nothing, also beside one that is something. */
static void test_zero(void **state) {
    (void)state;
    static const float zero[CELLS] = {0};
    const float one[CELLS] = {[4] = 2};
    float merged[CELLS];
    for (size_t m = 0; m < 3; m++) {
        merge(&layer, methods[m], (const float *const[]){zero, zero}, 2, merged);
        for (size_t i = 0; i < CELLS; i++)
            assert_true(merged[i] == 0);
        merge(&layer, methods[m], (const float *const[]){zero, one}, 2, merged);
        for (size_t i = 0; i < CELLS; i++)
            assert_true(i == 4 ? merged[i] > 0.5F : fabsf(merged[i]) < 1e-6F);
    }
}

/* An array the other way round is the same layer. */
static void test_turned(void **state) {
    (void)state;
    const struct linear_layer turned = {
        .inputs = INPUTS, .outputs = OUTPUTS, .turned = true};
    float vectors[2][CELLS], other[2][CELLS], merged[CELLS], back[CELLS];
    double wanted[CELLS];
    struct random random;
    random_seed(&random, 1, 1);
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < CELLS; i++) {
            vectors[t][i] = (float)random_normal(&random);
            other[t][i % INPUTS * OUTPUTS + i / INPUTS] = vectors[t][i];
        }
    for (size_t m = 0; m < 3; m++) {
        merge(&layer, methods[m], (const float *const[]){vectors[0], vectors[1]}, 2,
              merged);
        merge(&turned, methods[m], (const float *const[]){other[0], other[1]}, 2, back);
        for (size_t i = 0; i < CELLS; i++)
            wanted[i] = (double)back[i % INPUTS * OUTPUTS + i / INPUTS];
        expect(merged, wanted);
    }
}

static void test_refused(void **state) {
    (void)state;
    const float sound[CELLS] = {1}, broken[CELLS] = {[7] = NAN};
    float merged[CELLS];
    struct error error;
    for (size_t m = 0; m < 3; m++) {
        assert_int_equal(singular_merge(&layer, methods[m],
                                        (const float *const[]){sound, broken}, 2, 0.4,
                                        merged, &error),
                         -1);
        assert_string_equal(error.text, "a layer holds numbers that are not finite");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_low_rank),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
