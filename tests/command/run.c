#define _GNU_SOURCE
#include "run.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

void write_file(const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file)) {
        perror(path);
        exit(99);
    }
}

static char *slurp(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "r");
    size_t room = 1 << 20;
    char *text = calloc(1, room + 1);
    if (file && text)
        text[fread(text, 1, room, file)] = '\0';
    if (file)
        fclose(file);
    return text;
}

static int seconds = 900;

void run_limit(int most) {
    seconds = most;
}

/* In a process group of its own, so that all of it can be killed. */
static pid_t start(const char *command) {
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (child < 0)
        fail_msg("%s: cannot be started", command);
    setpgid(child, child);
    return child;
}

/* Its status as waitpid gives it; the test fails where it takes too long. */
static int wait_for(pid_t child, const char *words) {
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, child, 0),
                         .events = POLLIN};
    int status, ready = end.fd < 0 ? 1 : poll(&end, 1, seconds * 1000);
    if (ready == 0)
        kill(-child, SIGKILL);
    if (end.fd >= 0)
        close(end.fd);
    waitpid(child, &status, 0);
    if (ready == 0)
        fail_msg("%s: has not ended after %d seconds", words, seconds);
    return status;
}

static struct ran run_words(const char *words) {
    char *command =
        text_format("exec >'%s/out' 2>'%s/err'; %s", folder(), folder(), words);
    int status = wait_for(start(command), words);
    free(command);
    struct ran ran = {.status = WIFEXITED(status) ? WEXITSTATUS(status)
                                                  : 128 + WTERMSIG(status),
                      .out = slurp("out"),
                      .err = slurp("err")};
    return ran;
}

struct ran shell(const char *format, ...) {
    char words[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return run_words(words);
}

static struct ran run_list(const char *format, va_list arguments, char *words,
                           size_t size) {
    int length = snprintf(words, size, "./pwemoe ");
    vsnprintf(words + length, size - (size_t)length, format, arguments);
    return run_words(words);
}

struct ran run(const char *format, ...) {
    char words[8192];
    va_list arguments;
    va_start(arguments, format);
    struct ran ran = run_list(format, arguments, words, sizeof words);
    va_end(arguments);
    return ran;
}

json_t *json_of(const char *format, ...) {
    char words[8192];
    va_list arguments;
    va_start(arguments, format);
    struct ran ran = run_list(format, arguments, words, sizeof words);
    va_end(arguments);
    json_t *document = json_loads(ran.out, 0, NULL);
    if (ran.status || !document)
        fail_msg("%s: status %d, '%s' '%s'", words, ran.status, ran.out, ran.err);
    ran_free(&ran);
    return document;
}

void expect_error(int status, const char *says, const char *format, ...) {
    char words[8192];
    va_list arguments;
    va_start(arguments, format);
    struct ran ran = run_list(format, arguments, words, sizeof words);
    va_end(arguments);
    if (ran.status != status || !is_one_line(ran.err) || *ran.out ||
        !strstr(ran.err, says))
        fail_msg("%s: status %d, stderr '%s', stdout '%s'", words, ran.status, ran.err,
                 ran.out);
    ran_free(&ran);
}

void ran_free(struct ran *ran) {
    free(ran->out);
    free(ran->err);
}

int is_one_line(const char *text) {
    size_t length = strlen(text);
    return length > 8 && strncmp(text, "pwemoe", 6) == 0 &&
           strchr(text, '\n') == text + length - 1;
}
