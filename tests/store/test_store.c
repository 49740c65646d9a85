/* Every function of store.h, there and back, across closing and opening. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

static struct error error;

static void test_recipe(void **state) {
    const char *path = in_folder(state, "results.db");
    const struct store_recipe *given = example_recipe(3);
    store_close(example_store(path));
    struct store *store = open_ok(path, STORE_READ_ONLY);
    assert_string_equal(store_path(store), path);
    struct store_recipe *recipe;
    assert_done(store_recipe(store, &recipe, &error));
    assert_string_equal(recipe->name, "three");
    assert_string_equal(recipe->model, "vit");
    assert_string_equal(recipe->text, given->text);
    assert_string_equal(recipe->pretrained.path, "models/vit");
    assert_true(recipe->pretrained.size == 123456789012);
    assert_string_equal(recipe->pretrained.sha256, given->pretrained.sha256);
    assert_int_equal(recipe->task_count, 3);
    for (size_t t = 0; t < 3; t++) {
        const struct store_task *task = &recipe->tasks[t], *want = &given->tasks[t];
        assert_string_equal(task->name, want->name);
        assert_string_equal(task->expert.path, want->expert.path);
        assert_true(task->expert.size == want->expert.size);
        assert_string_equal(task->expert.sha256, want->expert.sha256);
        assert_string_equal(task->train_path, want->train_path);
        assert_string_equal(task->test_path, want->test_path);
        assert_string_equal(task->head, want->head);
        assert_string_equal(task->classnames_path, t == 1 ? "names.txt" : "");
        assert_string_equal(task->templates_path, "");
        assert_string_equal(task->objective.name, want->name);
        assert_string_equal(task->objective.metric, "accuracy");
        assert_string_equal(task->objective.unit, "%");
        assert_true(task->objective.maximise);
        assert_true(task->objective.reference == 10.0 * (double)t);
    }
    store_recipe_free(recipe);
    store_close(store);
    store_close(NULL);
}

static void test_create_refuses(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store;
    struct store_recipe recipe = *example_recipe(3);
    store_close(example_store(path));
    assert_error(store_create(path, &recipe, &store, &error), &error, "exists already");
    unlink(path);
    /* A -wal without its file would be replayed into the new one. */
    const char *wal = in_folder(state, "results.db-wal");
    FILE *file = fopen(wal, "w");
    fputs("x", file);
    fclose(file);
    assert_error(store_create(path, &recipe, &store, &error), &error, "remove it");
    unlink(wal);
    recipe.task_count = 0;
    assert_error(store_create(path, &recipe, &store, &error), &error, "0 tasks");
    recipe.task_count = STORE_TASKS_MAX + 1;
    assert_error(store_create(path, &recipe, &store, &error), &error, "65 tasks");
    recipe = *example_recipe(3);
    recipe.tasks[1].name = recipe.tasks[0].name;
    assert_error(store_create(path, &recipe, &store, &error), &error, "task mnist");
    example_recipe(3);
    recipe.tasks[1].objective.reference = NAN;
    assert_error(store_create(path, &recipe, &store, &error), &error, "not a number");
    example_recipe(3);
    strcpy(recipe.tasks[1].expert.sha256, "ABC");
    assert_error(store_create(path, &recipe, &store, &error), &error, "sha256");
    example_recipe(3);
    assert_error(
        store_create(in_folder(state, "no/results.db"), &recipe, &store, &error),
        &error, "No such file");
    /* None of these left anything behind: the folder can be removed. */
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(folder_make(state), 0);
}

