/* A mapped file that another program cuts short while it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mapped.h"

enum { SIZE = 1 << 20 };

static char path[64];

static int set_up(void **state) {
    (void)state;
    strcpy(path, "/tmp/pwemoe-mapped-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, SIZE), 0);
    close(file);
    return 0;
}

static int clean(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

static void note(void) {
    if (write(STDERR_FILENO, "noted, ", 7) < 0)
        _exit(97);
}

/* In a process of its own: what it said, and its wait status. */
static int in_child(void (*work)(void), char *said, size_t room) {
    int ends[2], status;
    size_t used = 0;
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        work();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + used, room - 1 - used)) > 0)
        used += (size_t)got;
    said[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void read_all(void) {
    const void *bytes;
    size_t size;
    struct error error;
    mapped_watch("reader", note);
    if (mapped_open(path, &bytes, &size, &error) || size != SIZE ||
        truncate(path, SIZE / 2))
        _exit(98);
    unsigned sum = 0;
    for (size_t i = 0; i < size; i += 512)
        sum += ((const volatile unsigned char *)bytes)[i];
    _exit(sum ? 96 : 95);
}

static void is_one_line_and_the_end(void **state) {
    (void)state;
    char said[512], expected[512];
    int status = in_child(read_all, said, sizeof said);
    snprintf(expected, sizeof expected,
             "noted, reader: %s: became shorter while it was read; put the whole file "
             "back and start again\n",
             path);
    assert_string_equal(said, expected);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void close_and_fault(void) {
    const void *bytes;
    size_t size;
    struct error error;
    mapped_watch("reader", NULL);
    if (mapped_open(path, &bytes, &size, &error))
        _exit(98);
    mapped_close(bytes, size);
    raise(SIGBUS); /* of something else */
}

static void other_faults_take_their_course(void **state) {
    (void)state;
    char said[512];
    int status = in_child(close_and_fault, said, sizeof said);
    assert_string_equal(said, "");
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void refuses(void **state) {
    (void)state;
    const void *bytes;
    size_t size;
    struct error error;
    assert_int_equal(mapped_open("/dev/zero", &bytes, &size, &error), -1);
    assert_string_equal(error.text, "/dev/zero: a device, not a file");
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(mapped_open(path, &bytes, &size, &error), -1);
    assert_non_null(strstr(error.text, "the file is empty"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_one_line_and_the_end),
        cmocka_unit_test(other_faults_take_their_course),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, set_up, clean);
}
