/* Tables as RFC 4180 has them, and files that break its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/csv.h"

static struct error error;

static void good(const char *text, size_t columns, size_t rows,
                 const char *const *expected, const size_t *lines) {
    struct csv csv;
    if (csv_parse(text, strlen(text), "t.csv", &csv, &error))
        fail_msg("%s", error.text);
    assert_int_equal(csv.columns, columns);
    assert_int_equal(csv.rows, rows);
    for (size_t i = 0; i < columns; i++)
        assert_string_equal(csv.names[i], expected[i]);
    for (size_t i = 0; i < columns * rows; i++)
        assert_string_equal(csv.fields[i], expected[columns + i]);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(csv.lines[i], lines[i]);
    csv_free(&csv);
}
#define GOOD(text, columns, rows, lines, ...) \
    good(text, columns, rows, (const char *[]){__VA_ARGS__}, (const size_t[])lines)
#define LINES(...) \
    { __VA_ARGS__ }

static void test_forms(void **state) {
    (void)state;
    GOOD("a,b\n1,2\n", 2, 1, LINES(2), "a", "b", "1", "2");
    GOOD("a,b\r\n1,2\r\n3,4", 2, 2, LINES(2, 3), "a", "b", "1", "2", "3", "4");
    GOOD("\xef\xbb\xbf# note, with \"quote\n\n\"a\"\n\n1\n#\n2\n", 1, 2, LINES(5, 7),
         "a", "1", "2");
    GOOD("a,b,c\n\"x,y\",\"say \"\"so\"\"\",\"two\r\nlines\"\n,,\n", 3, 2, LINES(2, 4),
         "a", "b", "c", "x,y", "say \"so\"", "two\nlines", "", "", "");
    GOOD("a,b\n\"\", 1 \n", 2, 1, LINES(2), "a", "b", "", " 1 ");
    /* A # that begins no line, and one that is quoted, are text. */
    GOOD("a,b\n1,#2\n\"#3\",4\n", 2, 2, LINES(2, 3), "a", "b", "1", "#2", "#3", "4");
    GOOD("a,b\r1,2\r3,4\r", 2, 2, LINES(2, 3), "a", "b", "1", "2", "3", "4");
    /* Between semicolons or tabs where the header says so; a comma decides against. */
    GOOD("a;b\n1,5;\"2;3\"\n", 2, 1, LINES(2), "a", "b", "1,5", "2;3");
    GOOD("# x,y\na\tb\n1\t2\n", 2, 1, LINES(3), "a", "b", "1", "2");
    GOOD("\"a,\";b\n1;2\n", 2, 1, LINES(2), "a,", "b", "1", "2");
    GOOD("a;,b\n1,2\n", 2, 1, LINES(2), "a;", "b", "1", "2");
    GOOD("a,b\n1,", 2, 1, LINES(2), "a", "b", "1", "");
}

static void bad(const char *text, size_t size, const char *words) {
    struct csv csv;
    *error.text = '\0';
    assert_int_equal(csv_parse(text, size, "t.csv", &csv, &error), -1);
    if (!strstr(error.text, words) || strncmp(error.text, "t.csv:", 6) != 0)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_true(!csv.names && !csv.fields && !csv.text);
}
#define BAD(text, words) bad(text, sizeof text - 1, words)

static void test_faults(void **state) {
    (void)state;
    BAD("", "no line of column names");
    BAD("\n# only\r\n", "no line of column names");
    BAD("a,b\n", "no row below");
    BAD("a,b\n1,2\n3\n", "t.csv:3: 1 fields, the header has 2");
    BAD("a,b\n1,2,\n", "t.csv:2: 3 fields");
    BAD("a\n\"x\n\ny", "t.csv:2: a quoted field has no end");
    BAD("a\n\"", "t.csv:2: a quoted field has no end");
    BAD("a\n\"x\"y\n", "t.csv:2: text after");
    BAD("a\n\"x\ny\" \n", "t.csv:3: text after");
    BAD("a\nx\"y\"\n", "t.csv:2: a quote inside");
    BAD("a\n1\0\n", "a zero byte at 3");
    char *wide = malloc(CSV_COLUMNS_MAX + 2);
    memset(wide, ',', CSV_COLUMNS_MAX + 1);
    bad(wide, CSV_COLUMNS_MAX, "t.csv:1: more than 4096 fields");
    free(wide);
    bad("", (size_t)CSV_BYTES_MAX + 1, "larger than");
}

static void test_files(void **state) {
    (void)state;
    char path[] = "/tmp/pwemoe-csv-XXXXXX";
    int file = mkstemp(path);
    assert_int_equal(write(file, "a,b\n1,2\n", 8), 8);
    close(file);
    struct csv csv;
    assert_int_equal(csv_read(path, &csv, &error), 0);
    assert_string_equal(csv.fields[1], "2");
    csv_free(&csv);
    unlink(path);
    assert_int_equal(csv_read(path, &csv, &error), -1);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(csv_read("/tmp", &csv, &error), -1);
    assert_non_null(strstr(error.text, "a directory, not a file"));
    assert_int_equal(csv_read("/dev/zero", &csv, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
