/* For LD_PRELOAD: lets one call of those that change files fail, or every allocation's
 * turn come.
 *
 * INJECT_CALL   which are counted: "files" or "memory"
 * INJECT_AT     the number of the call that fails, from 1; without it none does
 * INJECT_ERRNO  what it fails by; 0: a write takes half of what it is given
 * INJECT_COUNT  a file that gets the number of calls when the process ends
 *
 * Calls on standard output and error do not count. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static atomic_long calls;
static long at;
static int failure, ready;
static enum { NOTHING, FILES, MEMORY } counted;

static void begin(void) {
    const char *call = getenv("INJECT_CALL"), *which = getenv("INJECT_AT"),
               *number = getenv("INJECT_ERRNO");
    ready = 1;
    at = which ? atol(which) : -1;
    failure = number ? atoi(number) : ENOMEM;
    counted = !call ? NOTHING : strcmp(call, "files") == 0 ? FILES : MEMORY;
}

static int fails(int kind) {
    if (!ready)
        begin();
    return (int)counted == kind && atomic_fetch_add(&calls, 1) + 1 == at;
}

__attribute__((destructor)) static void end(void) {
    const char *name = getenv("INJECT_COUNT");
    long count = atomic_load(&calls);
    counted = NOTHING;
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", count);
        fclose(file);
    }
}

void *malloc(size_t size) {
    return fails(MEMORY) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails(MEMORY) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return fails(MEMORY) ? NULL : __libc_realloc(memory, size);
}

/* The library's own function of that name, of that type. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(value)      \
    do {                 \
        errno = failure; \
        return value;    \
    } while (0)

ssize_t write(int file, const void *bytes, size_t count) {
    if (file > 2 && fails(FILES)) {
        if (failure)
            FAIL(-1);
        count = (count + 1) / 2;
    }
    return NEXT(write)(file, bytes, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    if (fails(FILES)) {
        if (failure)
            FAIL(-1);
        count = (count + 1) / 2;
    }
    return NEXT(pwrite64)(file, bytes, count, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}

#define REFUSE(type, name, parameters, arguments) \
    type name parameters {                        \
        if (failure && fails(FILES))              \
            FAIL(-1);                             \
        return NEXT(name) arguments;              \
    }
REFUSE(int, fsync, (int file), (file))
REFUSE(int, fdatasync, (int file), (file))
REFUSE(int, ftruncate64, (int file, off64_t size), (file, size))
REFUSE(int, ftruncate, (int file, off_t size), (file, size))
REFUSE(int, rename, (const char *from, const char *to), (from, to))
REFUSE(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
       (a, from, b, to, flags))
REFUSE(int, mkdir, (const char *path, mode_t mode), (path, mode))

static int open_with(int (*next)(const char *, int, ...), const char *path, int flags,
                     mode_t mode) {
    if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && failure && fails(FILES))
        FAIL(-1);
    return next(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(NEXT(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(NEXT(open64), path, flags, mode);
}
