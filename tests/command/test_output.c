#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "results/output.h"

static const struct output_column columns[] = {
    {"name", IN_ALL, 0},    {"count", IN_ALL, 0},   {"value", IN_ALL, 2},
    {"vector", IN_ALL, -1}, {"object", IN_JSON, 0}, {"flat", IN_FLAT, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void add(struct output *output, const char *name, json_int_t count, double value,
                json_t *object) {
    output_row(output,
               (json_t *[]){output_text(name), json_integer(count), output_real(value),
                            output_reals((double[]){0.1, 1.0 / 3}, 2), object,
                            json_true()});
}

static bool guarded; /* rows that begin as formulas do */
static bool extreme; /* a row of a long name and a large number */

/* What output_end writes to stdout: it goes to a file for that long. */
static char *captured(enum output_format format, bool object) {
    struct error error = {.text = ""};
    struct output *output = output_new(format, object, columns, COLUMNS, &error);
    assert_non_null(output);
    add(output, "plain", 1, 0.1, json_pack("{s:f}", "scale", 0.3));
    if (extreme) {
        char name[3001];
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        add(output, name, 2, 1e308, NULL);
    } else if (guarded) {
        add(output, "=1+1", -7, -0.5, NULL);
        add(output, "@SUM(\"A1\")", -7, -0.5, NULL);
    } else if (!object) {
        add(output, "a \"b\", c", -20, 1.0 / 3, NULL);
        add(output, "esc\x1b[2J\n", 3, 1e300 * 1e300, NULL);
        add(output, "\xe4\xbd\xa0\xe5\xa5\xbd", 9007199254740993, 2, NULL);
        add(output, "bad \xff\xfe", 5, 12345.678, NULL);
    }
    fflush(stdout);
    FILE *file = tmpfile();
    int saved = dup(1);
    dup2(fileno(file), 1);
    int result = output_end(output, &error);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    assert_int_equal(result, 0);
    char *text = calloc(1, 8192);
    rewind(file);
    size_t got = fread(text, 1, 8191, file);
    assert_true(got > 0);
    fclose(file);
    return text;
}

static void json_is_one_document_with_exact_numbers(void **state) {
    (void)state;
    char *text = captured(OUTPUT_JSON, false);
    for (const char *p = text; *p; p++)
        assert_true((*p >= 0x20 && *p < 0x7f) || *p == '\n');
    json_error_t where;
    json_t *document = json_loads(text, 0, &where);
    assert_non_null(document);
    assert_int_equal(json_array_size(document), 5);
    assert_non_null(strstr(text, "0.3333333333333333"));
    assert_non_null(strstr(text, "\"scale\": 0.3\n"));
    assert_null(strstr(text, "0.1000000000000000"));
    assert_non_null(strstr(text, ": 2.0"));
    assert_non_null(strstr(text, "9007199254740993"));
    json_t *row = json_array_get(document, 0);
    assert_true(json_real_value(json_object_get(row, "value")) == 0.1);
    assert_true(json_real_value(
                    json_object_get(json_object_get(row, "object"), "scale")) == 0.3);
    assert_null(json_object_get(row, "flat"));
    row = json_array_get(document, 1);
    assert_true(json_real_value(json_object_get(row, "value")) == 1.0 / 3);
    assert_true(json_real_value(json_array_get(json_object_get(row, "vector"), 1)) ==
                1.0 / 3);
    assert_true(json_is_null(json_object_get(row, "object")));
    row = json_array_get(document, 2);
    assert_string_equal(json_string_value(json_object_get(row, "name")),
                        "esc\x1b[2J\n");
    assert_true(json_is_null(json_object_get(row, "value")));
    row = json_array_get(document, 3);
    assert_true(json_integer_value(json_object_get(row, "count")) == 9007199254740993);
    row = json_array_get(document, 4);
    assert_string_equal(json_string_value(json_object_get(row, "name")),
                        "bad \\xFF\\xFE");
    json_decref(document);
    free(text);
}

static void an_object_is_no_array(void **state) {
    (void)state;
    char *text = captured(OUTPUT_JSON, true);
    json_t *document = json_loads(text, 0, NULL);
    assert_true(json_is_object(document));
    json_decref(document);
    assert_non_null(strstr(text, "0.3")); /* not 0.29999999999999999 */
    free(text);
    text = captured(OUTPUT_TABLE, true);
    assert_non_null(strstr(text, "value   0.10\n"));
    free(text);
}

static void csv_is_quoted(void **state) {
    (void)state;
    char *text = captured(OUTPUT_CSV, false);
    const char *expected =
        "name,count,value,vector,flat\r\n"
        "plain,1,0.1,0.1 0.3333333333333333,true\r\n"
        "\"a \"\"b\"\", c\",-20,0.3333333333333333,0.1 0.3333333333333333,true\r\n"
        "esc\\x1B[2J\\x0A,3,,0.1 0.3333333333333333,true\r\n"
        "\xe4\xbd\xa0\xe5\xa5\xbd,9007199254740993,2,0.1 0.3333333333333333,true\r\n"
        "bad \\xFF\\xFE,5,12345.678,0.1 0.3333333333333333,true\r\n";
    assert_string_equal(text, expected);
    free(text);
}

/* Spreadsheets compute what begins with =, +, - or @; numbers are numbers. */
static void csv_computes_nothing(void **state) {
    (void)state;
    guarded = true;
    char *text = captured(OUTPUT_CSV, false);
    output_raw(true);
    char *raw = captured(OUTPUT_CSV, false);
    output_raw(false);
    guarded = false;
    assert_non_null(strstr(text, "\r\n\"'=1+1\",-7,-0.5,"));
    assert_non_null(strstr(text, "\r\n\"'@SUM(\"\"A1\"\")\",-7,"));
    assert_non_null(strstr(raw, "\r\n=1+1,-7,-0.5,"));
    free(text);
    free(raw);
}

static void tables_line_up(void **state) {
    (void)state;
    char *text = captured(OUTPUT_TABLE, false);
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, " \n")); /* nothing behind the last column */
    /* The second column's right edge is at one place in every line. */
    size_t lines = 0;
    for (char *line = text; *line; line += strcspn(line, "\n") + 1, lines++) {
        char copy[256];
        snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
        static const char *const counts[] = {
            "count", " 1", "-20", " 3", "9007199254740993", " 5"};
        char *at = strstr(copy, counts[lines]);
        assert_non_null(at);
        at[strlen(counts[lines])] = '\0';
        assert_int_equal(output_width(copy), 14 + 2 + 16);
    }
    assert_int_equal(lines, 6);
    assert_non_null(strstr(text, "  12345.68  "));
    free(text);
}

