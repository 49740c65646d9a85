/* Fronts, knees, volumes and what stands beside them, of objectives of which more and
 * of which less is better. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "plot/points.h"
#include "results/by_series.h"
#include "results/front_set.h"
#include "results/volume.h"

enum { TASKS = 2 };

static struct error error;

/* In the place of the C library's: how often names are compared. */
static size_t compared;

int strcmp(const char *a, const char *b) {
    compared++;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

/* An accuracy up to (0, 10): more of the first and less of the second is better. */
static struct store *create(const char *name, char path[4200]) {
    struct store_task tasks[TASKS] = {
        {.name = "a", .objective = {.metric = "accuracy", .unit = "%"}},
        {.name = "b", .objective = {.metric = "loss", .unit = "nats"}}};
    tasks[0].objective.maximise = true;
    tasks[1].objective.reference = 10;
    struct store_recipe recipe = {
        .name = "mixed", .model = "vit", .task_count = TASKS, .tasks = tasks};
    struct store *store;
    snprintf(path, 4200, "%s/%s.db", folder(), name);
    if (store_create(path, &recipe, &store, &error))
        fail_msg("%s", error.text);
    return store;
}

static int64_t put(struct store *store, enum store_kind kind, const char *method,
                   const char *parameters, double a, double b) {
    struct store_solution solution = {.kind = kind,
                                      .method = (char *)method,
                                      .parameters = (char *)parameters,
                                      .label = ""};
    fixture_put(store, &solution, (double[]){a, b}, TASKS);
    return solution.id;
}

static struct catalog *read_catalog(struct store *store) {
    struct catalog *catalog;
    if (catalog_read_solutions(store, "test", &catalog, &error))
        fail_msg("%s", error.text);
    return catalog;
}

/* Rows 0 to 3 are the front, row 2 its knee; row 4 is dominated, and the others are no
 * merges made here. */
static struct store *mixed(const char *name, char path[4200]) {
    struct store *store = create(name, path);
    put(store, STORE_KIND_MERGE, "ties", "{\"scale\":0}", 10, 1);
    put(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.1}", 30, 6);
    put(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.2}", 28, 2);
    put(store, STORE_KIND_MERGE, "task-arithmetic", "{\"scale\":0.1}", 29, 4);
    put(store, STORE_KIND_MERGE, "average", "{}", 9, 2);
    put(store, STORE_KIND_TRAIN, "ls", "{}", 90, 0.5);
    put(store, STORE_KIND_IMPORT, "ours", "{}", 95, 0.1);
    put(store, STORE_KIND_SINGLE, "stl", "{}", 99, 0.1);
    return store;
}

/* One more, whose figure of the first task is in fp8. */
static int64_t put_fp8(struct store *store, double a, double b) {
    struct store_solution solution = {.kind = STORE_KIND_MERGE,
                                      .method = (char *)"wudi",
                                      .parameters = (char *)"{}",
                                      .label = ""};
    struct store_evaluation of[TASKS];
    for (size_t t = 0; t < TASKS; t++)
        of[t] = (struct store_evaluation){.objective = t,
                                          .split = "test",
                                          .value = t ? b : a,
                                          .low = t ? b : a,
                                          .high = t ? b : a,
                                          .examples = 1000,
                                          .complete = true,
                                          .fp8 = t == 0,
                                          .loss = 0.5};
    if (store_solution_put(store, &solution, &error) ||
        store_evaluations_put(store, solution.id, "", of, TASKS, &error))
        fail_msg("%s", error.text);
    return solution.id;
}

/* Of a front's points those in fp8 are counted, of which a volume knows. */
static void two_precisions(void **state) {
    (void)state;
    char path[4200];
    struct store *store = mixed("precisions", path);
    struct catalog *catalog = read_catalog(store);
    struct volume_points before, after;
    assert_int_equal(volume_points_make(&before, catalog, &error), 0);
    assert_int_equal(front_in_fp8(catalog, &before.points), 0);
    catalog_free(catalog);
    put_fp8(store, 31, 7); /* on the front */
    put(store, STORE_KIND_MERGE, "regmean", "{}", 32, 8);
    catalog = read_catalog(store);
    assert_int_equal(volume_points_make(&after, catalog, &error), 0);
    assert_int_equal(after.points.count, before.points.count + 2);
    assert_int_equal(front_in_fp8(catalog, &after.points), 1);
    assert_false(volume_points_same(&before, &after));
    struct front_volume *volume = front_volume_new(&after, VOLUME_KNOWN, 1, NULL);
    assert_int_equal(volume->fp8, 1);
    front_volume_free(volume);
    /* The same figures, measured otherwise, are not the same. */
    volume_points_clear(&before);
    assert_int_equal(volume_points_make(&before, catalog, &error), 0);
    assert_true(volume_points_same(&before, &after));
    before.fp8[before.points.rows[0]] = true;
    assert_false(volume_points_same(&before, &after));
    volume_points_clear(&before);
    volume_points_clear(&after);
    catalog_free(catalog);
    store_close(store);
}

static void who_dominates_whom(void **state) {
    (void)state;
    char path[4200];
    struct store *store = mixed("whom", path);
    struct catalog *catalog = read_catalog(store);
    assert_int_equal(catalog->count, 8);
    for (size_t i = 0; i < catalog->count; i++) {
        assert_int_equal(catalog->solutions[i].front, i < 4);
        assert_int_equal(catalog->solutions[i].knee, i == 2);
        assert_int_equal(catalog_series(catalog, i)->merged, i < 5);
        assert_false(catalog_series(catalog, i)->answers);
    }
    assert_true(front_dominates(catalog, 0, 4) && !front_dominates(catalog, 4, 0));
    assert_false(front_dominates(catalog, 0, 1) || front_dominates(catalog, 1, 0));
    assert_false(front_dominates(catalog, 2, 2));
    /* Baselines: of the loss the least is best. */
    assert_true(catalog->best[0] == 30 && catalog->best[1] == 1);
    assert_int_equal(catalog->best_row[0], 1);
    assert_int_equal(catalog->best_row[1], 0);
    assert_true(catalog->stl[0] == 99 && isnan(catalog->pretrained[0]));

    /* By hand, from (0, 10), turned to -30..0 and 1..10. */
    double whole =
        10 * 9 + (28 - 10) * (10 - 2) + (29 - 28) * (10 - 4) + (30 - 29) * (10 - 6);
    struct front_set set;
    assert_int_equal(
        front_set_make(&set, catalog, NULL, store, "test", 2, NULL, NULL, &error), 0);
    assert_int_equal(set.points.count, 5);
    assert_int_equal(set.front, 4);
    assert_true(fabs(set.hypervolume - whole) < 1e-9);
    assert_true(set.points.own_reference[0] == 0 && set.points.own_reference[1] == 10);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(set.points.rows[i], i);
        assert_int_equal(set.nondominated[i], i < 4);
        assert_int_equal(set.within_noise[i], -1); /* no bits were kept */
        assert_int_equal(set.rank[i], i < 4 ? 1 : 2);
        /* (28, 2) alone covers 224, to which (10, 1) adds 10, (30, 6) 8. */
        assert_int_equal(set.place[i], i == 2 ? 1 : i == 0 ? 2 : 0);
        assert_int_equal(isinf(set.crowding[i]), i != 2 && i != 3);
    }
    assert_true(fabs(set.contribution[1] - 1 * 4) < 1e-9);
    assert_true(fabs(set.contribution[2] - (28 - 10) * 2) < 1e-9);
    assert_true(set.contribution[4] == 0);
    /* (28, 2): 18 of 20 above the worst, 4 of 5 below it. */
    assert_true(fabs(set.weights[4] - 0.9 / 1.7) < 1e-12);
    assert_true(fabs(set.weights[5] - 0.8 / 1.7) < 1e-12);
    assert_true(fabs(set.crowding[2] - ((29.0 - 10) / 20 + (4.0 - 1) / 5)) < 1e-12);
    front_set_clear(&set);

    /* Among some only. */
    bool take[8] = {false, true, false, true, true};
    assert_int_equal(
        front_set_make(&set, catalog, take, store, "test", 2, NULL, NULL, &error), 0);
    assert_int_equal(set.points.count, 3);
    assert_int_equal(set.front, 3);
    front_set_clear(&set);
    memset(take, 0, sizeof take);
    assert_int_equal(
        front_set_make(&set, catalog, take, store, "test", 2, NULL, NULL, &error), 0);
    assert_true(set.points.count == 0 && set.hypervolume == 0);
    front_set_clear(&set);
    catalog_free(catalog);

    /* What answers preferences is on the front, and no baseline. */
    struct store_solution here = {.kind = STORE_KIND_MERGE,
                                  .method = "regmean",
                                  .preference = (double[]){0.25, 0.75},
                                  .label = ""};
    fixture_put(store, &here, (double[]){40, 0.9}, TASKS);
    catalog = read_catalog(store);
    assert_true(catalog->solutions[8].front && catalog_series(catalog, 8)->answers);
    assert_true(!catalog->solutions[0].front && catalog->best[0] == 30);
    catalog_free(catalog);
    store_close(store);
}

