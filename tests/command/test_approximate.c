/* --approximate: hypervolumes whose exact ones would take days, wherever they are asked
 * for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../results/fixture.h"
#include "run.h"

enum { TASKS = 12, COUNT = 150 };

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static int make_files(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s/scattered.db", folder());
    fixture_scatter(path, TASKS, COUNT);
    snprintf(path, sizeof path, "%s/few.db", folder());
    fixture_scatter(path, 3, COUNT);
    return 0;
}

/* `show front`, as points for `indicators`, and `report` agree. */
static void all_say_the_same(void **state) {
    (void)state;
    json_t *rows = json_of("show %s/scattered.db front --approximate 0.05 --seed 3 "
                           "--format json",
                           folder());
    char path[4200];
    snprintf(path, sizeof path, "%s/points", folder());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(json_array_size(rows), COUNT);
    double sum = 0, volume = number(json_array_get(rows, 0), "hypervolume");
    for (size_t i = 0; i < COUNT; i++) {
        json_t *row = json_array_get(rows, i), *one;
        const char *name;
        json_object_foreach(json_object_get(row, "objectives"), name, one)
            fprintf(file, "%.17g ", number(one, "value"));
        fputc('\n', file);
        assert_true(number(row, "hypervolume_within") == 0.05);
        sum += number(row, "contribution");
    }
    fclose(file);
    /* What the points add each is less than all of them cover, but for the bound. */
    assert_true(volume > 0 && sum > 0 && sum < (1 + COUNT * 0.05) * volume);

    const char *words =
        "indicators %s/points --ref 0 --maximise --format json --seed %d "
        "--approximate %s";
    json_t *same = json_of(words, folder(), 3, "0.05");
    assert_true(fabs(number(same, "hypervolume") / volume - 1) < 1e-9);
    assert_true(number(same, "hypervolume_within") == 0.05);
    json_t *other = json_of(words, folder(), 4, "0.02");
    double relative = number(other, "hypervolume") / volume;
    assert_true(relative != 1 && fabs(relative - 1) < 0.05 + 0.02 * 1.05);
    json_decref(same);
    json_decref(other);
    json_decref(rows);

    rows = json_of("show %s/scattered.db indicators --approximate 0.05 --seed 3 "
                   "--format json",
                   folder());
    assert_true(fabs(number(json_array_get(rows, 0), "hypervolume") / volume - 1) <
                1e-9);
    assert_true(number(json_array_get(rows, 0), "hypervolume_share") == 1);
    json_decref(rows);

    struct ran ran = run("report %1$s/scattered.db --out %1$s/page --approximate 0.05 "
                         "--seed 3 && grep -o 'by sampling within 5 %%' "
                         "%1$s/page/report.md",
                         folder());
    if (ran.status || strcmp(ran.out, "by sampling within 5 %\n") != 0)
        fail_msg("%d: %s%s", ran.status, ran.out, ran.err);
    ran_free(&ran);
    ran = run("show %s/scattered.db front --approximate 0.05 | tail -n 1", folder());
    if (!strstr(ran.out, "(within 5 %) from reference"))
        fail_msg("%s%s", ran.out, ran.err);
    ran_free(&ran);
}

/* Where exact is fast it is exact, and says so. */
static void few_objectives_stay_exact(void **state) {
    (void)state;
    json_t *exact = json_of("show %s/few.db front --format json", folder());
    json_t *same =
        json_of("show %s/few.db front --approximate 0.5 --format json", folder());
    assert_true(json_equal(exact, same));
    assert_true(number(json_array_get(exact, 0), "hypervolume_within") == 0);
    json_decref(exact);
    json_decref(same);
}

static void refusals(void **state) {
    (void)state;
    expect_error(2, "--approximate '0'", "show %s/few.db front --approximate 0",
                 folder());
    expect_error(2, "--approximate '1'", "indicators x --ref 1 --approximate 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_say_the_same),
        cmocka_unit_test(few_objectives_stay_exact),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_files, NULL);
}
