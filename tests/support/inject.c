/* For LD_PRELOAD: lets one call of those that change files fail, or every allocation's
 * turn come.
 *
 * INJECT_CALL   which are counted: "files" or "memory"
 * INJECT_AT     the number of the call that fails, from 1; without it none does
 * INJECT_ERRNO  what it fails by; 0: a write takes half of what it is given; -1: the
 *               process is killed before it
 * INJECT_COUNT  a file that gets the number of calls when the process ends
 * INJECT_PLACES a file that gets a line for each allocation that can be made to fail
 *               from where none came yet: its number, and a number of that place (the
 *               same in every process where addresses are not random). From where: the
 *               addresses of the calls that led to it,
 * INJECT_DEPTH  this many of them (24)
 * INJECT_TELL   a file that gets the calls that led to the one that failed, for
 *               addr2line
 * INJECT_SPARE  words with commas between: an allocation for a library that has one of
 *               them in its file's name, or for a function of a library that has, is
 *               not made to fail
 *
 * Calls on standard output and error do not count, nor what comes before main(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <unwind.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_long calls;
static long at;
static int failure, places = -1, tell = -1, depth = 24;
static enum { NOTHING, FILES, MEMORY } counted;
static const char *spared;

/* Where allocations came from: a set of hashes, 0 where there is none. */
enum { ROOM = 1 << 18 };
static _Atomic uint64_t seen[ROOM];
static _Thread_local int unwinding;

struct unwound {
    uint64_t hash;
    int depth;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *self) {
    struct unwound *u = self;
    u->hash = (u->hash ^ (uint64_t)_Unwind_GetIP(context)) * 0x100000001b3;
    u->hash ^= u->hash >> 29;
    return ++u->depth < depth ? _URC_NO_REASON : _URC_NORMAL_STOP;
}

static int is_spared(void);

static void tell_place(long number) {
    struct unwound u = {0xcbf29ce484222325, 0};
    if (unwinding)
        return;
    unwinding = 1;
    _Unwind_Backtrace(step, &u);
    unwinding = 0;
    u.hash |= 1;
    for (size_t i = u.hash >> 40, tries = 0; tries < ROOM; i++, tries++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&seen[i % ROOM], &none, u.hash)) {
            if (is_spared())
                return;
            char line[48];
            int length =
                snprintf(line, sizeof line, "%ld %jx\n", number, (uintmax_t)u.hash);
            syscall(SYS_write, places, line, (size_t)length);
            return;
        }
        if (none == u.hash)
            return;
    }
}

static _Unwind_Reason_Code look_for_spared(struct _Unwind_Context *context,
                                           void *self) {
    Dl_info about;
    int *found = self;
    char words[256], *rest = words, *word;
    snprintf(words, sizeof words, "%s", spared);
    if (dladdr((void *)_Unwind_GetIP(context), &about) && about.dli_fname)
        while ((word = strsep(&rest, ",")))
            *found |= strstr(about.dli_fname, word) ||
                      (about.dli_sname && strstr(about.dli_sname, word));
    return *found ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

static int is_spared(void) {
    int found = 0;
    if (spared)
        _Unwind_Backtrace(look_for_spared, &found);
    return found;
}

static void tell_calls(void) {
    void *frames[64];
    if (tell >= 0)
        backtrace_symbols_fd(frames, backtrace(frames, 64), tell);
}

static int fails(int kind) {
    if ((int)counted != kind)
        return 0;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (places >= 0)
        tell_place(number);
    if (number != at || is_spared())
        return 0;
    if (failure < 0)
        raise(SIGKILL);
    tell_calls();
    return 1;
}

static int (*program)(int, char **, char **);

static int begin(int argc, char **argv, char **environment) {
    const char *call = getenv("INJECT_CALL"), *which = getenv("INJECT_AT"),
               *number = getenv("INJECT_ERRNO"), *name = getenv("INJECT_PLACES"),
               *frames = getenv("INJECT_DEPTH"), *calls_name = getenv("INJECT_TELL");
    void *first; /* backtrace takes memory when it is first called */
    at = which ? atol(which) : -1;
    failure = number ? atoi(number) : ENOMEM;
    spared = getenv("INJECT_SPARE");
    depth = frames ? atoi(frames) : depth;
    if (name)
        places = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (calls_name && backtrace(&first, 1) >= 0)
        tell = open(calls_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    counted = !call ? NOTHING : strcmp(call, "files") == 0 ? FILES : MEMORY;
    return program(argc, argv, environment);
}

typedef int start_main(int (*)(int, char **, char **), int, char **, void (*)(void),
                       void (*)(void), void (*)(void), void *);
start_main __libc_start_main;

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*loader_fini)(void),
                      void *stack_end) {
    program = main;
    return ((start_main *)dlsym(RTLD_NEXT, "__libc_start_main"))(
        begin, argc, argv, init, fini, loader_fini, stack_end);
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

static int no_memory(void) {
    if (!fails(MEMORY))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return no_memory() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return no_memory() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return no_memory() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *got = fails(MEMORY) ? NULL : __libc_memalign(alignment, size);
    if (!got)
        return ENOMEM;
    *memory = got;
    return 0;
}

/* The library's own function of that name, of that type. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(value)      \
    do {                 \
        errno = failure; \
        return value;    \
    } while (0)

/* Not what threads wake each other by: it cannot fail. */
static int is_file(int descriptor) {
    struct stat about;
    return descriptor > 2 && fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (is_file(file) && fails(FILES)) {
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
