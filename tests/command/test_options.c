#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/io/options.h"

struct values {
    bool loud;
    uint64_t grid;
    double keep;
    unsigned format;
    const char *out;
};

static const struct option_spec specs[] = {{.name = "loud",
                                            .type = OPTION_FLAG,
                                            .help = "Be loud",
                                            .offset = offsetof(struct values, loud)},
                                           {.name = "grid",
                                            .type = OPTION_UNSIGNED,
                                            .value = "M",
                                            .help = "Points an edge",
                                            .initial = "11",
                                            .minimum = 2,
                                            .maximum = 1000,
                                            .offset = offsetof(struct values, grid)},
                                           {.name = "keep",
                                            .type = OPTION_REAL,
                                            .value = "P",
                                            .help = "Part kept",
                                            .initial = "0.2",
                                            .minimum = 0,
                                            .maximum = 1,
                                            .above_minimum = true,
                                            .offset = offsetof(struct values, keep)},
                                           {.name = "format",
                                            .type = OPTION_CHOICE,
                                            .value = "F",
                                            .help = "Format",
                                            .choices = "table|csv|json",
                                            .offset = offsetof(struct values, format)},
                                           {.name = "out",
                                            .type = OPTION_TEXT,
                                            .value = "DIR",
                                            .help = "Where",
                                            .offset = offsetof(struct values, out)},
                                           {0}};

struct parsed {
    struct values values;
    const char *operands[16];
    size_t operand_count;
    bool help;
    struct error error;
    int result;
};

/* Parses a NULL-ended list with the rows of mask. */
static struct parsed parse(unsigned mask, const char *const *arguments) {
    struct parsed p;
    memset(&p, 0, sizeof p);
    size_t count = 0;
    while (arguments[count])
        count++;
    struct option_group group = {specs, &p.values, mask, NULL};
    p.result = options_parse(&group, 1, count, arguments, p.operands, &p.operand_count,
                             &p.help, &p.error);
    return p;
}
#define PARSE(...) parse(~0u, (const char *const[]){__VA_ARGS__, NULL})

static void values_and_operands(void **state) {
    (void)state;
    struct parsed p = PARSE("a.db", "--grid", "5", "--keep=1", "--format", "json",
                            "--loud", "--out=x=y", "--", "--grid");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.values.grid, 5);
    assert_true(p.values.keep == 1);
    assert_int_equal(p.values.format, 2);
    assert_true(p.values.loud);
    assert_string_equal(p.values.out, "x=y");
    assert_int_equal(p.operand_count, 2);
    assert_string_equal(p.operands[0], "a.db");
    assert_string_equal(p.operands[1], "--grid");
}

static void initial_values(void **state) {
    (void)state;
    struct parsed p = PARSE("-");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.values.grid, 11);
    assert_true(p.values.keep == 0.2);
    assert_null(p.values.out);
    assert_string_equal(p.operands[0], "-");
}

static void a_value_may_begin_with_a_dash(void **state) {
    (void)state;
    struct parsed p = PARSE("--out", "-1,-2");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.values.out, "-1,-2");
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *arguments[3], *says;
    } cases[] = {
        {{"--gird", "5"}, "did you mean --grid?"},
        {{"--completely-other"}, "unknown option"},
        {{"--grid"}, "--grid M"},
        {{"--grid", "five"}, "whole number from 2 to 1000"},
        {{"--grid", "1"}, "from 2 to 1000"},
        {{"--grid", "1001"}, "from 2 to 1000"},
        {{"--grid", "-3"}, "whole number"},
        {{"--grid", "+3"}, "whole number"},
        {{"--grid", " 3"}, "whole number"},
        {{"--grid", "3x"}, "whole number"},
        {{"--grid", "99999999999999999999999"}, "whole number"},
        {{"--grid="}, "whole number"},
        {{"--keep", "0"}, "above 0 and at most 1"},
        {{"--keep", "1.5"}, "above 0"},
        {{"--keep", "nan"}, "number"},
        {{"--keep", "inf"}, "number"},
        {{"--keep", "0x1p-1"}, "number"},
        {{"--format", "xml"}, "table|csv|json"},
        {{"--format", "cs"}, "table|csv|json"},
        {{"--format", ""}, "table|csv|json"},
        {{"--loud=1"}, "no value"},
        {{"--out="}, "empty"},
        {{"-x"}, "-x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed p = parse(~0u, cases[i].arguments);
        if (p.result != -1 || !strstr(p.error.text, cases[i].says))
            fail_msg("%s %s: %s", cases[i].arguments[0],
                     cases[i].arguments[1] ? cases[i].arguments[1] : "", p.error.text);
    }
}

static void rows_outside_the_mask_are_unknown(void **state) {
    (void)state;
    const char *const arguments[] = {"--grid", "5", NULL};
    struct parsed p = parse(1, arguments);
    assert_int_equal(p.result, -1);
    p = parse(3, arguments);
    assert_int_equal(p.result, 0);
}

static void help_ends_the_reading(void **state) {
    (void)state;
    struct parsed p = PARSE("--help", "--nonsense");
    assert_int_equal(p.result, 0);
    assert_true(p.help);
}

static void help_has_every_option_within_78_columns(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct values values;
    struct option_group group = {specs, &values, ~0u, NULL};
    options_help(&group, 1, out);
    fclose(out);
    for (size_t i = 0; specs[i].name; i++) {
        char word[40];
        snprintf(word, sizeof word, "  --%s", specs[i].name);
        assert_non_null(strstr(text, word));
    }
    assert_non_null(strstr(text, "(default 11)"));
    for (char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 78);
    free(text);
}

/* Choices and defaults are words without blanks, longer than a line. */
static void long_words_are_broken_at_their_commas(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    options_wrap(out,
                 "one of first,second,third,fourth,fifth,sixth,seventh,eighth|ninth|"
                 "tenth|eleventh|twelfth|thirteenth and a,b",
                 28, 28);
    fclose(out);
    assert_string_equal(text, "one of\n"
                              "                            "
                              "first,second,third,fourth,fifth,sixth,seventh,\n"
                              "                            "
                              "eighth|ninth|tenth|eleventh|twelfth|thirteenth and\n"
                              "                            a,b\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_operands),
        cmocka_unit_test(initial_values),
        cmocka_unit_test(a_value_may_begin_with_a_dash),
        cmocka_unit_test(refusals),
        cmocka_unit_test(rows_outside_the_mask_are_unknown),
        cmocka_unit_test(help_ends_the_reading),
        cmocka_unit_test(help_has_every_option_within_78_columns),
        cmocka_unit_test(long_words_are_broken_at_their_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
