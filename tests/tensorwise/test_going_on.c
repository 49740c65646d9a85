/* merge-to ended before its time, killed at any change of a file or told that the disk
 * is full: whole files are kept, and the same command goes on. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/run.h"
#include "support/golden.h"

static const char words[] = "--method task-arithmetic --shard-size 600B "
                            "--pretrained $M/base --expert $M/a --expert $M/b";

/* merge-to into folder()/NAME, what stands before it and after it. */
static struct ran merge_to(const char *before, const char *name, const char *after) {
    return shell("M='%s'; %s ./pwemoe merge-to '%s/%s' %s %s",
                 golden_path("tensorwise/llama"), before, folder(), name, words, after);
}

static struct ran interrupted(long at, int failure) {
    char before[200];
    snprintf(
        before, sizeof before,
        "env INJECT_CALL=files INJECT_AT=%ld INJECT_ERRNO=%d INJECT_COUNT=%s/calls "
        "LD_PRELOAD=tests/support/inject.so",
        at, failure, folder());
    return merge_to(before, "merged", "--quiet");
}

static void assert_same_as_whole(void) {
    struct ran ran =
        shell("cd '%s' && diff -r merged whole && ls -A | grep part", folder());
    if (ran.status != 1 || *ran.out)
        fail_msg("%s%s", ran.out, ran.err);
    ran_free(&ran);
}

static int setup(void **state) {
    (void)state;
    struct ran ran = merge_to("", "whole", "--quiet");
    int status = ran.status;
    ran_free(&ran);
    return status;
}

static void remove_all(void) {
    struct ran ran = shell("rm -rf '%1$s/merged' '%1$s'/.merged*", folder());
    ran_free(&ran);
}

/* AddressSanitizer's library must come first. */
static void skip_where_sanitized(void) {
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
}

/* Killed at every seventh call that changes a file; what the next one finds is right
 * whatever it was. */
static void test_killed(void **state) {
    (void)state;
    skip_where_sanitized();
    size_t kept = 0, none = 0;
    for (long at = 1;; at += 7) {
        remove_all();
        struct ran ran = interrupted(at, -1);
        int status = ran.status;
        ran_free(&ran);
        if (status == 0)
            break; /* it has not so many */
        assert_int_equal(status, 128 + SIGKILL);
        ran = shell("test -e '%s/merged'", folder());
        bool made = ran.status == 0;
        ran_free(&ran);
        if (!made) {
            ran = merge_to("", "merged", "");
            if (ran.status)
                fail_msg("call %ld: %s", at, ran.err);
            bool found = strstr(ran.err, "were there from before") != NULL;
            kept += found;
            none += !found;
            ran_free(&ran);
        }
        assert_same_as_whole();
    }
    assert_true(kept > 5 && none > 0);
}

/* A full disk says what is kept; another merge does not take it. */
static void test_full(void **state) {
    (void)state;
    skip_where_sanitized();
    remove_all();
    struct ran ran = interrupted(40, ENOSPC);
    assert_int_equal(ran.status, 1);
    if (!strstr(ran.err, "No space left") ||
        !strstr(ran.err, "files are whole and kept"))
        fail_msg("%s", ran.err);
    ran_free(&ran);
    ran = merge_to("", "merged", "--set scale=0.4");
    assert_int_equal(ran.status, 0);
    assert_null(strstr(ran.err, "from before"));
    ran_free(&ran);
    ran = shell("cd '%s' && cmp merged/pwemoe.json whole/pwemoe.json", folder());
    assert_int_equal(ran.status, 1);
    ran_free(&ran);
    /* Where the first file already fails nothing is left. Libraries make some of these
     * calls, too. */
    size_t early = 0;
    for (long at = 1; at <= 12; at++) {
        remove_all();
        ran = interrupted(at, ENOSPC);
        bool first = ran.status == 1 && !strstr(ran.err, "files are whole and kept");
        ran_free(&ran);
        if (!first)
            continue;
        early++;
        ran = shell("ls -A '%s' | grep '^[.]*merged'", folder());
        assert_string_equal(ran.out, "");
        ran_free(&ran);
    }
    assert_true(early > 0);
}

/* Two at the same place at once. */
static void test_two(void **state) {
    (void)state;
    struct ran ran = shell(
        "rm -rf '%1$s/merged' '%1$s'/.merged*; mkdir '%1$s/.merged.part'", folder());
    ran_free(&ran);
    char before[1200];
    snprintf(before, sizeof before, "flock '%s/.merged.part'", folder());
    ran = merge_to(before, "merged", "--quiet");
    assert_int_equal(ran.status, 1);
    assert_non_null(strstr(ran.err, "another process is writing it"));
    ran_free(&ran);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_full),
                                       cmocka_unit_test(test_two)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
