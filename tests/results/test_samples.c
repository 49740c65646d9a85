/* The nearest samples, found by blocks, beside those that a walk over all finds. */
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
#include "results/samples.h"

static struct samples samples_new(size_t tasks, size_t count) {
    struct samples samples = {.tasks = tasks, .count = count};
    samples.preferences = calloc(count * tasks, sizeof(double));
    samples.values = calloc(count * tasks, sizeof(double));
    assert_non_null(samples.preferences);
    assert_non_null(samples.values);
    for (size_t i = 0; i < count; i++)
        samples.values[i * tasks] = (double)i; /* tells which it is */
    return samples;
}

static struct samples of_grid(size_t tasks, size_t edge) {
    struct samples samples = samples_new(tasks, simplex_grid_count(tasks, edge));
    for (size_t i = 0; i < samples.count; i++)
        simplex_grid_at(tasks, edge, i, samples.preferences + i * tasks);
    assert_int_equal(samples_divide(&samples), 0);
    return samples;
}

static struct samples of_draws(size_t tasks, size_t count, struct random *draws) {
    struct samples samples = samples_new(tasks, count);
    for (size_t i = 0; i < count; i++)
        random_dirichlet(draws, 0.5, tasks, samples.preferences + i * tasks);
    assert_int_equal(samples_divide(&samples), 0);
    return samples;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double distance(const struct samples *samples, size_t i, const double *from) {
    double sum = 0;
    for (size_t t = 0; t < samples->tasks; t++) {
        double by = samples->preferences[i * samples->tasks + t] - from[t];
        sum += by * by;
    }
    return sum;
}

static void check_is(const struct samples *samples, size_t i,
                     const struct samples *near, size_t at) {
    size_t tasks = samples->tasks;
    assert_true(at < near->count);
    assert_true(near->values[at * tasks] == (double)i);
    assert_memory_equal(near->preferences + at * tasks,
                        samples->preferences + i * tasks, tasks * sizeof(double));
}

/* Against every distance, sorted: all that are nearer than the last of the least, then
 * of those as far as it as many as there is room for, evenly from their order. */
static void check_nearest(const struct samples *samples, const double *from,
                          size_t least, size_t most) {
    struct samples near;
    double *sorted = calloc(samples->count, sizeof *sorted);
    size_t at = 0;
    assert_non_null(sorted);
    for (size_t i = 0; i < samples->count; i++)
        sorted[i] = distance(samples, i, from);
    qsort(sorted, samples->count, sizeof *sorted, by_value);
    most = most < samples->count ? most : samples->count;
    least = least < most ? least : most;
    double low = sorted[least - 1] * (1 - 1e-9), high = sorted[least - 1] * (1 + 1e-9);
    assert_true(samples_nearest(samples, from, least, most, &near));
    size_t as_far = 0, tie = 0;
    for (size_t i = 0; i < samples->count; i++) {
        double far = distance(samples, i, from);
        as_far += far >= low && far <= high;
        if (far < low)
            check_is(samples, i, &near, at++);
    }
    size_t room = most - at < as_far ? most - at : as_far;
    for (size_t i = 0; i < samples->count; i++) {
        double far = distance(samples, i, from);
        if (far >= low && far <= high && tie++ * room % as_far + room >= as_far)
            check_is(samples, i, &near, at++);
    }
    assert_int_equal(near.count, at);
    samples_free(&near);
    free(sorted);
}

static void check_samples(struct samples *samples, struct random *draws) {
    double from[STORE_TASKS_MAX];
    static const size_t wanted[][2] = {{1, 1}, {8, 64}, {400, 400}, {3, 100000}};
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
        for (int i = 0; i < 6; i++) {
            if (i % 2) /* as far from many */
                memcpy(from,
                       samples->preferences +
                           samples->tasks * random_below(draws, samples->count),
                       samples->tasks * sizeof *from);
            else
                random_dirichlet(draws, 1, samples->tasks, from);
            check_nearest(samples, from, wanted[k][0], wanted[k][1]);
        }
    samples_free(samples);
}

static void finds_what_a_walk_finds(void **state) {
    (void)state;
    struct random draws;
    random_seed(&draws, 5, 0);
    for (size_t tasks = 2; tasks <= 8; tasks += 2)
        for (size_t count = 1; count <= 4096; count = count * 4 + (count == 16)) {
            struct samples samples = of_draws(tasks, count, &draws);
            check_samples(&samples, &draws);
        }
}

/* On a grid many are equally far, and many weights are equal. */
static void finds_what_a_walk_finds_on_grids(void **state) {
    (void)state;
    struct random draws;
    random_seed(&draws, 6, 0);
    static const size_t grids[][2] = {{2, 2000}, {3, 60}, {8, 7}, {12, 4}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        struct samples samples = of_grid(grids[i][0], grids[i][1]);
        check_samples(&samples, &draws);
    }
}

/* A thousand at one place are in blocks that reach nowhere. */
static void equal_samples_are_divided(void **state) {
    (void)state;
    struct random draws;
    random_seed(&draws, 7, 0);
    struct samples samples = samples_new(3, 1000);
    for (size_t i = 0; i < samples.count; i++)
        samples.preferences[i * 3 + 1] = 1;
    assert_int_equal(samples_divide(&samples), 0);
    assert_true(samples.blocks.count > 1);
    check_samples(&samples, &draws);
}

/* From the middle of a grid of twelve tasks every point is as far as another: those
 * that are taken know of each task. */
static void equally_far_ones_are_of_all_sides(void **state) {
    (void)state;
    struct samples samples = of_grid(12, 4), near;
    double middle[12];
    for (size_t t = 0; t < 12; t++)
        middle[t] = 1.0 / 12;
    assert_true(samples_nearest(&samples, middle, 48, 64, &near));
    assert_int_equal(near.count, 64);
    for (size_t t = 0; t < 12; t++) {
        double most = 0;
        for (size_t i = 0; i < near.count; i++)
            most = fmax(most, near.preferences[i * 12 + t]);
        assert_true(most > 0);
    }
    samples_free(&near);
    samples_free(&samples);
}

/* Most of many samples are left out: what is looked at is what makes a drag slow. */
static void blocks_are_small_and_compact(void **state) {
    (void)state;
    struct samples samples = of_grid(3, 100);
    const struct sample_blocks *blocks = &samples.blocks;
    const double *box = blocks->box;
    size_t seen = 0;
    for (size_t b = 0; b < blocks->count; b++, box += 6) {
        size_t count = blocks->begins[b + 1] - blocks->begins[b];
        assert_in_range(count, 32, 64);
        seen += count;
        for (size_t t = 0; t < 3; t++) /* 5,050 points: 64 are some 11 a side */
            assert_true(box[3 + t] - box[t] < 0.3);
    }
    assert_int_equal(seen, samples.count);
    samples_free(&samples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_walk_finds),
        cmocka_unit_test(finds_what_a_walk_finds_on_grids),
        cmocka_unit_test(equal_samples_are_divided),
        cmocka_unit_test(equally_far_ones_are_of_all_sides),
        cmocka_unit_test(blocks_are_small_and_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
