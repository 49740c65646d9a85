/* Properties of the filter and of exact volumes, on sets drawn at random. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "pareto/pareto.h"

enum { MOST = 1600, WIDEST = 12 };

/* Coarse coordinates make ties and duplicates; fine ones make fronts. */
static void draw(struct random *random, double *points, size_t count, size_t objectives,
                 unsigned steps) {
    for (size_t i = 0; i < count * objectives; i++)
        points[i] = steps ? (double)random_below(random, steps) / steps
                          : random_uniform(random);
}

static double volume_of(const double *points, size_t count, size_t objectives,
                        const double *reference) {
    struct error error;
    double volume = NAN;
    assert_int_equal(
        pareto_hypervolume(points, count, objectives, reference, &volume, NULL, &error),
        0);
    return volume;
}

/* By inclusion and exclusion over all subsets: nothing in common with ours. */
static double volume_by_subsets(const double *points, size_t count, size_t objectives,
                                const double *reference) {
    double sum = 0;
    for (unsigned subset = 1; subset < 1u << count; subset++) {
        double product = __builtin_popcount(subset) % 2 ? 1 : -1;
        for (size_t j = 0; j < objectives; j++) {
            double corner = -INFINITY;
            for (size_t i = 0; i < count; i++)
                if (subset >> i & 1)
                    corner = fmax(corner, points[i * objectives + j]);
            product *= fmax(reference[j] - corner, 0);
        }
        sum += product;
    }
    return sum;
}

static void volume_is_that_by_subsets(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 1, 0);
    double points[10 * WIDEST], reference[WIDEST];
    for (size_t objectives = 1; objectives <= 10; objectives++)
        for (unsigned round = 0; round < 24; round++) {
            size_t count = 1 + random_below(&random, 10);
            draw(&random, points, count, objectives, round % 3 ? 0 : 5);
            for (size_t j = 0; j < objectives; j++)
                reference[j] = round % 4 ? 1 : random_uniform(&random) + 0.25;
            double expected = volume_by_subsets(points, count, objectives, reference);
            double volume = volume_of(points, count, objectives, reference);
            /* 2^10 terms of at most 1.25^10 are added there. */
            assert_true(fabs(volume - expected) <= 1024 * 10 * DBL_EPSILON);
        }
}

static void contributions_are_differences(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 2, 0);
    double points[40 * WIDEST], less[40 * WIDEST], reference[WIDEST], alone[40];
    for (size_t objectives = 1; objectives <= 9; objectives++)
        for (unsigned round = 0; round < 10; round++) {
            size_t count = 1 + random_below(&random, 40);
            draw(&random, points, count, objectives, round % 2 ? 0 : 6);
            for (size_t j = 0; j < objectives; j++)
                reference[j] = 0.9;
            struct error error;
            assert_int_equal(pareto_contributions(points, count, objectives, reference,
                                                  alone, NULL, &error),
                             0);
            double whole = volume_of(points, count, objectives, reference);
            for (size_t i = 0; i < count; i++) {
                size_t cut = i * objectives;
                memcpy(less, points, cut * sizeof *less);
                memcpy(less + cut, points + cut + objectives,
                       ((count - 1) * objectives - cut) * sizeof *less);
                double rest = volume_of(less, count - 1, objectives, reference);
                /* Volumes of at most 1 out of a few thousand operations. */
                assert_true(fabs(alone[i] - (whole - rest)) <= 4096 * DBL_EPSILON);
            }
        }
}

/* Moving points within the set, and objectives within points, changes nothing. */
static void volume_ignores_order(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 3, 0);
    static double points[MOST * WIDEST], moved[MOST * WIDEST];
    double reference[WIDEST];
    const size_t counts[WIDEST + 1] = {0, 50, 1600, 1600, 200, 80, 60, 40, 30, 24, 20};
    for (size_t objectives = 1; objectives <= 10; objectives++) {
        size_t count = counts[objectives];
        for (size_t i = 0; i < count; i++)
            random_dirichlet(&random, 1, objectives, points + i * objectives);
        if (objectives == 1)
            draw(&random, points, count, 1, 0);
        uint32_t rows[MOST], columns[WIDEST];
        random_permutation(&random, count, rows);
        random_permutation(&random, objectives, columns);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < objectives; j++)
                moved[i * objectives + j] = points[rows[i] * objectives + columns[j]];
        for (size_t j = 0; j < objectives; j++)
            reference[j] = 1.125;
        double volume = volume_of(points, count, objectives, reference);
        double again = volume_of(moved, count, objectives, reference);
        assert_true(volume > 0);
        assert_true(fabs(volume - again) <= 1e-12 * volume);
        /* Scaled by powers of two, which round nothing, it scales exactly. */
        for (size_t i = 0; i < count * objectives; i++)
            moved[i] = points[i] * 4;
        for (size_t j = 0; j < objectives; j++)
            reference[j] *= 4;
        double scaled = volume_of(moved, count, objectives, reference);
        assert_true(scaled == ldexp(volume, 2 * (int)objectives));
    }
}

static void volume_of_known_bodies(void **state) {
    (void)state;
    const double reference[3] = {1, 1, 1};
    assert_true(volume_of(NULL, 0, 3, reference) == 0);
    const double beyond[6] = {0.5, 0.5, 1, 0, 2, 0};
    assert_true(volume_of(beyond, 2, 3, reference) == 0);
    const double corner[6] = {0.5, 0, 0, 0.25, 0.5, 0.5};
    assert_true(volume_of(corner, 2, 3, reference) == 0.5 + 0.25 * 0.25);
    /* A point with a smaller first objective only adds its strip. */
    const double equal[9] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.75, 0.5};
    assert_true(volume_of(equal, 3, 3, reference) == 0.125);
}

