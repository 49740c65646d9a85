/* Hypervolumes by sampling, against exact ones and against what they promise. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "pareto/approximate.h"
#include "pareto/pareto.h"

enum { MOST = 300, WIDEST = 12 };
static const double ones[WIDEST] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static struct error error;

enum kind { SPHERE, PLANE, ANYWHERE, KINDS };

static void draw(struct random *random, enum kind kind, double *points, size_t count,
                 size_t objectives) {
    for (size_t i = 0; i < count; i++) {
        double *p = points + i * objectives, square = 0;
        for (size_t j = 0; j < objectives; j++) {
            p[j] = kind == SPHERE ? random_normal(random) : random_uniform(random);
            square += p[j] * p[j];
        }
        for (size_t j = 0; kind == SPHERE && j < objectives; j++)
            p[j] = 1 - fabs(p[j]) / sqrt(square);
        if (kind == PLANE)
            random_dirichlet(random, 1, objectives, p);
    }
}

static double approximate(const double *points, size_t count, size_t objectives,
                          double epsilon, uint64_t seed, double *adds) {
    const struct approximation how = {epsilon, seed};
    double volume = NAN;
    assert_int_equal(approximate_hypervolume(points, count, objectives, ones, &how,
                                             &volume, adds, NULL, &error),
                     0);
    return volume;
}

/* Each answer keeps its bound. Over seeds they scatter about the exact one: of n places
 * that count the spread is at most 1 / sqrt(n), and n is 7,300 for 0.05. */
static void answers_keep_their_bounds(void **state) {
    (void)state;
    enum { COUNT = 40, SEEDS = 10 };
    const double epsilon = 0.05, spread = 1 / sqrt(7300.0 * SEEDS);
    double points[COUNT * 7], exact, all[COUNT], adds[COUNT];
    struct random random;
    random_seed(&random, 1, 0);
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (size_t objectives = 5; objectives <= 7; objectives++) {
            double mean = 0;
            draw(&random, kind, points, COUNT, objectives);
            /* Of equal points none adds anything, and what another dominates neither.
             */
            memcpy(points + objectives, points, objectives * sizeof *points);
            assert_int_equal(pareto_hypervolume(points, COUNT, objectives, ones, &exact,
                                                NULL, &error),
                             0);
            assert_int_equal(pareto_contributions(points, COUNT, objectives, ones, all,
                                                  NULL, &error),
                             0);
            for (uint64_t seed = 0; seed < SEEDS; seed++) {
                double volume =
                    approximate(points, COUNT, objectives, epsilon, seed, adds);
                assert_true(fabs(volume - exact) <= epsilon * exact);
                mean += volume / exact / SEEDS;
                for (size_t i = 0; i < COUNT; i++)
                    assert_true(fabs(adds[i] - all[i]) <= epsilon * exact);
                assert_true(adds[0] == 0 && adds[1] == 0);
            }
            assert_true(fabs(mean - 1) < 4 * spread);
        }
}

/* The number of threads changes nothing, the seed does. */
static void a_seed_gives_the_same_numbers(void **state) {
    (void)state;
    enum { COUNT = 60, OBJECTIVES = 6 };
    double points[COUNT * OBJECTIVES], adds[2][COUNT];
    struct random random;
    random_seed(&random, 2, 0);
    draw(&random, PLANE, points, COUNT, OBJECTIVES);
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    double one = approximate(points, COUNT, OBJECTIVES, 0.02, 5, adds[0]);
    omp_set_num_threads(5);
    double five = approximate(points, COUNT, OBJECTIVES, 0.02, 5, adds[1]);
    omp_set_num_threads(threads);
    assert_true(one == five);
    assert_memory_equal(adds[0], adds[1], sizeof adds[0]);
    assert_true(approximate(points, COUNT, OBJECTIVES, 0.02, 6, NULL) != one);
}

