/* --spill: task vectors in a file, with the same models and figures, and what is said
 * where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

static int copy_demo(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    setenv("OMP_WAIT_POLICY", "passive", 1);
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && mkdir spill && cp results.db other.db",
                           folder(), source ? source : ".");
    int status = ran.status;
    ran_free(&ran);
    return status;
}

/* What a command says of folder()/FILE, without times. */
static json_t *said(const char *file, const char *command, const char *spill) {
    return json_of(command, folder(), file, spill);
}

static void the_same(const char *command) {
    char spill[4200];
    snprintf(spill, sizeof spill, "--spill %s/spill", folder());
    json_decref(said("results.db", command, spill));
    json_decref(said("other.db", command, ""));
}

static const char *hash_of(const json_t *solution) {
    return json_string_value(json_object_get(solution, "model_sha256"));
}

static void figures_are_the_same(void **state) {
    (void)state;
    const char *f = folder(), *show = "show %s/%s solutions --all --format json";
    size_t before;
    json_t *with = json_of(show, f, "results.db");
    before = json_array_size(with);
    json_decref(with);
    the_same("merge %s/%s --method dare --scales 0.3 --set seed=3 --device cpu "
             "--threads 1 --limit 40 --quiet --format json %s");
    the_same(
        "train %s/%s --steps 2 --seed 5 --batch 4 --device cpu --threads 1 --quiet "
        "--format json %s");
    the_same(
        "eval %s/%s --preference 0.52,0.27,0.21 --device cpu --threads 1 --limit 40 "
        "--quiet --format json %s");
    with = json_of(show, f, "results.db");
    json_t *without = json_of(show, f, "other.db");
    assert_int_equal(json_array_size(with), before + 2);
    assert_int_equal(json_array_size(without), before + 2);
    for (size_t i = before; i < before + 2; i++) {
        const json_t *a = json_array_get(with, i), *b = json_array_get(without, i);
        assert_string_equal(hash_of(a), hash_of(b));
        assert_true(json_equal(json_object_get(a, "objectives"),
                               json_object_get(b, "objectives")));
    }
    json_decref(with);
    json_decref(without);
}

/* Nothing of it is left, nor ever had a name for longer than a moment. */
static void the_folder_is_empty(void **state) {
    (void)state;
    struct ran ran = shell("ls -A %s/spill", folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

static void no_room_is_told(void **state) {
    (void)state;
    const char *f = folder();
    expect_error(1, "no file can be made in it",
                 "eval %s/results.db --preference 0.2,0.3,0.5 --device cpu --spill "
                 "%s/nowhere",
                 f, f);
    struct ran ran = shell("ulimit -f 64; ./pwemoe eval %s/results.db --preference "
                           "0.2,0.3,0.5 --device cpu --spill %s/spill",
                           f, f);
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "MiB of task vectors: File too large"));
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_the_same),
        cmocka_unit_test(the_folder_is_empty),
        cmocka_unit_test(no_room_is_told),
    };
    return cmocka_run_group_tests(tests, copy_demo, NULL);
}
