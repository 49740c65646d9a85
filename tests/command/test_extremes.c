/* Figures that a hostile or broken file may hold: a step below what numbers can be told
 * apart by, the largest and the smallest doubles, all equal. Each view, chart and table
 * comes to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/patience.h"
#include "results/ticks.h"
#include "run.h"

static int copy_demo(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell("cp '%2$s/assets/demo/results.db' %1$s/kept.db && "
                           "chmod u+w %1$s/kept.db",
                           folder(), source ? source : ".");
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    return 0;
}

/* Few, rising, inside, at round values; or none. */
static void ticks_are_few(void **state) {
    (void)state;
    static const double ends[] = {-DBL_MAX, -1e300,   -1e16 - 2, -1e16, -50,    -1e-310,
                                  0,        5e-324,   1e-310,    1e-3,  1,      50,
                                  1e16,     1e16 + 2, 1e22,      1e300, DBL_MAX};
    enum { ENDS = sizeof ends / sizeof *ends };
    for (size_t i = 0; i < ENDS; i++)
        for (size_t j = 0; j < ENDS; j++)
            for (size_t most = 0; most < 8; most++) {
                struct ticks ticks = ticks_of(ends[i], ends[j], most);
                assert_true(ticks.count <= most + 2);
                assert_true(isfinite(ticks.step) && ticks.step > 0);
                for (size_t k = 0; k < ticks.count; k++) {
                    char text[32];
                    double at = ticks_at(&ticks, k);
                    double slack = 1e-5 * ticks.step;
                    assert_true(at >= ends[i] - slack && at <= ends[j] + slack);
                    assert_true(k == 0 || at > ticks_at(&ticks, k - 1));
                    assert_true(strlen(ticks_text(&ticks, k, text, sizeof text)) < 16);
                }
            }
    assert_int_equal(ticks_of(1e16, 1e16 + 2, 5).count, 0);
    assert_int_equal(ticks_of(3, 3, 5).count, 0);
    assert_int_equal(ticks_of((double)NAN, 3, 5).count, 0);
    assert_int_equal(ticks_of(0, (double)INFINITY, 5).count, 0);
    struct ticks ticks = ticks_of(0.1, 0.9, 4);
    char text[32];
    assert_int_equal(ticks.count, 4);
    assert_string_equal(ticks_text(&ticks, 0, text, sizeof text), "0.2");
    assert_string_equal(ticks_text(&ticks, 3, text, sizeof text), "0.8");
    ticks = ticks_of(-1, 1, 4);
    assert_string_equal(ticks_text(&ticks, 2, text, sizeof text), "0.0");
}

static void set_figures(const char *value) {
    char path[1024], words[1024], *said = NULL;
    sqlite3 *db;
    struct ran ran = shell("cd %1$s && rm -f x.db* && cp kept.db x.db", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    snprintf(path, sizeof path, "%s/x.db", folder());
    snprintf(words, sizeof words,
             "PRAGMA ignore_check_constraints=1;"
             "UPDATE evaluation SET value=%1$s, low=%1$s, high=%1$s, loss=%1$s;"
             "UPDATE curve SET loss=%1$s",
             value);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, words, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", value, said);
    sqlite3_close(db);
}

static void all_come_to_an_end(void **state) {
    (void)state;
    static const char *const values[] = {"1e16+random()%2*2",
                                         "-1e16+abs(random()%2)*2",
                                         "1e22+1e7*(random()%5)",
                                         "1.7976931348623157e308*(1-2*abs(random()%2))",
                                         "1e300*(random()%2)",
                                         "4.9e-324*(random()%3)",
                                         "50+1e-14*(random()%9)",
                                         "1e16",
                                         "0"};
    static const char *const commands[] = {
        "pwemoe-explore %1$s/x.db --snapshot 120x40",
        "pwemoe-explore %1$s/x.db --snapshot 80x24 --view 3d",
        "pwemoe-explore %1$s/x.db --snapshot 200x60 --view parallel",
        "pwemoe show %1$s/x.db front",
        "pwemoe plot %1$s/x.db --kind scatter --out %1$s/p.png",
        "pwemoe plot %1$s/x.db --kind ternary --out %1$s/p.svg",
        "pwemoe plot %1$s/x.db --kind parallel --out %1$s/p.png",
        "pwemoe plot %1$s/x.db --kind scaling --out %1$s/p.pdf",
        "pwemoe plot %1$s/x.db --kind training --out %1$s/p.png",
    };
    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            char words[512];
            set_figures(values[v]);
            snprintf(words, sizeof words,
                     "rm -f %%1$s/p.*; timeout -k 1 " PATIENCE_TEXT " ./%s",
                     commands[i]);
            struct ran ran = shell(words, folder());
            /* A volume or a figure that numbers cannot hold may be refused. */
            if (ran.status > 1 || (ran.status == 1 && !is_one_line(ran.err)))
                fail_msg("%s: %s: %d '%s'", values[v], commands[i], ran.status,
                         ran.err);
            ran_free(&ran);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_few),
        cmocka_unit_test(all_come_to_an_end),
    };
    return cmocka_run_group_tests(tests, copy_demo, NULL);
}
