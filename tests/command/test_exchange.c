/* Results that move between files: pwemoe export-db, and pwemoe import of another
 * results.db, which brings files together by content. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../store/support.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct error error;

static const char *here(void) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/here.db", folder());
    return path;
}

static const char *there(void) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/there.db", folder());
    return path;
}

static void fresh(const char *path) {
    unlink(path);
    store_close(example_store(path));
}

static int begin(void **state) {
    (void)state;
    fresh(here());
    fresh(there());
    return 0;
}

/* Imports from into file; the program says so. */
static void says_of_import(const char *file, const char *from, const char *says) {
    struct ran ran = run("import %s %s", file, from);
    if (ran.status != 0 || !strstr(ran.err, says))
        fail_msg("status %d, \"%s\" does not say \"%s\"", ran.status, ran.err, says);
    ran_free(&ran);
}

static void import_says(const char *says) {
    says_of_import(here(), there(), says);
}

/* A figure of 8 examples with bits. */
static void measure(struct store *store, int64_t solution, const char *hash,
                    size_t objective, double value, uint64_t examples, bool complete) {
    static unsigned char bits[1] = {0x5a};
    struct store_evaluation evaluation = example_evaluation(objective, value);
    evaluation.examples = examples;
    evaluation.complete = complete;
    evaluation.correct = bits;
    evaluation.correct_size = 1;
    assert_done(store_evaluations_put(store, solution, hash, &evaluation, 1, &error));
}

static int64_t merge_of(struct store *store, const char *parameters) {
    return add_solution(store, STORE_KIND_MERGE, "task-arithmetic", parameters, NULL,
                        0);
}

static int64_t begin_run(struct store *store, double started, const char *seed,
                         struct store_run *run) {
    *run = (struct store_run){.method = "ls",
                              .upscale = "mlp",
                              .parameters = (char *)(uintptr_t)seed,
                              .steps = 40,
                              .started = started};
    assert_done(store_run_begin(store, run, &error));
    return run->id;
}

/* Saves a step with routers of these bytes and a state that names the step. */
static int64_t save_step(struct store *store, struct store_run *run, unsigned step,
                         const char *bytes) {
    struct store_routers routers = {
        .step = step, .blob = (void *)(uintptr_t)bytes, .size = strlen(bytes)};
    char text[32];
    int length = snprintf(text, sizeof text, "state %u", step);
    struct store_curve_point point = {step, 1, 1.0 / step};
    run->steps_done = step;
    run->seconds = step;
    assert_done(
        store_run_save(store, run, &routers, text, (size_t)length, &point, 1, &error));
    return routers.id;
}

static size_t runs_of(const char *path, struct store_run *first) {
    struct store *store = open_ok(path, STORE_READ_ONLY);
    struct store_run *runs;
    size_t count;
    assert_done(store_runs(store, &runs, &count, &error));
    if (count && first) {
        *first = runs[0];
        first->method = first->upscale = first->parameters = NULL;
    }
    store_runs_free(runs, count);
    store_close(store);
    return count;
}

static struct store_row *rows_of(struct store *store, size_t expected) {
    struct store_row *rows;
    size_t count;
    assert_done(store_rows(store, "test", &rows, &count, &error));
    assert_int_equal(count, expected);
    return rows;
}

/* --- what comes over -------------------------------------------------------------- */

static void fill_there(void) {
    static const double preference[] = {0.5, 0.25, 0.25};
    struct store *store = open_ok(there(), STORE_READ_WRITE);
    struct store_run run;
    begin_run(store, 1000, "{\"seed\":1}", &run);
    save_step(store, &run, 10, "ten");
    int64_t routers = save_step(store, &run, 20, "twenty");
    int64_t routed =
        add_solution(store, STORE_KIND_PWEMOE, "ls", "{}", preference, routers);
    for (size_t t = 0; t < 3; t++)
        measure(store, routed, HASH_A, t, 70 + (double)t, 8, true);
    measure(store, merge_of(store, "{\"scale\":0.3}"), HASH_B, 0, 50, 8, true);
    struct store_bookmark bookmark = {.name = "good", .solution = routed, .note = "so"};
    assert_done(store_bookmark_put(store, &bookmark, &error));
    store_close(store);
}

