/* What libraries find before main(), and what main() has of it. Built twice: with
 * base/early.c, as the programs are, and without it, as those of others are that use
 * libpwemoe.a. The program under test is this one, called with "report". */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/start.h"

static const int taken[] = {SIGTERM, 0};
static bool early;

/* --- the program under test ------------------------------------------------------- */

static const char *or_none(const char *value) {
    return value ? value : "-";
}

static const char *term(void) {
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGTERM) ? "blocked" : "open";
}

/* As a library's. It is run after .preinit_array and before main(). */
__attribute__((constructor)) static void library(int count, char **words) {
    if (count > 1 && strcmp(words[1], "report") == 0)
        dprintf(1, "library %s %s %s\n", or_none(getenv("OPENBLAS_NUM_THREADS")),
                or_none(getenv("GOMP_SPINCOUNT")), term());
}

/* What getauxval says is what the kernel gave; the loader has AT_HWCAP of its own. */
static bool auxv_is_whole(void) {
    FILE *file = fopen("/proc/self/auxv", "r");
    ElfW(auxv_t) entry;
    bool whole = file != NULL;
    while (whole && fread(&entry, sizeof entry, 1, file) == 1 && entry.a_type)
        whole = entry.a_type == AT_HWCAP || getauxval(entry.a_type) == entry.a_un.a_val;
    if (file)
        fclose(file);
    return whole;
}

static int report(char **argv) {
    start_process(argv, taken);
    printf("main %s %s", term(), auxv_is_whole() ? "whole" : "changed");
    for (char **variable = environ; *variable; variable++)
        printf(" %s", *variable);
    puts("");
    return 0;
}

/* --- tests ------------------------------------------------------------------------ */

/* Started with these variables, which main() then has and no others. Libraries find
 * `found` (OPENBLAS_NUM_THREADS, GOMP_SPINCOUNT; "-" is none), and `first` where the
 * program is yet to be started again. */
static void expect(const char *variables, const char *first, const char *found) {
    char line[8192], said[8192] = "", wanted[8192];
    int length = 0;
    if (!early)
        length = snprintf(wanted, sizeof wanted, "library %s open\n", first);
    snprintf(wanted + length, sizeof wanted - (size_t)length,
             "library %s blocked\nmain open whole%s%s\n", found, *variables ? " " : "",
             variables);
    snprintf(line, sizeof line, "exec env -i %s '%s' report", variables,
             program_invocation_name);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    said[fread(said, 1, sizeof said - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
    assert_string_equal(said, wanted);
}

static void libraries_find_it_set(void **state) {
    (void)state;
    expect("A=1 LAST=2", "- -", "1 1000");
    expect("", "- -", "1 1000");
    /* Names that only begin or end alike. */
    expect("OPENBLAS_NUM_THREADS_=4 XGOMP_SPINCOUNT=5 GOMP_SPINCOUN=6", "- -",
           "1 1000");
}

static void what_the_user_set_stays(void **state) {
    (void)state;
    expect("GOMP_SPINCOUNT=7", "- 7", "1 7");
    expect("OPENBLAS_NUM_THREADS=3 A=1", "3 -", "3 1000");
    expect("A=1 OPENBLAS_NUM_THREADS=3 GOMP_SPINCOUNT=7", "3 7", "3 7");
    expect("OMP_WAIT_POLICY=passive", "- -", "1 -");
    expect("OMP_WAIT_POLICY=active OPENBLAS_NUM_THREADS=2", "2 -", "2 -");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return report(argv);
    early = start_end_early != NULL;
    if (early)
        start_end_early();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libraries_find_it_set),
        cmocka_unit_test(what_the_user_set_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