static void test_names(void **state) {
    /* Names are data: SQL's own characters, control bytes, bytes that are no UTF-8. */
    static const char *const paths[] = {"a?mode=memory#%41.db", "it's \"it\".db",
                                        "file:x.db", ":memory:"};
    static const char evil[] = "'); DROP TABLE task; --\x01\x1b[2J\xff\"";
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *path = in_folder(state, paths[i]);
        struct store *store = NULL;
        struct store_recipe recipe = *example_recipe(2);
        recipe.name = (char *)evil;
        recipe.tasks[0].name = (char *)evil;
        recipe.tasks[0].head = (char *)evil;
        assert_done(store_create(path, &recipe, &store, &error));
        int64_t id = add_solution(store, STORE_KIND_MERGE, evil,
                                  "{\"'\":\"\\\"); --\"}", NULL, 0);
        struct store_bookmark mark = {.name = (char *)evil, .solution = id};
        assert_done(store_bookmark_put(store, &mark, &error));
        assert_done(store_log(store, &error, "%s", evil));
        store_close(store);
        assert_int_equal(access(path, F_OK), 0);
        store = open_ok(path, STORE_READ_ONLY);
        struct store_recipe *back;
        assert_done(store_recipe(store, &back, &error));
        assert_string_equal(back->tasks[0].name, evil);
        assert_string_equal(back->tasks[0].head, evil);
        store_recipe_free(back);
        struct store_solution solution;
        bool found;
        assert_done(store_solution_get(store, id, &found, &solution, &error));
        assert_true(found);
        assert_string_equal(solution.method, evil);
        store_solution_clear(&solution);
        store_close(store);
    }
    /* And in the present folder, where SQLite would take it for no file at all. */
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(*state), 0);
    open_fails("none.db", STORE_READ_WRITE, "No such file");
    store_close(open_ok(":memory:", STORE_READ_WRITE));
    store_close(open_ok("file:x.db", STORE_READ_WRITE));
    assert_int_equal(chdir(here), 0);
}

static void test_reference(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    assert_done(store_set_reference(store, (double[]){1, 2, 3}, &error));
    assert_done(store_set_reference(store, (double[]){1, 2, 3}, &error));
    assert_done(store_set_reference(store, (double[]){0, 10, 20}, &error));
    assert_error(store_set_reference(store, (double[]){0, INFINITY, 20}, &error),
                 &error, "no number");
    struct store_reference *references;
    size_t count;
    assert_done(store_references(store, &references, &count, &error));
    assert_int_equal(count, 3);
    assert_true(references[1].values[2] == 3 && references[2].values[2] == 20);
    assert_true(references[1].since > 1e9 &&
                references[1].since <= references[2].since);
    store_references_free(references, count);
    struct store_recipe *recipe;
    assert_done(store_recipe(store, &recipe, &error));
    assert_true(recipe->tasks[1].objective.reference == 10);
    store_recipe_free(recipe);
    store_close(store);
}

/* The newest run of a method and granularity (NULL: any), which is cleared. */
static int last_run(struct store *store, const char *method, const char *upscale,
                    bool *found, struct store_run *run, struct error *e) {
    struct store_run *runs;
    size_t count;
    *found = false;
    if (store_runs(store, &runs, &count, e))
        return -1;
    for (size_t i = count; i-- > 0 && !*found;)
        if (store_run_is(&runs[i], method, upscale)) {
            *found = true;
            *run = runs[i];
            runs[i] = (struct store_run){0};
        }
    store_runs_free(runs, count);
    return 0;
}