static void test_brings_all(void **state) {
    (void)state;
    fill_there();
    struct store *store = open_ok(here(), STORE_READ_WRITE);
    measure(store, merge_of(store, "{\"scale\":0.1}"), HASH_B, 0, 40, 8, true);
    struct store_run run; /* so that ids differ */
    begin_run(store, 900, "{\"seed\":9}", &run);
    save_step(store, &run, 10, "other");
    store_close(store);
    import_says("1 run, 2 solutions, 4 figures and 1 bookmark imported\n");

    store = open_ok(here(), STORE_READ_ONLY);
    struct store_row *rows = rows_of(store, 3);
    const struct store_row *routed = &rows[1];
    assert_int_equal(routed->solution.kind, STORE_KIND_PWEMOE);
    assert_true(routed->solution.preference[0] == 0.5);
    assert_string_equal(routed->solution.model_sha256, HASH_A);
    assert_string_equal(routed->upscale, "mlp");
    assert_int_equal(routed->step, 20);
    assert_true(routed->whole && routed->evaluations[2].value == 72);
    assert_true(routed->evaluations[2].loss == 0.25);
    struct store_routers routers;
    assert_done(store_routers_get(store, routed->solution.routers, &routers, &error));
    assert_int_equal(routers.run, 2);
    assert_int_equal(routers.size, 6);
    assert_memory_equal(routers.blob, "twenty", 6);
    store_routers_clear(&routers);
    bool found;
    void *bits;
    uint64_t examples;
    assert_done(store_correct(store, routed->solution.id, 1, "test", &found, &bits,
                              &examples, &error));
    assert_true(found && examples == 8 && *(unsigned char *)bits == 0x5a);
    free(bits);
    struct store_bookmark *bookmarks;
    size_t count;
    assert_done(store_bookmarks(store, &bookmarks, &count, &error));
    assert_int_equal(count, 1);
    assert_true(bookmarks->solution == routed->solution.id);
    assert_string_equal(bookmarks->note, "so");
    store_bookmarks_free(bookmarks, count);
    size_t size;
    void *saved;
    assert_done(store_run_state(store, 2, &saved, &size, &error));
    assert_int_equal(size, 8);
    assert_memory_equal(saved, "state 20", 8);
    free(saved);
    struct store_curve_point *points;
    assert_done(store_curve(store, 2, &points, &count, &error));
    assert_int_equal(count, 2);
    assert_true(points[1].loss == 0.05);
    free(points);
    store_rows_free(rows, 3);
    store_close(store);
}

static void test_nothing_twice(void **state) {
    (void)state;
    fill_there();
    import_says("1 run, 2 solutions, 4 figures");
    import_says("all that it has was there already");
    says_of_import(there(), here(), "all that it has was there already");
    assert_int_equal(runs_of(here(), NULL), 1);
    assert_int_equal(runs_of(there(), NULL), 1);
    struct store *store = open_ok(here(), STORE_READ_ONLY);
    store_rows_free(rows_of(store, 2), 2);
    store_close(store);
}

static void test_run_goes_on(void **state) {
    (void)state;
    struct store_run run;
    struct store *store = open_ok(there(), STORE_READ_WRITE);
    begin_run(store, 1000, "{\"seed\":1}", &run);
    save_step(store, &run, 10, "ten");
    store_close(store);
    import_says("1 run, 0 solutions");
    store = open_ok(there(), STORE_READ_WRITE);
    save_step(store, &run, 20, "twenty");
    store_close(store);
    import_says("1 run had more steps there");
    struct store_run now = {0};
    assert_int_equal(runs_of(here(), &now), 1);
    assert_int_equal(now.steps_done, 20);
    assert_true(now.seconds == 20);
    store = open_ok(here(), STORE_READ_ONLY);
    void *saved;
    size_t size;
    assert_done(store_run_state(store, now.id, &saved, &size, &error));
    assert_memory_equal(saved, "state 20", 8);
    free(saved);
    store_close(store);
    /* The other way the one here is ahead, and stays as it is. */
    says_of_import(there(), here(), "was there already");
}

static void test_runs_that_parted(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct store *store = open_ok(i ? here() : there(), STORE_READ_WRITE);
        struct store_run run;
        begin_run(store, 1000, "{\"seed\":1}", &run);
        save_step(store, &run, 10, "ten");
        save_step(store, &run, 20, i ? "to the left" : "to the right");
        store_close(store);
    }
    import_says("1 run, 0 solutions");
    import_says("was there already");
    assert_int_equal(runs_of(here(), NULL), 2);
}

static void test_better_figures(void **state) {
    (void)state;
    struct store *store = open_ok(here(), STORE_READ_WRITE);
    int64_t id = merge_of(store, "{}");
    measure(store, id, HASH_A, 0, 50, 4, false);
    measure(store, id, HASH_A, 1, 60, 8, true);
    store_close(store);
    store = open_ok(there(), STORE_READ_WRITE);
    id = merge_of(store, "{}");
    measure(store, id, HASH_A, 0, 55, 8, true);  /* whole, where half is here */
    measure(store, id, HASH_A, 1, 61, 4, false); /* half, where the whole is here */
    measure(store, id, HASH_A, 2, 70, 6, false); /* where nothing is */
    store_close(store);
    import_says("0 runs, 0 solutions, 2 figures");
    store = open_ok(here(), STORE_READ_ONLY);
    struct store_row *rows = rows_of(store, 1);
    assert_true(rows->evaluations[0].value == 55 && rows->evaluations[0].complete);
    assert_true(rows->evaluations[1].value == 60 && rows->evaluations[1].complete);
    assert_true(rows->evaluations[2].value == 70 && !rows->evaluations[2].complete);
    store_rows_free(rows, 1);
    store_close(store);
}

