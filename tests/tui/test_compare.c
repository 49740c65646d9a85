/* Comparing what is measured while one looks: which batches come first, and what may
 * be said meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../results/fixture.h"
#include "eval/evaluator.h"
#include "panels/views.h"
#include "results/routing.h"

static void preferred_tasks_come_first(void **state) {
    (void)state;
    enum { EXAMPLES = 900 };
    char path[4096], directory[4096], note[256];
    struct store *store;
    struct store_recipe *recipe;
    struct store_run *runs;
    struct store_routers routers = {0};
    struct evaluator *evaluator;
    struct error error;
    struct running running[STORE_TASKS_MAX];
    struct evaluator_options options = {.device = "cpu", .threads = 1, .split = "test"};
    size_t count;
    bool found;
    double preference[] = {0.2, 0.3, 0.5};
    snprintf(directory, sizeof directory, "%s/real", folder());
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(path, sizeof path, "%s/real/results.db", folder());
    fixture_write_real(path, EXAMPLES);
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(store_recipe(store, &recipe, &error), 0);
    assert_int_equal(store_runs(store, &runs, &count, &error), 0);
    assert_int_equal(store_routers_last(store, runs[0].id, &found, &routers, &error),
                     0);
    if (evaluator_open(recipe, directory, &options, &evaluator, note, NULL, &error))
        fail_msg("%s", error.text);
    assert_int_equal(
        evaluator_use_routers(evaluator, routers.blob, routers.size, &error), 0);
    assert_int_equal(evaluator_begin_preference(evaluator, preference, &error), 0);
    evaluator_prefer(evaluator, 1u << 2);
    int result;
    bool seen[3] = {false, false, false};
    while ((result = evaluator_step(evaluator, running, &error)) == 0)
        for (size_t t = 0; t < 3; t++) {
            seen[t] = seen[t] || running[t].examples;
            if (t != 2 && running[t].examples)
                assert_true(running[2].complete);
        }
    assert_int_equal(result, 1);
    assert_true(seen[2]);
    /* The others are measured all the same. */
    for (size_t t = 0; t < 3; t++)
        assert_int_equal(running[t].examples, EXAMPLES);
    /* With nobody preferred they go side by side, and the figures are the same. */
    struct running before[3];
    memcpy(before, running, sizeof before);
    evaluator_prefer(evaluator, 0);
    assert_int_equal(evaluator_begin_preference(evaluator, preference, &error), 0);
    bool together = false;
    while ((result = evaluator_step(evaluator, running, &error)) == 0)
        together = together || (running[0].examples && running[2].examples &&
                                !running[0].complete && !running[2].complete);
    assert_int_equal(result, 1);
    assert_true(together);
    for (size_t t = 0; t < 3; t++)
        assert_int_equal(running[t].correct, before[t].correct);
    evaluator_close(evaluator);
    store_routers_clear(&routers);
    store_runs_free(runs, count);
    store_recipe_free(recipe);
    store_close(store);
}

static struct catalog *read_catalog(const char *path) {
    struct store *store;
    struct catalog *catalog;
    struct error error;
    assert_int_equal(store_open(path, STORE_READ_ONLY, &store, &error), 0);
    assert_int_equal(catalog_read(store, &catalog, &error), 0);
    store_close(store);
    return catalog;
}

/* What is made of a preference has one row more than there are modules: two models of
 * routers compared must have room for it. */
static void weights_of_routers_have_room(void **state) {
    (void)state;
    char path[4096];
    size_t modules = 0;
    snprintf(path, sizeof path, "%s/real/results.db", folder());
    struct catalog *catalog = read_catalog(path);
    float *weights = routing_weights(catalog, catalog->run_routers[0],
                                     (const double[]){0.2, 0.3, 0.5}, &modules);
    assert_non_null(weights);
    assert_true(modules > 0);
    assert_true(malloc_usable_size(weights) >= (modules + 1) * 3 * sizeof *weights);
    free(weights);
    catalog_free(catalog);
}

static char *page_of(struct explorer *explorer, int width) {
    struct canvas canvas = {.marks = palette_marks(true)};
    char *text = NULL;
    size_t size;
    assert_int_equal(canvas_resize(&canvas, width, 40), 0);
    struct view view = view_whole(&canvas);
    compare_view_draw(&view, explorer, 0);
    FILE *file = open_memstream(&text, &size);
    canvas_print(&canvas, file);
    fclose(file);
    canvas_free(&canvas);
    return text;
}

static char *page(struct explorer *explorer) {
    return page_of(explorer, 110);
}