static void test_run(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    struct store_run run = {.method = "ls",
                            .upscale = "mlp",
                            .parameters = "{ \"lr\": 1e-2, \"alpha\": 1.0 }",
                            .steps = 400},
                     last;
    bool found;
    assert_done(last_run(store, NULL, NULL, &found, &last, &error));
    assert_false(found);
    assert_done(store_run_begin(store, &run, &error));
    assert_true(run.id > 0 && run.started > 1e9);
    struct store_run other = {.method = "epo", .upscale = "", .steps = 4};
    assert_done(store_run_begin(store, &other, &error));

    struct store_routers routers = {.step = 200, .blob = "one", .size = 3};
    struct store_curve_point points[] = {{1, 0, 2.5}, {1, 1, NAN}, {2, 0, 2.0}};
    run.steps_done = 200;
    run.seconds = 12.5;
    assert_done(store_run_save(store, &run, &routers, "state\0", 7, points, 3, &error));
    int64_t first = routers.id;
    assert_true(first > 0 && routers.run == run.id);
    /* The same again is the same; points are replaced; no state keeps the state. */
    points[2].loss = 1.5;
    assert_done(store_run_save(store, &run, &routers, NULL, 0, points + 2, 1, &error));
    assert_true(routers.id == first);
    routers.step = run.steps_done = 400;
    routers.blob = "three";
    routers.size = 5;
    run.complete = true;
    run.trainable = 540;
    run.peak_bytes = (uint64_t)6 << 30;
    assert_done(store_run_save(store, &run, &routers, "", 0, NULL, 0, &error));
    store_close(store);

    store = open_ok(path, STORE_READ_WRITE);
    assert_done(last_run(store, "ls", NULL, &found, &last, &error));
    assert_true(found && last.complete);
    assert_true(last.id == run.id && last.steps_done == 400 && last.steps == 400);
    assert_string_equal(last.method, "ls");
    assert_string_equal(last.upscale, "mlp");
    assert_string_equal(last.parameters, "{\"alpha\":1,\"lr\":0.01}");
    assert_true(last.seconds == 12.5 && last.started == run.started);
    assert_true(last.trainable == 540 && last.peak_bytes == (uint64_t)6 << 30);
    store_run_clear(&last);
    assert_done(last_run(store, NULL, "", &found, &last, &error));
    assert_true(found && last.id == other.id);
    store_run_clear(&last);
    assert_done(last_run(store, "ls", "all", &found, &last, &error));
    assert_false(found);
    struct store_run *runs;
    size_t count;
    assert_done(store_runs(store, &runs, &count, &error));
    assert_int_equal(count, 2);
    assert_true(runs[0].id == run.id && runs[1].id == other.id);
    store_runs_free(runs, count);

    struct store_curve_point *curve;
    assert_done(store_curve(store, run.id, &curve, &count, &error));
    assert_int_equal(count, 3);
    assert_true(curve[0].loss == 2.5 && isnan(curve[1].loss) && curve[2].loss == 1.5);
    assert_true(curve[1].task == 1 && curve[2].step == 2);
    free(curve);
    void *bytes;
    size_t size;
    assert_done(store_run_state(store, run.id, &bytes, &size, &error));
    assert_true(bytes && size == 0);
    free(bytes);
    assert_done(store_run_state(store, other.id, &bytes, &size, &error));
    assert_true(!bytes && size == 0);

    struct store_routers got;
    assert_done(store_routers_get(store, first, &got, &error));
    assert_true(got.step == 200 && got.run == run.id && got.size == 3);
    assert_memory_equal(got.blob, "one", 3);
    store_routers_clear(&got);
    assert_done(store_routers_last(store, run.id, &found, &got, &error));
    assert_true(found && got.step == 400 && got.id == routers.id);
    store_routers_clear(&got);
    assert_done(store_routers_last(store, other.id, &found, &got, &error));
    assert_false(found);
    assert_error(store_routers_get(store, 99, &got, &error), &error, "no routers 99");
    struct store_routers *list;
    assert_done(store_routers_list(store, run.id, &list, &count, &error));
    assert_int_equal(count, 2);
    assert_true(list[0].id == first && list[0].step == 200 && list[0].size == 3);
    assert_true(list[1].id == routers.id && list[1].step == 400 && list[1].size == 5);
    assert_true(list[0].run == run.id && !list[0].blob);
    free(list);
    assert_done(store_routers_list(store, other.id, &list, &count, &error));
    assert_true(!list && count == 0);

    /* Routers that no solution uses may change; then not any more. */
    routers.blob = "four";
    routers.size = 4;
    assert_done(store_run_save(store, &run, &routers, NULL, 0, NULL, 0, &error));
    add_solution(store, STORE_KIND_PWEMOE, "ls", NULL, (double[]){1, 0, 0}, routers.id);
    routers.blob = "five";
    run.steps_done = 7;
    assert_error(store_run_save(store, &run, &routers, NULL, 0, NULL, 0, &error),
                 &error, "begin a new run");
    assert_done(last_run(store, "ls", NULL, &found, &last, &error));
    assert_int_equal(last.steps_done, 400); /* the refused save kept nothing */
    store_run_clear(&last);
    run.id = 77;
    assert_error(store_run_save(store, &run, NULL, NULL, 0, NULL, 0, &error), &error,
                 "no run 77");
    run.parameters = "[1]";
    assert_error(store_run_begin(store, &run, &error), &error, "JSON object");
    points[0].task = 3;
    assert_error(store_run_save(store, &other, NULL, NULL, 0, points, 1, &error),
                 &error, "task 3 of 3");
    store_close(store);
}

