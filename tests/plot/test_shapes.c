/* Triangles between points, and lines that are alike. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "plot/bundles.h"
#include "plot/triangles.h"

static double area(const double *points, const struct triangle *t) {
    const double *a = points + 2 * t->corner[0], *b = points + 2 * t->corner[1];
    const double *c = points + 2 * t->corner[2];
    return ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2;
}

/* A grid of preferences, where four and more points lie on one circle: its triangles
 * cover the whole of it, once. */
static void a_grid_is_covered(void **state) {
    (void)state;
    enum { STEPS = 12, COUNT = (STEPS + 1) * (STEPS + 2) / 2 };
    double points[2 * COUNT], sum = 0;
    size_t n = 0, count;
    struct triangle *triangles;
    struct error error;
    for (int a = 0; a <= STEPS; a++)
        for (int b = 0; a + b <= STEPS; b++, n++) {
            points[2 * n] = (a + 0.5 * b) / STEPS;
            points[2 * n + 1] = b * sqrt(0.75) / STEPS;
        }
    assert_int_equal(triangles_make(points, COUNT, &triangles, &count, &error), 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(area(points, &triangles[i]) > -1e-9);
        sum += area(points, &triangles[i]);
    }
    /* Points are moved by 1e-5, along edges of a length of 3 in all: what the border
     * gains or loses is less than the product. */
    assert_true(fabs(sum - sqrt(0.75) / 2) < 3e-5);
    free(triangles);
}

/* No point lies in the circle of a triangle (but for the little that points are
 * moved). */
static void no_point_is_in_a_circle(void **state) {
    (void)state;
    enum { COUNT = 60 };
    double points[2 * COUNT];
    struct random random;
    struct triangle *triangles;
    struct error error;
    size_t count;
    random_seed(&random, 5, 0);
    for (size_t i = 0; i < 2 * COUNT; i++)
        points[i] = random_uniform(&random);
    assert_int_equal(triangles_make(points, COUNT, &triangles, &count, &error), 0);
    assert_true(count > COUNT);
    for (size_t i = 0; i < count; i++) {
        const double *a = points + 2 * triangles[i].corner[0];
        const double *b = points + 2 * triangles[i].corner[1];
        const double *c = points + 2 * triangles[i].corner[2];
        double d = 4 * area(points, &triangles[i]), s[3];
        if (d < 1e-3) /* a sliver: its centre is far off, its radius without digits */
            continue;
        s[0] = a[0] * a[0] + a[1] * a[1];
        s[1] = b[0] * b[0] + b[1] * b[1];
        s[2] = c[0] * c[0] + c[1] * c[1];
        double x =
            (s[0] * (b[1] - c[1]) + s[1] * (c[1] - a[1]) + s[2] * (a[1] - b[1])) / d;
        double y =
            (s[0] * (c[0] - b[0]) + s[1] * (a[0] - c[0]) + s[2] * (b[0] - a[0])) / d;
        double radius = hypot(a[0] - x, a[1] - y);
        for (size_t k = 0; k < COUNT; k++)
            assert_true(hypot(points[2 * k] - x, points[2 * k + 1] - y) >
                        radius * (1 - 1e-2));
    }
    free(triangles);
}

static void a_line_has_no_triangles(void **state) {
    (void)state;
    static const double points[] = {0, 0, 0.25, 0, 0.5, 0, 1, 0};
    struct triangle *triangles;
    struct error error;
    size_t count;
    assert_int_equal(triangles_make(points, 4, &triangles, &count, &error), 0);
    for (size_t i = 0; i < count; i++) /* but slivers that the moving makes */
        assert_true(fabs(area(points, &triangles[i])) < 1e-5);
    free(triangles);
}

/* Two kinds of lines, high and low, are never in one bundle; what is not a number is
 * passed over. */
static void lines_that_differ_are_apart(void **state) {
    (void)state;
    enum { COUNT = 200, AXES = 4 };
    static double points[COUNT * AXES];
    unsigned char of[COUNT];
    double centres[BUNDLES_MAX * AXES];
    struct random random;
    struct error error;
    random_seed(&random, 9, 0);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < AXES; k++)
            points[i * AXES + k] = (i % 2 ? 0.8 : 0.1) + 0.1 * random_uniform(&random);
    points[5 * AXES + 1] = NAN;
    assert_int_equal(bundles_find(points, COUNT, AXES, of, centres, &error), 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(of[i], 0, BUNDLES_MAX - 1);
        for (size_t k = 0; k < AXES; k++)
            assert_true(fabs(centres[of[i] * AXES + k] - (i % 2 ? 0.85 : 0.15)) < 0.06);
    }
    assert_int_equal(bundles_find(points, 0, AXES, of, centres, &error), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_is_covered),
        cmocka_unit_test(no_point_is_in_a_circle),
        cmocka_unit_test(a_line_has_no_triangles),
        cmocka_unit_test(lines_that_differ_are_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