static void fronts_of_what_is_visible(void **state) {
    (void)state;
    char path[4200];
    struct store *store = mixed("visible", path);
    struct catalog *catalog = read_catalog(store);
    bool visible[8] = {false};
    size_t rows[8];
    for (size_t s = 0; s < catalog->series_count; s++)
        visible[s] = true;
    /* Each task's own expert is no model, but a published figure may dominate here. */
    assert_int_equal(front_over(catalog, visible, (size_t[]){0, 1}, 2, rows), 1);
    assert_int_equal(rows[0], 6);
    for (size_t s = 0; s < catalog->series_count; s++)
        visible[s] = catalog->series[s].merged;
    /* From the best of the first objective on; turned round from that of the other. */
    assert_int_equal(front_over(catalog, visible, (size_t[]){0, 1}, 2, rows), 4);
    assert_true(rows[0] == 1 && rows[1] == 3 && rows[2] == 2 && rows[3] == 0);
    assert_int_equal(front_over(catalog, visible, (size_t[]){1, 0}, 2, rows), 4);
    assert_true(rows[0] == 0 && rows[1] == 2 && rows[2] == 3 && rows[3] == 1);
    assert_int_equal(front_over(catalog, visible, (size_t[]){1}, 1, rows), 1);
    assert_int_equal(rows[0], 0);
    catalog_free(catalog);
    store_close(store);
}