static void test_other_digits(void **state) {
    (void)state;
    struct store *store = open_ok(here(), STORE_READ_WRITE);
    measure(store, merge_of(store, "{}"), HASH_A, 0, 50, 8, true);
    store_close(store);
    store = open_ok(there(), STORE_READ_WRITE);
    int64_t id = merge_of(store, "{}");
    measure(store, id, HASH_B, 0, 51, 8, true);
    measure(store, id, HASH_B, 1, 61, 8, true);
    store_close(store);
    import_says("1 solution came out with other last digits there");
    store = open_ok(here(), STORE_READ_ONLY);
    struct store_row *rows = rows_of(store, 1);
    assert_string_equal(rows->solution.model_sha256, HASH_A);
    assert_true(rows->evaluations[0].value == 50 && !rows->evaluations[0].stale);
    assert_false(rows->evaluations[1].present);
    store_rows_free(rows, 1);
    store_close(store);
}

static void test_stale_stays_behind(void **state) {
    (void)state;
    struct store *store = open_ok(there(), STORE_READ_WRITE);
    int64_t id = merge_of(store, "{}");
    measure(store, id, HASH_A, 0, 50, 8, true);
    measure(store, id, HASH_B, 1, 60, 8, true); /* the model changed: 0 is stale */
    store_close(store);
    import_says("1 solution, 1 figure and");
    store = open_ok(here(), STORE_READ_ONLY);
    struct store_row *rows = rows_of(store, 1);
    assert_false(rows->evaluations[0].present);
    assert_true(rows->evaluations[1].value == 60);
    store_rows_free(rows, 1);
    store_close(store);
}

static void test_bookmarks_of_one_name(void **state) {
    (void)state;
    static double left[] = {1, 0, 0}, right[] = {0, 1, 0}, middle[] = {0, 0, 1};
    struct store *store = open_ok(here(), STORE_READ_WRITE);
    struct store_bookmark mine = {.name = "best", .preference = left};
    assert_done(store_bookmark_put(store, &mine, &error));
    store_close(store);
    store = open_ok(there(), STORE_READ_WRITE);
    struct store_bookmark other = {.name = "best", .preference = right};
    struct store_bookmark second = {.name = "best (2)", .preference = middle};
    assert_done(store_bookmark_put(store, &other, &error));
    assert_done(store_bookmark_put(store, &second, &error));
    store_close(store);
    import_says("and 2 bookmarks imported");
    import_says("was there already");
    store = open_ok(here(), STORE_READ_ONLY);
    struct store_bookmark *list;
    size_t count, seen = 0;
    assert_done(store_bookmarks(store, &list, &count, &error));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        seen += (strcmp(list[i].name, "best") == 0 && list[i].preference[0] == 1) ||
                (strcmp(list[i].name, "best (2)") == 0 && list[i].preference[2] == 1) ||
                (strcmp(list[i].name, "best (3)") == 0 && list[i].preference[1] == 1);
    assert_int_equal(seen, 3);
    store_bookmarks_free(list, count);
    store_close(store);
}

/* --- what does not
 * ---------------------------------------------------------------------- */

static void refuses(const char *sql, const char *says) {
    begin(NULL);
    fill_there();
    if (sql)
        plant(there(), sql);
    expect_error(1, says, "import %s %s", here(), there());
    struct store *store = open_ok(here(), STORE_READ_ONLY);
    store_rows_free(rows_of(store, 0), 0);
    store_close(store);
    assert_int_equal(runs_of(here(), NULL), 0);
}

static void test_other_pools(void **state) {
    (void)state;
    refuses("UPDATE expert SET sha256 = '" HASH_A "' WHERE task = 1",
            "its expert of gtsrb differs from that of");
    refuses("UPDATE recipe SET pretrained_sha256 = '" HASH_A "'",
            "its pretrained model differs from that of");
    refuses("UPDATE task SET name = 'cars' WHERE position = 2",
            "its task 3 is cars, not cifar10");
    refuses("UPDATE objective SET maximise = 0 WHERE position = 0",
            "mnist is measured as");
    refuses("DELETE FROM objective WHERE position = 2; DELETE FROM expert WHERE task = "
            "2; DELETE FROM reference WHERE objective = 2; DELETE FROM evaluation WHERE"
            " objective = 2; DELETE FROM task WHERE position = 2",
            "it has 2 tasks");
}