static void what_has_no_volume_is_refused(void **state) {
    (void)state;
    struct error error;
    double volume;
    const double points[4] = {0, -INFINITY, 0.5, 0.5}, fine[2] = {1, 1},
                 open[2] = {1, INFINITY};
    assert_int_equal(pareto_hypervolume(points, 2, 2, fine, &volume, NULL, &error), -1);
    assert_non_null(strstr(error.text, "objective 2"));
    assert_int_equal(pareto_hypervolume(points + 2, 1, 2, open, &volume, NULL, &error),
                     -1);
    assert_non_null(strstr(error.text, "reference point"));
    assert_int_equal(pareto_hypervolume(points, 1, 0, fine, &volume, NULL, &error), -1);
    assert_int_equal(pareto_contributions(points, 2, 2, fine, &volume, NULL, &error),
                     -1);
    /* Finite points may span what no number can say. */
    const double far[2] = {-1e200, -1e200}, near[2] = {0, 0};
    assert_int_equal(pareto_hypervolume(far, 1, 2, near, &volume, NULL, &error), -1);
    assert_non_null(strstr(error.text, "larger than numbers can be"));
}

/* Stopped before the end of any of the ways there are, and not while all is well. */
static void a_volume_can_be_stopped(void **state) {
    (void)state;
    enum { COUNT = 60 };
    struct random random;
    struct error error;
    atomic_bool stop;
    struct work work = {&stop, NULL, NULL};
    double points[COUNT * 6], reference[6] = {2, 2, 2, 2, 2, 2}, all[COUNT], again;
    random_seed(&random, 9, 0);
    for (size_t objectives = 1; objectives <= 6; objectives++) {
        draw(&random, points, COUNT, objectives, 0);
        atomic_init(&stop, false);
        assert_int_equal(pareto_hypervolume(points, COUNT, objectives, reference,
                                            &again, &work, &error),
                         0);
        assert_true(again == volume_of(points, COUNT, objectives, reference));
        atomic_store(&stop, true);
        assert_int_equal(pareto_hypervolume(points, COUNT, objectives, reference,
                                            &again, &work, &error),
                         -1);
        assert_string_equal(error.text, "stopped");
        assert_int_equal(pareto_contributions(points, COUNT, objectives, reference, all,
                                              &work, &error),
                         -1);
        assert_string_equal(error.text, "stopped");
    }
    /* A front that would take longer than anyone waits. */
    enum { HOPELESS = 3000, MANY = 12 };
    double *front = calloc(HOPELESS * MANY, sizeof *front), high[MANY];
    for (size_t i = 0; i < HOPELESS; i++)
        random_dirichlet(&random, 1, MANY, front + i * MANY);
    for (size_t j = 0; j < MANY; j++)
        high[j] = 2;
    assert_int_equal(
        pareto_hypervolume(front, HOPELESS, MANY, high, &again, &work, &error), -1);
    free(front);
}

static void filter_is_that_of_the_definition(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 4, 0);
    static double points[MOST * WIDEST];
    static bool keep[MOST];
    struct error error;
    for (size_t objectives = 1; objectives <= 8; objectives++)
        for (unsigned round = 0; round < 13; round++) {
            size_t count = round < 10    ? random_below(&random, 80)
                           : round == 12 ? 1500
                                         : 700;
            draw(&random, points, count, objectives,
                 (const unsigned[]){0, 4, 12}[round % 3]);
            /* Nearly all on one plane, so that nearly all are kept: comparisons end
             * at the last digits. */
            for (size_t i = 0; round == 12 && i < count; i++) {
                double sum = 0;
                for (size_t j = 0; j + 1 < objectives; j++)
                    sum += points[i * objectives + j];
                points[i * objectives + objectives - 1] =
                    (double)objectives - sum + 1e-9 * (double)random_below(&random, 9);
            }
            if (count > 3 && round % 2) {
                points[0] = -INFINITY;
                points[objectives] = INFINITY;
                points[2 * objectives] = -0.0;
            }
            for (int first = 0; first < 2; first++) {
                long kept =
                    pareto_filter(points, count, objectives, first, keep, &error);
                long expected = 0;
                for (size_t i = 0; i < count; i++) {
                    const double *p = points + i * objectives;
                    bool good = true;
                    for (size_t k = 0; k < count; k++) {
                        const double *q = points + k * objectives;
                        bool equal = true;
                        for (size_t j = 0; j < objectives; j++)
                            equal &= p[j] == q[j];
                        good &= !pareto_dominates(q, p, objectives) &&
                                !(first && equal && k < i);
                    }
                    assert_int_equal(keep[i], good);
                    expected += good;
                }
                assert_int_equal(kept, expected);
            }
        }
}

static void dominance(void **state) {
    (void)state;
    const double a[2] = {1, 2}, b[2] = {1, 3}, c[2] = {0, 4};
    assert_true(pareto_dominates(a, b, 2));
    assert_false(pareto_dominates(b, a, 2));
    assert_false(pareto_dominates(a, a, 2));
    assert_false(pareto_dominates(a, c, 2));
    assert_false(pareto_dominates(c, a, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominance),
        cmocka_unit_test(filter_is_that_of_the_definition),
        cmocka_unit_test(volume_of_known_bodies),
        cmocka_unit_test(volume_is_that_by_subsets),
        cmocka_unit_test(volume_ignores_order),
        cmocka_unit_test(contributions_are_differences),
        cmocka_unit_test(what_has_no_volume_is_refused),
        cmocka_unit_test(a_volume_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
