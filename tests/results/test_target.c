/* Figures that are asked for: what each way of writing them means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "results/target.h"

static struct catalog *gains, *losses;
static struct error error;

static struct catalog *make(const char *name, bool less) {
    static const char *const names[] = {"cars", "sun397", "cat"};
    struct fixture_options options = {
        .tasks = 3, .edge = 3, .names = names, .baselines = !less, .losses = less};
    char path[4200];
    struct store *store;
    struct catalog *catalog;
    snprintf(path, sizeof path, "%s/%s.db", folder(), name);
    fixture_write(path, &options);
    if (store_open(path, STORE_READ_ONLY, &store, &error) ||
        catalog_read(store, &catalog, &error))
        fail_msg("%s", error.text);
    store_close(store);
    return catalog;
}

/* "72 - 60*": a figure, - for none, * where it is to be the best. */
static void assert_means(struct catalog *catalog, const char *text,
                         const char *wanted) {
    struct target target;
    char got[200] = "";
    if (target_parse(text, catalog, &target, &error))
        fail_msg("%s: %s", text, error.text);
    for (size_t t = 0; t < 3; t++) {
        char part[40] = "";
        if (!isnan(target.bounds[t]))
            snprintf(part, sizeof part, "%g", target.bounds[t]);
        else if (!target.best[t])
            strcpy(part, "-");
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s%s", t ? " " : "",
                 part, target.best[t] ? "*" : "");
    }
    if (strcmp(got, wanted))
        fail_msg("%s means %s, not %s", text, got, wanted);
}

static void assert_refused(struct catalog *catalog, const char *text, const char *why) {
    struct target target;
    if (!target_parse(text, catalog, &target, &error))
        fail_msg("%s is taken", text);
    if (!strstr(error.text, why))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, error.text, why);
}

static void blanks_and_commas(void **state) {
    (void)state;
    static const char *const same[] = {"cars>=72 sun397>=60",
                                       "cars 72, sun397 60",
                                       "cars 72 sun397 60",
                                       "cars at least 72 and sun397 : 60",
                                       "sun397 60% cars 72 %",
                                       "72 60",
                                       "72, 60",
                                       "CARS \u2265 72, s\u226560",
                                       "car 72 sun 60, then the best of the rest"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_means(gains, same[i], "72 60 -");
    assert_means(gains, "72, , 60", "72 - 60");
    assert_means(gains, ", , 60", "- - 60");
    assert_means(gains, "cat 1e1", "- - 10");
}

static void the_best_of_one(void **state) {
    (void)state;
    assert_means(gains, "cars>=72 max sun397", "72 * -");
    assert_means(gains, "max cat max cars", "* - *");
    assert_means(gains, "cars 70 max cars", "70* - -");
    assert_means(losses, "cars 0.4 min cat", "0.4 - *");
    assert_refused(gains, "min cars", "more is better; write \"max cars\"");
    assert_refused(losses, "max cars", "less is better; write \"min cars\"");
    assert_refused(gains, "max", "there is no such task");
}

static void like_another(void **state) {
    (void)state;
    char wanted[200], more[200], by_id[40];
    size_t row = 0;
    while (isnan(gains->solutions[row].scale) ||
           fabs(gains->solutions[row].scale - 0.4) > 1e-9 ||
           !strstr(catalog_series(gains, row)->name, "TIES"))
        row++;
    const double *values = gains->values + row * 3;
    snprintf(wanted, sizeof wanted, "%g %g %g", values[0], values[1], values[2]);
    snprintf(more, sizeof more, "%g %g %g", values[0] + 2, values[1], values[2] - 1.5);
    assert_means(gains, "like ties 0.4", wanted);
    assert_means(gains, "like the baseline TIES 0.4", wanted);
    assert_means(gains, "like ties 0.4 but 2 more of cars, 1.5 less of cat", more);
    snprintf(by_id, sizeof by_id, "like #%lld",
             (long long)gains->rows[row].solution.id);
    assert_means(gains, by_id, wanted);
    assert_refused(gains, "like nobody", "no solution with complete figures");
    assert_refused(gains, "like ls", "give one by its id");
    assert_refused(gains, "2 more of cars", "more or less than what?");
    assert_refused(gains, "like", "like which solution?");
}

static void what_is_refused(void **state) {
    (void)state;
    assert_refused(gains, "", "write what must be reached");
    assert_refused(gains, " , ", "write what must be reached");
    assert_refused(gains, "ca 3", "more than one task begins with this");
    assert_refused(gains, "bikes 3", "there is no such task");
    assert_refused(gains, "cars", "which figure?");
    assert_refused(gains, "cars72", "there is no such task");
    assert_refused(gains, "1 2 3 4", "there are only 3 tasks");
    assert_refused(gains, "cars at most 3", "more is better");
    assert_refused(losses, "cars at least 3", "less is better");
}

static void shortfalls_are_told_apart(void **state) {
    (void)state;
    struct target target;
    char text[400];
    double values[] = {71.5, 60, 50};
    assert_int_equal(target_parse("cars 72 sun397 60 max cat", gains, &target, &error),
                     0);
    assert_false(target_text(&target, gains->recipe, values, text, sizeof text));
    assert_string_equal(text,
                        "cars 71.50 < 72 (0.50 short), sun397 60.00 >= 60, cat 50.00");
    target.bounds[0] = 493.0 / 6; /* as of "like average" */
    assert_false(target_text(&target, gains->recipe, values, text, sizeof text));
    assert_non_null(strstr(text, "cars 71.50 < 82.167 (10.67 short)"));
    target.bounds[0] = 71.503;
    assert_false(target_text(&target, gains->recipe, values, text, sizeof text));
    assert_non_null(strstr(text, "cars 71.500 < 71.503 (0.003 short)"));
    target.bounds[0] = 72;
    assert_true(target_short(&target, gains->recipe, 0, 71.5) == 0.5);
    assert_true(target_short(&target, gains->recipe, 1, 71.5) == 0);
    assert_int_equal(target_parse("cars 0.4", losses, &target, &error), 0);
    values[0] = 0.45;
    assert_false(target_text(&target, losses->recipe, values, text, sizeof text));
    assert_string_equal(text, "cars 0.4500 > 0.4 (0.0500 too much)");
    values[0] = 0.4;
    assert_true(target_text(&target, losses->recipe, values, text, sizeof text));
}

static int prepare(void **state) {
    gains = make("gains", false);
    losses = make("losses", true);
    return fixture_utf8(state);
}

static int clean(void **state) {
    (void)state;
    catalog_free(gains);
    catalog_free(losses);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_and_commas),
        cmocka_unit_test(the_best_of_one),
        cmocka_unit_test(like_another),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(shortfalls_are_told_apart),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