static void know_data(const char *path, const char *sha256) {
    struct store *store = open_ok(path, STORE_READ_WRITE);
    struct store_data data = {.files = 3, .size = 10};
    memcpy(data.sha256, sha256, SHA256_HEX);
    bool changed;
    assert_done(store_data_put(store, 1, "test", &data, &changed, &error));
    store_close(store);
}

static void test_other_data(void **state) {
    (void)state;
    fill_there();
    know_data(there(), HASH_A);
    know_data(here(), HASH_B);
    expect_error(1, "its test examples of gtsrb differ from those of", "import %s %s",
                 here(), there());
    /* Known there alone: known here from then on, so that who measures finds out. */
    begin(NULL);
    fill_there();
    know_data(there(), HASH_A);
    import_says("1 run, 2 solutions");
    struct store *store = open_ok(here(), STORE_READ_ONLY);
    struct store_data data;
    bool found;
    assert_done(store_data_get(store, 1, "test", &found, &data, &error));
    assert_true(found);
    assert_string_equal(data.sha256, HASH_A);
    assert_string_equal(data.stamp, "");
    store_close(store);
}

static void test_options_of_tables(void **state) {
    (void)state;
    expect_error(2, "--unit is for a CSV file", "import %s %s --unit percent", here(),
                 there());
}

/* --- export-db
 * ------------------------------------------------------------------------------ */

static void test_export(void **state) {
    (void)state;
    fill_there();
    /* Someone has it open and has written what is not in the file itself yet. */
    struct store *writer = open_ok(there(), STORE_READ_WRITE);
    merge_of(writer, "{\"scale\":0.7}");
    struct ran ran = run("export-db %s %s/copy.db", there(), folder());
    assert_int_equal(ran.status, 0);
    assert_true(is_one_line(ran.err));
    ran_free(&ran);
    store_close(writer);
    char copy[1100];
    struct stat status;
    snprintf(copy, sizeof copy, "%s/copy.db-wal", folder());
    assert_int_not_equal(stat(copy, &status), 0);
    snprintf(copy, sizeof copy, "%s/copy.db", folder());
    struct store *store = open_ok(copy, STORE_READ_ONLY);
    store_rows_free(rows_of(store, 3), 3);
    void *saved;
    size_t size;
    assert_done(store_run_state(store, 1, &saved, &size, &error));
    assert_int_equal(size, 8);
    free(saved);
    store_close(store);
    expect_error(1, "exists already", "export-db %s %s", there(), copy);
    unlink(copy);
    ran = run("export-db %s %s --no-states --quiet", there(), copy);
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    ran_free(&ran);
    store = open_ok(copy, STORE_READ_ONLY);
    assert_done(store_run_state(store, 1, &saved, &size, &error));
    assert_null(saved);
    store_rows_free(rows_of(store, 3), 3);
    store_close(store);
    says_of_import(here(), copy, "1 run, 3 solutions, 4 figures");
    unlink(copy);
}

/* Nothing of a copy that was not finished is left. */
static void test_export_stopped(void **state) {
    (void)state;
    struct store *store = open_ok(there(), STORE_READ_WRITE);
    struct store *to = store;
    atomic_bool stop = true;
    const struct work work = {.stop = &stop};
    char copy[1100];
    snprintf(copy, sizeof copy, "%s/stopped.db", folder());
    assert_error(store_copy(to, copy, true, &work, &error), &error, "stopped");
    struct stat status;
    assert_int_not_equal(stat(copy, &status), 0);
    store_close(store);
    struct ran left = shell("ls -A %s | grep -c stopped", folder());
    assert_string_equal(left.out, "0\n");
    ran_free(&left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_brings_all, begin),
        cmocka_unit_test_setup(test_nothing_twice, begin),
        cmocka_unit_test_setup(test_run_goes_on, begin),
        cmocka_unit_test_setup(test_runs_that_parted, begin),
        cmocka_unit_test_setup(test_better_figures, begin),
        cmocka_unit_test_setup(test_other_digits, begin),
        cmocka_unit_test_setup(test_stale_stays_behind, begin),
        cmocka_unit_test_setup(test_bookmarks_of_one_name, begin),
        cmocka_unit_test_setup(test_other_pools, begin),
        cmocka_unit_test_setup(test_other_data, begin),
        cmocka_unit_test_setup(test_options_of_tables, begin),
        cmocka_unit_test_setup(test_export, begin),
        cmocka_unit_test_setup(test_export_stopped, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
