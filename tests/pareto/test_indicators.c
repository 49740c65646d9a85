/* The table of indicators, what points are in their set, and attainment surfaces:
 * against moocore and the definitions (tests/golden/indicators.txt), and against
 * figures worked out by hand. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pareto/attainment.h"
#include "pareto/indicators.h"
#include "pareto/pareto.h"
#include "pareto/standing.h"

static double *read_numbers(FILE *file, size_t count) {
    double *numbers = calloc(count, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fscanf(file, "%lf", &numbers[i]), 1);
    return numbers;
}

/* As test_golden.c: some hundred roundings of numbers of order 1. */
static void assert_close(const char *what, double ours, double theirs) {
    double limit = 500 * DBL_EPSILON * fmax(1, fabs(theirs));
    bool same = isfinite(theirs) ? fabs(ours - theirs) <= limit
                : isnan(theirs)  ? isnan(ours)
                                 : ours == theirs;
    if (!same)
        fail_msg("%s: %.17g is not %.17g", what, ours, theirs);
}

static double measured(const char *name, const struct indicator_input *in) {
    struct error error;
    double value;
    const struct indicator *indicator = indicator_find(name);
    assert_non_null(indicator);
    if (indicator_measure(indicator, in, &value, &error))
        fail_msg("%s: %s", name, error.text);
    return value;
}

static void check_standing(FILE *file, const struct indicator_input *in) {
    struct error error;
    size_t n = in->count, d = in->objectives;
    double *expected = read_numbers(file, 3 * n), *good = read_numbers(file, d * n);
    size_t *ranks = calloc(n, sizeof *ranks), *place = calloc(n, sizeof *place);
    double *crowding = calloc(n, sizeof *crowding);
    double *weights = calloc(n * d, sizeof *weights);
    assert_true(ranks && place && crowding && weights);
    assert_int_equal(standing_ranks(in->points, n, d, ranks, &error), 0);
    assert_int_equal(standing_crowding(in->points, n, d, ranks, crowding, &error), 0);
    standing_pseudo_weights(in->points, n, d, ranks, weights);
    assert_int_equal(
        standing_subset(in->points, n, d, in->reference, 5, place, NULL, &error), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ranks[i] - 1, (size_t)expected[3 * i]);
        assert_close("crowding", crowding[i], expected[3 * i + 1]);
        assert_int_equal(place[i], (size_t)expected[3 * i + 2]);
        for (size_t j = 0; j < d; j++)
            assert_close("pseudo-weight", weights[i * d + j], good[i * d + j]);
    }
    free(expected);
    free(good);
    free(ranks);
    free(place);
    free(crowding);
    free(weights);
}

static void turn(double *values, size_t rows, size_t d, const double *sign) {
    for (size_t i = 0; i < rows * d; i++)
        values[i] *= sign[i % d];
}

static void check_case(FILE *file, size_t d, size_t n, size_t others, size_t weights) {
    double *sign = read_numbers(file, d), *reference = read_numbers(file, d);
    double *ideal = read_numbers(file, d), *points = read_numbers(file, n * d);
    double *set = read_numbers(file, others * d);
    double *given = read_numbers(file, weights * d);
    turn(reference, 1, d, sign);
    turn(ideal, 1, d, sign);
    turn(points, n, d, sign);
    turn(set, others, d, sign);
    struct indicator_input in = {.points = points,
                                 .count = n,
                                 .objectives = d,
                                 .reference = reference,
                                 .set = set,
                                 .set_count = others,
                                 .ideal = ideal};
    char name[32];
    double value;
    size_t table, seen = 0;
    indicators(&table);
    while (fscanf(file, " %31[a-z_0-9] %lf", name, &value) == 2) {
        bool weighted = strcmp(name, "r2_by_weights") == 0;
        in.weights = weighted ? given : NULL;
        in.weight_count = weighted ? weights : 0;
        assert_close(name, measured(weighted ? "r2" : name, &in), value);
        seen++;
        if (weighted)
            break;
    }
    assert_int_equal(seen, d == 2 ? table + 1 : table);
    check_standing(file, &in);
    free(sign);
    free(reference);
    free(ideal);
    free(points);
    free(set);
    free(given);
}

