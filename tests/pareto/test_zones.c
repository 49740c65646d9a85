/* Volumes by zones against those by the recursion that goes without them. */
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
#include "pareto/wfg.h"
#include "pareto/zones.h"

enum { MOST = 300, WIDEST = 5 };
enum kind { SPHERE, PLANE, CLOUD, COARSE, LEVEL, KINDS };

static void draw(struct random *random, enum kind kind, size_t count, size_t dims,
                 double *points) {
    for (size_t i = 0; i < count; i++) {
        double *p = points + i * dims, square = 0;
        for (size_t j = 0; j < dims; j++) {
            p[j] = kind == SPHERE   ? fabs(random_normal(random))
                   : kind == COARSE ? (double)random_below(random, 5) / 5
                                    : random_uniform(random);
            square += p[j] * p[j];
        }
        for (size_t j = 0; kind == SPHERE && j < dims; j++)
            p[j] = 1 - p[j] / sqrt(square);
        if (kind == PLANE)
            random_dirichlet(random, 1, dims, p);
        /* On a plane, and yet on few levels in each objective. */
        double sum = 0;
        for (size_t j = 0; kind == LEVEL && j + 1 < dims; j++)
            sum += p[j] = (double)random_below(random, 4) / 16;
        if (kind == LEVEL)
            p[dims - 1] = 0.75 - sum + (i % 2 ? 0 : 0.0625);
        /* Now and then a point is there twice. */
        if (i > 0 && random_below(random, 8) == 0)
            memcpy(p, p - dims, dims * sizeof *p);
    }
}

static double by_recursion(const double *points, size_t count, size_t dims,
                           const double *high) {
    struct error error;
    struct wfg wfg;
    assert_int_equal(wfg_new(&wfg, count, dims, &error), 0);
    wfg.zones.most = 0;
    memcpy(wfg.levels[0].rows, points, count * dims * sizeof *points);
    double volume = wfg_dominated(&wfg, 0, count, dims, high);
    wfg_free(&wfg);
    return volume;
}

static void zones_agree_with_the_recursion(void **state) {
    (void)state;
    struct random random;
    struct zones zones;
    double points[MOST * WIDEST], high[WIDEST];
    random_seed(&random, 5, 0);
    assert_int_equal(zones_new(&zones, MOST, ZONES_MOST), 0);
    for (unsigned round = 0; round < 400; round++) {
        size_t dims = 4 + round % 2, most = round % 20 ? 40 : MOST;
        size_t count = 1 + random_below(&random, (uint32_t)most);
        draw(&random, (enum kind)(round / 2 % KINDS), count, dims, points);
        for (size_t j = 0; j < dims; j++)
            high[j] = 1.0625 + random_uniform(&random);
        double volume = NAN, expected = by_recursion(points, count, dims, high);
        assert_true(zones_volume(&zones, points, count, dims, high, NULL, &volume));
        /* Sums of positive products, some thousands of them at most. */
        assert_true(fabs(volume - expected) <= 2048 * DBL_EPSILON * expected);
    }
    zones_free(&zones);
}

/* Half of the points trade the first two objectives, half the others: there are as many
 * zones as pairs of one of each. */
static void too_many_zones_are_refused(void **state) {
    (void)state;
    enum { HALF = 60, COUNT = 2 * HALF, DIMS = 5, PAIRS = (HALF + 1) * (HALF + 1) };
    double points[COUNT * DIMS], high[DIMS] = {1, 1, 1, 1, 1}, volume = -1;
    for (size_t i = 0; i < COUNT; i++) {
        double *p = points + i * DIMS, at = (double)(i / 2) / HALF;
        for (size_t j = 0; j < DIMS; j++)
            p[j] = 0;
        p[i % 2 ? 2 : 0] = at;
        p[i % 2 ? 3 : 1] = 1 - at - 1.0 / 128;
    }
    struct zones zones;
    assert_int_equal(zones_new(&zones, COUNT, PAIRS / 2), 0);
    assert_false(zones_volume(&zones, points, COUNT, DIMS, high, NULL, &volume));
    assert_false(zones.refused);
    assert_true(volume == -1);
    zones.most = ZONES_MOST;
    assert_true(zones_volume(&zones, points, COUNT, DIMS, high, NULL, &volume));
    double expected = by_recursion(points, COUNT, DIMS, high);
    assert_true(fabs(volume - expected) <= 2048 * DBL_EPSILON * expected);
    zones_free(&zones);
}

/* More points than ranks tell apart take the other way. */
static void more_points_than_ranks(void **state) {
    (void)state;
    enum { COUNT = ZONES_POINTS + 100, DIMS = 4 };
    struct random random;
    struct error error;
    double *points = calloc(COUNT * DIMS, sizeof *points), high[DIMS] = {1, 1, 1, 1};
    bool *keep = calloc(COUNT, sizeof *keep);
    double all, front;
    assert_true(points && keep);
    random_seed(&random, 6, 0);
    for (size_t i = 0; i < COUNT * DIMS; i++)
        points[i] = random_uniform(&random);
    assert_int_equal(pareto_hypervolume(points, COUNT, DIMS, high, &all, NULL, &error),
                     0);
    assert_true(pareto_filter(points, COUNT, DIMS, true, keep, &error) > 0);
    size_t kept = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (keep[i])
            memmove(points + kept++ * DIMS, points + i * DIMS, DIMS * sizeof *points);
    assert_true(kept < ZONES_POINTS);
    assert_int_equal(pareto_hypervolume(points, kept, DIMS, high, &front, NULL, &error),
                     0);
    assert_true(fabs(all - front) <= 2048 * DBL_EPSILON * front);
    free(keep);
    free(points);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_agree_with_the_recursion),
        cmocka_unit_test(too_many_zones_are_refused),
        cmocka_unit_test(more_points_than_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
