/* JSON with the numbers that Python writes, and JSON that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"

static json_t *parse(const char *text) {
    struct error error;
    json_t *value = json_text_parse(text, strlen(text), "x.json", &error);
    if (!value)
        fail_msg("%s", error.text);
    return value;
}

static double real_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_real(value));
    return json_real_value(value);
}

static void numbers_of_any_length(void **state) {
    (void)state;
    json_t *value = parse("\xef\xbb\xbf{\"a\": 1000000000000000019884624838656, "
                          "\"b\": -9223372036854775808, \"c\": 123456789012345678, "
                          "\"d\": [1e999, -1e999, NaN, Infinity, -Infinity], "
                          "\"e\": 1e-999, \"f\": 2.5e3,\"g\":-0}");
    assert_true(real_of(value, "a") > 0.99e30 && real_of(value, "a") < 1.01e30);
    assert_true(real_of(value, "b") < -9.2e18);
    assert_int_equal(json_integer_value(json_object_get(value, "c")),
                     123456789012345678);
    static const char *const texts[] = {"1e999", "-1e999", "NaN", "Infinity",
                                        "-Infinity"};
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(value, "d"), i)),
            texts[i]);
    assert_true(real_of(value, "e") < 1e-300 && real_of(value, "f") > 2499);
    assert_true(json_is_integer(json_object_get(value, "g")));
    json_decref(value);
    char digits[600];
    memset(digits, '7', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    value = parse(digits);
    assert_string_equal(json_string_value(value), digits);
    json_decref(value);
}

/* What stands in a string stays as it is. */
static void strings_are_left_alone(void **state) {
    (void)state;
    json_t *value =
        parse("{\"NaN \\\\\\\" 12345678901234567890 Infinity\": \"1e999 \\\\\"}");
    assert_string_equal(
        json_string_value(json_object_get(value, "NaN \\\" 12345678901234567890 "
                                                 "Infinity")),
        "1e999 \\");
    json_decref(value);
}

static void what_is_no_json_is_refused(void **state) {
    static const char *const texts[] = {
        "",   "{",  "{\"a\": Nan}",         "[1,]",    "\"a",  "\"a\\", "01", "--1",
        "+1", "1.", "{\"a\": 1, \"a\": 2}", "Infinit", "[1] 2"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct error error = {.text = ""};
        json_t *value = json_text_parse(texts[i], strlen(texts[i]), "x.json", &error);
        if (value)
            fail_msg("%s is taken for JSON", texts[i]);
        assert_ptr_equal(strstr(error.text, "x.json: not valid JSON: "), error.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_any_length),
        cmocka_unit_test(strings_are_left_alone),
        cmocka_unit_test(what_is_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
