/* Figures from elsewhere: the paper's tables, the reference code's files, and
 * tables that must be refused as a whole. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "command/io/import_table.h"
#include "run.h"

static struct error error;
static struct store *store;
static struct store_recipe *recipe;

/* A new file with these tasks, open to write. */
static void begin(const char *const *names, size_t count) {
    struct store_task tasks[STORE_TASKS_MAX] = {{0}};
    for (size_t t = 0; t < count; t++) {
        tasks[t].name = (char *)(uintptr_t)names[t];
        tasks[t].objective.metric = "accuracy";
        tasks[t].objective.unit = "%";
        tasks[t].objective.maximise = true;
    }
    struct store_recipe given = {.name = "test", .task_count = count, .tasks = tasks};
    char path[4200];
    snprintf(path, sizeof path, "%s/results.db", folder());
    unlink(path);
    if (store_create(path, &given, &store, &error) ||
        store_recipe(store, &recipe, &error))
        fail_msg("%s", error.text);
}
#define BEGIN(...)                       \
    begin((const char *[]){__VA_ARGS__}, \
          sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void end(void) {
    store_recipe_free(recipe);
    store_close(store);
}

static const struct import_options usual = {.source = "rows.csv", .split = "test"};

static int import_text(const char *text, const struct import_options *options,
                       struct import_result *result) {
    struct csv csv;
    if (csv_parse(text, strlen(text), "rows.csv", &csv, &error))
        return -1;
    int failed = import_table(store, recipe, &csv, "rows.csv", options, result, &error);
    csv_free(&csv);
    return failed;
}

static struct import_result import_ok(const char *text,
                                      const struct import_options *options) {
    struct import_result result;
    if (import_text(text, options, &result))
        fail_msg("%s", error.text);
    return result;
}

static struct store_row *rows(size_t expected) {
    struct store_row *all;
    size_t count;
    if (store_rows(store, "test", &all, &count, &error))
        fail_msg("%s", error.text);
    assert_int_equal(count, expected);
    return all;
}

static void test_paper(void **state) {
    (void)state;
    BEGIN("sun397", "cars", "resisc45", "eurosat", "svhn", "gtsrb", "mnist", "dtd");
    const char *source = getenv("srcdir");
    char *path = text_format("%s/assets/paper/table2_eight_task_vit_b32.csv",
                             source ? source : ".");
    struct csv csv;
    struct import_options options = {.source = path, .split = "test"};
    struct import_result result;
    if (csv_read(path, &csv, &error))
        fail_msg("%s", error.text);
    for (int again = 0; again < 2; again++) {
        if (import_table(store, recipe, &csv, path, &options, &result, &error))
            fail_msg("%s", error.text);
        assert_int_equal(result.solutions, 14);
        assert_int_equal(result.figures, 14 * 8);
        assert_false(result.fractions);
        free(result.ids);
    }
    csv_free(&csv);
    free(path);
    struct store_row *all = rows(14);
    assert_int_equal(all[9].solution.kind, STORE_KIND_IMPORT);
    assert_string_equal(all[9].solution.method, "Ties-Merging");
    assert_string_equal(all[9].solution.parameters,
                        "{\"source\":\"table2_eight_task_vit_b32.csv\"}");
    assert_null(all[9].solution.preference);
    const struct store_evaluation *e = &all[9].evaluations[4];
    assert_true(e->present && e->value == 81.3 && e->low == 81.3 && e->high == 81.3);
    assert_true(e->imported && e->complete && e->examples == 0 && isnan(e->loss));
    store_rows_free(all, 14);
    end();
}

static void test_reference_code(void **state) {
    (void)state;
    BEGIN("cars", "sst2", "mnist");
    /* ray_i is of the i-th task column, wherever that task stands in the recipe. */
    struct import_result result =
        import_ok(",step,ray_idx,ray_0,ray_1,SST-2,cars,average\n"
                  "0,4000,0,0.25,0.75,0.5,0.625,0.5625\n"
                  "1,4000,1,0.33333334,0.6666667,1.0,0.0,0.5\n"
                  "2,2000,0,0.25,0.75,0.25,,\n",
                  &(struct import_options){
                      .source = "runs/result.csv", .split = "test", .method = "ls"});
    assert_true(result.fractions && result.solutions == 3 && result.figures == 5);
    free(result.ids);
    struct store_row *all = rows(3);
    assert_string_equal(all[0].solution.method, "ls");
    assert_string_equal(all[0].solution.parameters,
                        "{\"source\":\"result.csv\",\"step\":4000}");
    assert_true(all[0].solution.preference[0] == 0.75);
    assert_true(all[0].solution.preference[1] == 0.25);
    assert_true(all[0].solution.preference[2] == 0);
    assert_true(all[0].evaluations[0].value == 62.5);
    assert_true(all[0].evaluations[1].value == 50);
    assert_false(all[0].evaluations[2].present || all[2].evaluations[0].present);
    store_rows_free(all, 3);
    result = import_ok(
        "scaling_coef,cars,mnist\n0.1,0.5,0.75\n0.30000000000000004,1,1\n",
        &(struct import_options){.source = "task_arithmetic.csv", .split = "test"});
    free(result.ids);
    all = rows(5);
    assert_string_equal(all[3].solution.method, "task_arithmetic");
    assert_string_equal(all[3].solution.parameters,
                        "{\"scale\":0.1,\"source\":\"task_arithmetic.csv\"}");
    store_rows_free(all, 5);
    end();
}

static void test_units(void **state) {
    (void)state;
    static const struct {
        enum import_unit unit;
        const char *text;
        double value;
    } cases[] = {{IMPORT_AUTO, "a\n0.5\n", 50},
                 {IMPORT_AUTO, "a\n1\n", 100},
                 {IMPORT_AUTO, "a\n1.5\n", 1.5},
                 {IMPORT_PERCENT, "a\n 0.5 \n", 0.5},
                 {IMPORT_FRACTION, "a\n0.25\n", 25}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BEGIN("a");
        struct import_options options = usual;
        options.unit = cases[i].unit;
        free(import_ok(cases[i].text, &options).ids);
        struct store_row *all = rows(1);
        assert_true(all[0].evaluations[0].value == cases[i].value);
        store_rows_free(all, 1);
        end();
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"method,cars,mnits\nx,1,2\n",
         "column 'mnits' is not a task, did you mean 'mnist'?; "
         "the tasks are cars, sst2, mnist"},
        {"GPU usage,cars\n1,2\n", "'GPU usage' is not a task; the tasks are"},
        {"method,average\nx,2\n", "no column is named as a task of test"},
        {"cars,Cars\n1,2\n", "'Cars' occurs twice"},
        {"cars,sst2,SST-2\n1,2,3\n", "'SST-2' occurs twice"},
        {"method,model,cars\nx,y,2\n", "a column of names before it"},
        {"scale,lambda,cars\n1,1,2\n", "'lambda' occurs twice"},
        {"name,cars,mnist\nx,50,60\ny,50,100.5\n", "rows.csv:3: mnist is 100.5"},
        {"name,cars\na,0.8\nb,85\nc,0.7\n", "rows.csv:3: cars is 85, but most of"},
        {"name,cars,mnist\na,80,0.7\nb,85,0.6\n", "no figure of mnist is above 1"},
        {"cars,mnist\n50,60\n-1,3\n", "rows.csv:3: cars is -1"},
        {"cars,mnist\n50,n/a\n", "rows.csv:2: mnist is 'n/a', which is not a number"},
        {"cars,mnist\n50,nan\n", "not a number"},
        {"cars,mnist\n50,0x10\n", "not a number"},
        {"cars,mnist\n50,1e999\n", "not a number"},
        {"cars\n50\n\"\"\n", "rows.csv:3: no figure in this row"},
        {"ray_0,cars,mnist\n1,50,60\n", "1 columns of a preference"},
        {"ray_0,ray_2,cars,mnist\n1,0,50,60\n", "from 0"},
        {"ray_0,ray_0,cars,mnist\n1,0,50,60\n", "'ray_0' occurs twice"},
        {"ray_0,ray_1,cars,mnist\n0.5,0.4,50,60\n",
         "rows.csv:2: the preference sums to"},
        {"ray_0,ray_1,cars,mnist\n1.5,-0.5,50,60\n", "ray_1 is -0.5"},
        {"ray_0,ray_1,cars,mnist\n1,,50,60\n", "ray_1 is ''"},
        {"ray_99,cars\n1,50\n", "'ray_99' is not a task"},
        {"method,cars\nx,50\ny,60\n x,70\n", "rows.csv:4: the same method, preference "
                                             "and parameters as on line 2"},
        /* The first that is wrong is told, and nothing after it is looked at. */
        {"method,cars\nx,50\n x,70\ny,111\n",
         "rows.csv:3: the same method, preference and parameters as on line 2"},
        {"step,cars\nlast,50\n", "step is 'last'"},
    };
    BEGIN("cars", "sst2", "mnist");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct import_result result;
        *error.text = '\0';
        if (import_text(cases[i].text, &usual, &result) != -1)
            fail_msg("%s was imported", cases[i].text);
        if (!strstr(error.text, cases[i].words) || strncmp(error.text, "rows.csv", 8))
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].words);
        store_rows_free(rows(0), 0); /* nothing of it was kept */
    }
    struct import_options options = usual;
    options.unit = IMPORT_FRACTION;
    struct import_result result;
    assert_int_equal(import_text("cars\n0.5\n1.5\n", &options, &result), -1);
    assert_non_null(
        strstr(error.text, "rows.csv:3: cars is 1.5; it must be a fraction"));
    options = usual;
    options.skip_unknown = true;
    result = import_ok("GPU usage,cars\nmuch,50\n", &options);
    assert_int_equal(result.figures, 1);
    free(result.ids);
    end();
}

