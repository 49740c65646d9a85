/* Fronts without gradients: pwemoe map over tasks that commands measure and over models
 * that this program runs, stopped and gone on with, answered and exported. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "project.h"
#include "run.h"
#include "support/golden.h"

/* Two opposed aims about the model's first weight, in thousandths, which task
 * arithmetic changes evenly: squares, which a quadratic has. */
static const char aim[] =
    "#!/bin/sh\n"
    "echo $1 >>\"$(dirname \"$0\")/runs\"\n"
    "od -An -j 4000 -N 4 -tf4 \"$2/model.safetensors\" |\n"
    "  awk -v to=\"$1\" '{ print 1e6 * ($1 - to) * ($1 - to) }'\n";

static double first_of(const char *model) {
    struct ran ran =
        shell("od -An -j 4000 -N 4 -tf4 '%s/model.safetensors'", golden_path(model));
    double value = atof(ran.out);
    ran_free(&ran);
    return value;
}

static double runs(void) {
    struct ran ran = shell("cat %s/runs 2>/dev/null | wc -l", folder());
    double count = atof(ran.out);
    ran_free(&ran);
    return count;
}

static double base, expert[2];

static int make_commanded(void) {
    char text[8192], models_path[1100], path[1200];
    char *here = realpath(getenv("srcdir") ? getenv("srcdir") : ".", NULL);
    assert_non_null(here);
    setenv("srcdir", here, 1);
    free(here);
    base = first_of("tensorwise/llama/base");
    expert[0] = first_of("tensorwise/llama/a");
    expert[1] = first_of("tensorwise/llama/b");
    snprintf(models_path, sizeof models_path, "%s", golden_path("tensorwise/llama"));
    snprintf(text, sizeof text,
             "pretrained: %s/base\ntasks:\n"
             "  left:\n    expert: %s/a\n    measure: ./aim.sh %.9g {model}\n"
             "    direction: min\n    unit: squares\n"
             "  right:\n    expert: %s/b\n    measure: ./aim.sh %.9g {model}\n"
             "    direction: min\n    unit: squares\n",
             models_path, models_path, expert[0], models_path, expert[1]);
    write_file("commanded.yaml", text);
    write_file("aim.sh", aim);
    snprintf(path, sizeof path, "%s/aim.sh", folder());
    assert_int_equal(chmod(path, 0755), 0);
    struct ran ran =
        run("init %s/commanded.db %s/commanded.yaml --quiet", folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    return 0;
}

static int setup(void **state) {
    return make_project(state) || make_commanded();
}

static double figure(const json_t *rows, size_t row, const char *task) {
    const json_t *figures = json_object_get(json_array_get(rows, row), "objectives");
    const json_t *value = json_object_get(json_object_get(figures, task), "value");
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static void test_commanded(void **state) {
    (void)state;
    expect_error(1, "only with --allow-commands", "map %s/commanded.db --quiet",
                 folder());
    json_t *rows = json_of("map %s/commanded.db --allow-commands --quiet --grid 5 "
                           "--evaluations 12 --format json",
                           folder());
    assert_int_equal(json_array_size(rows), 5);
    /* Twelve models and five answers at most, two commands each. */
    assert_true(runs() <= 34 && runs() >= 24);
    double spread = 1e6 * pow(expert[0] - expert[1], 2);
    /* What one task wants alone is its own expert, and in the middle the line between
     * them is met: the first weight halfway, a quarter of the square off from both. */
    assert_true(figure(rows, 4, "right") < 1e-3 * spread);
    assert_true(figure(rows, 0, "left") < 1e-3 * spread);
    double left = figure(rows, 2, "left"), right = figure(rows, 2, "right");
    assert_true(fabs(left - spread / 4) < 0.1 * spread);
    assert_true(fabs(right - spread / 4) < 0.1 * spread);
    assert_string_equal(string(json_array_get(rows, 2), "method"), "map");
    json_decref(rows);
    /* All of it is known now, also in another grid's shared points. */
    double before = runs();
    rows = json_of("map %s/commanded.db --quiet --grid 3 --evaluations 12 "
                   "--format json",
                   folder());
    assert_int_equal(json_array_size(rows), 3);
    assert_true(runs() == before);
    json_decref(rows);
    rows = json_of("show %s/commanded.db routers --format json", folder());
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(string(json_array_get(rows, 0), "upscale"), "surrogate");
    json_decref(rows);
    /* An answer at any other preference, and it is exported as it was measured. */
    rows = json_of("eval %s/commanded.db --preference 0.3,0.7 --allow-commands --quiet "
                   "--format json",
                   folder());
    double measured = figure(rows, 0, "left");
    json_decref(rows);
    struct ran ran = run("export %s/commanded.db --preference 0.3,0.7 --out "
                         "%s/exported --quiet",
                         folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    ran = shell("'%s/aim.sh' %.9g '%s/exported'", folder(), expert[0], folder());
    assert_true(fabs(atof(ran.out) - measured) <= 1e-4 * spread);
    ran_free(&ran);
}

/* Fewer models than a quadratic has numbers, unless least squares alone are asked for:
 * these are another surrogate, and the fewest are told. */
static void test_few(void **state) {
    (void)state;
    expect_error(2, "2 tasks need at least 4 evaluations before the refining ones",
                 "map %s/commanded.db --allow-commands --quiet --evaluations 4 "
                 "--refine 1",
                 folder());
    json_t *rows = json_of("map %s/commanded.db --allow-commands --quiet --grid 3 "
                           "--evaluations 5 --format json",
                           folder());
    double spread = 1e6 * pow(expert[0] - expert[1], 2);
    assert_true(fabs(figure(rows, 1, "left") - spread / 4) < 0.2 * spread);
    assert_true(fabs(figure(rows, 1, "right") - spread / 4) < 0.2 * spread);
    json_decref(rows);
    rows = json_of("map %s/commanded.db --allow-commands --quiet --grid 2 "
                   "--evaluations 9 --fit least-squares --format json",
                   folder());
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
    rows = json_of("show %s/commanded.db routers --format json", folder());
    assert_true(json_array_size(rows) >= 2);
    json_decref(rows);
}

/* Six tasks, by fewer models than the 28 numbers of a quadratic: the grid of answers
 * has the experts alone, and equal weights are answered as well. */
static void test_many(void **state) {
    (void)state;
    char text[8192], models_path[1100];
    snprintf(models_path, sizeof models_path, "%s", golden_path("tensorwise/llama"));
    size_t used = (size_t)snprintf(text, sizeof text, "pretrained: %s/base\ntasks:\n",
                                   models_path);
    for (int t = 0; t < 6; t++)
        used += (size_t)snprintf(
            text + used, sizeof text - used,
            "  t%d:\n    expert: %s/%c\n    measure: ./aim.sh %.9g {model}\n"
            "    direction: min\n    unit: squares\n",
            t, models_path, "abc"[t % 3], base + (expert[t % 2] - base) * (t + 1) / 4);
    write_file("many.yaml", text);
    struct ran ran = run("init %s/many.db %s/many.yaml --quiet", folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    json_t *rows = json_of("map %s/many.db --allow-commands --quiet --evaluations 14 "
                           "--refine 4 --format json",
                           folder());
    assert_int_equal(json_array_size(rows), 7);
    const json_t *preference = json_object_get(json_array_get(rows, 6), "preference");
    assert_int_equal(json_array_size(preference), 6);
    for (size_t t = 0; t < 6; t++)
        assert_true(fabs(json_number_value(json_array_get(preference, t)) - 1.0 / 6) <
                    1e-9);
    json_decref(rows);
    rows = json_of("show %s/many.db solutions --kind merge --format json", folder());
    assert_int_equal(json_array_size(rows), 14);
    json_decref(rows);
}

/* A quadratic cannot follow every command: it is said. */
static void test_no_fit(void **state) {
    (void)state;
    char path[1200];
    write_file("noise.sh", "#!/bin/sh\n"
                           "sha256sum \"$1/model.safetensors\" | cut -c1-4 |\n"
                           "  sed 's/.*/print int(\"&\", 16)/' | awk '{ s = $0; "
                           "gsub(/[^0-9]/, \"\", s); print s % 97 }'\n");
    snprintf(path, sizeof path, "%s/noise.sh", folder());
    assert_int_equal(chmod(path, 0755), 0);
    struct ran ran = shell("sed 's|aim.sh [^ ]*|noise.sh|' %s/commanded.yaml "
                           ">%s/noise.yaml",
                           folder(), folder());
    ran_free(&ran);
    ran = run("init %s/noise.db %s/noise.yaml --quiet", folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = run("map %s/noise.db --allow-commands --evaluations 14 --grid 2", folder());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "warning: left: the quadratic misses"));
    assert_non_null(strstr(ran.err, "it does not fit"));
    ran_free(&ran);
}

static void test_pool(void **state) {
    (void)state;
    new_store("pool.db");
    json_t *rows = json_of("map %s/pool.db --evaluations 10 --grid 3 --quiet "
                           "--threads 1 --format json",
                           folder());
    assert_int_equal(json_array_size(rows), 3);
    char *hash = strdup(string(json_array_get(rows, 1), "model_sha256"));
    json_decref(rows);
    /* The same answer from what is stored. */
    char centre[65];
    model_at_the_centre("pool.db", centre);
    assert_string_equal(hash, centre);
    free(hash);
    struct ran ran = run("export %s/pool.db --preference 0.5,0.5 --out %s/pool-out "
                         "--quiet",
                         folder(), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    char path[1200];
    snprintf(path, sizeof path, "%s/pool-out/pwemoe.json", folder());
    json_t *about = json_load_file(path, 0, NULL);
    assert_string_equal(string(json_object_get(about, "answered"), "method"),
                        "task-arithmetic");
    json_decref(about);
    /* By the closed form's preference, whose figures are those of its own front. */
    rows = json_of("map %s/pool.db --base wudi --evaluations 6 --grid 2 --quiet "
                   "--threads 1 --format json",
                   folder());
    assert_int_equal(json_array_size(rows), 2);
    json_decref(rows);
    for (int i = 0; i < 2; i++) {
        static const char *const bases[] = {"ties", "dare"};
        rows = json_of("map %s/pool.db --base %s --evaluations 8 --refine 0 --grid 2 "
                       "--quiet --threads 1 --format json",
                       folder(), bases[i]);
        assert_int_equal(json_array_size(rows), 2);
        json_decref(rows);
    }
}

/* pwemoe merge with a scale for each task. */
static void test_scales(void **state) {
    (void)state;
    new_store("scales.db");
    json_t *rows = json_of("merge %s/scales.db --method task-arithmetic,ties,dare "
                           "--scales a=0.4,b=0.4 --quiet --threads 1 --format json",
                           folder());
    json_t *same = json_of("merge %s/scales.db --method task-arithmetic "
                           "--scales 0.4 --quiet --threads 1 --format json",
                           folder());
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(string(json_array_get(rows, 0), "model_sha256"),
                        string(json_array_get(same, 0), "model_sha256"));
    json_decref(rows);
    json_decref(same);
    /* One task alone is its expert. */
    rows = json_of("merge %s/scales.db --method task-arithmetic --scales a=1,b=0 "
                   "--quiet --threads 1 --format json",
                   folder());
    same = json_of("merge %s/scales.db --method stl --quiet --threads 1 "
                   "--format json",
                   folder());
    assert_true(figure(rows, 0, "a") == figure(same, 0, "a"));
    json_decref(rows);
    json_decref(same);
    expect_error(2, "there is no expert 'd'",
                 "merge %s/scales.db --method ties --scales a=1,d=0", folder());
    expect_error(2, "none of the methods takes a scale for each task",
                 "merge %s/scales.db --method tsv-m --scales a=1,b=0", folder());
}

static void test_refused(void **state) {
    (void)state;
    new_store("refused.db");
    expect_error(2, "at least 7 evaluations",
                 "map %s/refused.db --evaluations 5 --fit least-squares", folder());
    expect_error(2, "neither a scale", "map %s/refused.db --base average", folder());
    expect_error(2, "'scale'", "map %s/refused.db --set scale=0.3", folder());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commanded), cmocka_unit_test(test_few),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_no_fit),
        cmocka_unit_test(test_pool),      cmocka_unit_test(test_scales),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
