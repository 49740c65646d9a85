/* Dirichlet draws by a goodness-of-fit test: sums of components are Beta distributed,
 * and the Kolmogorov-Smirnov statistic says whether they are. Seeds are fixed, so that
 * the verdict is always the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

enum { DRAWS = 20000 };

/* The continued fraction of the incomplete beta function (Abramowitz & Stegun
 * 26.5.8), good for x below (a + 1) / (a + b + 2); by Lentz's method. */
static double fraction(double a, double b, double x) {
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m < 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        value *= c * d;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return value;
}

/* P(X <= x) for X of Beta(a, b). */
static double beta_cdf(double a, double b, double x) {
    if (x <= 0 || x >= 1)
        return x >= 1;
    double front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * fraction(a, b, x) / a;
    return 1 - front * fraction(b, a, 1 - x) / b;
}

static void beta_cdf_of_known_values(void **state) {
    (void)state;
    /* scipy.stats.beta.cdf */
    assert_true(fabs(beta_cdf(0.3, 0.6, 0.2) - 0.5032825340319816) < 1e-12);
    assert_true(fabs(beta_cdf(5, 10, 0.5) - 0.91021728515625) < 1e-12);
    assert_true(fabs(beta_cdf(1, 3, 0.25) - 0.578125) < 1e-12);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sqrt(n) times the greatest distance between the two distribution functions. */
static double distance(double *sample, double a, double b) {
    double most = 0;
    qsort(sample, DRAWS, sizeof *sample, ascending);
    for (size_t i = 0; i < DRAWS; i++) {
        double at = beta_cdf(a, b, sample[i]);
        most = fmax(most, fmax((double)(i + 1) / DRAWS - at, at - (double)i / DRAWS));
    }
    return most * sqrt(DRAWS);
}

/* The first and the last component, and the sum of the first two, which tells whether
 * components depend on each other as they should. */
static void dirichlet_marginals_are_beta(void **state) {
    (void)state;
    static const double alphas[] = {0.3, 1, 5};
    static const size_t counts[] = {2, 3, 8};
    double *sample[3];
    for (size_t k = 0; k < 3; k++)
        sample[k] = calloc(DRAWS, sizeof **sample);
    for (size_t i = 0; i < 9; i++) {
        double alpha = alphas[i % 3], r[8];
        size_t count = counts[i / 3];
        struct random random;
        random_seed(&random, 7, i);
        for (size_t n = 0; n < DRAWS; n++) {
            random_dirichlet(&random, alpha, count, r);
            sample[0][n] = r[0];
            sample[1][n] = r[count - 1];
            sample[2][n] = r[0] + r[1];
        }
        double rest = (double)count - 1;
        for (size_t k = 0; k < (count > 2 ? 3u : 2u); k++) {
            double d = k < 2 ? distance(sample[k], alpha, rest * alpha)
                             : distance(sample[k], 2 * alpha, (rest - 1) * alpha);
            /* 1 of 1,000 samples of the right distribution is beyond 1.95. */
            if (!(d < 1.95))
                fail_msg("alpha %g, %zu components, %zu: %g", alpha, count, k, d);
        }
    }
    for (size_t k = 0; k < 3; k++)
        free(sample[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beta_cdf_of_known_values),
        cmocka_unit_test(dirichlet_marginals_are_beta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