static void test_command(void **state) {
    (void)state;
    BEGIN("a", "b");
    end();
    write_file("rows.csv", "# a table\nmethod,A,B,avg\n\"one, two\",50,60,55\n");
    write_file("percent.csv", "method,a\nx,85\ny,0.5\n");
    write_file("wrong.csv", "method,A,C\nx,50,60\n");
    struct ran ran = run("import %1$s/results.db %1$s/rows.csv --format csv", folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    assert_non_null(strstr(ran.out, "import,\"one, two\""));
    assert_non_null(strstr(ran.err, "results.db: 1 solution imported\n"));
    ran_free(&ran);
    ran = run("import %1$s/results.db %1$s/rows.csv --format csv", folder());
    assert_non_null(strstr(ran.err, "0 solutions imported; all were there already\n"));
    ran_free(&ran);
    ran = run("import %1$s/results.db %1$s/percent.csv", folder());
    assert_non_null(strstr(ran.err, "percent.csv: figures are read as percent, also 1 "
                                    "that is at most 1; if those are fractions"));
    assert_non_null(strstr(ran.err, "results.db: 2 solutions imported\n"));
    ran_free(&ran);
    ran = run("import %1$s/results.db %1$s/percent.csv --unit percent", folder());
    assert_null(strstr(ran.err, "at most 1"));
    ran_free(&ran);
    ran = run("import %1$s/results.db %1$s/wrong.csv", folder());
    assert_int_equal(ran.status, 1);
    assert_true(is_one_line(ran.err) && strstr(ran.err, "column 'C' is not a task"));
    ran_free(&ran);
    ran = run("import %1$s/results.db %1$s/missing.csv", folder());
    assert_int_equal(ran.status, 1);
    assert_true(is_one_line(ran.err) && strstr(ran.err, "missing.csv: No such file"));
    ran_free(&ran);
    ran = run("import %1$s/none.db %1$s/rows.csv", folder());
    assert_int_equal(ran.status, 1);
    assert_true(is_one_line(ran.err) && strstr(ran.err, "none.db: No such file"));
    ran_free(&ran);
    ran = run("import %1$s/results.db", folder());
    assert_int_equal(ran.status, 2);
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper),   cmocka_unit_test(test_reference_code),
        cmocka_unit_test(test_units),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