/* The share of the unit cube's places that are dominated; its spread is known. */
static double share_of_cube(struct random *random, const double *points, size_t count,
                            size_t objectives, size_t places) {
    size_t hits = 0;
    for (size_t n = 0; n < places; n++) {
        double place[WIDEST];
        bool hit = false;
        for (size_t j = 0; j < objectives; j++)
            place[j] = random_uniform(random);
        for (size_t i = 0; i < count && !hit; i++) {
            size_t j = 0;
            while (j < objectives && points[i * objectives + j] <= place[j])
                j++;
            hit = j == objectives;
        }
        hits += hit;
    }
    return (double)hits / (double)places;
}

/* Twelve objectives and 300 points, of which nobody knows the exact volume. */
static void many_objectives(void **state) {
    (void)state;
    enum { PLACES = 200000 };
    static double points[MOST * WIDEST];
    struct random random;
    random_seed(&random, 3, 0);
    draw(&random, PLANE, points, MOST, WIDEST);
    double share = share_of_cube(&random, points, MOST, WIDEST, PLACES);
    double spread = sqrt(share * (1 - share) / PLACES);
    double volume = approximate(points, MOST, WIDEST, 0.02, 0, NULL);
    assert_true(share > 0.1 && share < 1);
    assert_true(fabs(volume - share) <= 0.02 * volume + 4 * spread);
    /* Units far from 1, in which boxes have volumes that a double cannot hold. */
    double small[WIDEST];
    for (size_t i = 0; i < MOST * WIDEST; i++)
        points[i] *= 0x1p-80;
    for (size_t j = 0; j < WIDEST; j++)
        small[j] = 0x1p-80;
    const struct approximation how = {0.02, 0};
    double scaled;
    assert_int_equal(approximate_hypervolume(points, MOST, WIDEST, small, &how, &scaled,
                                             NULL, NULL, &error),
                     0);
    assert_true(fabs(ldexp(scaled, 480) / ldexp(volume, -480) - 1) < 1e-9);
}

struct seen {
    size_t reports;
    atomic_bool stop;
};

static void see(void *self, const char *what, size_t done, size_t total) {
    struct seen *seen = self;
    assert_non_null(strstr(what, "sampling"));
    assert_true(done <= total);
    if (++seen->reports == 3)
        atomic_store(&seen->stop, true);
}

/* It tells how far it is, and obeys. */
static void it_can_be_stopped(void **state) {
    (void)state;
    static double points[MOST * WIDEST];
    const struct approximation how = {APPROXIMATE_LEAST, 0};
    struct seen seen = {0};
    struct work work = {&seen.stop, see, &seen};
    struct random random;
    double volume;
    random_seed(&random, 4, 0);
    draw(&random, SPHERE, points, MOST, WIDEST);
    assert_int_equal(approximate_hypervolume(points, MOST, WIDEST, ones, &how, &volume,
                                             NULL, &work, &error),
                     -1);
    assert_string_equal(error.text, "stopped");
    assert_int_equal(seen.reports, 3);
}

/* What is exact in no time is exact, and what has no volume is refused. */
static void edges(void **state) {
    (void)state;
    const struct approximation how = {0.1, 0};
    double points[20 * 5], volume, exact;
    struct random random;
    random_seed(&random, 5, 0);
    draw(&random, PLANE, points, 20, 5);
    assert_true(approximate_within(&how, 16, 12) == 0);
    assert_true(approximate_within(&how, 1000, 4) == 0);
    assert_true(approximate_within(NULL, 1000, 12) == 0);
    assert_true(approximate_within(&how, 17, 5) == 0.1);
    assert_int_equal(pareto_hypervolume(points, 16, 5, ones, &exact, NULL, &error), 0);
    assert_true(approximate(points, 16, 5, 0.1, 0, NULL) == exact);
    /* Nothing is inside. */
    double adds[20];
    for (size_t i = 0; i < 20; i++)
        points[5 * i + 2] = 1;
    assert_true(approximate(points, 20, 5, 0.1, 0, adds) == 0);
    assert_true(adds[0] == 0 && adds[19] == 0);
    points[2] = -INFINITY;
    assert_int_equal(
        approximate_hypervolume(points, 20, 5, ones, &how, &volume, NULL, NULL, &error),
        -1);
    assert_non_null(strstr(error.text, "objective 3"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_keep_their_bounds),
        cmocka_unit_test(a_seed_gives_the_same_numbers),
        cmocka_unit_test(many_objectives),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
