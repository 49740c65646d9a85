/* The place of a front where least is measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "pareto/simplex.h"
#include "results/gap.h"

enum { MOST = 400 };
static double preferences[MOST * 12], values[MOST * 12];

/* figures are the preference itself: a plane that estimates give exactly. */
static void put(struct samples *samples, const double *preference, double scale) {
    for (size_t t = 0; t < samples->tasks; t++) {
        preferences[samples->count * samples->tasks + t] = preference[t];
        values[samples->count * samples->tasks + t] =
            (samples->less[t] ? -1 : 1) * scale * preference[t];
    }
    samples->count++;
}

static struct samples begin(size_t tasks) {
    return (struct samples){
        .tasks = tasks, .preferences = preferences, .values = values};
}

/* Ten of eleven points of a segment: the one that is left out is found. */
static void the_hole_of_a_segment(void **state) {
    (void)state;
    struct samples samples = begin(2);
    struct gap gap;
    for (int i = 0; i <= 10; i++)
        if (i != 3)
            put(&samples, (double[]){i / 10.0, 1 - i / 10.0}, 50);
    assert_true(gap_widest(&samples, &gap));
    assert_true(fabs(gap.preference[0] - 0.3) < 0.002);
    assert_true(fabs(gap.width - 0.1 * sqrt(2)) < 0.004);
}

/* A hole of a triangle, in losses, found to within the places that are looked at; a
 * second search finds the same. */
static void the_hole_of_a_triangle(void **state) {
    (void)state;
    struct samples samples = begin(3);
    struct gap gap, again;
    samples.less[0] = samples.less[1] = samples.less[2] = true;
    const double hole[3] = {0.2, 0.5, 0.3};
    for (size_t i = 0; i < simplex_grid_count(3, 13); i++) {
        double at[3];
        simplex_grid_at(3, 13, i, at);
        if (hypot(at[0] - hole[0], at[1] - hole[1]) > 0.15)
            put(&samples, at, 1);
    }
    assert_true(gap_widest(&samples, &gap));
    assert_true(hypot(gap.preference[0] - hole[0], gap.preference[1] - hole[1]) < 0.06);
    assert_true(gap_widest(&samples, &again));
    assert_memory_equal(gap.preference, again.preference, 3 * sizeof(double));
}

static void put_pair(struct samples *samples, double share, double a, double b) {
    memcpy(preferences + 2 * samples->count, (double[]){share, 1 - share},
           2 * sizeof(double));
    memcpy(values + 2 * samples->count, (double[]){a, b}, 2 * sizeof(double));
    samples->count++;
}

/* What a measured model is expected to beat in everything is no gap of the front: the
 * widest one lies between the first two, halfway, but only its beginning counts. */
static void what_is_beaten_is_no_gap(void **state) {
    (void)state;
    struct samples samples = begin(2);
    struct gap gap;
    put_pair(&samples, 0, 0, 1);
    put_pair(&samples, 0.5, 0.2, 0.2);
    put_pair(&samples, 0.7, 0.7, 0.3);
    put_pair(&samples, 0.8, 0.8, 0.2);
    put_pair(&samples, 1, 1, 0);
    assert_true(gap_widest(&samples, &gap));
    assert_true(gap.preference[0] > 0.26);
    put_pair(&samples, 0.6, 0.6, 0.7);
    assert_true(gap_widest(&samples, &gap));
    assert_true(gap.preference[0] < 0.26);
}

static void nothing_to_look_for(void **state) {
    (void)state;
    struct samples samples = begin(3);
    struct gap gap;
    put(&samples, (double[]){1, 0, 0}, 1);
    put(&samples, (double[]){0, 1, 0}, 1);
    assert_false(gap_widest(&samples, &gap)); /* fewer than tasks */
    /* A thousand of one kind: nothing lies between them. */
    samples = begin(2);
    for (int i = 0; i < 100; i++)
        put(&samples, (double[]){i / 99.0, 1 - i / 99.0}, 0);
    assert_false(gap_widest(&samples, &gap));
}

/* Twelve tasks have a gap as well. */
static void twelve_tasks(void **state) {
    (void)state;
    struct samples samples = begin(12);
    struct gap gap;
    for (size_t t = 0; t < 12; t++) {
        double at[12] = {0};
        at[t] = 1;
        put(&samples, at, 1);
    }
    double sum = 0;
    assert_true(gap_widest(&samples, &gap));
    for (size_t t = 0; t < 12; t++)
        sum += gap.preference[t];
    assert_true(fabs(sum - 1) < 1e-9);
    assert_true(gap.width > 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hole_of_a_segment),
        cmocka_unit_test(the_hole_of_a_triangle),
        cmocka_unit_test(what_is_beaten_is_no_gap),
        cmocka_unit_test(nothing_to_look_for),
        cmocka_unit_test(twelve_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
