#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "pareto/simplex.h"

static void grid_has_every_vector_once_in_order(void **state) {
    (void)state;
    assert_int_equal(simplex_grid_count(2, 11), 11);
    assert_int_equal(simplex_grid_count(3, 11), 66);
    assert_int_equal(simplex_grid_count(8, 4), 120);
    assert_int_equal(simplex_grid_count(1, 5), 1);
    assert_int_equal(simplex_grid_count(3, 1), 0);
    assert_int_equal(simplex_grid_count(0, 5), 0);
    assert_int_equal(simplex_grid_count(60, SIZE_MAX - 60), 0);
    assert_int_equal(simplex_grid_count(40, 1000), 0);
    for (size_t tasks = 1; tasks <= 5; tasks++)
        for (size_t edge = 2; edge <= 7; edge++) {
            size_t count = simplex_grid_count(tasks, edge);
            double before[5], here[5];
            for (size_t i = 0; i < count; i++) {
                simplex_grid_at(tasks, edge, i, here);
                size_t sum = 0, found;
                assert_true(simplex_grid_find(tasks, edge, here, &found));
                assert_int_equal(found, i);
                for (size_t j = 0; j < tasks; j++) {
                    size_t part = (size_t)lround(here[j] * (double)(edge - 1));
                    assert_true(here[j] == (double)part / (double)(edge - 1));
                    sum += part;
                }
                assert_int_equal(sum, edge - 1);
                /* Strictly falling, of the right number: all, and each once. */
                size_t j = 0;
                while (i > 0 && j < tasks && here[j] == before[j])
                    j++;
                assert_true(i == 0 || (j < tasks && here[j] < before[j]));
                memcpy(before, here, sizeof here);
            }
            assert_true(before[tasks - 1] == 1);
        }
    size_t found;
    assert_false(simplex_grid_find(2, 5, (double[]){0.3, 0.7}, &found));
    assert_false(simplex_grid_find(2, 5, (double[]){0.25, 0.5}, &found));
    assert_false(simplex_grid_find(2, 5, (double[]){0.75, 0.5}, &found));
    assert_false(simplex_grid_find(2, 5, (double[]){1.25, -0.25}, &found));
    assert_false(simplex_grid_find(2, 5, (double[]){NAN, 0}, &found));
    assert_true(simplex_grid_find(2, 5, (double[]){0.25 + 1e-10, 0.75}, &found));
    assert_int_equal(found, 3);
}

static void preferences_are_read(void **state) {
    (void)state;
    struct error error;
    double r[3];
    assert_int_equal(simplex_parse(" 0.25, 0.5\t.25 ", 3, r, &error), 0);
    assert_true(r[0] == 0.25 && r[1] == 0.5 && r[2] == 0.25);
    assert_int_equal(simplex_parse("1,0,0", 3, r, &error), 0);
    assert_int_equal(simplex_parse("1", 1, r, &error), 0);
    assert_int_equal(simplex_parse("0.3333333,0.3333333,0.3333334", 3, r, &error), 0);
    const char *const wrong[] = {"",           "0.5,0.5",      "0.5,0.5,0,0",
                                 "0.5,0.6,0",  "1.5,-0.5,0",   "nan,0.5,0.5",
                                 "a,b,c",      "0.5,0.5,0x",   "0.5,,0.5,0",
                                 "0.5,0.5,0,", "inf,0,0",      "0.5;0.5;0",
                                 ",0.5,0.5,0", "0.5,0.5,2e-6", "1e999,0,0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        strcpy(error.text, "");
        assert_int_equal(simplex_parse(wrong[i], 3, r, &error), -1);
        assert_true(strlen(error.text) > 0);
    }
    char text[64];
    assert_string_equal(
        simplex_text((const double[]){0.25, 1.0 / 3, 5.0 / 12}, 3, text, sizeof text),
        "0.25,0.333333,0.416667");
    assert_string_equal(simplex_text((const double[]){0.25, 0.75}, 2, text, 6),
                        "0.25,");
}

/* The projection is the point from which the vector is seen along a direction that
 * no move within the simplex has a part in: v - p is the same for all p > 0, and no
 * more than that where p = 0. */
static void projection_is_the_nearest(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 5, 0);
    for (unsigned round = 0; round < 500; round++) {
        size_t tasks = 1 + random_below(&random, 12);
        double v[12], p[12], sum = 0, gap = -INFINITY;
        for (size_t j = 0; j < tasks; j++)
            p[j] = v[j] = (round % 2 ? 3 : 0.2) * random_normal(&random);
        simplex_project(p, tasks);
        for (size_t j = 0; j < tasks; j++) {
            assert_true(p[j] >= 0);
            sum += p[j];
            if (p[j] > 0)
                gap = v[j] - p[j];
        }
        assert_true(fabs(sum - 1) < 1e-14);
        for (size_t j = 0; j < tasks; j++)
            assert_true(p[j] > 0 ? fabs(v[j] - p[j] - gap) < 1e-13
                                 : v[j] <= gap + 1e-13);
    }
    double on[3] = {0.25, 0.25, 0.5};
    simplex_project(on, 3);
    assert_true(on[0] == 0.25 && on[1] == 0.25 && on[2] == 0.5);
}

