/* Programs that print, fail, hang, flood and leave others behind. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/patience.h"
#include "base/child.h"
#include "base/usage.h"

static struct child *start(const char *script, double seconds) {
    struct child *child;
    struct error error;
    if (child_start((const char *const[]){"sh", "-c", script, NULL}, "/", NULL, seconds,
                    &child, &error))
        fail_msg("%s", error.text);
    return child;
}

/* Its exit status; the tests' own time limit is what ends a child that does not. */
static int finish(struct child *child, bool *late) {
    while (!child_wait(child, 20)) {
    }
    return child_status(child, late);
}

static void test_prints(void **state) {
    size_t size;
    bool late;
    (void)state;
    struct child *child = start("pwd; echo one >&2; echo two >&2; exit 3", 0);
    assert_int_equal(finish(child, &late), 3);
    assert_false(late);
    assert_string_equal(child_output(child, &size), "/\n");
    assert_int_equal(size, 2);
    assert_string_equal(child_complaint(child), "two");
    child_free(child);
}

/* A setting stands in the place of one of the same name, and of no other. */
static void test_setting(void **state) {
    static const char *const words[] = {"sh", "-c", "echo \"$SEEN $SEENNOT\"", NULL};
    struct child *child;
    struct error error;
    bool late;
    size_t size;
    (void)state;
    setenv("SEEN", "before", 1);
    setenv("SEENNOT", "other", 1);
    assert_int_equal(child_start(words, "/", "SEEN=now", 0, &child, &error), 0);
    assert_int_equal(finish(child, &late), 0);
    assert_string_equal(child_output(child, &size), "now other\n");
    child_free(child);
    child = start(words[2], 0);
    assert_int_equal(finish(child, &late), 0);
    assert_string_equal(child_output(child, &size), "before other\n");
    child_free(child);
}

/* This program blocks and ignores signals, as ./pwemoe does; its children do not. */
static void test_signals(void **state) {
    sigset_t all, before;
    bool late;
    size_t size;
    (void)state;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    void (*old)(int) = signal(SIGTERM, SIG_IGN);
    struct child *child = start("grep -E '^Sig(Blk|Ign)' /proc/self/status; "
                                "kill -TERM $$; sleep 60",
                                30);
    assert_int_equal(finish(child, &late), 128 + SIGTERM);
    signal(SIGTERM, old);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_non_null(strstr(child_output(child, &size), "SigBlk:\t0000000000000000"));
    const char *ignored = strstr(child_output(child, &size), "SigIgn:\t");
    assert_non_null(ignored);
    /* But for the C library's own two. */
    assert_int_equal(strtoull(ignored + 8, NULL, 16) & ~0x180000000ull, 0);
    child_free(child);
}

static void test_files(void **state) {
    bool late;
    size_t size;
    (void)state;
    int mine = dup(0); /* a file that is not closed by exec */
    char script[128];
    snprintf(script, sizeof script,
             "cat; test -e /proc/self/fd/%d && echo open; :", mine);
    struct child *child = start(script, 30);
    assert_int_equal(finish(child, &late), 0);
    assert_string_equal(child_output(child, &size), "");
    child_free(child);
    close(mine);
}

static void test_hangs(void **state) {
    bool late;
    (void)state;
    struct child *child = start("trap '' TERM INT; while :; do sleep 1; done", 0.2);
    assert_int_equal(finish(child, &late), 128 + SIGKILL);
    assert_true(late);
    child_free(child);
}

/* What is in its process group ends with it. */
static void test_leaves_behind(void **state) {
    bool late;
    size_t size;
    (void)state;
    struct child *child = start("sleep 1000 & echo $!", 30);
    assert_int_equal(finish(child, &late), 0);
    pid_t left = (pid_t)atoi(child_output(child, &size));
    assert_true(left > 1);
    /* It is gone, or waits for init to take it. */
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)left);
    for (int i = 0; i < 100 * PATIENCE; i++) {
        FILE *file = fopen(path, "r");
        if (!file)
            break;
        bool zombie = fgets(line, sizeof line, file) && strstr(line, ") Z ");
        fclose(file);
        if (zombie)
            break;
        usleep(10000);
        assert_true(i < 100 * PATIENCE - 1);
    }
    child_free(child);
}

static void test_freed_early(void **state) {
    (void)state;
    struct child *child = start("sleep 1000", 0);
    assert_int_equal(child_wait(child, 10), 0);
    child_free(child);
    child_free(NULL);
}

static void test_floods(void **state) {
    bool late;
    size_t size;
    (void)state;
    struct child *child = start("yes | head -c 300000; yes error | head -c 300000 >&2;"
                                "echo last >&2",
                                60);
    assert_int_equal(finish(child, &late), 0);
    assert_int_equal(strlen(child_output(child, &size)), CHILD_OUTPUT);
    assert_true(size > CHILD_OUTPUT);
    assert_string_equal(child_complaint(child), "last");
    child_free(child);
}

static void test_missing(void **state) {
    struct child *child;
    struct error error;
    (void)state;
    assert_int_equal(child_start((const char *const[]){"./there-is-none", NULL}, "/",
                                 NULL, 0, &child, &error),
                     -1);
    assert_non_null(strstr(error.text, "./there-is-none: cannot be run: No such file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting),     cmocka_unit_test(test_prints),
        cmocka_unit_test(test_signals),     cmocka_unit_test(test_files),
        cmocka_unit_test(test_hangs),       cmocka_unit_test(test_leaves_behind),
        cmocka_unit_test(test_freed_early), cmocka_unit_test(test_floods),
        cmocka_unit_test(test_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
