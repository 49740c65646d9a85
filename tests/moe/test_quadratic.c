/* Quadratics fitted to points, against numpy's least squares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "moe/quadratic.h"
#include "support/golden.h"

static double *values(const struct safetensors *golden, const char *name,
                      const char *what) {
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, what);
    return golden_values(golden, full);
}

/* f64 in both, of matrices whose condition is some thousands. */
static void assert_close(const double *got, const double *expected, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs(got[i] - expected[i]) <= 1e-9 * largest))
            fail_msg("%zu: %.17g, expected %.17g", i, got[i], expected[i]);
}

static void test_too_many(void **state) {
    static const double x[65] = {1}, y[1] = {1};
    struct quadratic_fit fit;
    struct error error;
    (void)state;
    assert_int_equal(quadratic_fit(65, 1, x, y, NULL, &fit, &error), -1);
    assert_string_equal(error.text, "a quadratic of 65 numbers; 64 at most");
}

static void check(const char *name, bool leave) {
    struct safetensors *golden = golden_open("quadratic.safetensors");
    char full[64];
    snprintf(full, sizeof full, "%s.x", name);
    const struct tensor *points = golden_tensor(golden, full);
    size_t count = (size_t)points->shape[0], inputs = (size_t)points->shape[1];
    double *x = values(golden, name, "x"), *y = values(golden, name, "y");
    double *weights = values(golden, name, "weights");
    double *coefficients = values(golden, name, "coefficients");
    struct quadratic_fit fit;
    struct error error;
    if (quadratic_fit(inputs, count, x, y, weights, &fit, &error))
        fail_msg("%s", error.text);
    assert_int_equal(fit.terms, quadratic_terms(inputs));
    assert_close(fit.coefficients, coefficients, fit.terms);
    if (leave) {
        double *left_out = values(golden, name, "left_out");
        assert_close(fit.left_out, left_out, count);
        free(left_out);
    }
    /* Moving y by the smallest of errors moves f by no more than it says. */
    for (size_t i = 0; i < count; i++)
        assert_true(quadratic_error(&fit, x + i * inputs) <=
                    (1 + 1e-9) / sqrt(weights[i]));
    quadratic_fit_clear(&fit);
    free(x);
    free(y);
    free(weights);
    free(coefficients);
    safetensors_close(golden);
}

static void test_weighted(void **state) {
    (void)state;
    check("well", true);
}

static void test_equal(void **state) {
    (void)state;
    check("equal", true);
}

static void test_few(void **state) {
    (void)state;
    check("few", false);
}

static void test_simplex(void **state) {
    (void)state;
    check("simplex", true);
}

static void test_refused(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {0, 1, (double)NAN, 2},
                 none[] = {1, 1, 0, 1};
    const double good[] = {0, 1, 4, 9};
    struct quadratic_fit fit;
    struct error error;
    assert_int_equal(quadratic_fit(1, 4, x, y, NULL, &fit, &error), -1);
    assert_int_equal(quadratic_fit(1, 4, x, good, none, &fit, &error), -1);
    assert_int_equal(quadratic_fit(1, 4, x, good, NULL, &fit, &error), 0);
    assert_true(fabs(fit.coefficients[2] - 2) < 1e-12);
    quadratic_fit_clear(&fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_weighted),
        cmocka_unit_test(test_equal),    cmocka_unit_test(test_few),
        cmocka_unit_test(test_simplex),  cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
