/* The command itself: exit statuses, one-line errors, formats, broken output. */
#include <config.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "run.h"

struct bad {
    const char *words;
    int status;
    const char *says;
};

/* %s in the words is the folder of the test's files. */
static void expect_errors(const struct bad *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char words[1024];
        snprintf(words, sizeof words, cases[i].words, folder());
        expect_error(cases[i].status, cases[i].says, "%s", words);
    }
}
#define EXPECT_ERRORS(cases) expect_errors(cases, sizeof cases / sizeof *(cases))

static void wrong_usage_is_2(void **state) {
    (void)state;
    static const struct bad cases[] = {
        {"sohw", 2, "unknown command 'sohw'"},
        {"inidcators", 2, "did you mean 'indicators'?"},
        {"help nonsense", 2, "unknown command 'nonsense'"},
        {"help info info", 2, "too many operands"},
        {"info --fromat json", 2, "did you mean --format?"},
        {"info --format xml", 2, "table|csv|json"},
        {"info extra", 2, "too many operands"},
        {"info --seed 3", 2, "unknown option --seed"},
        {"indicators", 2, "too few operands"},
        {"indicators %s/p.csv", 2, "--ref is missing"},
        {"indicators %s/p.csv --ref", 2, "--ref needs a value"},
        {"indicators %s/p.csv --ref 1,x", 2, "--ref: 'x' is not a number"},
        {"indicators %s/p.csv --ref 1,2,3", 2, "--ref has 3 numbers"},
        {"indicators %s/p.csv --ref 1 --maximise --directions min,max", 2,
         "only one of"},
        {"indicators %s/p.csv --ref 1 --directions min", 2, "names 1 objectives"},
        {"indicators %s/p.csv --ref 1 --directions min,mux", 2, "min or max"},
        {"indicators %s/p.csv --ref 9 --ideal 1,2,3", 2, "--ideal has 3 numbers"},
        {"indicators %1$s/p.csv --ref 9 --weights %1$s/p.csv", 2, "needs --ideal"},
        {"indicators %s/p.csv --attainment --points", 2,
         "--attainment cannot be used with"},
        {"indicators %s/p.csv --ref 9 --points --ideal 0", 2,
         "--points cannot be used with"},
        {"indicators %s/p.csv --ref 9 --subset 0", 2, "--subset '0'"},
    };
    EXPECT_ERRORS(cases);
}

static void failures_are_1(void **state) {
    (void)state;
    write_file("ragged.csv", "1 2\n3\n");
    write_file("three.csv", "1 2 3\n");
    write_file("minus.csv", "1 2\n2 -1\n");
    static const struct bad cases[] = {
        {"indicators %s/missing.csv --ref 1", 1, "missing.csv: No such file"},
        {"indicators %s --ref 1", 1, "Is a directory"},
        {"indicators %s/ragged.csv --ref 9", 1, "ragged.csv:2: 1 numbers"},
        {"indicators %1$s/p.csv --ref 9 --reference-set %1$s/three.csv", 1,
         "three.csv has points of 3 objectives"},
        {"indicators %1$s/p.csv --ref 9 --reference-set %1$s/none.csv", 1, "none.csv"},
        {"indicators %1$s/p.csv %1$s/three.csv --ref 9", 1,
         "three.csv has points of 3 objectives"},
        {"indicators %s/three.csv --attainment", 1, "surfaces need two objectives"},
        {"indicators %s/p.csv --ref 9 --ideal 1.5", 1, "better than the ideal point"},
        {"indicators %1$s/p.csv --ref 9 --ideal 0 --weights %1$s/minus.csv", 1,
         "minus.csv: row 2 is not a set of weights"},
    };
    EXPECT_ERRORS(cases);
}

