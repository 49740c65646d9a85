/* Quadratics fitted to points, against numpy's least squares, and under a prior. */
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
    assert_int_equal(quadratic_fit(65, 1, x, y, NULL, NULL, &fit, &error), -1);
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
    if (quadratic_fit(inputs, count, x, y, weights, NULL, &fit, &error))
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

/* Fewer points than numbers: the mean and the deviations of what is thought afterwards,
 * and the widths that make the values likeliest. */
static void test_prior(void **state) {
    (void)state;
    struct safetensors *golden = golden_open("quadratic.safetensors");
    static const char *const names[] = {"x",        "y",        "weights",
                                        "widths",   "errors",   "coefficients",
                                        "left_out", "deviation"};
    enum { X, Y, WEIGHTS, WIDTHS, ERRORS, COEFFICIENTS, LEFT_OUT, DEVIATION, COUNT };
    double *of[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        of[i] = values(golden, "prior", names[i]);
    const struct tensor *points = golden_tensor(golden, "prior.x");
    size_t count = (size_t)points->shape[0], inputs = (size_t)points->shape[1];
    assert_true(count < quadratic_terms(inputs));
    struct quadratic_prior prior = {of[WIDTHS][0], of[WIDTHS][1]};
    struct quadratic_fit fit;
    struct error error;
    if (quadratic_fit(inputs, count, of[X], of[Y], of[WEIGHTS], &prior, &fit, &error))
        fail_msg("%s", error.text);
    assert_close(fit.coefficients, of[COEFFICIENTS], fit.terms);
    assert_close(fit.left_out, of[LEFT_OUT], count);
    assert_close(&fit.deviation, of[DEVIATION], 1);
    for (size_t i = 0; i < count; i++) {
        double is = quadratic_error(&fit, of[X] + i * inputs);
        assert_close(&is, of[ERRORS] + i, 1);
    }
    quadratic_fit_clear(&fit);
    for (size_t i = 0; i < COUNT; i++)
        free(of[i]);
    safetensors_close(golden);
}

/* Also of more points than numbers. */
static void test_likeliest(void **state) {
    (void)state;
    static const char *const cases[] = {"prior", "many"};
    struct safetensors *golden = golden_open("quadratic.safetensors");
    for (int i = 0; i < 2; i++) {
        double *x = values(golden, cases[i], "x"), *y = values(golden, cases[i], "y");
        double *weights = values(golden, cases[i], "weights");
        double *widths = values(golden, cases[i], "likeliest");
        size_t count = i ? 25 : 14;
        struct quadratic_prior prior;
        struct error error;
        if (quadratic_prior_find(4, count, x, y, weights, &prior, &error))
            fail_msg("%s", error.text);
        /* The search ends at steps of a hundredth in the logarithm, 2.3 %. */
        assert_true(fabs(log(prior.linear / widths[0])) < 0.03);
        assert_true(fabs(log(prior.curved / widths[1])) < 0.03);
        free(x);
        free(y);
        free(weights);
        free(widths);
    }
    safetensors_close(golden);
}

/* What a quadratic has to a rounding error keeps it, and values that are all alike are
 * their mean. */
static void test_prior_extremes(void **state) {
    (void)state;
    const double x[] = {0, 0.25, 0.5, 0.75, 1}, alike[] = {7, 7, 7, 7, 7};
    double y[5];
    struct quadratic_prior prior;
    struct quadratic_fit fit;
    struct error error;
    for (size_t i = 0; i < 5; i++)
        y[i] = 1e6 + 2 * x[i] - 3 * x[i] * x[i];
    assert_int_equal(quadratic_prior_find(1, 5, x, y, NULL, &prior, &error), 0);
    assert_int_equal(quadratic_fit(1, 5, x, y, NULL, &prior, &fit, &error), 0);
    assert_true(fabs(fit.coefficients[1] - 2) < 1e-6);
    assert_true(fabs(fit.coefficients[2] + 6) < 1e-6);
    quadratic_fit_clear(&fit);
    assert_int_equal(quadratic_prior_find(1, 5, x, alike, NULL, &prior, &error), 0);
    assert_int_equal(quadratic_fit(1, 5, x, alike, NULL, &prior, &fit, &error), 0);
    assert_true(fabs(fit.coefficients[0] - 7) < 1e-9);
    assert_true(fit.deviation < 1e-9);
    quadratic_fit_clear(&fit);
}

static void test_refused(void **state) {
    (void)state;
    const double x[] = {0, 1, 2, 3}, y[] = {0, 1, (double)NAN, 2},
                 none[] = {1, 1, 0, 1};
    const double good[] = {0, 1, 4, 9};
    struct quadratic_fit fit;
    struct error error;
    assert_int_equal(quadratic_fit(1, 4, x, y, NULL, NULL, &fit, &error), -1);
    assert_int_equal(quadratic_fit(1, 4, x, good, none, NULL, &fit, &error), -1);
    assert_int_equal(quadratic_fit(1, 4, x, good, NULL, NULL, &fit, &error), 0);
    assert_true(fabs(fit.coefficients[2] - 2) < 1e-12);
    quadratic_fit_clear(&fit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_weighted),
        cmocka_unit_test(test_equal),     cmocka_unit_test(test_few),
        cmocka_unit_test(test_simplex),   cmocka_unit_test(test_prior),
        cmocka_unit_test(test_likeliest), cmocka_unit_test(test_prior_extremes),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
