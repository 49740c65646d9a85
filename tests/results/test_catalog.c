/* One catalog after the other from a file that another connection writes to: each is
 * what a whole read of the file gives, and lives as long as it is used. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "fixture.h"
#include "results/answerer.h"
#include "results/catalog.h"
#include "results/row.h"

static struct error error;

static struct store *open_file(const char *path, enum store_mode mode) {
    struct store *store;
    if (store_open(path, mode, &store, &error))
        fail_msg("%s", error.text);
    return store;
}

/* A solution of the fixture's routers with the given figures. */
static void put(struct store *store, const double *preference, const double *values,
                size_t tasks, bool complete) {
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = "ls",
                                      .preference = (double *)preference,
                                      .routers = 1,
                                      .label = ""};
    struct store_evaluation evaluations[STORE_TASKS_MAX] = {{0}};
    for (size_t t = 0; t < tasks; t++)
        evaluations[t] = (struct store_evaluation){.objective = t,
                                                   .split = "test",
                                                   .value = values[t],
                                                   .low = values[t],
                                                   .high = values[t],
                                                   .examples = complete ? 1000 : 10,
                                                   .complete = complete,
                                                   .loss = NAN};
    if (store_solution_put(store, &solution, &error) ||
        store_evaluations_put(store, solution.id, "", evaluations, tasks, &error))
        fail_msg("%s", error.text);
}

static void assert_same(const struct catalog *a, const struct catalog *b) {
    assert_true(a->count == b->count && a->tasks == b->tasks);
    assert_true(a->series_count == b->series_count && a->run_count == b->run_count);
    for (size_t s = 0; s < a->series_count; s++) {
        assert_string_equal(a->series[s].key, b->series[s].key);
        assert_true(a->series[s].count == b->series[s].count);
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct store_row *x = &a->rows[i], *y = &b->rows[i];
        const struct solution *u = &a->solutions[i], *v = &b->solutions[i];
        assert_true(x->solution.id == y->solution.id);
        assert_string_equal(x->solution.method, y->solution.method);
        assert_string_equal(x->solution.parameters, y->solution.parameters);
        assert_string_equal(x->upscale, y->upscale);
        assert_true(u->series == v->series && u->whole == v->whole &&
                    u->front == v->front && u->knee == v->knee && u->stale == v->stale);
        for (size_t t = 0; t < a->tasks; t++) {
            double p = catalog_value(a, i, t), q = catalog_value(b, i, t);
            assert_true(p == q || (isnan(p) && isnan(q)));
            assert_true(x->evaluations[t].examples == y->evaluations[t].examples);
            if (x->solution.preference)
                assert_true(x->solution.preference[t] == y->solution.preference[t]);
        }
    }
    for (size_t t = 0; t < a->tasks; t++)
        assert_true(a->best_row[t] == b->best_row[t]);
    assert_true(a->curve_run == b->curve_run && a->curve_count == b->curve_count);
    for (size_t i = 0; i < a->curve_count; i++) {
        const struct store_curve_point *x = &a->curve[i], *y = &b->curve[i];
        assert_true(x->step == y->step && x->task == y->task && x->loss == y->loss);
    }
}

static struct catalog *next(struct catalog_source *source, struct store *viewer) {
    struct catalog *catalog, *whole;
    if (catalog_source_read(source, false, &catalog, &error))
        fail_msg("%s", error.text);
    catalog_source_settle(source);
    if (catalog_read(viewer, &whole, &error))
        fail_msg("%s", error.text);
    assert_same(catalog, whole);
    catalog_free(whole);
    return catalog;
}

static void a_growing_file(void **state) {
    (void)state;
    enum { TASKS = 4, ROUNDS = 60 };
    char path[4200];
    struct fixture_options options = {
        .tasks = TASKS, .edge = 5, .baselines = true, .log = true};
    snprintf(path, sizeof path, "%s/results.db", folder());
    fixture_write(path, &options);
    struct store *writer = open_file(path, STORE_READ_WRITE);
    struct store *reads = open_file(path, STORE_READ_ONLY);
    struct store *viewer = open_file(path, STORE_READ_ONLY);
    struct catalog_source *source = catalog_source_new(reads);
    struct catalog *kept[ROUNDS];
    struct random random;
    bool pieced = false;
    double preference[TASKS] = {0}, values[TASKS] = {0};
    random_seed(&random, 3, 0);
    for (size_t round = 0; round < ROUNDS; round++) {
        kept[round] = next(source, viewer);
        pieced = pieced || catalog_source_pieced(source);
        switch (round % 4) {
        case 0: /* a new solution, on the front or behind it */
        case 1:
            random_dirichlet(&random, 1, TASKS, preference);
            for (size_t t = 0; t < TASKS; t++)
                values[t] = fixture_value(preference, t) + (round % 8 ? 1 : -1);
            put(writer, preference, values, TASKS, round % 3 != 0);
            break;
        case 2: /* the same one, now from other examples */
            for (size_t t = 0; t < TASKS; t++)
                values[t] -= round % 8 == 2 ? 7 : 0.5;
            put(writer, preference, values, TASKS, true);
            break;
        default: /* nothing that rows tell of */
            if (store_log(writer, &error, "round %zu", round))
                fail_msg("%s", error.text);
        }
    }
    assert_true(pieced);
    /* Those that others share rows with go first, last and in between. */
    size_t count = kept[0]->count;
    catalog_source_free(source);
    for (size_t i = 1; i < ROUNDS; i += 2)
        catalog_free(kept[i]);
    for (size_t i = 0; i < ROUNDS; i += 2) {
        assert_true(kept[i]->count >= count);
        count = kept[i]->count;
        assert_string_equal(kept[i]->rows[count - 1].evaluations[0].split, "test");
        catalog_free(kept[i]);
    }
    store_close(viewer);
    store_close(reads);
    store_close(writer);
}

