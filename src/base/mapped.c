#define _GNU_SOURCE
#include "base/mapped.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* What a handler can look through without a lock. A file beyond so many is mapped all
 * the same, and goes without a name. */
enum { PLACES = 512 };

static struct place {
    _Atomic(uintptr_t) begin; /* 0: free */
    size_t size;
    char path[512]; /* as it is shown, cut where it is longer */
} places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    const char *program;
    void (*before)(void);
} watch;

static void keep(const char *path, const void *bytes, size_t size) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < PLACES; i++)
        if (!atomic_load(&places[i].begin)) {
            places[i].size = size;
            text_escape(places[i].path, sizeof places[i].path, path);
            atomic_store(&places[i].begin, (uintptr_t)bytes);
            break;
        }
    pthread_mutex_unlock(&lock);
}

int mapped_open(const char *path, const void **bytes, size_t *size,
                struct error *error) {
    uint64_t length;
    int file = file_open(path, SIZE_MAX, &length, error);
    if (file < 0)
        return -1;
    if (length == 0) {
        close(file);
        return error_set(error, "%s: the file is empty", path);
    }
    void *mapped = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, file, 0);
    int failure = errno;
    close(file);
    if (mapped == MAP_FAILED)
        return error_set(error, "%s: cannot be mapped: %s", path, strerror(failure));
    *bytes = mapped;
    *size = (size_t)length;
    keep(path, mapped, *size);
    return 0;
}

void mapped_close(const void *bytes, size_t size) {
    for (size_t i = 0; i < PLACES; i++)
        if (atomic_load(&places[i].begin) == (uintptr_t)bytes)
            atomic_store(&places[i].begin, 0);
    munmap((void *)(uintptr_t)bytes, size);
}

/* Whole pages: all that the stretch touches, or only those that are its own. */
static void advise(const void *bytes, size_t size, bool touched, int advice) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)bytes;
    uintptr_t end = from + size;
    from = (touched ? from : from + page - 1) / page * page;
    end = (touched ? end + page - 1 : end) / page * page;
    if (end > from)
        madvise((void *)from, end - from, advice);
}

void mapped_expect(const void *bytes, size_t size) {
    advise(bytes, size, true, MADV_WILLNEED);
}

void mapped_let_go(const void *bytes, size_t size) {
    advise(bytes, size, false, MADV_DONTNEED);
}

static void put(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void on_bus(int number, siginfo_t *info, void *context) {
    uintptr_t at = (uintptr_t)info->si_addr;
    (void)context;
    for (size_t i = 0; i < PLACES; i++) {
        uintptr_t begin = atomic_load(&places[i].begin);
        if (!begin || at < begin || at - begin >= places[i].size)
            continue;
        if (watch.before)
            watch.before();
        put(watch.program);
        put(": ");
        put(places[i].path);
        put(": became shorter while it was read; put the whole file back and start "
            "again\n");
        _exit(1);
    }
    if (watch.before)
        watch.before();
    signal(number, SIG_DFL);
    raise(number); /* when this returns, also where it was sent by somebody */
}

void mapped_watch(const char *program, void (*before)(void)) {
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    watch.program = program;
    watch.before = before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