/* One long name does not make every row as long, nor a number a line of digits. */
static void extremes_keep_to_their_row(void **state) {
    (void)state;
    extreme = true;
    char *text = captured(OUTPUT_TABLE, false);
    extreme = false;
    char *row = strchr(text, '\n') + 1;
    assert_memory_equal(row, "plain ", 6);
    assert_true(strcspn(row, "\n") < 300);
    assert_non_null(strstr(text, "xxx      2  1e+308  "));
    free(text);
}

static void widths(void **state) {
    (void)state;
    assert_int_equal(output_width("abc"), 3);
    if (setlocale(LC_CTYPE, "C.UTF-8")) {
        assert_int_equal(output_width("\xe4\xbd\xa0"), 2);
        assert_int_equal(output_width("e\xcc\x81"), 1);
    }
    assert_int_equal(output_width("\xff"), 1);
}

static void a_full_disk_is_an_error(void **state) {
    (void)state;
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    struct error error = {.text = ""};
    struct output *output = output_new(OUTPUT_TABLE, false, columns, COLUMNS, &error);
    add(output, "x", 1, 2, NULL);
    fflush(stdout);
    int saved = dup(1);
    dup2(full, 1);
    int result = output_end(output, &error);
    dup2(saved, 1);
    close(saved);
    close(full);
    clearerr(stdout);
    assert_int_equal(result, -1);
    assert_string_equal(error.text,
                        "cannot write to standard output: No space left on device");
}

int main(void) {
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_document_with_exact_numbers),
        cmocka_unit_test(an_object_is_no_array),
        cmocka_unit_test(csv_is_quoted),
        cmocka_unit_test(csv_computes_nothing),
        cmocka_unit_test(tables_line_up),
        cmocka_unit_test(extremes_keep_to_their_row),
        cmocka_unit_test(widths),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
