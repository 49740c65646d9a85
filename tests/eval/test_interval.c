/* Intervals and paired tests against scipy 1.17.1: binomtest(k, n).proportion_ci(
 * method="wilson") and binomtest(b, b + c).pvalue. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/interval.h"

static void wilson_is_that_of_scipy(void **state) {
    (void)state;
    const struct {
        uint64_t correct, examples;
        double low, high;
    } cases[] = {
        {0, 10, 0, 0.277532799862889},
        {10, 10, 0.722467200137111, 1},
        {5, 10, 0.236593090512564, 0.763406909487436},
        {812, 1000, 0.786606812588782, 0.835005290116231},
        {1, 3, 0.0614919447203963, 0.792340399197952},
        {24999, 25000, 0.999773438562308, 0.999992938982906},
        {37, 64, 0.456100315400829, 0.691302175256545},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double low, high;
        interval_wilson(cases[i].correct, cases[i].examples, 0, &low, &high);
        /* The figures have 15 digits. */
        assert_true(fabs(low - cases[i].low) < 2e-15);
        assert_true(fabs(high - cases[i].high) < 2e-15);
    }
}

static void interval_shrinks_to_the_value(void **state) {
    (void)state;
    double low, high, wide_low, wide_high, before = 2;
    interval_wilson(0, 0, 100, &low, &high);
    assert_true(low == 0 && high == 1);
    for (uint64_t n = 10; n <= 1000; n += 10) {
        interval_wilson(n * 8 / 10, n, 1000, &low, &high);
        interval_wilson(n * 8 / 10, n, 0, &wide_low, &wide_high);
        assert_true(low <= 0.8 && high >= 0.8);
        assert_true(low > wide_low && high < wide_high);
        assert_true(high - low < before);
        before = high - low;
    }
    assert_true(low == 0.8 && high == 0.8);
    /* Half of a split seen: as if twice as many were drawn with replacement, less the
     * one that is known at the end: 500 * 999 / 500. */
    interval_wilson(400, 500, 1000, &low, &high);
    double n = 999, z2 = 1.959963984540054 * 1.959963984540054;
    double half = sqrt(z2 * (0.16 / n + z2 / (4 * n * n))) / (1 + z2 / n);
    assert_true(fabs(high - low - 2 * half) < 1e-15);
}

static void mcnemar_is_that_of_scipy(void **state) {
    (void)state;
    const struct {
        uint64_t only[2];
        double p;
    } cases[] = {
        {{0, 1}, 1},
        {{5, 0}, 0.0625},
        {{3, 9}, 0.14599609375},
        {{10, 11}, 1},
        {{120, 80}, 0.00568515599675031},
        {{4000, 4200}, 0.0279724235713247},
        {{1, 40}, 3.8198777474463e-11},
        {{300, 0}, 9.81818693059545e-91},
        {{2000, 1000}, 1.00901486279407e-75},
        {{0, 0}, 1},
        {{7, 7}, 1},
    };
    enum { EXAMPLES = 9001 };
    static uint8_t a[EXAMPLES / 8 + 1], b[EXAMPLES / 8 + 1];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* Where neither is alone, both are right or both are wrong; beyond the last
         * example the bits differ and must not be read. */
        memset(a, 0x55, sizeof a);
        memset(b, 0x55, sizeof b);
        a[EXAMPLES / 8] = 0x02;
        b[EXAMPLES / 8] = 0xfc;
        uint64_t only[2] = {cases[i].only[0], cases[i].only[1]}, better[2];
        for (size_t bit = 0; only[0] + only[1] > 0; bit++) {
            unsigned one = 1u << bit % 8;
            bool first = only[0] > only[1];
            only[first ? 0 : 1]--;
            a[bit / 8] = (uint8_t)((a[bit / 8] & ~one) | (first ? one : 0));
            b[bit / 8] = (uint8_t)((b[bit / 8] & ~one) | (first ? 0 : one));
        }
        double p = interval_paired(a, b, EXAMPLES, better);
        assert_int_equal(better[0], cases[i].only[0]);
        assert_int_equal(better[1], cases[i].only[1]);
        /* lgamma of some thousands: 1e5 times the rounding, exponentiated. */
        assert_true(fabs(p - cases[i].p) < 1e-10 * cases[i].p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_is_that_of_scipy),
        cmocka_unit_test(interval_shrinks_to_the_value),
        cmocka_unit_test(mcnemar_is_that_of_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
