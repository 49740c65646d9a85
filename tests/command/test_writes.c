/* Every write, sync, rename and creation of a file fails in its turn, or is cut short:
 * each command either does all it was to do, or says in one line that it did not;
 * results.db is whole, and what lies there is what the message says. Or the process is
 * killed there: what it was to make is then whole, or is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* 0: half a write; -1: killed */
static const int failures[] = {EIO, ENOSPC, EDQUOT, EROFS, EINTR, 0, -1};

enum { TRIES = 4 /* of each command and kind of failure, over all its calls */ };

static int copy_demo(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && mv results.db kept.db",
                           folder(), source ? source : ".");
    setenv("OMP_WAIT_POLICY", "passive", 1);
    write_file("table.csv", "method,digits,letters,surfaces\nours,90,80,70\n");
    int status = ran.status;
    ran_free(&ran);
    return status;
}

static const char *in(const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    return path;
}

static void check_database(const char *name, const char *words) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    if (access(in(name), F_OK) != 0)
        return;
    assert_int_equal(sqlite3_open(in(name), &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW ||
        strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        fail_msg("%s: %s: %s", words, name, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* Is out the folder that was made first, by its names, or a file with something in it?
 */
static void check_whole(const char *words, const char *out, long at) {
    struct ran ran = shell(
        "cd %1$s && find %2$s -type f ! -size 0 -printf '%%P\\n' | sort >names && "
        "if test %3$ld = 0; then cp names first; else cmp names first; fi",
        folder(), out, at);
    if (ran.status)
        fail_msg("%s, call %ld: half of %s is there: %s", words, at, out, ran.err);
    ran_free(&ran);
}

/* out: what the command makes, or "": it changes x.db alone. at 0: none fails. Returns
 * the number of calls. */
static long once(const char *words, const char *out, long at, int failure) {
    char line[2048];
    snprintf(
        line, sizeof line,
        "cd %%1$s && rm -rf x.db* n.db* .*.tmp .*.part %s %s.state calls && "
        "cp kept.db x.db && cd - >/dev/null && env INJECT_CALL=files INJECT_AT=%ld "
        "INJECT_ERRNO=%d INJECT_COUNT=%%1$s/calls "
        "LD_PRELOAD=tests/support/inject.so ./pwemoe %s --quiet >/dev/null; "
        "status=$?; cat %%1$s/calls; ls -A %%1$s | grep -E '^[.].*(tmp|part)$'; "
        "exit $status",
        out, out, at, failure, words);
    struct ran ran = shell(line, folder());
    bool killed = failure < 0 && ran.status == 128 + SIGKILL;
    long calls = atol(ran.out);
    bool made = *out && access(in(out), F_OK) == 0;
    bool told = strstr(ran.err, "is written") || strstr(ran.err, "written whole");
    if (ran.status > 1 && !killed)
        fail_msg("%s, call %ld: status %d '%s'", words, at, ran.status, ran.err);
    bool kept = ran.status == 1 && strstr(ran.err, "files are whole and kept");
    if ((strstr(ran.out, "tmp") || (strstr(ran.out, "part") && !kept)) && !killed)
        fail_msg("%s, call %ld leaves %s", words, at, ran.out);
    if (ran.status == 0 && *out && !made)
        fail_msg("%s, call %ld: done, but %s is not there", words, at, out);
    if (ran.status == 1 && (!is_one_line(ran.err) || (*out && made != told)))
        fail_msg("%s, call %ld: %s is%s there, '%s'", words, at, out,
                 made ? "" : " not", ran.err);
    if (at == 0)
        assert_int_equal(ran.status, 0);
    ran_free(&ran);
    if (made)
        check_whole(words, out, at);
    check_database("x.db", words);
    check_database("n.db", words);
    return calls;
}

static void all_or_nothing_and_truly_said(void **state) {
    (void)state;
    static const char *const commands[][2] = {
        {"init %1$s/n.db %1$s/recipe.yaml", "n.db"},
        {"export %1$s/x.db --solution 5 --out %1$s/made", "made"},
        {"plot %1$s/x.db --out %1$s/p.svg", "p.svg"},
        {"finetune %1$s/x.db --task digits --steps 1 --batch 2 --out %1$s/made",
         "made"},
        {"report %1$s/x.db --out %1$s/made", "made"},
        {"eval %1$s/x.db --preference 0.1,0.3,0.6 --limit 10", ""},
        {"merge %1$s/x.db --method average --limit 10 --again", ""},
        {"train %1$s/x.db --method ls --steps 2 --batch 2 --save-interval 1", ""},
        {"import %1$s/x.db %1$s/table.csv", ""},
        {"front %1$s/x.db --random 1 --limit 10", ""},
        {"compare %1$s/x.db --methods average,wudi --seeds 1 --edge-points 3 "
         "--out %1$s/made",
         "made"},
        {"ask %1$s/x.db 'digits>=80 max letters' --measure --tries 1", ""},
        {"paths %1$s/x.db --from models --to data", ""},
        {"merge-to %1$s/made --method ties --pretrained %1$s/models/pretrained "
         "--expert %1$s/models/digits --expert %1$s/models/letters --partial",
         "made"},
        {"plot %1$s/x.db --kind parallel --out %1$s/p.png", "p.png"},
    };
    if (SANITIZED)
        skip(); /* they must come first, and fail otherwise */
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        long calls = once(commands[i][0], commands[i][1], 0, EIO);
        assert_true(calls > 5);
        for (size_t f = 0; f < sizeof failures / sizeof *failures; f++)
            for (long at = 1 + (long)f; at <= calls; at += 1 + calls / TRIES)
                once(commands[i][0], commands[i][1], at, failures[f]);
    }
}

/* What the explorer writes of a selection, with call `at` failing: nothing, or what it
 * wrote first (name.first). It says which. Returns the number of calls. */
static long select_once(const char *name, long at, int failure) {
    char line[2048];
    snprintf(
        line, sizeof line,
        "cd %%1$s && rm -rf %1$s .*.tmp calls && cp kept.db x.db && printf "
        "'key *\\nkey S\\nkey Ctrl-U\\ntype %%1$s/%1$s\\nkey Enter\\n' >script && "
        "cd - >/dev/null && INJECT_CALL=files INJECT_AT=%2$ld INJECT_ERRNO=%3$d "
        "INJECT_COUNT=%%1$s/calls LD_PRELOAD=tests/support/inject.so "
        "./pwemoe-explore %%1$s/x.db --snapshot 180x40 --replay %%1$s/script "
        ">%%1$s/frame; status=$?; cat %%1$s/calls; cd %%1$s; test %2$ld != 0 || cp "
        "%1$s "
        "%1$s.first; test ! -e %1$s || cmp %1$s %1$s.first || exit 3; test $status = "
        "0 || exit $status; if test -e %1$s; then grep -qE 'are written to|is "
        "written, but' frame; else grep -q '%1$s: cannot be written' frame; fi || "
        "exit 4; ls -A | grep '^[.].*tmp$'; exit $status",
        name, at, failure);
    struct ran ran = shell(line, folder());
    long calls = failure < 0 ? 0 : atol(ran.out);
    bool killed = failure < 0 && ran.status == 128 + SIGKILL;
    if (!killed && (ran.status > 1 || strstr(ran.out, "tmp") ||
                    (ran.status == 1 && !is_one_line(ran.err))))
        fail_msg("%s, call %ld, errno %d: %d '%s' '%s'", name, at, failure, ran.status,
                 ran.out, ran.err);
    ran_free(&ran);
    return calls;
}

static void a_selection_is_whole_or_not_there(void **state) {
    (void)state;
    static const char *const names[] = {"chosen.csv", "chosen.json"};
    if (SANITIZED)
        skip();
    for (size_t i = 0; i < 2; i++) {
        long calls = select_once(names[i], 0, EIO);
        assert_true(calls > 5);
        for (size_t f = 0; f < sizeof failures / sizeof *failures; f++)
            for (long at = i ? 1 + (long)f : 1; at <= calls; at += i ? 5 : 1)
                select_once(names[i], at, failures[f]);
    }
}

/* What killed processes left is removed by the next that writes the same. */
static void leftovers_go(void **state) {
    (void)state;
    static const char *const commands[][2] = {
        {"init %1$s/n.db %1$s/recipe.yaml", "n.db"},
        {"export %1$s/x.db --solution 5 --out %1$s/made", "made"},
        {"plot %1$s/x.db --out %1$s/p.svg", "p.svg"},
        {"report %1$s/x.db --out %1$s/made", "made"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char line[1024];
        snprintf(
            line, sizeof line,
            "cd %%1$s && rm -rf n.db* made p.svg && cp kept.db x.db && touch -d "
            "2001-01-01 .%s.123.4.tmp && cd - >/dev/null && ./pwemoe %s --quiet && "
            "test ! -e %%1$s/.%s.123.4.tmp",
            commands[i][1], commands[i][0], commands[i][1]);
        struct ran ran = shell(line, folder());
        if (ran.status)
            fail_msg("%s: %d '%s'", commands[i][0], ran.status, ran.err);
        ran_free(&ran);
    }
}

/* A working folder that was removed meanwhile is one without files. */
static void the_working_folder_is_gone(void **state) {
    (void)state;
    static const char *const commands[][2] = {
        {"show x.db solutions", "x.db"},
        {"init n.db %1$s/recipe.yaml", "No such file"},
        {"plot %1$s/kept.db --out p.svg", "p.svg"},
        {"report %1$s/kept.db --out made", "made"},
        {"export %1$s/kept.db --solution 5 --out made", "made"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char line[1024];
        snprintf(line, sizeof line,
                 "build=$PWD; mkdir %%1$s/gone && cd %%1$s/gone && rmdir %%1$s/gone && "
                 "\"$build\"/pwemoe %s",
                 commands[i][0]);
        struct ran ran = shell(line, folder());
        if (ran.status != 1 || !is_one_line(ran.err) || strstr(ran.err, "memory") ||
            !strstr(ran.err, commands[i][1]))
            fail_msg("%s: %d '%s'", commands[i][0], ran.status, ran.err);
        ran_free(&ran);
    }
    struct ran ran =
        shell("build=$PWD; mkdir %1$s/gone && cd %1$s/gone && rmdir "
              "%1$s/gone && \"$build\"/pwemoe show %1$s/kept.db objectives",
              folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_or_nothing_and_truly_said),
        cmocka_unit_test(a_selection_is_whole_or_not_there),
        cmocka_unit_test(leftovers_go),
        cmocka_unit_test(the_working_folder_is_gone),
    };
    return cmocka_run_group_tests(tests, copy_demo, NULL);
}
