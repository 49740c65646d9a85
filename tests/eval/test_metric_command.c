/* Commands of recipes as words, in results.db and back, and what they may print. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/child.h"
#include "eval/metric_command.h"

static void split(const char *text, const char *const *words, size_t count) {
    struct metric_command c;
    struct error error;
    if (metric_command_split(text, &c, &error))
        fail_msg("%s: %s", text, error.text);
    assert_int_equal(c.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(c.words[i], words[i]);
    metric_command_clear(&c);
}

static void test_words(void **state) {
    (void)state;
    split("./score.sh {model}", (const char *const[]){"./score.sh", "{model}"}, 2);
    split("  a\t 'b c' \"d 'e\" f\\ g ''",
          (const char *const[]){"a", "b c", "d 'e", "f g", ""}, 5);
    split("a '$HOME | x' \"\\\"\" b*",
          (const char *const[]){"a", "$HOME | x", "\"", "b*"}, 4);
    /* As a shell has it: in double quotes \ is itself but before " \ $ and `. */
    split("grep \"^a\\.b\\\\c\\$\" \\. 'd\\.e'",
          (const char *const[]){"grep", "^a\\.b\\c$", ".", "d\\.e"}, 4);
    split("\na {model}\n", (const char *const[]){"a", "{model}"}, 2);
}

static void refused(const char *text, const char *says) {
    struct metric_command c;
    struct error error;
    assert_int_equal(metric_command_split(text, &c, &error), -1);
    if (!strstr(error.text, says))
        fail_msg("%s: %s", text, error.text);
}

static void test_refused_words(void **state) {
    (void)state;
    refused("", "no command");
    refused("''", "no command");
    refused("a | b", "only in a shell");
    refused("a $HOME", "only in a shell");
    refused("a 'b", "is not closed");
    refused("a \\", "ends in");
    refused("a\nb", "more than one line");
}

static void test_replaced(void **state) {
    struct metric_command c;
    struct error error;
    (void)state;
    assert_int_equal(
        metric_command_split("x --m={model},{model} {device} {mode}", &c, &error), 0);
    char **words = metric_command_words(&c, "/a b/$(c)", "cpu");
    assert_string_equal(words[1], "--m=/a b/$(c),/a b/$(c)");
    assert_string_equal(words[2], "cpu");
    assert_string_equal(words[3], "{mode}");
    assert_null(words[4]);
    metric_command_free_words(words);
    metric_command_clear(&c);
}

static void test_kept(void **state) {
    struct metric_command c, again;
    struct error error;
    (void)state;
    assert_int_equal(metric_command_split("a 'b \"c'", &c, &error), 0);
    c.timeout = 0.1;
    c.repeat = 3;
    c.budget_runs = 7;
    char *text = metric_command_text(&c);
    assert_string_equal(text, "{\"command\":[\"a\",\"b \\\"c\"],\"timeout\":0.1,"
                              "\"repeat\":3,\"budget\":{\"runs\":7}}");
    assert_int_equal(metric_command_read(text, &again, &error), 0);
    assert_string_equal(again.words[1], "b \"c");
    assert_true(again.timeout == 0.1 && again.repeat == 3 && again.count == 2);
    assert_true(again.budget_runs == 7 && again.budget_seconds == 0);
    char line[96];
    assert_false(metric_command_spent(&again, 1e9, 4, line));
    assert_true(metric_command_spent(&again, 0, 5, line));
    assert_string_equal(line, "its budget of 7 runs is used up");
    free(text);
    metric_command_clear(&c);
    metric_command_clear(&again);
    static const char *const wrong[] = {
        "accuracy",
        "{}",
        "{\"command\":[]}",
        "{\"command\":[1]}",
        "{\"command\":[\"\"]}",
        "{\"command\":\"a\"}",
        "{\"command\":[\"a\"],\"timeout\":-1}",
        "{\"command\":[\"a\"],\"timeout\":\"1\"}",
        "{\"command\":[\"a\"],\"repeat\":0}",
        "{\"command\":[\"a\"],\"budget\":7}",
        "{\"command\":[\"a\"],\"budget\":{}}",
        "{\"command\":[\"a\"],\"budget\":{\"runs\":0}}",
        "{\"command\":[\"a\"],\"budget\":{\"runs\":1,\"seconds\":1}}",
        "{\"command\":[\"a\"],\"repeat\":3,\"budget\":{\"runs\":2}}",
        "{\"command\":[\"a\"],\"budget\":{\"seconds\":-1}}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (metric_command_read(wrong[i], &c, &error) == 0)
            fail_msg("%s", wrong[i]);
}

static void figure(const char *output, double value, double spread, uint64_t n) {
    struct metric_figure f;
    struct error error;
    if (metric_figure_read(output, strlen(output), &f, &error))
        fail_msg("%s: %s", output, error.text);
    if (f.value != value || f.error != spread || f.n != n)
        fail_msg("%s: %g %g", output, f.value, f.error);
}

static void no_figure(const char *output, const char *says) {
    struct metric_figure f;
    struct error error;
    if (metric_figure_read(output, strlen(output), &f, &error) == 0 ||
        !strstr(error.text, says))
        fail_msg("%s: %s", output, error.text);
}

static void test_figures(void **state) {
    (void)state;
    figure("81.5\n", 81.5, 0, 1);
    figure(" -1e-3 \r\n", -1e-3, 0, 1);
    figure("0", 0, 0, 1);
    figure("{\"value\": 2, \"error\": 0.5, \"n\": 40, \"f1\": 3}\n", 2, 0.5, 40);
    figure("{\"value\": 2, \"error\": null}", 2, 0, 1);
    no_figure("", "printed nothing");
    no_figure("\n\n", "printed nothing");
    no_figure("1 2\n", "something other than one number");
    no_figure("1\n2\n", "something other than one number");
    no_figure("accuracy: 3", "something other than one number");
    no_figure("nan", "that is not finite");
    no_figure("inf", "that is not finite");
    no_figure("{\"value\": \"3\"}", "without a number");
    no_figure("{\"value\": NaN}", "not JSON");
    no_figure("{\"value\": 3} {\"value\": 4}", "not JSON");
    no_figure("{\"value\": 3, \"error\": -1}", "an error that is not a number");
    no_figure("{\"value\": 3, \"n\": 0}", "an n that is not a whole");
    struct metric_figure f;
    struct error error;
    assert_int_equal(metric_figure_read("3", CHILD_OUTPUT + 1, &f, &error), -1);
    assert_int_equal(metric_figure_read("3\0", 2, &f, &error), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words), cmocka_unit_test(test_refused_words),
        cmocka_unit_test(test_replaced), cmocka_unit_test(test_kept),
        cmocka_unit_test(test_figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