static void undecided_until_the_examples_say_so(void **state) {
    (void)state;
    char path[4096], *text;
    struct fixture_options options = {.tasks = 3, .edge = 5, .baselines = true};
    struct explorer explorer;
    struct store *store;
    struct error error;
    double between[] = {0.3, 0.3, 0.4};
    snprintf(path, sizeof path, "%s/compare.db", folder());
    fixture_write(path, &options);
    explorer_init(&explorer, path);
    assert_int_equal(explorer_take_catalog(&explorer, read_catalog(path)), 0);
    explorer_go(&explorer, between, false);
    explorer.compared[0] =
        (struct compared){.name = "here", .row = SIZE_MAX, .has_preference = true};
    memcpy(explorer.compared[0].preference, between, sizeof between);
    explorer.compared[1] = (struct compared){.name = "stored", .row = 0};
    explorer.compared[1].solution = explorer.catalog->rows[0].solution.id;
    assert_int_equal(explorer_undecided(&explorer), 0); /* nobody is comparing */
    static const struct question comparison = {
        .kind = DIALOG_PAGE, .title = "Side by side", .compares = true};
    dialog_open(&explorer.dialog, &comparison);
    assert_int_equal(explorer_undecided(&explorer), 7); /* nothing is measured yet */
    text = page(&explorer);
    assert_non_null(strstr(text, "not measured"));
    free(text);
    /* The first task's interval holds the other's figure, the second's does not, the
     * third is complete. */
    double other[3];
    for (size_t t = 0; t < 3; t++)
        other[t] = catalog_value(explorer.catalog, 0, t);
    explorer.figures = FIGURES_RUNNING;
    explorer.running[0] = (struct running){.examples = 64,
                                           .value = other[0] + 1,
                                           .low = other[0] - 2,
                                           .high = other[0] + 4};
    explorer.running[1] = (struct running){.examples = 64,
                                           .value = other[1] + 9,
                                           .low = other[1] + 5,
                                           .high = other[1] + 12};
    explorer.running[2] =
        (struct running){.examples = 900, .value = other[2], .complete = true};
    assert_int_equal(explorer_undecided(&explorer), 1);
    text = page(&explorer);
    assert_non_null(strstr(text, "undecided, measured in part"));
    assert_null(strstr(text, "is better")); /* an interval alone claims nothing */
    free(text);
    /* Stored by now: the side has a row, and the paired test may speak. */
    struct store_solution solution = {.kind = STORE_KIND_PWEMOE,
                                      .method = "ls",
                                      .parameters = "{}",
                                      .preference = between,
                                      .routers = explorer.routers,
                                      .label = ""};
    struct store_evaluation evaluations[3] = {{0}};
    assert_int_equal(store_open(path, STORE_READ_WRITE, &store, &error), 0);
    assert_int_equal(store_solution_put(store, &solution, &error), 0);
    for (size_t t = 0; t < 3; t++)
        evaluations[t] = (struct store_evaluation){.objective = t,
                                                   .split = "test",
                                                   .value = 70,
                                                   .low = 69,
                                                   .high = 71,
                                                   .examples = 900,
                                                   .complete = true};
    assert_int_equal(
        store_evaluations_put(store, solution.id, "", evaluations, 3, &error), 0);
    store_close(store);
    assert_int_equal(explorer_take_catalog(&explorer, read_catalog(path)), 0);
    assert_int_equal(explorer.compared[0].solution, solution.id);
    assert_int_equal(explorer_undecided(&explorer), 0);
    explorer.paired[0] =
        (struct paired){.known = true, .p = 0.01, .only_a = 9, .only_b = 30};
    explorer.paired[1] =
        (struct paired){.known = true, .p = 0.2, .only_a = 9, .only_b = 15};
    text = page(&explorer);
    assert_non_null(strstr(text, "B is better"));
    assert_non_null(strstr(text, "undecided (p 0.200"));
    assert_non_null(strstr(text, "not paired"));
    /* The mean of both, and the verdict in words. */
    assert_non_null(strstr(text, "\n mean "));
    assert_non_null(strstr(text, "alpha: B is better, right on 30 of 900 examples that "
                                 "the other misses, against 9"));
    /* 900 x 3.84 x 24 / 36 in all. */
    assert_non_null(strstr(text, "beta: undecided, 15 of 900 differ one way, 9 the "
                                 "other; some 1,500 more would decide"));
    free(text);
    /* Sentences go on in the next line where they are longer. */
    text = page_of(&explorer, 74);
    assert_null(strstr(text, "…"));
    assert_non_null(strstr(text, "B is better (p 0.010)"));
    assert_non_null(strstr(text, "against 9"));
    assert_non_null(strstr(text, " decide"));
    free(text);
    explorer.paired[1].only_a = 15;
    text = page(&explorer);
    assert_non_null(strstr(text, "15 the other; they are equal so far"));
    free(text);
    explorer_free(&explorer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preferred_tasks_come_first),
        cmocka_unit_test(weights_of_routers_have_room),
        cmocka_unit_test(undecided_until_the_examples_say_so),
    };
    return cmocka_run_group_tests(tests, fixture_utf8, NULL);
}