/* Saves points of all tasks for the steps from..to, each with the loss given. */
static void save_curve(struct store *store, struct store_run *run, size_t tasks,
                       unsigned from, unsigned to, double loss) {
    struct store_curve_point points[400];
    size_t count = 0;
    for (unsigned step = from; step <= to; step++)
        for (size_t t = 0; t < tasks; t++)
            points[count++] = (struct store_curve_point){step, t, loss + (double)t};
    run->steps_done = to;
    if (store_run_save(store, run, NULL, NULL, 0, points, count, &error))
        fail_msg("%s", error.text);
}

static double loss_at(const struct catalog *catalog, unsigned step) {
    for (size_t i = 0; i < catalog->curve_count; i++)
        if (catalog->curve[i].step == step && catalog->curve[i].task == 0)
            return catalog->curve[i].loss;
    return NAN;
}

static void a_growing_curve(void **state) {
    (void)state;
    enum { TASKS = 2 };
    char path[4200];
    struct fixture_options options = {.tasks = TASKS, .edge = 3};
    struct store_curve_point old[] = {{3, 0, 77}, {3, 1, 78}};
    struct catalog *catalog;
    snprintf(path, sizeof path, "%s/curve.db", folder());
    fixture_write(path, &options);
    struct store *writer = open_file(path, STORE_READ_WRITE);
    struct store *reads = open_file(path, STORE_READ_ONLY);
    struct store *viewer = open_file(path, STORE_READ_ONLY);
    struct catalog_source *source = catalog_source_new(reads);
    struct store_run run = {
        .method = "ls", .upscale = "mlp", .parameters = "{}", .steps = 1000};
    catalog = next(source, viewer);
    assert_true(catalog->run_count && catalog->curve_count > 0);
    assert_true(catalog->curve_run == catalog->runs[catalog->run_count - 1].id);
    catalog_free(catalog);
    /* Another run, whose curve is empty at first. */
    assert_int_equal(store_run_begin(writer, &run, &error), 0);
    catalog = next(source, viewer);
    assert_true(catalog->curve_run == run.id && catalog->curve_count == 0);
    catalog_free(catalog);
    for (unsigned step = 0; step < 200; step += 20) {
        save_curve(writer, &run, TASKS, step + 1, step + 20, step);
        catalog = next(source, viewer);
        assert_true(catalog->curve_count == TASKS * (step + 20));
        catalog_free(catalog);
        catalog_free(next(source, viewer)); /* nothing new */
    }
    /* What was read is not read again, but for the last step ... */
    if (store_run_save(writer, &run, NULL, NULL, 0, old, 2, &error))
        fail_msg("%s", error.text);
    save_curve(writer, &run, TASKS, 200, 201, 50);
    assert_int_equal(catalog_source_read(source, false, &catalog, &error), 0);
    assert_true(catalog->curve_count == TASKS * 201);
    assert_true(loss_at(catalog, 3) == 0 && loss_at(catalog, 200) == 50);
    catalog_free(catalog);
    /* ... until all is. */
    assert_int_equal(catalog_source_read(source, true, &catalog, &error), 0);
    assert_true(catalog->curve_count == TASKS * 201 && loss_at(catalog, 3) == 77);
    catalog_free(catalog);
    /* A run that went back has a curve of its own. */
    save_curve(writer, &run, TASKS, 100, 120, 33);
    catalog = next(source, viewer);
    assert_true(loss_at(catalog, 110) == 33 && loss_at(catalog, 200) == 50);
    catalog_free(catalog);
    catalog_source_free(source);
    store_close(viewer);
    store_close(reads);
    store_close(writer);
}

/* The newest complete run answers; where none is, the newest of those that have saved
 * anything; where none has, the closed form. */