/* What is partial or of an older expert is on no front, and no figure is lost for it.
 */
static void only_what_is_final(void **state) {
    (void)state;
    char path[4200];
    struct store *store = create("partial", path);
    put(store, STORE_KIND_MERGE, "average", "{}", 50, 5);
    struct store_solution part = {
        .kind = STORE_KIND_MERGE, .method = "fisher", .parameters = "{}", .label = ""};
    struct store_evaluation few = {.split = "test",
                                   .value = 80,
                                   .low = 70,
                                   .high = 90,
                                   .examples = 10,
                                   .loss = NAN};
    if (store_solution_put(store, &part, &error) ||
        store_evaluations_put(store, part.id, "", &few, 1, &error))
        fail_msg("%s", error.text);
    struct catalog *catalog = read_catalog(store);
    assert_true(catalog->solutions[0].front && !catalog->solutions[1].front);
    assert_true(catalog_value(catalog, 1, 0) == 80 && !catalog->solutions[1].whole);
    catalog_free(catalog);

    struct store_checkpoint expert = {.path = "elsewhere", .size = 1};
    memset(expert.sha256, 'c', SHA256_HEX - 1);
    if (store_set_expert(store, 0, &expert, &error))
        fail_msg("%s", error.text);
    catalog = read_catalog(store);
    assert_true(catalog->solutions[0].stale && !catalog->solutions[0].front);
    struct volume_points points;
    assert_int_equal(volume_points_make(&points, catalog, &error), 0);
    assert_int_equal(points.points.count, 0);
    volume_points_clear(&points);
    catalog_free(catalog);
    store_close(store);
}

