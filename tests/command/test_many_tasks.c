/* Fronts of so many objectives that their volumes take longer than anyone waits. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../support/patience.h"
#include "base/random.h"
#include "run.h"
#include "store/store.h"

enum { TASKS = 14, MODELS = 300 };

/* Models that lie on a sphere, so that none dominates another. */
static void make_models(struct store *store) {
    struct random random;
    struct error error;
    random_seed(&random, 1, 0);
    for (int i = 0; i < MODELS; i++) {
        struct store_evaluation evaluations[TASKS] = {{0}};
        char parameters[32];
        double values[TASKS], square = 0;
        snprintf(parameters, sizeof parameters, "{\"scale\":%d}", i);
        struct store_solution solution = {
            .kind = STORE_KIND_MERGE, .method = "ties", .parameters = parameters};
        for (size_t t = 0; t < TASKS; t++) {
            values[t] = random_normal(&random);
            square += values[t] * values[t];
        }
        for (size_t t = 0; t < TASKS; t++) {
            double value = 100 * fabs(values[t]) / sqrt(square);
            evaluations[t] = (struct store_evaluation){.objective = t,
                                                       .split = "test",
                                                       .value = value,
                                                       .low = value,
                                                       .high = value,
                                                       .examples = 1,
                                                       .complete = true,
                                                       .loss = (double)NAN};
        }
        if (store_solution_put(store, &solution, &error) ||
            store_evaluations_put(store, solution.id, NULL, evaluations, TASKS, &error))
            fail_msg("%s", error.text);
    }
}

static int make_store(void **state) {
    (void)state;
    struct store_task tasks[TASKS] = {{0}};
    char names[TASKS][8], path[4200];
    for (size_t t = 0; t < TASKS; t++) {
        snprintf(names[t], sizeof names[t], "t%zu", t);
        tasks[t].name = names[t];
        tasks[t].objective.metric = "accuracy";
        tasks[t].objective.unit = "%";
        tasks[t].objective.maximise = true;
    }
    struct store_recipe recipe = {.name = "many", .task_count = TASKS, .tasks = tasks};
    struct store *store;
    struct error error;
    snprintf(path, sizeof path, "%s/many.db", folder());
    if (store_create(path, &recipe, &store, &error) || store_begin(store, &error))
        fail_msg("%s", error.text);
    make_models(store);
    if (store_commit(store, &error))
        fail_msg("%s", error.text);
    store_close(store);
    return 0;
}

/* What only shows ends by the signal itself, in the middle of its volumes; killed where
 * it has not ended a minute after that. SIGTERM, as a shell has SIGINT ignored in what
 * it starts in the background. */
static void show_front_ends_when_asked(void **state) {
    (void)state;
    struct ran ran = shell("./pwemoe show %s/many.db front & pid=$!; "
                           "sleep 1; kill -0 $pid && kill -TERM $pid; "
                           "(sleep " PATIENCE_TEXT "; kill -KILL $pid) & dog=$!; "
                           "wait $pid; status=$?; kill $dog; exit $status",
                           folder());
    assert_int_equal(ran.status, 128 + SIGTERM);
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

/* A chart shows which points are dominated; no volume is needed for that. */
static void plots_compute_no_volumes(void **state) {
    (void)state;
    struct ran ran =
        shell("timeout -k 1 " PATIENCE_TEXT " ./pwemoe plot %1$s/many.db --out "
              "%1$s/many.svg && test -s %1$s/many.svg",
              folder());
    if (ran.status)
        fail_msg("%d: %s", ran.status, ran.err);
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(show_front_ends_when_asked),
        cmocka_unit_test(plots_compute_no_volumes),
    };
    return cmocka_run_group_tests(tests, make_store, NULL);
}