static void who_answers(void **state) {
    (void)state;
    struct store_run runs[] = {{.id = 1, .complete = true},
                               {.id = 2, .complete = true},
                               {.id = 3, .complete = false},
                               {.id = 4, .complete = false}};
    assert_int_equal(answerer_run(runs, (int64_t[]){11, 12, 13, 14}, 4), 1);
    assert_int_equal(answerer_run(runs, (int64_t[]){11, 0, 13, 14}, 4), 0);
    assert_int_equal(answerer_run(runs, (int64_t[]){0, 0, 13, 14}, 4), 3);
    assert_int_equal(answerer_run(runs, (int64_t[]){0, 0, 13, 0}, 4), 2);
    assert_true(answerer_run(runs, (int64_t[]){0, 0, 0, 0}, 4) == SIZE_MAX);

    char path[4096];
    struct catalog *catalog;
    fixture_write_in(folder(), 3, 2, path);
    int64_t newer = fixture_interrupt_run(path);
    struct store *store = open_file(path, STORE_READ_ONLY);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    assert_int_equal(catalog->run_count, 2);
    assert_true(answerer_default(catalog) != newer && answerer_default(catalog) > 0);
    catalog->runs[0].complete = false;
    assert_int_equal(answerer_default(catalog), newer);
    catalog->run_routers[0] = catalog->run_routers[1] = 0;
    assert_int_equal(answerer_default(catalog), CATALOG_CLOSED_FORM);
    catalog_free(catalog);
    store_close(store);
}

/* Percentages two, losses as many as tell them apart. */
static void figures_have_decimals(void **state) {
    (void)state;
    const struct store_objective accuracy = {NULL, "accuracy", "%", true, 0},
                                 loss = {NULL, "loss", "nats", false, 5};
    assert_int_equal(row_digits(&accuracy, 0.5), 2);
    assert_int_equal(row_digits(&loss, -0.45), 4);
    assert_int_equal(row_digits(&loss, 12.3), 3);
    assert_int_equal(row_digits(&loss, 1234), 2);
}

/* A model trained whole is not called by its folder, unless there are several. */
static void what_rows_are_called(void **state) {
    (void)state;
    struct fixture_options options = {.tasks = 2, .baselines = true};
    static const struct store_solution put[] = {{.kind = STORE_KIND_TRAIN,
                                                 .method = "ls",
                                                 .parameters = "{}",
                                                 .label = "../trained/a"},
                                                {.kind = STORE_KIND_TRAIN,
                                                 .method = "model",
                                                 .parameters = "{}",
                                                 .label = "../other"},
                                                {.kind = STORE_KIND_TRAIN,
                                                 .method = "ls",
                                                 .parameters = "{\"seed\":1}",
                                                 .label = "../trained/b"}};
    static const char *const called[][3] = {{"trained whole, ls", "../other"},
                                            {"trained whole, ls (../trained/a)",
                                             "../other",
                                             "trained whole, ls (../trained/b)"}};
    char path[4200], text[128];
    snprintf(path, sizeof path, "%s/called.db", folder());
    fixture_write(path, &options);
    struct store *store = open_file(path, STORE_READ_WRITE);
    for (size_t i = 0; i < 3; i++) {
        struct store_solution one = put[i];
        struct catalog *catalog;
        fixture_put(store, &one, (double[]){70, 71}, 2);
        assert_int_equal(catalog_read(store, &catalog, &error), 0);
        for (size_t k = 0; k <= i; k++) {
            size_t row = catalog->count - i - 1 + k;
            catalog_row_text(catalog, row, text, sizeof text);
            assert_string_equal(text, called[i / 2][k]);
        }
        catalog_free(catalog);
    }
    store_close(store);
}

/* As catalog_find says: the last row of all, walked over. */
static size_t walk(const struct catalog *catalog, const double *preference,
                   int64_t routers) {
    for (size_t i = catalog->count; i-- > 0;) {
        const struct store_solution *solution = &catalog->rows[i].solution;
        bool same = catalog_answerer(solution) == routers && routers != 0;
        for (size_t t = 0; same && t < catalog->tasks; t++)
            same = fabs(solution->preference[t] - preference[t]) <= 1e-9;
        if (same)
            return i;
    }
    return SIZE_MAX;
}

/* Preferences that are stored, that are by rounding, and that are nearly. */
static void the_row_of_a_preference(void **state) {
    (void)state;
    struct fixture_options options = {.tasks = 5, .edge = 7, .baselines = true};
    struct catalog *catalog;
    char path[4200];
    snprintf(path, sizeof path, "%s/find.db", folder());
    fixture_write(path, &options);
    struct store *store = open_file(path, STORE_READ_WRITE);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    size_t found = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const double *at = catalog->rows[i].solution.preference;
        if (!at)
            continue;
        static const double offsets[] = {0, 4e-10, -4e-10, 3e-9, 1e-3};
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
            double preference[5];
            for (size_t t = 0; t < 5; t++)
                preference[t] = at[t] + (t % 2 ? offsets[k] : -offsets[k]);
            for (int64_t routers = -2; routers <= 2; routers++) {
                size_t row = catalog_find(catalog, preference, routers);
                assert_true(row == walk(catalog, preference, routers));
                found += row != SIZE_MAX;
            }
        }
    }
    assert_true(found > 600); /* 210 points with three offsets that are none */
    catalog_free(catalog);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growing_file),
        cmocka_unit_test(a_growing_curve),
        cmocka_unit_test(who_answers),
        cmocka_unit_test(figures_have_decimals),
        cmocka_unit_test(what_rows_are_called),
        cmocka_unit_test(the_row_of_a_preference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
