/* In the sandbox no program starts and no socket is made, in any thread; files are read
 * and written. Each case is a process of its own: there is no way out. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/card_files.h"
#include "base/sandbox.h"

extern char **environ;

/* What the child says; 0: all is as it must be. */
static int in_child(int (*body)(void)) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum { NO_FILTERS = 77 };

static int enter(void) {
    struct error error;
    return sandbox_enter(SANDBOX_ON, false, false, &error) ? NO_FILTERS : 0;
}

static bool starts_a_program(void) {
    pid_t child;
    char *words[] = {"true", NULL};
    int status, problem = posix_spawnp(&child, "true", NULL, NULL, words, environ);
    if (!problem)
        waitpid(child, &status, 0);
    return !problem;
}

static bool makes_a_socket(int domain) {
    int fd = socket(domain, SOCK_STREAM, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int refuses(void) {
    char *words[] = {"true", NULL};
    if (!starts_a_program())
        return 1; /* the case would show nothing */
    if (enter())
        return NO_FILTERS;
    if (starts_a_program())
        return 2;
    if (execv("/bin/true", words) != -1 || errno != EPERM)
        return 3;
    if (makes_a_socket(AF_INET) || makes_a_socket(AF_INET6))
        return 4;
    if (makes_a_socket(AF_UNIX) !=
        (access("/dev/nvidiactl", F_OK) == 0 || access("/dev/dxg", F_OK) == 0 ||
         access("/dev/nvmap", F_OK) == 0))
        return 5;
    if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != EPERM)
        return 6;
    if (ioctl(0, TIOCSTI, "x") != -1 || errno != EPERM)
        return 7;
    /* The kernel would look at the lower half of this alone. */
    if (syscall(SYS_ioctl, 0, 0xffffffff00000000ul | TIOCSTI, "x") != -1 ||
        errno != EPERM)
        return 8;
    return 0;
}

static int works_on(void) {
    char path[] = "/tmp/pwemoe-sandbox-XXXXXX", text[6] = "";
    if (enter())
        return NO_FILTERS;
    int fd = mkstemp(path);
    bool good = fd >= 0 && write(fd, "hello", 5) == 5 && lseek(fd, 0, SEEK_SET) == 0 &&
                read(fd, text, 5) == 5 && strcmp(text, "hello") == 0 &&
                fsync(fd) == 0 && unlink(path) == 0;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return good && waitpid(child, NULL, 0) == child ? 0 : 1;
}

static sem_t entered;
static void *other_thread(void *result) {
    sem_wait(&entered);
    *(bool *)result = makes_a_socket(AF_INET);
    return NULL;
}

static int binds_earlier_threads(void) {
    bool made = true;
    pthread_t thread;
    sem_init(&entered, 0, 0);
    if (pthread_create(&thread, NULL, other_thread, &made))
        return 1;
    int problem = enter();
    sem_post(&entered);
    pthread_join(thread, NULL);
    return problem ? problem : made ? 2 : 0;
}

static void run_case(int (*body)(void)) {
    int status = in_child(body);
    if (status == NO_FILTERS) {
        print_message("this kernel has no filters of system calls: skipped\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void programs_and_sockets_are_refused(void **state) {
    (void)state;
    run_case(refuses);
}

static void files_and_forks_work_on(void **state) {
    (void)state;
    run_case(works_on);
}

static void threads_of_before_are_bound(void **state) {
    (void)state;
    run_case(binds_earlier_threads);
}

static int left_out(void) {
    struct error error;
    return !sandbox_enter(SANDBOX_OFF, false, false, &error) &&
                   !sandbox_enter(SANDBOX_AUTO, true, false, &error) &&
                   starts_a_program()
               ? 0
               : 1;
}

/* With other ranks: they are spoken to, and no program is started. */
static int reaches_other_ranks(void) {
    struct error error;
    if (sandbox_enter(SANDBOX_ON, false, true, &error))
        return NO_FILTERS;
    return makes_a_socket(AF_INET) && !starts_a_program() ? 0 : 1;
}

static void other_ranks_are_reached(void **state) {
    (void)state;
    run_case(reaches_other_ranks);
}

static void commands_can_be_allowed(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(in_child(left_out), 0);
    assert_int_equal(sandbox_enter(SANDBOX_ON, true, false, &error), -1);
    assert_string_equal(error.text, "--sandbox on starts no programs, and "
                                    "--allow-commands is to: leave one of them out");
}

/* What the driver's program would make in /dev it makes before; and it is not started
 * where all is there. A script stands for it. */
static void card_files_are_made(void **state) {
    (void)state;
    char folder[] = "/tmp/pwemoe-card-XXXXXX", program[64], said[64], path[64],
         line[80];
    assert_non_null(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/modprobe", folder);
    snprintf(said, sizeof said, "%s/said", folder);
    card_files_make(folder, program); /* there is none */
    FILE *script = fopen(program, "w");
    assert_non_null(script);
    fprintf(script, "#!/bin/sh\necho \"$*\" >>%s\n", said);
    assert_int_equal(fclose(script), 0);
    assert_int_equal(chmod(program, 0700), 0);
    static const char *const wanted[] = {"-c=0 -c=255\n", "-u -c=0\n"};
    static const char *const names[] = {"nvidiactl", "nvidia0", "nvidia-uvm"};
    card_files_make(folder, program);
    FILE *lines = fopen(said, "r");
    assert_non_null(lines);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(fgets(line, sizeof line, lines), wanted[i]);
    assert_null(fgets(line, sizeof line, lines));
    fclose(lines);
    assert_int_equal(unlink(said), 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        fclose(fopen(path, "w"));
    }
    card_files_make(folder, program);
    assert_int_equal(access(said, F_OK), -1);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    unlink(program);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_and_sockets_are_refused),
        cmocka_unit_test(files_and_forks_work_on),
        cmocka_unit_test(threads_of_before_are_bound),
        cmocka_unit_test(other_ranks_are_reached),
        cmocka_unit_test(commands_can_be_allowed),
        cmocka_unit_test(card_files_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