static void test_notes(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    struct store_bookmark one = {.name = "one",
                                 .preference = (double[]){0.2, 0.3, 0.5}},
                          *marks;
    size_t count;
    assert_done(store_bookmark_put(store, &one, &error));
    for (int i = 0; i < 3; i++) {
        static const char *const notes[] = {"good on cars", "better", ""};
        assert_done(store_bookmark_note(store, one.id, notes[i], &error));
        assert_done(store_bookmarks(store, &marks, &count, &error));
        assert_string_equal(marks[0].note, notes[i]);
        store_bookmarks_free(marks, count);
    }
    /* Replaced it keeps its note, or takes the new one's; deleted it is gone. */
    one.note = "kept";
    assert_done(store_bookmark_put(store, &one, &error));
    one.note = NULL;
    assert_done(store_bookmark_put(store, &one, &error));
    assert_done(store_bookmarks(store, &marks, &count, &error));
    assert_string_equal(marks[0].note, "kept");
    store_bookmarks_free(marks, count);
    assert_done(store_bookmark_delete(store, one.id, &error));
    /* Another process may have deleted it a moment ago: that is said as the others say
     * it, and nothing is written. */
    assert_error(store_bookmark_note(store, one.id, "late", &error), &error,
                 "there is no bookmark");
    assert_null(strstr(error.text, "FOREIGN"));
    assert_error(store_bookmark_note(store, one.id, "", &error), &error,
                 "there is no bookmark");
    assert_done(store_bookmark_put(store, &one, &error));
    assert_done(store_bookmarks(store, &marks, &count, &error));
    assert_string_equal(marks[0].note, "");
    store_bookmarks_free(marks, count);
    store_close(store);
}

static void test_bookmarks_and_log(void **state) {
    struct store *store = example_store(in_folder(state, "results.db"));
    int64_t solution =
        add_solution(store, STORE_KIND_MERGE, "ties", "{\"scale\":0.3}", NULL, 0);
    struct store_bookmark one = {.name = "one",
                                 .preference = (double[]){0.2, 0.3, 0.5}};
    struct store_bookmark two = {.name = "two", .solution = solution};
    assert_done(store_bookmark_put(store, &one, &error));
    assert_done(store_bookmark_put(store, &two, &error));
    struct store_bookmark again = {.name = "one", .solution = solution};
    assert_done(store_bookmark_put(store, &again, &error));
    assert_true(again.id == one.id);
    struct store_bookmark *marks;
    size_t count;
    assert_done(store_bookmarks(store, &marks, &count, &error));
    assert_int_equal(count, 2);
    assert_true(!marks[0].preference && marks[0].solution == solution);
    store_bookmarks_free(marks, count);
    assert_done(store_bookmark_put(store, &one, &error));
    assert_done(store_bookmarks(store, &marks, &count, &error));
    assert_true(marks[0].preference[2] == 0.5 && marks[0].solution == 0);
    store_bookmarks_free(marks, count);
    assert_done(store_bookmark_rename(store, one.id, "first", &error));
    assert_done(store_bookmark_rename(store, one.id, "first", &error));
    assert_error(store_bookmark_rename(store, one.id, "two", &error), &error,
                 "a bookmark two already");
    assert_error(store_bookmark_rename(store, one.id, "", &error), &error, "no name");
    assert_error(store_bookmark_rename(store, 99, "none", &error), &error,
                 "no bookmark 99");
    assert_done(store_bookmarks(store, &marks, &count, &error));
    assert_int_equal(count, 2);
    assert_string_equal(marks[0].name, "first");
    assert_string_equal(marks[1].name, "two");
    assert_true(marks[0].id == one.id && marks[0].preference[2] == 0.5);
    store_bookmarks_free(marks, count);
    assert_done(store_bookmark_delete(store, one.id, &error));
    assert_error(store_bookmark_delete(store, one.id, &error), &error, "no bookmark");
    struct store_bookmark bad = {.name = "bad"};
    assert_error(store_bookmark_put(store, &bad, &error), &error,
                 "has neither a solution nor");
    bad.solution = 55;
    assert_error(store_bookmark_put(store, &bad, &error), &error, "FOREIGN KEY");
    bad.solution = 0;
    bad.preference = (double[]){0.5, 0.6, 0.1};
    assert_error(store_bookmark_put(store, &bad, &error), &error, "sums to 1.2");
    bad.preference = (double[]){1.5, -0.5, 0};
    assert_error(store_bookmark_put(store, &bad, &error), &error, "1.5 for task 0");

    for (int i = 0; i < 5; i++)
        assert_done(store_log(store, &error, "line %d", i));
    struct store_log_line *lines;
    assert_done(store_log_lines(store, 2, &lines, &count, &error));
    assert_int_equal(count, 2);
    assert_string_equal(lines[0].text, "line 3");
    assert_string_equal(lines[1].text, "line 4");
    assert_true(lines[1].time > 1e9);
    store_log_lines_free(lines, count);
    store_close(store);
}