static void help_and_version(void **state) {
    (void)state;
    struct ran ran = run("--version");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "pwemoe " PACKAGE_VERSION "\n");
    ran_free(&ran);
    ran = run("%s", "");
    assert_int_equal(ran.status, 2);
    assert_string_equal(ran.out, "");
    assert_non_null(strstr(ran.err, "Usage: pwemoe COMMAND"));
    ran_free(&ran);
    ran = run("help");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.err, "");
    assert_non_null(strstr(ran.out, "  indicators "));
    assert_non_null(strstr(ran.out, "  extract-lora  Extract")); /* the longest name */
    ran_free(&ran);
    ran = run("help indicators");
    struct ran same = run("indicators --help");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, same.out);
    assert_non_null(strstr(ran.out, "  --reference-set FILE"));
    ran_free(&ran);
    ran_free(&same);
}

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

/* (1, 3), (2, 2), (3, 1) and (3, 3), which the others dominate. Up to (4, 4) they
 * cover 3 + 2 + 1 = 6; without (1, 3) 5 is left, without (2, 2) 5, ... */
static void indicators_of_four_points(void **state) {
    (void)state;
    json_t *d = json_of("indicators %s/p.csv --ref 4,4 --format json", folder());
    assert_true(number(d, "points") == 4);
    assert_true(number(d, "nondominated") == 3);
    assert_true(number(d, "hypervolume") == 6);
    assert_true(json_number_value(json_array_get(json_object_get(d, "reference"), 1)) ==
                4);
    static const double contributions[] = {1, 1, 1, 0};
    json_t *list = json_object_get(d, "contributions");
    assert_int_equal(json_array_size(list), 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(json_number_value(json_array_get(list, i)) == contributions[i]);
    assert_null(json_object_get(d, "igd"));
    json_decref(d);
}

/* A maximised objective is turned for all that is compared: the same figures as for the
 * points mirrored in it. */
static void indicators_in_any_direction(void **state) {
    (void)state;
    write_file("set.csv", "1 2\n3 1\n");
    write_file("turned.csv", "1 7\n2 8\n3 9\n3 7\n");
    write_file("turned-set.csv", "1 8\n3 9\n");
    json_t *plain = json_of("indicators %1$s/p.csv --ref 4 --ideal 0 --subset 2 "
                            "--reference-set %1$s/set.csv --format json",
                            folder());
    json_t *turned =
        json_of("indicators %1$s/turned.csv --directions min,max --ref 4,6 "
                "--ideal 0,10 --subset 2 --reference-set "
                "%1$s/turned-set.csv --format json",
                folder());
    static const char *const same[] = {
        "hypervolume", "hypervolume_share", "igd", "igd_plus", "gd", "gd_plus",
        "hausdorff",   "epsilon_additive",  "r2"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(json_is_number(json_object_get(plain, same[i])));
        assert_true(number(plain, same[i]) == number(turned, same[i]));
    }
    assert_true(number(plain, "hypervolume_share") == 6.0 / 7);
    assert_true(json_number_value(
                    json_array_get(json_object_get(turned, "reference"), 1)) == 6);
    assert_true(json_equal(json_object_get(plain, "subset"),
                           json_object_get(turned, "subset")));
    json_decref(plain);
    json_decref(turned);
    /* Ratios are the objectives' own: 8/7, 9/8 and 2. */
    json_t *ratio = json_of("indicators %1$s/turned.csv --directions min,max --ref 4,6 "
                            "--reference-set %1$s/turned-set.csv --format json",
                            folder());
    assert_true(fabs(number(ratio, "epsilon_multiplicative") - 8.0 / 7) < 1e-15);
    json_decref(ratio);
}

/* (2, 2) adds 4 first; what (1, 3) and (3, 1) add to it is the same, and the first is
 * taken. */
static void points_one_by_one(void **state) {
    (void)state;
    json_t *rows = json_of(
        "indicators %s/p.csv --ref 4 --points --subset 2 --format json", folder());
    assert_int_equal(json_array_size(rows), 4);
    static const char *const wanted[] = {
        "{\"point\": 1, \"values\": [1.0, 3.0], \"rank\": 1, \"crowding\": null, "
        "\"contribution\": 1.0, \"pseudo_weights\": [1.0, 0.0], \"subset\": 2}",
        "{\"point\": 2, \"values\": [2.0, 2.0], \"rank\": 1, \"crowding\": 2.0, "
        "\"contribution\": 1.0, \"pseudo_weights\": [0.5, 0.5], \"subset\": 1}",
        "{\"point\": 3, \"values\": [3.0, 1.0], \"rank\": 1, \"crowding\": null, "
        "\"contribution\": 1.0, \"pseudo_weights\": [0.0, 1.0], \"subset\": null}",
        "{\"point\": 4, \"values\": [3.0, 3.0], \"rank\": 2, \"crowding\": null, "
        "\"contribution\": 0.0, \"pseudo_weights\": null, \"subset\": null}"};
    for (size_t i = 0; i < 4; i++) {
        json_t *row = json_array_get(rows, i),
               *expected = json_loads(wanted[i], 0, NULL);
        assert_non_null(expected);
        json_object_set(expected, "file", json_object_get(row, "file"));
        assert_true(json_equal(row, expected));
        json_decref(expected);
    }
    json_decref(rows);
    rows = json_of("indicators %1$s/p.csv %1$s/p.csv --ref 4 --format json", folder());
    assert_int_equal(json_array_size(rows), 2);
    assert_non_null(json_object_get(json_array_get(rows, 1), "file"));
    json_decref(rows);
}

/* Two runs that each attain what the other does not. */
static void attainment_of_two_runs(void **state) {
    (void)state;
    write_file("one.csv", "5 1\n");
    write_file("two.csv", "7 3\n");
    json_t *rows = json_of("indicators %1$s/one.csv %1$s/two.csv --attainment "
                           "--directions max,min --format json",
                           folder());
    json_t *wanted =
        json_loads("[{\"surface\": \"best\", \"sets\": 1, \"values\": [7.0, 3.0]},"
                   "{\"surface\": \"best\", \"sets\": 1, \"values\": [5.0, 1.0]},"
                   "{\"surface\": \"median\", \"sets\": 1, \"values\": [7.0, 3.0]},"
                   "{\"surface\": \"median\", \"sets\": 1, \"values\": [5.0, 1.0]},"
                   "{\"surface\": \"worst\", \"sets\": 2, \"values\": [5.0, 3.0]}]",
                   0, NULL);
    assert_non_null(wanted);
    assert_true(json_equal(rows, wanted));
    json_decref(rows);
    json_decref(wanted);
}

/* Turned round: of the same points maximised from (0, 0) only (3, 3) stands. */
static void indicators_maximised(void **state) {
    (void)state;
    json_t *d = json_of("indicators %s/p.csv --ref 0 --maximise --format json "
                        "--no-contributions",
                        folder());
    assert_true(number(d, "nondominated") == 1);
    assert_true(number(d, "hypervolume") == 9);
    assert_true(json_number_value(json_array_get(json_object_get(d, "reference"), 1)) ==
                0);
    assert_true(json_is_null(json_object_get(d, "contributions")));
    json_decref(d);
    /* Small x and great y: (1, 3) dominates all. */
    d = json_of("indicators %s/p.csv --ref 4,0 --directions min,max --format=json",
                folder());
    assert_true(number(d, "nondominated") == 1);
    assert_true(number(d, "hypervolume") == 9);
    json_decref(d);
}

/* The reference set {(1, 2)}: the nearest points are 1 away, (1, 3) and (2, 2). */
static void indicators_with_a_reference_set(void **state) {
    (void)state;
    write_file("set.csv", "1 2\n");
    json_t *d = json_of("indicators %1$s/p.csv --ref 4 --reference-set %1$s/set.csv "
                        "--format json",
                        folder());
    assert_true(number(d, "igd") == 1);
    assert_true(number(d, "igd_plus") == 1);
    assert_true(number(d, "epsilon_additive") == 1);
    json_decref(d);
}

static void indicators_as_text_and_csv(void **state) {
    (void)state;
    struct ran ran = run("indicators %s/p.csv --ref 4,4", folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "points        4\n"
                                 "nondominated  3\n"
                                 "reference     4 4\n"
                                 "hypervolume   6\n");
    ran_free(&ran);
    ran = run("indicators - --ref 4,4 --format csv <%s/p.csv", folder());
    assert_string_equal(ran.out,
                        "points,nondominated,reference,hypervolume,contributions\r\n"
                        "4,3,4 4,6,1 1 1 0\r\n");
    ran_free(&ran);
}

static void info_is_json_csv_and_text(void **state) {
    (void)state;
    json_t *d = json_of("info --format json");
    assert_string_equal(json_string_value(json_object_get(d, "version")),
                        PACKAGE_VERSION);
    assert_non_null(json_object_get(json_object_get(d, "build"), "cuda"));
    json_t *backend = json_array_get(json_object_get(d, "backends"), 0);
    assert_string_equal(json_string_value(json_object_get(backend, "name")), "cpu");
    assert_true(json_array_size(json_object_get(d, "libraries")) >= 6);
    json_decref(d);
    struct ran ran = run("info");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "pwemoe " PACKAGE_VERSION "\n"));
    assert_non_null(strstr(ran.out, "SQLite"));
    ran_free(&ran);
    ran = run("info --format csv");
    assert_int_equal(strncmp(ran.out, "section,name,value\r\n", 20), 0);
    ran_free(&ran);
}

