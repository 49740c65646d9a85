/* Commands under mpirun: the same figures as by one process, nothing twice, and nothing
 * lost where a rank is killed. PWEMOE_KILLS=50 kills that often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/run.h"
#include "launch.h"
#include "support/patience.h"

static void done(struct ran ran) {
    if (ran.status)
        fail_msg("%d: %s", ran.status, ran.err);
    ran_free(&ran);
}

static void fresh(const char *name) {
    struct ran ran =
        shell("cd %s && rm -f %s %s-* && cp kept.db %s", folder(), name, name, name);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

/* Runs the words under mpirun and expects this status. */
static struct ran together(unsigned size, int status, const char *format, ...) {
    char words[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    struct ran ran =
        shell("mpirun --timeout " PATIENCE_TEXT " -n %u ./pwemoe %s", size, words);
    if (ran.status != status)
        print_message("%s\n", ran.err);
    assert_int_equal(ran.status, status);
    return ran;
}

/* The first column of the first row. */
static char *value_of(const char *name, const char *sql) {
    char path[1024];
    sqlite3 *db;
    sqlite3_stmt *statement;
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    char *copy = strdup(text ? text : "");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return copy;
}

static void assert_value(const char *name, const char *sql, const char *wanted) {
    char *value = value_of(name, sql);
    assert_string_equal(value, wanted);
    free(value);
}

/* All that was measured beyond the demo's own: what each model is, its hash, and every
 * task's figures with what was answered right, to the bit. */
static char *figures(const char *name) {
    return value_of(
        name,
        "SELECT group_concat(line, char(10)) FROM (SELECT s.method || s.parameters ||"
        " coalesce(hex(s.preference), '') || s.model_sha256 || group_concat(e.value ||"
        " ' ' || e.loss || ' ' || hex(c.bits)) AS line FROM solution s JOIN"
        " evaluation e ON e.solution = s.id JOIN correct c USING (solution, objective,"
        " split) WHERE s.id > 301 GROUP BY s.id"
        " ORDER BY line)");
}

#define FRONT "front %s/%s --method wudi --random %d --threads 1 --quiet"
#define MERGE "merge %s/%s --method ties,dare --scales 0.05:0.95:2 --threads 1 --quiet"
#define COMPARE                                                                   \
    "compare %s/%s --methods average,wudi:shrink=0.2,task-arithmetic:scale=0.17 " \
    "--edge-points 3 --threads 1 --quiet"

static void figures_are_those_of_one_process(void **state) {
    (void)state;
    fresh("one.db");
    done(run(FRONT, folder(), "one.db", 5));
    char *front = figures("one.db");
    done(run(MERGE, folder(), "one.db"));
    done(run(COMPARE, folder(), "one.db"));
    char *all = figures("one.db");
    assert_true(strlen(front) > 1000 && strlen(all) > strlen(front));
    for (unsigned size = 1; size <= 4; size++) {
        fresh("many.db");
        done(together(size, 0, FRONT, folder(), "many.db", 5));
        char *found = figures("many.db");
        assert_string_equal(found, front);
        free(found);
    }
    done(together(2, 0, MERGE, folder(), "many.db"));
    done(together(3, 0, COMPARE, folder(), "many.db"));
    char *found = figures("many.db");
    assert_string_equal(found, all);
    free(found);
    free(front);
    free(all);
}

/* What is said of layers that other ranks made. */
static int layers_elsewhere(const struct ran *ran) {
    int all = 0, others = -1;
    const char *at = strstr(ran->err, "of ");
    while (at &&
           sscanf(at, "of %d linear layers other ranks made %d", &all, &others) != 2)
        at = strstr(at + 1, "of ");
    assert_true(others <= all);
    return others;
}

/* One model: rank 0 measures it, all ranks make its layers, and it is the same to the
 * bit: by a ridge that data choose, by singular vectors, and under a correction. */
static void layers_of_one_model_are_shared_out(void **state) {
    (void)state;
    static const char *const commands[] = {
        "train %s/one.db --base wudi --steps 2 --threads 1 --quiet",
        "eval %s/one.db --preference 0.2,0.3,0.5 --threads 1",
        "eval %s/one.db --method wudi --set shrink=0.4 --preference 0.1,0.2,0.7"
        " --threads 1",
        "merge %s/one.db --method tsv-m --set scale=0.9 --threads 1",
        "merge %s/one.db --method iso-cts --set scale=1.1 --threads 1"};
    enum { COUNT = sizeof commands / sizeof *commands };
    int elsewhere = 0;
    fresh("one.db");
    done(run(commands[0], folder()));
    ran_free(
        &(struct ran[]){shell("cp %1$s/one.db %1$s/kept-trained.db", folder())}[0]);
    for (size_t i = 1; i < COUNT; i++) {
        struct ran ran = run(commands[i], folder());
        assert_int_equal(layers_elsewhere(&ran), -1); /* nothing is said */
        ran_free(&ran);
    }
    char *wanted = figures("one.db");
    for (unsigned size = 2; size <= 4; size++) {
        ran_free(&(struct ran[]){shell(
            "cd %s && rm -f one.db-* && cp kept-trained.db one.db", folder())}[0]);
        for (size_t i = 1; i < COUNT; i++) {
            struct ran ran = together(size, 0, commands[i], folder());
            int here = layers_elsewhere(&ran);
            assert_true(here >= 0);
            elsewhere += here;
            ran_free(&ran);
        }
        char *found = figures("one.db");
        assert_string_equal(found, wanted);
        free(found);
    }
    assert_true(elsewhere > 0);
    free(wanted);
}

/* Where mpirun lets the others go on, a rank that is stopped at some moment and then
 * killed costs time alone: rank 0 makes what it had. */
static void a_rank_that_dies_costs_no_layer(void **state) {
    (void)state;
    enum { TRIES = 5 };
    bool told = false;
    fresh("one.db");
    done(run("eval %s/one.db --method wudi --set shrink=0.4 --preference 0.1,0.2,0.7 "
             "--threads 1",
             folder()));
    char *wanted = figures("one.db");
    assert_true(strlen(wanted) > 100);
    for (int i = 0; i < TRIES; i++) {
        fresh("dying.db");
        struct ran ran = shell(
            "export database=%4$s/dying.db; mpirun --enable-recovery "
            "--timeout " PATIENCE_TEXT " -n 3 "
            "sh -c '[ $%1$s != 1 ] || { "
            "(until [ -e %2$s-wal ]; do sleep 0.01; done; sleep %3$.2f; kill -STOP $$; "
            "sleep 0.4; kill -9 $$) & }; exec ./pwemoe eval %2$s --method wudi "
            "--set shrink=0.4 --preference 0.1,0.2,0.7 --threads 1'",
            "{OMPI_COMM_WORLD_RANK:-$PMIX_RANK}", "$database", i * 0.03, folder());
        told = told || strstr(ran.err, "rank 1 has ended unexpectedly");
        char *found = figures("dying.db");
        if (strcmp(found, wanted) != 0)
            print_message("try %d: %s\n", i, ran.err);
        ran_free(&ran);
        assert_string_equal(found, wanted);
        free(found);
    }
    assert_true(told);
    free(wanted);
}

/* Layers by all ranks, and the file of one process. */
/* At a preference that the demo has no figures of: those it has are of the machine that
 * measured them, and an export is held to their bits. */
static void an_export_is_that_of_one_process(void **state) {
    (void)state;
    fresh("one.db");
    done(run("export %1$s/one.db --method wudi --preference 0.31,0.12,0.57 --threads 1 "
             "--out %1$s/alone --quiet",
             folder()));
    struct ran ran = together(3, 0,
                              "export %1$s/one.db --method wudi --preference "
                              "0.31,0.12,0.57 --threads 1 --out %1$s/shared",
                              folder());
    assert_true(layers_elsewhere(&ran) >= 0);
    ran_free(&ran);
    ran = shell("cd %s && diff -r alone shared", folder());
    assert_string_equal(ran.out, "");
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void nothing_is_measured_twice(void **state) {
    (void)state;
    fresh("twice.db");
    struct ran first = together(3, 0, FRONT " --format csv", folder(), "twice.db", 5);
    char *figures_then = figures("twice.db");
    struct ran again = together(
        3, 0, "front %s/twice.db --method wudi --random 5 --threads 1 --format csv",
        folder());
    assert_string_equal(first.out, again.out);
    assert_non_null(strstr(again.err, "5 of 5 were measured before"));
    char *figures_now = figures("twice.db");
    assert_string_equal(figures_then, figures_now);
    free(figures_then);
    free(figures_now);
    ran_free(&first);
    ran_free(&again);
    /* One model: rank 0 measures it. */
    again = together(2, 0, "eval %s/twice.db --preference 0.1,0.2,0.7 --again --quiet",
                     folder());
    ran_free(&again);
}

/* Once, however many there are; no rank waits for ever. */
static void failures_are_told_once(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"front %s/none.db", "No such file"},
        {"front --rid %s", "unknown option --rid"},
        {"show %s/kept.db objectives", "show is for one process: start it without"},
        {"merge %s/kept.db --method wudi --preference 1", "--preference"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[1024];
        snprintf(words, sizeof words, cases[i][0], folder());
        struct ran ran =
            shell("mpirun --timeout " PATIENCE_TEXT " -n 3 ./pwemoe %s", words);
        assert_in_range(ran.status, 1, 2);
        char *at = strstr(ran.err, cases[i][1]);
        assert_non_null(at);
        assert_null(strstr(at + 1, cases[i][1]));
        ran_free(&ran);
    }
}

/* kill -9 of a rank at a random moment: the file is sound, what is in it is whole, and
 * the same command goes on to the end. */
static void nothing_is_lost_where_a_rank_is_killed(void **state) {
    (void)state;
    enum { POINTS = 24 };
    const char *wanted = getenv("PWEMOE_KILLS");
    int kills = wanted ? atoi(wanted) : 3, measured = 301;
    char sql[512];
    fresh("killed.db");
    for (int i = 0; i < kills; i++) {
        if (measured == 301 + POINTS) { /* many kills: begin again */
            fresh("killed.db");
            measured = 301;
        }
        double delay = fmod((i + 1) * 0.7548776662, 1) * 1.2; /* once it has written */
        struct ran ran =
            shell("mpirun --timeout " PATIENCE_TEXT " -n 3 ./pwemoe " FRONT " & p=$!; "
                  "until [ -s %s/killed.db-wal ] || ! kill -0 $p 2>/dev/null; do "
                  "sleep 0.05; done; sleep %.2f; n=0; "
                  "for c in $(cat /proc/$p/task/*/children); do "
                  "[ $n != %d ] || kill -9 $c; n=$((n + 1)); done; wait $p; true",
                  folder(), "killed.db", POINTS, folder(), delay, i % 3);
        ran_free(&ran);
        assert_value("killed.db", "PRAGMA integrity_check", "ok");
        assert_value("killed.db",
                     "SELECT count(*) FROM solution s WHERE (SELECT count(*) FROM"
                     " evaluation e WHERE e.solution = s.id AND e.complete) != 3 AND"
                     " s.id > 301",
                     "0");
        char *count = value_of("killed.db", "SELECT count(*) FROM solution");
        print_message("killed rank %d after %.2f s: %d solutions, then %s\n", i % 3,
                      delay, measured, count);
        assert_true(atoi(count) >= measured);
        measured = atoi(count);
        free(count);
    }
    ran_free(&(struct ran[]){together(2, 0, FRONT, folder(), "killed.db", POINTS)}[0]);
    snprintf(sql, sizeof sql, "SELECT count(*) = %d FROM solution", 301 + POINTS);
    assert_value("killed.db", sql, "1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_one_process),
        cmocka_unit_test(layers_of_one_model_are_shared_out),
        cmocka_unit_test(a_rank_that_dies_costs_no_layer),
        cmocka_unit_test(an_export_is_that_of_one_process),
        cmocka_unit_test(nothing_is_measured_twice),
        cmocka_unit_test(failures_are_told_once),
        cmocka_unit_test(nothing_is_lost_where_a_rank_is_killed),
    };
    return cmocka_run_group_tests(tests, launch_setup, NULL);
}