static size_t log_count(struct store *store) {
    struct store_log_line *lines;
    size_t count;
    assert_done(store_log_lines(store, SIZE_MAX, &lines, &count, &error));
    store_log_lines_free(lines, count);
    return count;
}

static void test_transactions(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    struct store *viewer = open_ok(path, STORE_READ_ONLY);
    assert_error(store_commit(store, &error), &error, "no transaction");
    assert_done(store_begin(store, &error));
    assert_error(store_begin(store, &error), &error, "open already");
    assert_done(store_log(store, &error, "a"));
    /* A step that fails leaves the others. */
    struct store_bookmark bad = {.name = "bad", .solution = 55};
    assert_error(store_bookmark_put(store, &bad, &error), &error, "FOREIGN KEY");
    assert_done(store_log(store, &error, "b"));
    assert_int_equal(log_count(store), 2);
    assert_int_equal(log_count(viewer), 0);
    assert_done(store_commit(store, &error));
    assert_int_equal(log_count(viewer), 2);
    assert_done(store_begin(store, &error));
    assert_done(store_log(store, &error, "c"));
    store_rollback(store);
    store_rollback(store);
    assert_int_equal(log_count(viewer), 2);
    /* Closing inside a transaction undoes it. */
    assert_done(store_begin(store, &error));
    assert_done(store_log(store, &error, "c"));
    store_close(store);
    assert_int_equal(log_count(viewer), 2);
    assert_error(store_log(viewer, &error, "d"), &error, "cannot be written");
    store_close(viewer);
}

static void test_version(void **state) {
    const char *path = in_folder(state, "results.db");
    struct store *store = example_store(path);
    struct store *viewer = open_ok(path, STORE_READ_ONLY);
    int64_t before, after;
    assert_done(store_version(viewer, &before, &error));
    assert_done(store_version(viewer, &after, &error));
    assert_true(after == before);
    assert_done(store_log(store, &error, "x"));
    assert_done(store_version(viewer, &after, &error));
    assert_true(after > before);
    before = after;
    assert_int_equal(log_count(viewer), 1);
    assert_done(store_version(viewer, &after, &error));
    assert_true(after == before);
    /* One's own changes and another's. */
    assert_done(store_version(store, &before, &error));
    assert_done(store_log(store, &error, "y"));
    assert_done(store_version(store, &after, &error));
    assert_true(after > before);
    store_close(viewer);
    store_close(store);
}

/* Whole components of paths only, of what is used now. */
static void paths_are_moved(void **state) {
    struct store *store = example_store(in_folder(state, "moved.db"));
    struct store_recipe *recipe;
    size_t changed;
    struct store_checkpoint expert = {.path = "/old/place/expert", .size = 3};
    memset(expert.sha256, 'a', sizeof expert.sha256 - 1);
    assert_done(store_set_expert(store, 0, &expert, &error));
    expert.path = "/old/placebo";
    assert_done(store_set_expert(store, 1, &expert, &error));
    assert_done(store_move_paths(store, "/old/place/", "/new", &changed, &error));
    assert_int_equal(changed, 1);
    assert_done(store_recipe(store, &recipe, &error));
    assert_string_equal(recipe->tasks[0].expert.path, "/new/expert");
    assert_string_equal(recipe->tasks[1].expert.path, "/old/placebo");
    store_recipe_free(recipe);
    assert_done(
        store_move_paths(store, "/old/placebo", "relative/one", &changed, &error));
    assert_int_equal(changed, 1);
    assert_done(store_move_paths(store, "/old", "x", &changed, &error));
    assert_int_equal(changed, 0);
    assert_int_equal(store_move_paths(store, "", "x", &changed, &error), -1);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_recipe, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(paths_are_moved, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_create_refuses, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_names, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_reference, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_run, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_notes, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_bookmarks_and_log, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(test_transactions, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_version, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