static void check_surfaces(FILE *file, size_t n, size_t sets) {
    double *rows = read_numbers(file, 3 * n), *points = calloc(2 * n, sizeof *points);
    size_t *set_of = calloc(n, sizeof *set_of);
    assert_true(points && set_of);
    for (size_t i = 0; i < n; i++) {
        set_of[i] = (size_t)rows[3 * i];
        points[2 * i] = rows[3 * i + 1];
        points[2 * i + 1] = rows[3 * i + 2];
    }
    const size_t levels[] = {1, attainment_median(sets), sets};
    for (size_t l = 0; l < 3; l++) {
        struct error error;
        double *surface;
        size_t corners, wanted;
        assert_int_equal(fscanf(file, " corners %zu", &wanted), 1);
        double *expected = read_numbers(file, 2 * wanted);
        assert_int_equal(attainment_surface(points, set_of, n, sets, levels[l],
                                            &surface, &corners, &error),
                         0);
        assert_int_equal(corners, wanted);
        for (size_t i = 0; i < 2 * corners; i++)
            assert_true(surface[i] == expected[i]);
        free(surface);
        free(expected);
    }
    free(rows);
    free(points);
    free(set_of);
}

static void as_moocore_has_it(void **state) {
    (void)state;
    char path[4096];
    const char *top = getenv("srcdir");
    snprintf(path, sizeof path, "%s/tests/golden/indicators.txt", top ? top : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t d, n, others, weights, cases = 0, surfaces = 0;
    while (fscanf(file, " case %zu %zu %zu %zu", &d, &n, &others, &weights) == 4) {
        check_case(file, d, n, others, weights);
        cases++;
    }
    /* "case" and "sets" differ in their first letter, so nothing was read of it. */
    while (fscanf(file, " sets %zu %zu", &n, &others) == 2) {
        check_surfaces(file, n, others);
        surfaces++;
    }
    fclose(file);
    assert_int_equal(cases, 12);
    assert_int_equal(surfaces, 3);
}

/* (1, 3), (2, 2), (4, 1) and the reference set (1, 2), (3, 1); (4, 4) is the reference
 * point and (0, 0) the ideal one. */
static void by_hand(void **state) {
    (void)state;
    static const double points[] = {1, 3, 2, 2, 4, 1}, set[] = {1, 2, 3, 1};
    const struct indicator_input in = {.points = points,
                                       .count = 3,
                                       .objectives = 2,
                                       .reference = (const double[]){4, 4},
                                       .set = set,
                                       .set_count = 2,
                                       .ideal = (const double[]){0, 0}};
    assert_close("hypervolume", measured("hypervolume", &in), 5);
    assert_close("share", measured("hypervolume_share", &in), 5.0 / 7);
    assert_close("igd", measured("igd", &in), 1);
    /* (1, 2): (1, 3) and (2, 2) are 1 worse; (3, 1): (2, 2) and (4, 1) are. */
    assert_close("igd_plus", measured("igd_plus", &in), 1);
    assert_close("gd", measured("gd", &in), 1);
    assert_close("hausdorff", measured("hausdorff", &in), 1);
    assert_close("additive", measured("epsilon_additive", &in), 1);
    /* (3, 1) is reached by (4, 1) at 4/3, (1, 2) by (1, 3) at 3/2. */
    assert_close("multiplicative", measured("epsilon_multiplicative", &in), 1.5);
}

/* The integral is what a fine grid of weights comes near to: the trapezoid rule on a
 * function of slope at most 4 with corners is within 4 / 2000. */
static void r2_is_the_limit_of_weights(void **state) {
    (void)state;
    enum { GRID = 2001 };
    static const double points[] = {1, 3, 2, 2, 4, 1, 3, 3, 1, 3.5};
    double *weights = calloc(2 * GRID, sizeof *weights);
    assert_non_null(weights);
    for (size_t i = 0; i < GRID; i++) {
        weights[2 * i] = (double)i / (GRID - 1);
        weights[2 * i + 1] = 1 - weights[2 * i];
    }
    struct indicator_input in = {.points = points,
                                 .count = 5,
                                 .objectives = 2,
                                 .ideal = (const double[]){0.5, 0}};
    double exact = measured("r2", &in);
    in.weights = weights;
    in.weight_count = GRID;
    assert_true(fabs(measured("r2", &in) - exact) < 4.0 / 2000);
    /* A point that is the ideal one is as good as can be. */
    in.ideal = points;
    in.count = 1;
    in.weights = NULL;
    assert_true(measured("r2", &in) == 0);
    free(weights);
}

/* Three objectives without weights: the grid's mean. One point at distance 1 in each:
 * the mean of the greatest weight, 11/18 over the simplex. */
static void r2_has_a_grid(void **state) {
    (void)state;
    const struct indicator_input in = {.points = (const double[]){1, 1, 1},
                                       .count = 1,
                                       .objectives = 3,
                                       .ideal = (const double[]){0, 0, 0}};
    assert_true(fabs(measured("r2", &in) - 11.0 / 18) < 0.02);
}

static void what_is_not_defined_or_refused(void **state) {
    (void)state;
    static const double points[] = {1, 3, 2, 2}, set[] = {1, 0};
    struct indicator_input in = {.points = points,
                                 .count = 2,
                                 .objectives = 2,
                                 .reference = (const double[]){1, 1},
                                 .set = set,
                                 .set_count = 1};
    struct error error;
    double value;
    assert_true(isnan(measured("epsilon_multiplicative", &in)));
    assert_true(isnan(measured("hypervolume_share", &in)));
    assert_int_equal(indicator_measure(indicator_find("r2"), &in, &value, &error), -1);
    assert_non_null(strstr(error.text, "r2"));
    in.ideal = (const double[]){1.5, 0};
    assert_int_equal(indicator_measure(indicator_find("r2"), &in, &value, &error), -1);
    assert_non_null(strstr(error.text, "better than the ideal point in objective 1"));
    atomic_bool stop = true;
    const struct work work = {.stop = &stop};
    double many[12] = {0};
    in = (struct indicator_input){
        .points = many, .count = 1, .objectives = 12, .ideal = many, .work = &work};
    assert_int_equal(indicator_measure(indicator_find("r2"), &in, &value, &error), -1);
    assert_string_equal(error.text, "stopped");
    assert_null(indicator_find("r3"));
}

/* Chains of dominance, equal points, one point, and fronts without a range. */
static void standing_at_the_edges(void **state) {
    (void)state;
    static const double points[] = {1, 1, 2, 2, 2, 2, 3, 3};
    struct error error;
    size_t ranks[4], place[4];
    double crowding[4], weights[8];
    assert_int_equal(standing_ranks(points, 4, 2, ranks, &error), 0);
    assert_memory_equal(ranks, ((const size_t[]){1, 2, 2, 3}), sizeof ranks);
    assert_int_equal(standing_crowding(points, 4, 2, ranks, crowding, &error), 0);
    for (size_t i = 0; i < 4; i++)
        assert_true(isinf(crowding[i]));
    standing_pseudo_weights(points, 4, 2, ranks, weights);
    assert_true(weights[0] == 0.5 && weights[1] == 0.5 && isnan(weights[2]));
    /* All that the others could add, the first covers. */
    const double reference[] = {4, 4};
    assert_int_equal(
        standing_subset(points, 4, 2, reference, SIZE_MAX, place, NULL, &error), 0);
    assert_memory_equal(place, ((const size_t[]){1, 0, 0, 0}), sizeof place);
    assert_int_equal(standing_subset(points, 0, 2, reference, 3, place, NULL, &error),
                     0);
    assert_int_equal(standing_ranks(points, 0, 2, ranks, &error), 0);
}

/* A level that fewer sets reach than there must be has no surface. */
static void attainment_of_empty_sets(void **state) {
    (void)state;
    static const double points[] = {1, 2, 2, 1};
    static const size_t set_of[] = {0, 0};
    struct error error;
    double *surface;
    size_t corners;
    assert_int_equal(
        attainment_surface(points, set_of, 2, 2, 2, &surface, &corners, &error), 0);
    assert_int_equal(corners, 0);
    free(surface);
    assert_int_equal(
        attainment_surface(points, set_of, 2, 2, 1, &surface, &corners, &error), 0);
    assert_int_equal(corners, 2);
    free(surface);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_moocore_has_it),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(r2_is_the_limit_of_weights),
        cmocka_unit_test(r2_has_a_grid),
        cmocka_unit_test(what_is_not_defined_or_refused),
        cmocka_unit_test(standing_at_the_edges),
        cmocka_unit_test(attainment_of_empty_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
