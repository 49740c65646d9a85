/* Filters over solutions: what is true of which, and where what is wrong stands. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "results/filter.h"
#include "results/filter_offer.h"

static struct catalog *catalog;
static struct error error;

/* Two tasks: rows 0 to 10 by routers at (1 - i / 10, i / 10), of the values 60 + 30
 * sqrt(share); then pretrained 20, STL 95, average 66, and task arithmetic and TIES in
 * turn at 0, 0.1 ... 1. A task has the name of a flag. */
static int prepare(void **state) {
    (void)state;
    static const char *const names[] = {"digits", "knee"};
    const struct fixture_options options = {
        .tasks = 2, .edge = 11, .names = names, .baselines = true};
    char path[4200];
    struct store *store;
    snprintf(path, sizeof path, "%s/filter.db", folder());
    fixture_write(path, &options);
    if (store_open(path, STORE_READ_WRITE, &store, &error))
        return -1;
    struct store_solution ours = {
        .kind = STORE_KIND_IMPORT, .method = "a paper's", .label = "Table 2"};
    fixture_put(store, &ours, (double[]){50, 51}, 2);
    if (catalog_read_solutions(store, "test", &catalog, &error))
        return -1;
    store_close(store);
    return 0;
}

static int clean(void **state) {
    (void)state;
    catalog_free(catalog);
    return 0;
}

static size_t count_of(const char *text) {
    struct filter *filter;
    size_t count = 0;
    if (filter_parse(text, catalog->recipe, &filter, NULL, &error))
        fail_msg("%s: %s", text, error.text);
    for (size_t i = 0; i < catalog->count; i++)
        count += filter_matches(filter, catalog, i);
    filter_free(filter);
    return count;
}

static void what_is_true(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"front", 11},
        {"knee", 1}, /* the flag */
        {"'knee' >= 90", 2},
        {"\"knee\" > 90", 1},
        {"!front", 26},
        {"!!front", 11},
        {"kind == pwemoe", 11},
        {"kind != pwemoe", 26},
        {"kind == merge && scale >= 0.5", 12},
        {"scale < 0.25 && method == ties", 3},
        {"method==ties&&scale<0.25||knee", 4},
        {"method == ties && (scale < 0.25 || knee)", 3},
        {"knee || method == ties && scale < 0.25", 4}, /* && binds closer */
        {"!knee && front", 10},
        {"!(knee || !front)", 10},
        {"digits.weight == 0.5", 1},
        {"digits > 'knee' && front", 5},
        {"digits == 'knee'", 1}, /* the centre of the grid; baselines differ by 0.1 */
        {"digits.low > 89", 1},
        {"digits.low >= 89", 2}, /* the first, and STL's 94 */
        {"digits.high <= 21", 1},
        {"digits.examples == 1000", 36},
        {"digits.loss == 0.5", 36},
        {"average < 21", 1},
        {"step >= 0", 11},
        {"step == 200", 11},
        {"id <= 3", 3},
        {"seconds > 0", 0},
        {"upscale == mlp", 11},
        {"state == complete", 36},
        {"state == imported", 1},
        {"series == 'task arithmetic'", 11},
        {"series == \"a paper's (imported)\"", 1},
        {"label == 'Table 2'", 1},
        {"merged", 34},
        {"answers", 11},
        {"dominated", 23},
        {"stale", 0},
        {"parameters.scale == 0.5", 2},
        {"parameters.scale != 0.5", 20}, /* not those without one */
        {"!(parameters.scale == 0.5)", 35},
        {"parameters.none == word", 0},
        {"digits >= -1e3", 37},
        {"average == average", 37},
        {"scale == scale", 22},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t count = count_of(cases[i].text);
        if (count != cases[i].count)
            fail_msg("%s: %zu, not %zu", cases[i].text, count, cases[i].count);
    }
}

