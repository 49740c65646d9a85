/* The criteria that methods are compared by, against numbers worked out by hand, and
 * their statistics against scipy 1.17.1: spearmanr, ttest_rel, t.sf, t.interval. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "results/comparison.h"
#include "results/statistics.h"

static struct error error;

/* The figures of scipy have 16 digits, of which sums lose a few. */
static void close_to(double got, double wanted) {
    if (!(fabs(got - wanted) <= 1e-12 * fmax(1, fabs(wanted))))
        fail_msg("%.17g is not %.17g", got, wanted);
}

static void statistics_are_those_of_scipy(void **state) {
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6, 7}, y[] = {2, 1, 4, 4, 3.5, 9, 7};
    close_to(statistics_spearman(x, y, 7), 0.8108437164260032);
    close_to(statistics_spearman((const double[]){1, 1, 2, 2, 3},
                                 (const double[]){5, 6, 6, 7, 5}, 5),
             -0.027777777777777776);
    assert_true(isnan(statistics_spearman(x, (const double[]){3, 3, 3}, 3)));
    const double a[] = {0.99, 1.02, 0.97, 1.01, 0.985};
    const double b[] = {0.95, 1.00, 0.96, 0.99, 0.99};
    close_to(statistics_paired(a, b, 5), 0.08172591365442938);
    /* By hand: 3.84146 * 13 / 9 times as many as 600. */
    close_to(statistics_deciding(8, 5, 600), 600 * 3.841458820694124 * 13 / 9);
    assert_true(isinf(statistics_deciding(5, 5, 600)));
    assert_true(statistics_paired(a, a, 5) == 1);
    assert_true(statistics_paired((const double[]){3, 4}, (const double[]){1, 2}, 2) ==
                0);
    assert_true(isnan(statistics_paired(a, b, 1)));
    double mean, half;
    statistics_mean(a, 5, &mean, &half);
    close_to(mean, 0.995);
    close_to(half, 0.02483327996407536);
    statistics_mean((const double[]){0.9, 1.1}, 2, &mean, &half);
    close_to(half, 1.2706204736174698);
    statistics_mean(a, 1, &mean, &half);
    assert_true(mean == 0.99 && isnan(half));
    const struct {
        double t, freedom, p;
    } tails[] = {{0.5, 1, 0.7048327646991335},
                 {2, 3, 0.13932596855884305},
                 {4.3, 2, 0.05005715411709159},
                 {10, 30, 4.575251408229618e-11},
                 {-0.001, 7, 0.9992300172449988}};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        close_to(statistics_student(tails[i].t, tails[i].freedom), tails[i].p);
}

static void the_design_has_every_edge(void **state) {
    (void)state;
    struct design d;
    assert_int_equal(design_new(4, 5, &d, &error), 0);
    assert_int_equal(d.count, 4 + 1 + 6 * 3);
    for (size_t a = 0; a < 4; a++)
        for (size_t b = a + 1; b < 4; b++)
            for (size_t k = 0; k < 5; k++) {
                size_t at = design_on_edge(&d, a, b, k);
                assert_true(at < d.count && at != design_centre(&d));
                for (size_t t = 0; t < 4; t++)
                    close_to(d.preferences[at * 4 + t], t == b   ? (double)k / 4
                                                        : t == a ? 1 - (double)k / 4
                                                                 : 0);
            }
    for (size_t t = 0; t < 4; t++)
        close_to(d.preferences[design_centre(&d) * 4 + t], 0.25);
    design_clear(&d);
}

static struct store_task tasks[2];
static const struct store_recipe recipe = {.task_count = 2, .tasks = tasks};

static struct criteria criteria_of(size_t edge, const double *values, bool answers,
                                   double a, double b) {
    struct criteria c;
    struct design d;
    assert_int_equal(design_new(2, edge, &d, &error), 0);
    if (comparison_criteria(&recipe, &d, values, answers, (const double[]){a, b}, &c,
                            NULL, &error))
        fail_msg("%s", error.text);
    design_clear(&d);
    return c;
}

static void criteria_are_those_by_hand(void **state) {
    (void)state;
    for (size_t t = 0; t < 2; t++)
        tasks[t].objective = (struct store_objective){.maximise = true};
    /* Two vertices, the centre, the middle of the edge. */
    const double values[] = {80, 20, 40, 60, 70, 50, 72, 48};
    struct criteria c = criteria_of(3, values, true, 80, 60);
    close_to(c.share, 4100.0 / 4800);
    close_to(c.share_edges, 4156.0 / 4800);
    close_to(c.centre, 120.0 / 140);
    close_to(c.own, 1);
    close_to(c.monotone, 1);
    close_to(c.flat, 0);
    /* The weights 1, 0, 1/2, 1/2 of the first task: the ranks 4, 1, 2.5, 2.5 against
     * 4, 1, 2, 3; of the second 1, 4, 2.5, 2.5 against 1, 4, 3, 2. */
    close_to(c.calibration, 4.5 / sqrt(4.5 * 5));
    tasks[0].objective.reference = 30;
    c = criteria_of(3, values, true, 80, 60);
    close_to(c.share, (50 * 20 + 40 * 30 + 10 * 10) / 3000.0);
    tasks[0].objective.reference = 0;
    /* One model for all preferences. */
    const double one[] = {40, 30, 40, 30, 40, 30, 40, 30};
    c = criteria_of(3, one, false, 80, 60);
    close_to(c.share, 0.25);
    close_to(c.own, 0.5);
    assert_true(isnan(c.monotone) && isnan(c.flat) && isnan(c.calibration));
}

static void flat_and_falling_edges_are_told(void **state) {
    (void)state;
    /* Vertices (80, 20) and (40, 60), the centre; then along the edge from the first
     * to the second. The first task falls 80 79 78 60 40: its upper half has a
     * twentieth of its rise. The second goes 20 20 20 70 60: its lower half has
     * nothing, and it is not monotone. */
    const double values[] = {80, 20, 40, 60, 70, 50, 79, 20, 78, 20, 60, 70};
    struct criteria c = criteria_of(5, values, true, 80, 60);
    close_to(c.flat, 0.5);
    /* The ranks 2 2 2 5 4 against 1 2 3 4 5. */
    close_to(c.monotone_least, 7 / sqrt(10 * 8.0));
    close_to(c.monotone, (1 + 7 / sqrt(80.0)) / 2);
    /* What does not move at all is felt nowhere. */
    const double still[] = {50, 50, 50, 50, 50, 50, 50, 50};
    c = criteria_of(3, still, true, 80, 60);
    close_to(c.monotone, 0);
    close_to(c.flat, 1);
    close_to(c.calibration, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_scipy),
        cmocka_unit_test(the_design_has_every_edge),
        cmocka_unit_test(criteria_are_those_by_hand),
        cmocka_unit_test(flat_and_falling_edges_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
