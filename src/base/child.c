#define _GNU_SOURCE
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/usage.h"

extern char **environ;

struct child {
    pid_t process;
    int output, complaint; /* ends of pipes to read; -1: closed */
    bool ended, late;
    int status;
    double until; /* of usage_clock; 0: never */
    char text[CHILD_OUTPUT + 1];
    size_t size;
    char last[CHILD_COMPLAINT + 1];
    size_t last_size;
};

/* --- starting --------------------------------------------------------------------- */

/* Its signals are those that a shell gives: none blocked, none ignored. */
static int set_signals(posix_spawnattr_t *how) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawnattr_setsigmask(how, &none) ||
           posix_spawnattr_setsigdefault(how, &all) ||
           posix_spawnattr_setpgroup(how, 0) ||
           posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

static int set_files(posix_spawn_file_actions_t *files, const char *folder, int output,
                     int complaint) {
    return posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0) ||
           posix_spawn_file_actions_adddup2(files, output, 1) ||
           posix_spawn_file_actions_adddup2(files, complaint, 2) ||
           posix_spawn_file_actions_addclosefrom_np(files, 3) ||
           posix_spawn_file_actions_addchdir_np(files, folder);
}

/* The environment with one more setting, in the place of an old one of that name; an
 * array to be freed, its texts borrowed. NULL without memory. */
static char **environment_with(const char *setting) {
    size_t count = 0, name = setting ? strcspn(setting, "=") + 1 : 0, kept = 0;
    while (environ[count])
        count++;
    char **all = array_new(count + 2, sizeof *all);
    for (size_t i = 0; all && i < count; i++)
        if (!setting || strncmp(environ[i], setting, name) != 0)
            all[kept++] = environ[i];
    if (all && setting)
        all[kept] = (char *)(uintptr_t)setting;
    return all;
}

static int spawn(struct child *child, const char *const *words, const char *folder,
                 char *const *environment, int output, int complaint) {
    posix_spawnattr_t how;
    posix_spawn_file_actions_t files;
    if (posix_spawnattr_init(&how))
        return ENOMEM;
    if (posix_spawn_file_actions_init(&files)) {
        posix_spawnattr_destroy(&how);
        return ENOMEM;
    }
    int problem = set_signals(&how) || set_files(&files, folder, output, complaint)
                      ? ENOMEM
                      : posix_spawnp(&child->process, words[0], &files, &how,
                                     (char *const *)(uintptr_t)words, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return problem;
}

int child_start(const char *const *words, const char *folder, const char *setting,
                double seconds, struct child **result, struct error *error) {
    int output[2], complaint[2];
    struct child *child = array_new(1, sizeof *child);
    if (!child)
        return error_memory(error);
    if (pipe2(output, O_CLOEXEC)) {
        free(child);
        return error_set(error, "%s: %s", words[0], strerror(errno));
    }
    if (pipe2(complaint, O_CLOEXEC)) {
        close(output[0]);
        close(output[1]);
        free(child);
        return error_set(error, "%s: %s", words[0], strerror(errno));
    }
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    fcntl(complaint[0], F_SETFL, O_NONBLOCK);
    char **environment = environment_with(setting);
    int problem =
        environment ? spawn(child, words, folder, environment, output[1], complaint[1])
                    : ENOMEM;
    free(environment);
    close(output[1]);
    close(complaint[1]);
    child->output = output[0];
    child->complaint = complaint[0];
    child->until = seconds > 0 ? usage_clock() + seconds : 0;
    if (problem) {
        child->ended = true;
        child_free(child);
        return error_set(error, "%s: cannot be run: %s", words[0], strerror(problem));
    }
    *result = child;
    return 0;
}

/* --- what it prints --------------------------------------------------------------- */

static void keep_last(struct child *child, const char *bytes, size_t count) {
    if (count > CHILD_COMPLAINT) {
        bytes += count - CHILD_COMPLAINT;
        count = CHILD_COMPLAINT;
    }
    size_t over = child->last_size + count > CHILD_COMPLAINT
                      ? child->last_size + count - CHILD_COMPLAINT
                      : 0;
    memmove(child->last, child->last + over, child->last_size - over);
    child->last_size -= over;
    memcpy(child->last + child->last_size, bytes, count);
    child->last_size += count;
}

/* All that is there now; at its end the pipe is closed. A pipe that is filled without
 * end does not keep us. */
static void drain(struct child *child, int *pipe, bool complaint) {
    char bytes[4096];
    for (int i = 0; *pipe >= 0 && i < 64; i++) {
        ssize_t got = read(*pipe, bytes, sizeof bytes);
        if (got < 0)
            return;
        if (got == 0) {
            close(*pipe);
            *pipe = -1;
        } else if (complaint) {
            keep_last(child, bytes, (size_t)got);
        } else {
            size_t room = child->size < CHILD_OUTPUT ? CHILD_OUTPUT - child->size : 0;
            size_t some = (size_t)got < room ? (size_t)got : room;
            memcpy(child->text + (room ? child->size : 0), bytes, some);
            child->size += (size_t)got;
        }
    }
}

static void drain_both(struct child *child) {
    drain(child, &child->output, false);
    drain(child, &child->complaint, true);
}

/* --- its end ---------------------------------------------------------------------- */

static void kill_group(const struct child *child) {
    kill(-child->process, SIGKILL);
}

static void keep_status(struct child *child, int status) {
    child->ended = true;
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    kill_group(child); /* those that it left behind */
    drain_both(child);
    child->text[child->size < CHILD_OUTPUT ? child->size : CHILD_OUTPUT] = '\0';
}

int child_wait(struct child *child, int milliseconds) {
    struct pollfd pipes[2] = {{child->output, POLLIN, 0},
                              {child->complaint, POLLIN, 0}};
    int status;
    if (child->ended)
        return 1;
    /* Where both are closed, this is a pause. */
    poll(pipes, 2, milliseconds);
    drain_both(child);
    if (child->until > 0 && usage_clock() > child->until && !child->late) {
        child->late = true;
        kill_group(child);
    }
    if (waitpid(child->process, &status, WNOHANG) != child->process)
        return 0;
    keep_status(child, status);
    return 1;
}

int child_status(const struct child *child, bool *late) {
    *late = child->late;
    return child->status;
}

const char *child_output(const struct child *child, size_t *size) {
    *size = child->size;
    return child->text;
}

const char *child_complaint(struct child *child) {
    size_t end = child->last_size;
    while (end > 0 && strchr("\n\r \t", child->last[end - 1]))
        end--;
    child->last[end] = '\0';
    char *line = strrchr(child->last, '\n');
    return line ? line + 1 : child->last;
}

void child_free(struct child *child) {
    if (!child)
        return;
    if (!child->ended) {
        int status;
        kill_group(child);
        while (waitpid(child->process, &status, 0) < 0 && errno == EINTR) {
        }
    }
    if (child->output >= 0)
        close(child->output);
    if (child->complaint >= 0)
        close(child->complaint);
    free(child);
}
