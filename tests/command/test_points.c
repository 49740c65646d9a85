#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/io/point_file.h"

static int read_bytes(const char *text, size_t size, struct points *points,
                      struct error *error) {
    return points_parse(text, size, "p.csv", points, error);
}

static void separators_and_comments(void **state) {
    (void)state;
    static const char text[] = "\xef\xbb\xbf# heading\n"
                               "1,2\n"
                               "\n"
                               "  3 ,\t4  # here\r\n"
                               "5e-1 -6\n"
                               "7\t8";
    static const double expected[] = {1, 2, 3, 4, 0.5, -6, 7, 8};
    struct points points;
    struct error error;
    assert_int_equal(read_bytes(text, sizeof text - 1, &points, &error), 0);
    assert_int_equal(points.count, 4);
    assert_int_equal(points.columns, 2);
    for (size_t i = 0; i < 8; i++)
        assert_true(points.values[i] == expected[i]);
    points_free(&points);
}

/* Lines end in LF, CR LF or CR; a CR that were white space would make one point of
 * these two. */
static void line_ends(void **state) {
    (void)state;
    static const char *const texts[] = {"1,2\n2,1\n", "1,2\r\n2,1\r\n", "1,2\r2,1\r",
                                        "1,2\r2,1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct points points;
        struct error error;
        assert_int_equal(read_bytes(texts[i], strlen(texts[i]), &points, &error), 0);
        assert_int_equal(points.count, 2);
        assert_int_equal(points.columns, 2);
        assert_true(points.values[2] == 2 && points.values[3] == 1);
        points_free(&points);
    }
}

static void refusals(void **state) {
    (void)state;
#define CASE(text, says) \
    { text, sizeof text - 1, says }
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } cases[] = {
        CASE("# nothing\n", "p.csv: it has no points"),
        CASE("1 2\n3\n", "p.csv:2: 1 numbers, the rows before have 2"),
        CASE("1 2\n\n3 4 5\n", "p.csv:3: 3 numbers"),
        CASE("a b\n", "p.csv:1: 'a' is not a number"),
        CASE("1 2x\n", "p.csv:1: '2x' is not a number"),
        CASE("1 2\nNaN 1\n", "p.csv:2: 'NaN' is not finite"),
        CASE("1 -inf\n", "p.csv:1: '-inf' is not finite"),
        CASE("1 1e999\n", "p.csv:1: '1e999' is not finite"),
        CASE("1,,2\n", "p.csv:1: an empty field"),
        CASE(",2\n", "p.csv:1: an empty field"),
        CASE("1,2,\n", "p.csv:1: an empty field"),
        CASE("1 2\n3 \0 4\n", "p.csv: a zero byte at 6"),
        CASE("1;2\n", "p.csv:1: '1;2' is not a number; numbers stand between commas"),
        CASE("1 2\r3\r", "p.csv:2: 1 numbers"),
        CASE("\xff\xfe"
             "1\0 \0"
             "2\0",
             "p.csv: is UTF-16"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct points points;
        struct error error = {.text = ""};
        int result = read_bytes(cases[i].text, cases[i].size, &points, &error);
        if (result != -1 || points.values || !strstr(error.text, cases[i].says))
            fail_msg("case %zu: '%s'", i, error.text);
    }
}

static void vectors(void **state) {
    (void)state;
    double *values;
    size_t count;
    struct error error;
    assert_int_equal(points_vector("-1, 2.5", "--ref", &values, &count, &error), 0);
    assert_int_equal(count, 2);
    assert_true(values[0] == -1 && values[1] == 2.5);
    free(values);
    assert_int_equal(points_vector("1,x", "--ref", &values, &count, &error), -1);
    assert_string_equal(error.text, "--ref: 'x' is not a number");
    assert_int_equal(points_vector(" ", "--ref", &values, &count, &error), -1);
    assert_null(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_and_comments),
        cmocka_unit_test(line_ends),
        cmocka_unit_test(refusals),
        cmocka_unit_test(vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
