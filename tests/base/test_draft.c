/* What killed processes left beside a file goes when that file is written again; what
 * somebody still writes stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/draft.h"

static char folder[] = "/tmp/pwemoe-draft-XXXXXX";

static const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};

static const char *in(const char *name) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make(const char *name, bool old) {
    int file = open(in(name), O_CREAT | O_RDWR, 0600);
    assert_true(file >= 0);
    if (old)
        assert_int_equal(futimens(file, long_ago), 0);
    return file;
}

static bool there(const char *name) {
    return access(in(name), F_OK) == 0;
}

static void write_once(void) {
    struct draft *draft;
    struct error error;
    if (draft_open(in("a.png"), "a.png", &draft, &error) ||
        draft_write(draft, "x", 1, &error) || draft_commit(draft, &error))
        fail_msg("%s", error.text);
}

static void leftovers_go(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    close(make(".a.png.12345.0.tmp", true));
    close(make(".a.png.12346.7.tmp", false)); /* perhaps about to be locked */
    int held = make(".a.png.12347.0.tmp", true);
    assert_int_equal(flock(held, LOCK_EX), 0);
    close(make(".b.png.12345.0.tmp", true)); /* another file's */
    close(make(".a.png.12345.tmp", true));   /* of another form */
    close(make("a.png.12345.0.tmp", true));
    assert_int_equal(mkdir(in(".a.png.99.1.tmp"), 0700), 0); /* an export's */
    assert_int_equal(mkdir(in(".a.png.99.1.tmp/heads"), 0700), 0);
    close(make(".a.png.99.1.tmp/heads/h.safetensors", false));
    assert_int_equal(symlink("/etc/passwd", in(".a.png.98.1.tmp")), 0);
    assert_int_equal(utimensat(AT_FDCWD, in(".a.png.99.1.tmp"), long_ago, 0), 0);
    write_once();
    assert_true(there("a.png"));
    assert_false(there(".a.png.12345.0.tmp"));
    assert_false(there(".a.png.99.1.tmp"));
    assert_true(there(".a.png.12346.7.tmp"));
    assert_true(there(".a.png.12347.0.tmp"));
    assert_true(there(".b.png.12345.0.tmp"));
    assert_true(there(".a.png.12345.tmp"));
    assert_true(there("a.png.12345.0.tmp"));
    assert_true(there(".a.png.98.1.tmp"));
    close(held); /* its process ends */
    write_once();
    assert_false(there(".a.png.12347.0.tmp"));
}

static int clean(void **state) {
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(leftovers_go)};
    return cmocka_run_group_tests(tests, NULL, clean);
}
