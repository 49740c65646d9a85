/* What the loader calls before any library of the program is set up: does what
 * start_process would otherwise start the program again for. Programs are linked with
 * this file; it is not in libpwemoe.a, as .preinit_array cannot be in a shared library.
 */
#include <config.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/start.h"

/* Nothing of a sanitizer's has to be set up yet. */
#define EARLY __attribute__((no_sanitize("address", "undefined")))

static char blas[] = START_BLAS "=" START_BLAS_VALUE;
static char spins[] = START_SPINS "=" START_SPINS_VALUE;

static struct {
    sigset_t mask; /* as the process was given it */
    bool blas, spins;
    char **end; /* of the variables: the NULL that was there; NULL: none was added */
    ElfW(auxv_t) * first, *flags, kept;
} early;

EARLY static bool has(char **variables, const char *name) {
    for (; *variables; variables++) {
        size_t i = 0;
        while (name[i] && (*variables)[i] == name[i])
            i++;
        if (!name[i] && (*variables)[i] == '=')
            return true;
    }
    return false;
}

/* setenv would be in vain: libc takes the variables from where the kernel has put them
 * when it is set up itself, later. Behind their NULL the auxiliary vector stands
 * (System V ABI, "Process Initialization"). Its entry AT_FLAGS is 0, as if it were not
 * there: the first entry takes its place, and the place of that has room for two
 * variables more. */
EARLY static bool add(char **end, char *one, char *other) {
    ElfW(auxv_t) *first = (void *)(end + 1), *flags = first;
    while (flags->a_type != AT_FLAGS && flags->a_type != AT_NULL)
        flags++;
    if (flags->a_type != AT_FLAGS || flags->a_un.a_val ||
        sizeof *first != 2 * sizeof *end)
        return false;
    early.end = end;
    early.first = first;
    early.flags = flags;
    early.kept = *first;
    *flags = *first;
    end[0] = one;
    end[1] = other;
    end[2] = NULL;
    return true;
}

static void end_early(void) {
    if (early.end) {
        *early.first = early.kept;
        if (early.flags != early.first)
            *early.flags = (ElfW(auxv_t)){.a_type = AT_FLAGS};
        *early.end = NULL;
    }
    /* A library may have made a copy of the variables meanwhile. */
    if (early.blas)
        unsetenv(START_BLAS);
    if (early.spins)
        unsetenv(START_SPINS);
    pthread_sigmask(SIG_SETMASK, &early.mask, NULL);
}

#ifdef BLAS_BUFFER_AT_START
/* OpenBLAS asks for its buffer before main(), again and again, for ever, where memory
 * is limited (ulimit -v) to less. */
EARLY static void ask_for_buffer(void) {
    static const char said[] =
        "pwemoe: out of memory: OpenBLAS takes 128 MiB when it is loaded; "
        "raise the limit (ulimit -v)\n";
    size_t most = (size_t)140 << 20;
    void *room = mmap(NULL, most, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        ssize_t written = write(STDERR_FILENO, said, sizeof said - 1);
        _exit(written < 0 ? 2 : 1);
    }
    munmap(room, most);
}
#else
EARLY static void ask_for_buffer(void) {
}
#endif

EARLY static void begin_early(int count, char **words, char **variables) {
    /* Come from what a thread does itself, and must reach it. */
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL,
                              SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t others;
    char **end = variables;
    (void)count;
    (void)words;
    ask_for_buffer();
    while (*end)
        end++;
    early.blas = !has(variables, START_BLAS);
    early.spins = !has(variables, START_WAITS) && !has(variables, START_SPINS);
    if ((early.blas || early.spins) &&
        !add(end, early.blas ? blas : spins, early.spins ? spins : blas))
        return;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&others, own[i]);
    pthread_sigmask(SIG_BLOCK, &others, &early.mask);
    start_end_early = end_early;
}

__attribute__((section(".preinit_array"),
               used)) static void (*const entry)(int, char **, char **) = begin_early;
