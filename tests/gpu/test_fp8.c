/* --precision fp8 through the commands, on the emulated device: figures are told apart
 * from others, are measured again by who asks for more and never replace what is
 * better; and it is refused in one line where it cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../results/fixture.h"
#include "command/run.h"
#include "gpu/module.h"

static char path[4200];

static int set_up(void **state) {
    (void)state;
    emulation_open();
    snprintf(path, sizeof path, "%s/real.db", folder());
    fixture_write_real(path, 21);
    return 0;
}

/* The average, measured so where that is needed: its state, and whether its figure of
 * the first task is in fp8. */
static void assert_measured(const char *options, const char *state, bool fp8) {
    json_t *rows = json_of("merge %s --method average --device cuda %s --format json",
                           path, options);
    const json_t *row = json_array_get(rows, 0);
    const json_t *objectives = json_object_get(row, "objectives");
    const json_t *first =
        json_object_iter_value(json_object_iter((json_t *)(uintptr_t)objectives));
    assert_string_equal(json_string_value(json_object_get(row, "state")), state);
    assert_int_equal(json_is_true(json_object_get(first, "fp8")), fp8);
    json_decref(rows);
}

static void test_told_apart(void **state) {
    (void)state;
    assert_measured("--precision fp8", "fp8", true);
    assert_measured("--precision fp8", "fp8", true);
    assert_measured("", "complete", false);
    assert_measured("--precision fp8", "complete", false);
    assert_measured("--precision fp8 --again", "complete", false);
}

/* The models of a front in fp8 and in bf16 are compared, which is said: by show in a
 * note, by a report, and not where all are alike. */
static void expect_note(bool said) {
    static const char note[] = "1 of 2 models are measured in fp8";
    struct ran ran = run("show %s front", path);
    assert_int_equal(ran.status, 0);
    assert_int_equal(strstr(ran.err, note) != NULL, said);
    assert_int_equal(*ran.err != '\0', said);
    ran_free(&ran);
    ran = run("report %s --out %s/report%d", path, folder(), said);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    ran = shell("cat %s/report%d/report.md", folder(), said);
    assert_int_equal(strstr(ran.out, "1 of the 2 models are measured in fp8") != NULL,
                     said);
    ran_free(&ran);
}

static void test_two_precisions(void **state) {
    (void)state;
    ran_free((struct ran[]){
        run("merge %s --method iso-c --device cuda --precision fp8", path)});
    expect_note(true);
    ran_free((struct ran[]){run("merge %s --method iso-c --device cuda", path)});
    expect_note(false);
}

static void test_refused(void **state) {
    (void)state;
    expect_error(1, "f32 only", "merge %s --method ties --device cpu --precision fp8",
                 path);
    expect_error(1, "--precision fp8 is for measuring",
                 "train %s --method ls --steps 1 --device cuda --precision fp8", path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_apart),
        cmocka_unit_test(test_two_precisions),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