static void interpolation(void **state) {
    (void)state;
    struct random random;
    random_seed(&random, 6, 0);
    struct error error;
    double stored[66 * 3], linear[66 * 2], bent[66], r[3], out[2];
    for (size_t i = 0; i < 66; i++) {
        double *p = stored + 3 * i;
        simplex_grid_at(3, 11, i, p);
        linear[2 * i] = 3 * p[0] - p[1] + 2;
        linear[2 * i + 1] = p[2];
        bent[i] = sqrt(p[0] * p[0] + 0.5 * p[1] + 0.1);
    }
    for (unsigned round = 0; round < 200; round++) {
        random_dirichlet(&random, 1, 3, r);
        assert_int_equal(simplex_interpolate(stored, linear, 66, 3, 2, r, out, &error),
                         0);
        /* The slope's ridge of 1e-9 is all that stands between. */
        assert_true(fabs(out[0] - (3 * r[0] - r[1] + 2)) < 1e-6);
        assert_true(fabs(out[1] - r[2]) < 1e-6);
        assert_int_equal(simplex_interpolate(stored, bent, 66, 3, 1, r, out, &error),
                         0);
        /* Second derivatives below 2, neighbours within 0.15. */
        assert_true(fabs(out[0] - sqrt(r[0] * r[0] + 0.5 * r[1] + 0.1)) < 0.02);
    }
    for (size_t i = 0; i < 66; i++) {
        memcpy(r, stored + 3 * i, sizeof r);
        assert_int_equal(simplex_interpolate(stored, bent, 66, 3, 1, r, out, &error),
                         0);
        assert_true(fabs(out[0] - bent[i]) < 1e-12);
        /* No jump beside a stored point. */
        r[0] += 1e-5;
        r[1] -= 1e-5;
        assert_int_equal(simplex_interpolate(stored, bent, 66, 3, 1, r, out, &error),
                         0);
        assert_true(fabs(out[0] - bent[i]) < 1e-4);
    }
    /* One stored point, two of them for three tasks, and the same one twice. */
    const double few[9] = {1, 0, 0, 0, 1, 0, 1, 0, 0}, values[3] = {4, 8, 6};
    r[0] = r[1] = 0.25, r[2] = 0.5;
    assert_int_equal(simplex_interpolate(few, values, 1, 3, 1, r, out, &error), 0);
    assert_true(fabs(out[0] - 4) < 1e-12);
    assert_int_equal(simplex_interpolate(few, values, 2, 3, 1, r, out, &error), 0);
    assert_true(fabs(out[0] - 6) < 1e-6);
    assert_int_equal(simplex_interpolate(few, values, 3, 3, 1, few, out, &error), 0);
    assert_true(fabs(out[0] - 5) < 1e-12);
    assert_int_equal(simplex_interpolate(few, values, 0, 3, 1, r, out, &error), -1);
}

/* Shares of any sum, and fractions, are divided by it. */
static void shares_are_divided_by_their_sum(void **state) {
    (void)state;
    struct error error;
    double r[3], sum;
    assert_int_equal(simplex_parse_shares("2,5,3", 3, r, &sum, &error), 0);
    assert_true(sum == 10 && r[0] == 0.2 && r[1] == 0.5 && r[2] == 0.3);
    assert_int_equal(simplex_parse_shares("1/3 1/3 1/3", 3, r, &sum, &error), 0);
    assert_true(fabs(sum - 1) < 1e-12 && fabs(r[2] - 1.0 / 3) < 1e-12);
    assert_int_equal(simplex_parse_shares("1/2, 0, 3/2", 3, r, &sum, &error), 0);
    assert_true(sum == 2 && r[0] == 0.25 && r[2] == 0.75);
    static const char *const wrong[] = {"0,0,0", "1/0,1,1", "1,-1,1",   "1/,1,1",
                                        "1,1",   "1,1,1,1", "1//2,1,1", "inf,1,1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (!simplex_parse_shares(wrong[i], 3, r, &sum, &error))
            fail_msg("%s is taken", wrong[i]);
    assert_int_equal(simplex_parse_shares("0,1e308,1e308", 3, r, &sum, &error), -1);
    assert_non_null(strstr(error.text, "shares are too large"));
    /* Only where that is asked for. */
    assert_int_equal(simplex_parse("2,5,3", 3, r, &error), -1);
    assert_int_equal(simplex_parse("1/2,1/4,1/4", 3, r, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_has_every_vector_once_in_order),
        cmocka_unit_test(shares_are_divided_by_their_sum),
        cmocka_unit_test(preferences_are_read),
        cmocka_unit_test(projection_is_the_nearest),
        cmocka_unit_test(interpolation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