static void volumes_are_known_by_their_points(void **state) {
    (void)state;
    char path[4200];
    struct store *store = mixed("volumes", path);
    struct catalog *catalog = read_catalog(store), *other;
    struct volume_points a, b;
    assert_int_equal(volume_points_make(&a, catalog, &error), 0);
    other = read_catalog(store);
    assert_int_equal(volume_points_make(&b, other, &error), 0);
    assert_true(volume_points_same(&a, &b));
    volume_points_clear(&b);
    catalog_free(other);
    /* What is beside the front changes nothing, another merge does. */
    put(store, STORE_KIND_TRAIN, "epo", "{}", 91, 0.2);
    other = read_catalog(store);
    assert_int_equal(volume_points_make(&b, other, &error), 0);
    assert_true(volume_points_same(&a, &b));
    volume_points_clear(&b);
    catalog_free(other);
    int64_t added = put(store, STORE_KIND_MERGE, "regmean", "{}", 31, 7);
    other = read_catalog(store);
    assert_int_equal(volume_points_make(&b, other, &error), 0);
    assert_false(volume_points_same(&a, &b));
    /* And another reference point. */
    volume_points_clear(&a);
    if (store_set_reference(store, (double[]){1, 10}, &error))
        fail_msg("%s", error.text);
    struct catalog *moved = read_catalog(store);
    assert_int_equal(volume_points_make(&a, moved, &error), 0);
    assert_false(volume_points_same(&a, &b));
    catalog_free(moved);

    double contributions[8], adds;
    assert_int_equal(oriented_keep(&b.points, true, &error), 0);
    assert_int_equal(oriented_contributions(&b.points, contributions, NULL, &error), 0);
    struct front_volume *volume = front_volume_new(&b, VOLUME_KNOWN, 1, contributions);
    assert_int_equal(volume->count, 5);
    assert_true(volume->reference[1] == 10);
    assert_true(front_volume_contribution(volume, added, &adds));
    assert_true(fabs(adds - 1 * 3) < 1e-9);
    assert_true(front_volume_contribution(volume, catalog->rows[4].solution.id, &adds));
    assert_true(adds == 0);
    front_volume_free(volume);
    volume = front_volume_new(&b, VOLUME_KNOWN, 1, NULL);
    assert_false(front_volume_contribution(volume, added, &adds));
    front_volume_free(volume);
    volume_points_clear(&a);
    volume_points_clear(&b);
    catalog_free(catalog);
    catalog_free(other);
    store_close(store);
}

/* Series by themselves: their rows and points as if all rows had been looked at. */
static void rows_by_their_series(void **state) {
    (void)state;
    char path[4200];
    struct store *store = mixed("rows", path);
    struct catalog *catalog = read_catalog(store);
    const bool takes[2][8] = {{true, true, true, true, true, true, true, true},
                              {true, false, true, false, true, true, false, true}};
    for (size_t n = 0; n < 2; n++) {
        struct by_series by;
        size_t seen = 0;
        assert_int_equal(by_series_make(&by, catalog, takes[n], &error), 0);
        for (size_t s = 0; s < catalog->series_count; s++) {
            bool own[8];
            struct oriented points, same;
            assert_int_equal(by.begins[s], seen);
            for (size_t i = 0; i < catalog->count; i++) {
                own[i] = takes[n][i] && catalog->solutions[i].series == s;
                if (own[i])
                    assert_int_equal(by.rows[seen++], i);
            }
            assert_int_equal(front_points(catalog, own, NULL, 0, &points, &error), 0);
            assert_int_equal(front_points_of(catalog, by.rows + by.begins[s],
                                             by.begins[s + 1] - by.begins[s], &same,
                                             &error),
                             0);
            assert_int_equal(points.count, same.count);
            for (size_t i = 0; i < points.count; i++)
                assert_int_equal(points.rows[i], same.rows[i]);
            oriented_clear(&points);
            oriented_clear(&same);
        }
        assert_int_equal(by.begins[catalog->series_count], seen);
        by_series_clear(&by);
    }
    catalog_free(catalog);
    store_close(store);
}

/* Each name of many is found among the others without comparing it with all. */
static void many_names_are_few_comparisons(void **state) {
    (void)state;
    enum { MANY = 400 };
    static bool take[MANY], dimmed[MANY];
    char path[4200], name[32];
    struct store *store = create("names", path);
    struct plot_points points;
    for (size_t i = 0; i < MANY; i++) {
        take[i] = true;
        snprintf(name, sizeof name, "method-%zu", i);
        put(store, STORE_KIND_MERGE, name, "{}", 50, 1);
    }
    struct catalog *catalog = read_catalog(store);
    assert_int_equal(catalog->series_count, MANY);
    compared = 0;
    assert_int_equal(plot_solutions(&points, catalog, take, dimmed, &error), 0);
    assert_int_equal(points.cloud.series_count, MANY);
    assert_int_equal(points.cloud.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_string_equal(points.cloud.series[points.cloud.points[i].series].name,
                            catalog->series[i].name);
    /* A tree that is twice as deep as it need be, looked at twice for each: 2 * 2 * 9.
     * Each with each would be 200 for each. */
    assert_in_range(compared, MANY, 50 * MANY);
    plot_points_clear(&points);
    catalog_free(catalog);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_precisions),
        cmocka_unit_test(who_dominates_whom),
        cmocka_unit_test(fronts_of_what_is_visible),
        cmocka_unit_test(only_what_is_final),
        cmocka_unit_test(volumes_are_known_by_their_points),
        cmocka_unit_test(rows_by_their_series),
        cmocka_unit_test(many_names_are_few_comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
