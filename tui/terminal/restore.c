#define _GNU_SOURCE
#include "terminal/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/exhausted.h"
#include "base/mapped.h"
#include "base/signals.h"

static const int ending_signals[] = {RESTORE_SIGNALS, 0};

static struct {
    atomic_bool held; /* the terminal is ours */
    /* For handlers of crashes: plain bytes and the settings to go back to. */
    char bytes[256];
    size_t size;
    struct termios termios;
    bool have_termios;
    int saved_stderr, held_stderr;
    atomic_int ending;
    atomic_bool leaving;
    int event;
} restore = {.saved_stderr = -1, .held_stderr = -1, .event = -1};

/* Only what may be called in a handler: write, tcsetattr. */
static void give_back(void) {
    if (!atomic_exchange(&restore.held, false))
        return;
    if (restore.size) {
        ssize_t written = write(STDOUT_FILENO, restore.bytes, restore.size);
        (void)written;
    }
    if (restore.have_termios)
        tcsetattr(STDIN_FILENO, TCSANOW, &restore.termios);
}

static void before_crash(void) {
    give_back();
    if (restore.saved_stderr >= 0)
        dup2(restore.saved_stderr, STDERR_FILENO);
}

static void on_crash(int number) {
    before_crash();
    raise(number); /* SA_RESETHAND: the default action now */
}

static void release_stderr(void) {
    char buffer[4096];
    ssize_t count;
    if (restore.saved_stderr < 0)
        return;
    dup2(restore.saved_stderr, STDERR_FILENO);
    lseek(restore.held_stderr, 0, SEEK_SET);
    while ((count = read(restore.held_stderr, buffer, sizeof buffer)) > 0)
        if (write(STDERR_FILENO, buffer, (size_t)count) < 0)
            break;
    close(restore.saved_stderr);
    close(restore.held_stderr);
    restore.saved_stderr = restore.held_stderr = -1;
}

/* A library may end the process where it cannot go on (OpenMP's does without a thread):
 * what was said on stderr is seen then, too. */
static void on_leaving(void) {
    if (!atomic_load(&restore.held))
        return;
    give_back();
    release_stderr();
}

static void *leave(void *status) {
    static const struct timespec patience = {0, 900 * 1000 * 1000};
    nanosleep(&patience, NULL);
    on_leaving();
    if (atomic_load(&restore.ending))
        signals_end(atomic_load(&restore.ending));
    _exit((int)(intptr_t)status);
}

void restore_leave(int status) {
    pthread_t thread;
    sigset_t all, before;
    if (atomic_exchange(&restore.leaving, true))
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    /* Without it the end is waited for. */
    if (pthread_create(&thread, NULL, leave, (void *)(intptr_t)status) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The loop sees it; it may be anywhere, and waits for restore_fd too. */
static void on_ending(int number) {
    int none = 0;
    uint64_t one = 1;
    atomic_compare_exchange_strong(&restore.ending, &none, number);
    ssize_t written = write(restore.event, &one, sizeof one);
    (void)written; /* fails only where the counter is full: it can be read */
    restore_leave(1);
}

int restore_start(struct error *error) {
    static const int crashes[] = {SIGSEGV, SIGFPE, SIGILL, SIGABRT};
    const struct signals ending = {
        .taken = ending_signals, .asked = on_ending, .ends = on_leaving};
    restore.have_termios = tcgetattr(STDIN_FILENO, &restore.termios) == 0;
    restore.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (restore.event < 0)
        return error_set(error, "eventfd: %s", strerror(errno));
    if (signals_watch(&ending, error))
        return -1;
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
    mapped_watch("pwemoe-explore", before_crash);
    exhausted_watch("pwemoe-explore", before_crash);
    if (atexit(on_leaving))
        return error_memory(error);
    return 0;
}

void restore_write(const char *bytes, size_t size) {
    restore.size = size < sizeof restore.bytes ? size : sizeof restore.bytes;
    memcpy(restore.bytes, bytes, restore.size);
    atomic_store(&restore.held, true);
}

void restore_done(void) {
    atomic_store(&restore.held, false);
    release_stderr();
}

void restore_hold_stderr(void) {
#ifndef __SANITIZE_ADDRESS__
    if (!isatty(STDERR_FILENO))
        return;
    restore.held_stderr = memfd_create("stderr", MFD_CLOEXEC);
    if (restore.held_stderr < 0)
        return;
    restore.saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (restore.saved_stderr >= 0)
        dup2(restore.held_stderr, STDERR_FILENO);
#endif
}

int restore_ending(void) {
    return atomic_load(&restore.ending);
}

int restore_fd(void) {
    return restore.event;
}
