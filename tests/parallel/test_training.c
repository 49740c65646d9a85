/* `mpirun -n N pwemoe train`: the same N gives the same bits, one rank those of one
 * process, and what is stopped or killed goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/run.h"
#include "launch.h"
#include "support/patience.h"

#define LONG "--method ls --upscale mlp --steps 90 --save-interval 5"
#define LONG_CORRECTION "--steps 60 --start zero --save-interval 5"
#define NEWEST "FROM run ORDER BY id DESC LIMIT 1"

/* Trains in a fresh copy of the demo; launcher: "mpirun -n 2" or "". Returns what it
 * said. */
static struct ran train(const char *name, const char *launcher, const char *options) {
    struct ran ran = shell("(cd %1$s && rm -f %2$s %2$s-* && cp kept.db %2$s) && "
                           "%3$s ./pwemoe train %1$s/%2$s --threads 1 --format csv "
                           "%4$s",
                           folder(), name, launcher, options);
    if (ran.status)
        print_message("%s\n", ran.err);
    return ran;
}

static sqlite3 *open_store(const char *name) {
    char path[1024];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

/* The newest routers' bytes as hex. */
static char *routers_of(const char *name) {
    sqlite3 *db = open_store(name);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT hex(bytes) FROM routers ORDER BY run "
                                        "DESC, step DESC LIMIT 1",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    char *copy = strdup((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return copy;
}

/* One number of the newest run. */
static double number_of(const char *name, const char *sql) {
    sqlite3 *db = open_store(name);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    double value = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static void trains(const char *name, const char *launcher, const char *options) {
    struct ran ran = train(name, launcher, options);
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static const char *ranks(unsigned size) {
    static char words[64];
    snprintf(words, sizeof words, "mpirun --timeout " PATIENCE_TEXT " -n %u", size);
    return words;
}

/* Trains alone, and twice by so many ranks: those give the same bits, and losses of the
 * first step that are the same sums of 16 f32 in another order: some ulps, 2^-24 each.
 * A part that is left out or counted twice is off by a sixteenth of them at least. */
static void check_ranks(const char *options, unsigned size) {
    trains("one.db", "", options);
    trains("many.db", ranks(size), options);
    trains("again.db", ranks(size), options);
    char *alone = routers_of("one.db"), *found = routers_of("many.db");
    char *again = routers_of("again.db");
    assert_string_equal(found, again);
    assert_string_not_equal(found, alone); /* added up in another order */
    assert_int_equal(strlen(found), strlen(alone));
    free(found);
    free(again);
    free(alone);
    for (int task = 0; task < 3; task++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "SELECT loss FROM curve WHERE run = (SELECT max(id) FROM run) AND "
                 "task = %d ORDER BY step LIMIT 1",
                 task);
        double one = number_of("one.db", sql), many = number_of("many.db", sql);
        assert_true(one > 0 && fabs(one - many) < 1e-5 * one);
    }
}

static void same_ranks_same_bits(void **state) {
    (void)state;
    static const char *const methods[] = {"ls", "epo", "mgda", "stch"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char options[128];
        snprintf(options, sizeof options, "--method %s --upscale %s --steps 3",
                 methods[i], i % 2 ? "attn+mlp" : "all");
        check_ranks(options, 2 + (unsigned)i % 3);
    }
}

/* No MPI: today's bits. */
static void one_rank_is_one_process(void **state) {
    (void)state;
    static const char *const options[] = {"--method ls --upscale all --steps 3",
                                          "--steps 3 --start zero"};
    for (size_t i = 0; i < 2; i++) {
        trains("one.db", "", options[i]);
        trains("many.db", ranks(1), options[i]);
        char *alone = routers_of("one.db"), *one = routers_of("many.db");
        assert_string_equal(one, alone);
        free(one);
        free(alone);
    }
}

/* A step, as rank 0 says. */
static double bytes_sent(const struct ran *ran) {
    double bytes = 0;
    const char *at = strstr(ran->err, "this one sent ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "this one sent %lf", &bytes), 1);
    return bytes;
}

/* modules groups tasks + tasks + 2 numbers of 8 bytes, from rank 0 to each child in its
 * tree: the demo has 3 tasks and 4 blocks, with a router each under mlp. */
static void a_step_sends_what_it_should(void **state) {
    (void)state;
    for (unsigned size = 2; size <= 3; size++) {
        const double groups = size == 2 ? 1 : 3, children = size == 2 ? 1 : 2;
        struct ran ran = train("sent.db", ranks(size),
                               size == 2 ? "--method ls --upscale mlp --steps 3"
                                         : "--method mgda --upscale mlp --steps 3");
        assert_true(bytes_sent(&ran) == children * (4 * groups * 3 + 3 + 2) * 8);
        ran_free(&ran);
    }
    /* Of a correction the weights' gradient instead, in f32: all that it trains, and
     * what lies between parameters. */
    struct ran ran =
        train("sent.db", ranks(2), "--steps 3 --start zero --hold-back 0 --heads own");
    double trained = number_of("sent.db", "SELECT trainable " NEWEST);
    double bytes = bytes_sent(&ran) - (3 + 2) * 8;
    print_message("%.0f bytes for %.0f numbers\n", bytes, trained);
    assert_true(trained > 1e5 && bytes >= 4 * trained && bytes < 4.2 * trained);
    ran_free(&ran);
    /* Heads that learn beside it have theirs added up on rank 0, which sends them on.
     */
    ran = train("sent.db", ranks(2), "--steps 3 --start zero --hold-back 0");
    double heads = number_of("sent.db", "SELECT trainable " NEWEST) - trained;
    double more = bytes_sent(&ran) - (3 + 2) * 8 - bytes;
    print_message("%.0f bytes for %.0f numbers of heads\n", more, heads);
    assert_true(heads == 3 * (10 * 64 + 10));
    assert_true(more >= 4 * heads && more < 1.1 * 4 * heads);
    ran_free(&ran);
    /* Of factors their own gradient and values, though the model is larger. */
    ran = train("sent.db", ranks(2),
                "--steps 3 --start zero --hold-back 0 --heads own --rank 4");
    double factors = number_of("sent.db", "SELECT trainable " NEWEST);
    bytes = bytes_sent(&ran) - (3 + 2) * 8;
    print_message("%.0f bytes for %.0f numbers\n", bytes, factors);
    assert_true(factors < 0.6 * trained);
    assert_true(bytes >= 4 * factors && bytes < 4.2 * factors);
    ran_free(&ran);
    /* Where D stays as it is, nothing of its size: for each of so many modules and task
     * vectors, D among them, a number of 4 bytes. */
    ran = train("sent.db", ranks(2),
                "--method distil-routers --routers mlp --steps 3 --start zero "
                "--hold-back 0");
    bytes = bytes_sent(&ran);
    print_message("%.0f bytes for routers alone\n", bytes);
    assert_true(bytes == (3 + 2) * 8 + 4 * (3 + 1) * 4);
    ran_free(&ran);
}

/* Corrections, which send the gradient of a model, and what stands beside them. */
static void corrections_are_the_same(void **state) {
    (void)state;
    check_ranks("--steps 3", 2);
    check_ranks("--steps 3 --base wudi", 3);
    check_ranks("--steps 3 --start zero --routers mlp --rank 4", 3);
    check_ranks("--steps 3 --average 0.5 --save-interval 1", 3);
    check_ranks("--steps 2 --start zero --vectors task", 2);
    check_ranks("--method distil-routers --steps 2 --start zero", 2);
    check_ranks("--method pareto-merging --steps 2", 2);
}

/* Stopped in the middle, wherever that is, and gone on with: the bits of one run. */
static void goes_on_to_the_same_bits(const char *options, double all) {
    trains("whole.db", ranks(2), options);
    char *whole = routers_of("whole.db");
    struct ran ran = shell(
        "(cd %1$s && rm -f part.db* && cp kept.db part.db); mpirun "
        "--timeout " PATIENCE_TEXT
        " -n 2 ./pwemoe train %1$s/part.db --threads 1 %2$s & p=$!; "
        "while kill -0 $p 2>/dev/null && ! ./pwemoe show %1$s/part.db training --run 8 "
        "--format csv 2>/dev/null | grep -q ',20,'; do "
        "sleep 0.05; done; kill -USR1 $p; wait $p",
        folder(), options);
    double steps = number_of("part.db", "SELECT steps_done " NEWEST);
    print_message("stopped after step %.0f with status %d\n", steps, ran.status);
    assert_true(steps > 0);
    if (steps < all) {
        assert_int_equal(ran.status, 1);
        assert_non_null(strstr(ran.err, "--resume --run 8 goes on"));
        ran_free(&ran);
        ran = shell("mpirun --timeout " PATIENCE_TEXT
                    " -n 2 ./pwemoe train %s/part.db --threads 1 "
                    "--resume --quiet",
                    folder());
        assert_int_equal(ran.status, 0);
    }
    ran_free(&ran);
    char *part = routers_of("part.db");
    assert_string_equal(part, whole);
    free(part);
    free(whole);
}

static void stopped_runs_go_on_to_the_same_bits(void **state) {
    (void)state;
    goes_on_to_the_same_bits(LONG, 90);
    goes_on_to_the_same_bits(LONG_CORRECTION, 60);
}

/* Whichever rank: the file is sound and has the last step that was saved, from which
 * any number of ranks goes on. A machine may be so fast that the run had ended. */
static void killed_runs_go_on(void **state) {
    (void)state;
    for (int rank = 0; rank < 2; rank++) {
        struct ran ran = shell(
            "(cd %1$s && rm -f dead.db dead.db-* && cp kept.db dead.db); mpirun "
            "--timeout " PATIENCE_TEXT
            " -n 2 ./pwemoe train %1$s/dead.db --threads 1 " LONG
            " & p=$!; while kill -0 $p 2>/dev/null && ! ./pwemoe show %1$s/dead.db "
            "training --run 8 --format csv 2>/dev/null | grep -q ',10,'; do "
            "sleep 0.05; done; n=0; for c in $(cat "
            "/proc/$p/task/*/children 2>/dev/null); do "
            "[ $n != %2$d ] || kill -9 $c; n=$((n + 1)); done; wait $p",
            folder(), rank);
        double runs = number_of("dead.db", "SELECT count(*) FROM run WHERE id = 8");
        double steps = runs > 0 ? number_of("dead.db", "SELECT steps_done " NEWEST) : 0;
        print_message("rank %d killed after step %.0f was saved\n", rank, steps);
        assert_true(fmod(steps, 5) == 0);
        ran_free(&ran);
        assert_true(number_of("dead.db", "SELECT integrity_check = 'ok' FROM "
                                         "pragma_integrity_check") == 1);
        ran = shell("mpirun --timeout " PATIENCE_TEXT
                    " -n %d ./pwemoe train %s/dead.db --threads 1 "
                    "--quiet %s",
                    3 - rank, folder(), runs > 0 ? "--resume" : LONG);
        assert_true(ran.status == 0 || steps == 90);
        ran_free(&ran);
        assert_true(number_of("dead.db", "SELECT steps_done " NEWEST) == 90);
    }
}

static void what_cannot_be_is_said_once(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"--method adamerging --steps 2",
         "by mpirun routers and corrections are trained"},
        {"--steps 2 --batch 1", "which 2 ranks cannot share"},
        {"--method ls --steps 2 --batch 1", "which 2 ranks cannot share"},
        {"--resume", "has no unfinished run"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ran ran = train("no.db", ranks(2), cases[i][0]);
        assert_int_equal(ran.status, 1);
        char *at = strstr(ran.err, cases[i][1]);
        assert_non_null(at);
        assert_null(strstr(at + 1, cases[i][1]));
        assert_true(number_of("no.db", "SELECT max(id) FROM run") == 7);
        ran_free(&ran);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_ranks_same_bits),
        cmocka_unit_test(one_rank_is_one_process),
        cmocka_unit_test(corrections_are_the_same),
        cmocka_unit_test(a_step_sends_what_it_should),
        cmocka_unit_test(stopped_runs_go_on_to_the_same_bits),
        cmocka_unit_test(killed_runs_go_on),
        cmocka_unit_test(what_cannot_be_is_said_once),
    };
    return cmocka_run_group_tests(tests, launch_setup, NULL);
}