static void what_is_wrong_and_where(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *says;
    } cases[] = {
        {"", 0, "at character 1: a name is missing at the end"},
        {"  ", 2, "at character 3: a name is missing at the end"},
        {"digits >= 80 && methd == ls", 16,
         "at character 17: unknown name 'methd'; did you mean 'method'?"},
        {"digits.lowest > 1", 0, "unknown name 'digits.lowest'"},
        {"'method' == ls", 0, "unknown name 'method'"},
        {"digits", 0, "as in average >= 80"},
        {"front && series", 9, "as in method == ls"},
        {"digits >= ", 10, "at character 11: a value is missing at the end"},
        {"digits >= && knee", 10, "a value is missing here"},
        {"digits => 80", 7, "at character 8: '=' is not an operator"},
        {"digits >= 80 knee", 13, "&& or || is missing here"},
        {"digits >= 80 & knee", 13, "'&' is not an operator"},
        {"(digits >= 80", 0, "this bracket is not closed"},
        {"(digits >= 80 knee)", 14, "&&, || or ) is missing here"},
        {"digits >= 80)", 12, "&& or || is missing here"},
        {"()", 1, "a name is missing here"},
        {"!", 1, "a name is missing at the end"},
        {"front == 1", 6, "true or false by itself; write front or !front"},
        {"digits >= ls", 10, "unknown name 'ls'"},
        {"digits >= method", 10, "a number, or the name of one, is expected here"},
        {"digits >= front", 10, "a number, or the name of one, is expected here"},
        {"digits >= nan", 10, "unknown name 'nan'"},
        {"method > ls", 9, "can only be compared by == and !="},
        {"parameters.trim < whole", 18, "can only be compared by == and !="},
        {"parameters. == 1", 0, "unknown name 'parameters.'"},
        {"kind == merged", 8,
         "there is no kind 'merged'; it is one of pwemoe, merge, single, train, "
         "import"},
        {"state == done", 9,
         "it is one of none, partial, stale, complete, fp8, imported"},
        {"label == 'Table", 9, "the quote is not closed"},
        /* Characters, not bytes, are counted. */
        {"label == '\u00e9\u00e9' && x", 19, "at character 18: unknown name 'x'"},
        {"\u00e9 > 1", 0, "at character 1: unknown name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct filter *filter;
        size_t at = 12345;
        if (!filter_parse(cases[i].text, catalog->recipe, &filter, &at, &error))
            fail_msg("%s is taken", cases[i].text);
        if (at != cases[i].at || !strstr(error.text, cases[i].says))
            fail_msg("%s: %zu %s", cases[i].text, at, error.text);
    }
}

static void what_is_too_much(void **state) {
    (void)state;
    static char text[20000];
    struct filter *filter;
    memset(text, '!', 150);
    strcpy(text + 150, "knee");
    assert_int_equal(count_of(text), 1); /* an even number of them */
    memset(text, '(', 10000);
    assert_int_equal(filter_parse(text, catalog->recipe, &filter, NULL, &error), -1);
    assert_non_null(strstr(error.text, "nested more than 200 deep"));
    size_t length = 0;
    for (size_t i = 0; i < 2000; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "knee||");
    assert_int_equal(filter_parse(text, catalog->recipe, &filter, NULL, &error), -1);
    assert_non_null(strstr(error.text, "more than 1000"));
    memset(text, 'a', 1000);
    text[1000] = '\0';
    assert_int_equal(filter_parse(text, catalog->recipe, &filter, NULL, &error), -1);
    assert_non_null(strstr(error.text, "a word of more than 255 bytes"));
}

/* The words offered at the bar, joined by commas, and what they have in common. */
static void assert_offers(const char *typed, const char *words, const char *common,
                          size_t begin) {
    struct filter_offer offer;
    char joined[4096] = "";
    const char *bar = strchr(typed, '|');
    char text[256];
    size_t at = (size_t)(bar - typed);
    snprintf(text, sizeof text, "%.*s%s", (int)at, typed, bar + 1);
    assert_int_equal(filter_offer_make(text, at, catalog, &offer), 0);
    for (size_t i = 0; i < offer.count; i++) {
        strcat(joined, i ? "," : "");
        strcat(joined, offer.words[i]);
    }
    assert_string_equal(joined, words);
    assert_string_equal(offer.common, common);
    assert_int_equal(offer.begin, begin);
    filter_offer_free(&offer);
}

static void what_may_be_typed(void **state) {
    (void)state;
    assert_offers("dig|", "digits", "digits", 0);
    assert_offers("digits|",
                  "digits,digits.low,digits.high,digits.examples,digits.loss,"
                  "digits.weight",
                  "digits", 0);
    assert_offers("digits.l| >= 3", "digits.low,digits.loss", "digits.lo", 0);
    assert_offers("front && s|", "scale,step,seconds,state,series,stale,selected", "s",
                  9);
    assert_offers("front&&!(me|", "method,merged", "me", 9);
    /* A word that nothing begins with. */
    assert_offers("front && zz|", "", "", 9);
    /* Values of texts, in quotes where they need them. */
    assert_offers("kind == p|", "pwemoe", "pwemoe", 8);
    assert_offers("method!=t|", "task-arithmetic,ties", "t", 8);
    assert_offers("method == a|", "average,\"a paper's\"", "", 10);
    /* A parameter may be called as a text is; it has other values. */
    assert_offers("parameters.kind == p|", "parameters.", "parameters.", 19);
    assert_offers("x-kind == p|", "parameters.", "parameters.", 10);
    assert_offers("label == \"T|", "\"Table 2\"", "\"Table 2\"", 9);
    /* Behind a number's name stand names again. */
    assert_offers("scale >= st|", "step,state,stale", "st", 9);
    /* A quote that was closed begins nothing. */
    assert_offers("label == \"Table 2\" && kn|", "knee", "knee", 22);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_true),
        cmocka_unit_test(what_may_be_typed),
        cmocka_unit_test(what_is_wrong_and_where),
        cmocka_unit_test(what_is_too_much),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