static void lost_output_is_1(void **state) {
    (void)state;
    static const char *const words[] = {
        "info",      "info --format json", "help",
        "--version", "info --help",        "indicators %s/p.csv --ref 4 --format csv"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s >/dev/full", words[i]);
        struct ran ran = run(line, folder());
        if (ran.status != 1 || !strstr(ran.err, "No space left on device") ||
            !is_one_line(ran.err))
            fail_msg("%s: %d '%s'", line, ran.status, ran.err);
        ran_free(&ran);
    }
}

/* The programs start once, with what base/early.c sets for the libraries (OpenMP says
 * what it found, each time that it is loaded), under their own name; by hand by the
 * loader, too. */
static void starts_once_as_itself(void **state) {
    (void)state;
    struct ran ran =
        shell("unset OMP_WAIT_POLICY GOMP_SPINCOUNT; export OMP_DISPLAY_ENV=verbose; "
              "for p in ./pwemoe ./pwemoe-explore; do $p --version 2>&1; done | "
              "grep -o \"GOMP_SPINCOUNT = '[0-9]*'\"");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "GOMP_SPINCOUNT = '1000'\nGOMP_SPINCOUNT = '1000'\n");
    ran_free(&ran);
    ran = shell("unset OMP_WAIT_POLICY GOMP_SPINCOUNT; mkfifo %1$s/fifo; "
                "./pwemoe indicators %1$s/fifo --ref 2 >/dev/null & exec 3>%1$s/fifo; "
                "cat /proc/$!/comm; echo 1 >&3; exec 3>&-; wait $!",
                folder());
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "pwemoe\n");
    ran_free(&ran);
    /* 127: a loader for another kind of processor. */
    ran =
        shell("unset OMP_WAIT_POLICY GOMP_SPINCOUNT; for l in /lib*/ld-linux*.so*; do "
              "test ! -x \"$l\" || \"$l\" ./pwemoe --version 2>/dev/null || "
              "test $? = 127 || exit 1; done");
    assert_int_equal(ran.status, 0);
    assert_true(!*ran.out || strncmp(ran.out, "pwemoe ", 7) == 0);
    ran_free(&ran);
}

int main(void) {
    write_file("p.csv", "# four points\n1,3\n2 2\n3, 1\n3 3\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_is_2),
        cmocka_unit_test(failures_are_1),
        cmocka_unit_test(help_and_version),
        cmocka_unit_test(indicators_of_four_points),
        cmocka_unit_test(indicators_in_any_direction),
        cmocka_unit_test(points_one_by_one),
        cmocka_unit_test(attainment_of_two_runs),
        cmocka_unit_test(indicators_maximised),
        cmocka_unit_test(indicators_with_a_reference_set),
        cmocka_unit_test(indicators_as_text_and_csv),
        cmocka_unit_test(info_is_json_csv_and_text),
        cmocka_unit_test(lost_output_is_1),
        cmocka_unit_test(starts_once_as_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
