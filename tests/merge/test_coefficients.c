/* Patterns of tensors' names, and what --scales and --weight say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "merge/coefficients.h"

static void test_patterns(void **state) {
    static const char name[] = "model.layers.11.mlp.up_proj.weight";
    static const struct {
        const char *pattern;
        double share; /* -1: no match */
    } rows[] = {
        {"*", 0},
        {name, 0},
        {"mlp", 0},
        {"*.mlp.*", 0},
        {"layers.*.mlp", 0},
        {"mlp.up_proj", 0},
        {"up_pro?.weight", 0},
        {"mlp.up", -1}, /* parts are whole */
        {"lp.up_proj", -1},
        {"layers.1", -1},
        {"layers.{0..11}", 1},
        {"layers.{0..22}.*.weight", 0.5},
        {"layers.{11..12}", 0},
        {"layers.{11..11}", 0},
        {"layers.{0..10}", -1},
        {"layers.{a..b}", -1},
        {"*.{1..21}.*", 0.5},
        {"*weight", 0},
        {"*bias", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double share = -1;
        bool found = coefficients_match(rows[i].pattern, name, &share);
        if (found != (rows[i].share >= 0) || (found && share != rows[i].share))
            fail_msg("%s: %d, %g", rows[i].pattern, found, share);
    }
}

/* Many stars over a long name end all the same. */
static void test_stars_end(void **state) {
    char name[400];
    double share;
    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_false(coefficients_match("*a*a*a*a*a*a*a*a*a*b", name, &share));
    name[50] = '\0';
    clock_t began = clock();
    assert_false(coefficients_match("**********b", name, &share));
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 2); /* milliseconds */
}

static const char *const names[] = {"cars", "signs"};

static void weights(const char *scales, const char *const *rules, size_t count,
                    const char *tensor, double first, double second) {
    struct coefficients c;
    struct error error;
    double found[2];
    if (coefficients_parse(scales, rules, count, names, 2, &c, &error))
        fail_msg("%s", error.text);
    coefficients_of(&c, tensor, found);
    coefficients_clear(&c);
    if (found[0] != first || found[1] != second)
        fail_msg("%s: %g %g", tensor, found[0], found[1]);
}

static void test_weights(void **state) {
    static const char *const rules[] = {"*.bias=0", "cars:*.mlp.*=0.5",
                                        "signs:h.{0..4}=0.2..0.6"};
    (void)state;
    weights(NULL, NULL, 0, "x", 1, 1);
    weights("0.4", NULL, 0, "x", 0.4, 0.4);
    weights("signs=-1e-1,cars=2", NULL, 0, "x", 2, -0.1);
    weights(NULL, rules, 3, "a.bias", 0, 0);
    weights(NULL, rules, 3, "a.mlp.bias", 0.5, 0);
    weights(NULL, rules, 3, "t.h.2.attn", 1, 0.2 + 0.5 * (0.6 - 0.2));
    weights("3", rules, 3, "t.h.4.mlp.bias", 0.5, 0.6);
    weights("3", rules, 3, "t.h.5.attn", 3, 3);
}

static void refused(const char *scales, const char *rule, const char *says) {
    struct coefficients c;
    struct error error = {.text = ""};
    int result = coefficients_parse(scales, &rule, rule != NULL, names, 2, &c, &error);
    coefficients_clear(&c);
    if (result == 0 || !strstr(error.text, says))
        fail_msg("%s %s: %s", scales ? scales : "", rule ? rule : "", error.text);
}

static void test_refused(void **state) {
    (void)state;
    refused("cars=1", NULL, "signs is missing");
    refused("cars=1,sign=2", NULL, "did you mean signs?");
    refused("cars=1,cars=2", NULL, "twice");
    refused("cars=x,signs=1", NULL, "is not a number");
    refused("cars", NULL, "NAME=X");
    refused("nan", NULL, "NAME=X");
    refused(NULL, "x", "PATTERN=X");
    refused(NULL, "=1", "PATTERN=X");
    refused(NULL, "a=1..", "neither a number");
    refused(NULL, "a=inf", "neither a number");
    refused(NULL, "a=0..1", "{0..11}");
    refused(NULL, "car:a=1", "did you mean cars?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_stars_end),
        cmocka_unit_test(test_weights), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
