/* Signals that ask for an end, limits and closed pipes, while models are computed.
 * PWEMOE_INTERRUPTS=200: each command that computes is interrupted so often while it
 * runs, at moments over all the time that it takes, in up to twice as many tries;
 * without it a few of them some times, at its begin. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/patience.h"
#include "run.h"
#include "support/masks.h"

/* Computes until it is asked to stop, in every thread. */
#define TRAIN                                                                   \
    "./pwemoe train %1$s/results.db --method ls --upscale all --steps 1000000 " \
    "--quiet "

static int copy_demo(void **state) {
    (void)state;
    const char *source = getenv("srcdir");
    struct ran ran = shell("cp -R '%2$s/assets/demo/.' %1$s && chmod -R u+w %1$s && "
                           "cd %1$s && cp results.db kept.db",
                           folder(), source ? source : ".");
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    return 0;
}

/* As it was: without a run of training. */
static void fresh(void) {
    struct ran ran =
        shell("cd %s && rm -f results.db-* && cp kept.db results.db", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void pause_for(double seconds) {
    struct timespec time = {(time_t)seconds,
                            (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* The words' process itself; its messages go to "said". */
static pid_t start(const char *format, ...) {
    char words[4096], said[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = snprintf(words, sizeof words, "exec ");
    vsnprintf(words + length, sizeof words - (size_t)length, format, arguments);
    va_end(arguments);
    snprintf(said, sizeof said, "%s/said", folder());
    pid_t child = fork();
    if (child == 0) {
        signals_as_usual();
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* where a test fails while it runs */
        if (!freopen(said, "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(98);
        execl("/bin/sh", "sh", "-c", words, (char *)NULL);
        _exit(99);
    }
    assert_true(child > 0);
    return child;
}

/* Exit status, or 128 + signal; a process that goes on for ever is killed. */
static int end_of(pid_t child) {
    int status = 0;
    for (int i = 0; i < 100 * PATIENCE; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        pause_for(0.01);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return 128 + SIGKILL;
}

/* Until then a signal would end it, as it does any program. */
static void wait_until_taken(pid_t child) {
    for (int i = 0; i < 100 * PATIENCE && !masks_taken(child); i++)
        pause_for(0.01);
    assert_true(masks_taken(child));
    pause_for(0.02); /* the thread has its name a little before it is told of all */
}

/* Seconds of the processor's time that a process has had. */
static double computed(pid_t child) {
    char path[64], line[1024] = "";
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)child);
    FILE *file = fopen(path, "r");
    if (file && fgets(line, sizeof line, file)) {
        const char *rest = strrchr(line, ')'); /* its name may have blanks */
        if (rest)
            sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                   &system);
    }
    if (file)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static bool a_run_is_held(void) {
    char path[1024];
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    snprintf(path, sizeof path, "%s/results.db", folder());
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 60000);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT 1 FROM lease", -1, &statement, NULL), SQLITE_OK);
    bool held = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return held;
}

/* Data are loaded before a run is begun, which then takes steps: a second of the
 * processor's time, since one of the clock may be none of it on a busy machine. */
static void wait_until_it_trains(pid_t child) {
    wait_until_taken(child);
    for (int i = 0; i < 20 * PATIENCE && !a_run_is_held(); i++)
        pause_for(0.05);
    double before = computed(child);
    for (int i = 0; i < 100 * PATIENCE && computed(child) < before + 1; i++)
        pause_for(0.01);
}

static void expect_said(const char *text) {
    struct ran ran = shell("cat %s/said", folder());
    if (!strstr(ran.out, text) || !is_one_line(ran.out))
        fail_msg("'%s', wanted: %s", ran.out, text);
    ran_free(&ran);
}

static void expect_steps(void) {
    json_t *rows = json_of("show %s/results.db training --format json", folder());
    assert_true(json_array_size(rows) > 0);
    json_decref(rows);
}

/* oneDNN's products for AVX-512 (Debian 12's 2.7) keep their stack pointer elsewhere:
 * where any thread that computes could run a handler, a signal overwrites memory. True
 * on any processor, so that the rule is tested on those without AVX-512 as well. */
static void no_thread_that_computes_runs_a_handler(void **state) {
    (void)state;
    static const char *const threads[] = {"1", "2"};
    for (size_t i = 0; i < 2; i++) {
        fresh();
        char open[256] = "";
        size_t most = 0;
        pid_t child = start(TRAIN "--threads %2$s", folder(), threads[i]);
        wait_until_taken(child);
        for (int look = 0; look < 100 && !*open; look++) {
            size_t count = masks_open(child, 0, open, sizeof open);
            most = count > most ? count : most;
            pause_for(0.02);
        }
        kill(child, SIGINT);
        int status = end_of(child);
        if (*open)
            fail_msg("--threads %s: %s", threads[i], open);
        assert_true(most >= 2 + i); /* that for signals, and OpenMP's */
        assert_int_equal(status, 1);
    }
}

/* A dropped connection, a limit of a batch system, a person, a service manager: saved,
 * and told how to go on. */
static void each_saves(void **state) {
    (void)state;
    static const int numbers[] = {SIGHUP, SIGXCPU, SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        fresh();
        pid_t child = start(TRAIN, folder());
        wait_until_it_trains(child);
        kill(child, numbers[i]);
        assert_int_equal(end_of(child), 1);
        expect_said("which is saved");
        expect_steps();
    }
}

/* The commands that compute, the first of them in every pass over the tests. %1$s: the
 * folder. */
static const char *const computing[] = {
    "train %1$s/results.db --method epo --upscale all --steps 1000000",
    "finetune %1$s/results.db --method ls --steps 1000000 --out %1$s/made",
    "front %1$s/results.db --grid 60",
    "merge %1$s/results.db --method ties --scales 0:1:400",
    "train %1$s/results.db --method ls --upscale mlp --steps 1000000",
    "train %1$s/results.db --method distil --steps 1000000",
    "finetune %1$s/results.db --task digits --steps 1000000 --out %1$s/made",
    "eval %1$s/results.db --model %1$s/models/digits",
    "merge %1$s/results.db --method regmean --again",
    "merge %1$s/results.db --method fisher --again",
    "merge %1$s/results.db --method wudi --again",
    "merge %1$s/results.db --method tsv-m --again",
    "map %1$s/results.db",
    "compare %1$s/results.db --methods wudi:shrink=0.21,ties:scale=0.23 --edge-points "
    "5 "
    "--out %1$s/made",
    "export %1$s/results.db --preference 0.2,0.3,0.5 --out %1$s/made",
    "merge-to %1$s/made --method ties --pretrained %1$s/models/pretrained --expert "
    "%1$s/models/digits --expert %1$s/models/letters --partial",
    "plot %1$s/results.db --out %1$s/made.svg",
};
enum { COMPUTING = sizeof computing / sizeof *computing, FIRST = 4 };

/* Seconds that the command takes by itself, up to `most`: then it is interrupted. */
static double seconds_of(const char *words, double most) {
    double seconds = 0;
    siginfo_t info = {.si_pid = 0};
    fresh();
    pid_t child = start(words, folder());
    while (seconds < most && !info.si_pid) {
        pause_for(0.02);
        seconds += 0.02;
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    kill(child, SIGINT);
    kill(child, SIGKILL);
    end_of(child);
    return seconds;
}

/* false: it had ended by itself before it took signals. */
static bool is_taken(pid_t child) {
    siginfo_t info = {.si_pid = 0};
    for (int i = 0; i < 200 * PATIENCE && !info.si_pid; i++) {
        if (masks_taken(child))
            return true;
        pause_for(0.005);
        waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    return false;
}

static int first_text(void *out, int columns, char **values, char **names) {
    (void)columns;
    (void)names;
    snprintf(out, 64, "%s", values[0] ? values[0] : "");
    return 1; /* no more of them */
}

/* What the file has can be read, and what was to be made is whole or not there: a
 * folder has no name before it is filled. */
static void expect_whole(const char *words) {
    char path[1024], said[64] = "nothing";
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/results.db", folder());
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 60000);
    sqlite3_exec(db, "PRAGMA quick_check", first_text, said, NULL);
    sqlite3_close(db);
    if (strcmp(said, "ok") != 0)
        fail_msg("%s: %s", words, said);
    struct ran ran = shell("cd %1$s; test ! -d made || ls made | grep -q . || "
                           "echo 'an empty folder'; rm -rf made* .made* .*.tmp",
                           folder());
    if (*ran.out)
        fail_msg("%s: %s", words, ran.out);
    ran_free(&ran);
}

/* At one moment, by one signal. Returns whether it was in time. */
static bool interrupt(const char *words, double moment, int signal) {
    fresh();
    pid_t child = start(words, folder());
    bool taken = is_taken(child);
    if (taken)
        pause_for(moment);
    kill(child, signal);
    int status = end_of(child);
    if (status > 1) {
        struct ran ran = shell("cat %s/said", folder());
        fail_msg("%s: after %g s signal %d: %d %s", words, moment, signal, status,
                 ran.out);
    }
    expect_whole(words);
    return taken && status == 1;
}

/* Some moments of commands that compute: each ends by itself, with no crash, and all is
 * whole. */
static void ends_at_any_moment(void **state) {
    (void)state;
    const char *count = getenv("PWEMOE_INTERRUPTS"),
               *only = getenv("PWEMOE_INTERRUPTS_OF");
    int times = count ? atoi(count) : 5;
    unsigned seed = count ? (unsigned)getpid() : 1;
    for (size_t i = 0; i < (count ? COMPUTING : FIRST); i++) {
        char words[1024];
        int in_time = 0, n = 0;
        if (only && !strstr(computing[i], only))
            continue;
        snprintf(words, sizeof words, "./pwemoe %s --quiet", computing[i]);
        double last = count ? seconds_of(words, 3) : 0.45;
        for (; count ? in_time < times && n < 2 * times : n < times; n++) {
            snprintf(words, sizeof words, "./pwemoe %s --quiet%s", computing[i],
                     strstr(computing[i], "plot") ? ""
                     : n % 3 == 0                 ? " --threads 1"
                     : n % 3 == 1                 ? " --threads 2"
                                                  : " --threads 5");
            in_time += interrupt(words, last * rand_r(&seed) / RAND_MAX,
                                 n % 2 ? SIGTERM : SIGINT);
        }
        if (count)
            print_message("%s: %d times over %.1f s, %d of them while it ran\n",
                          computing[i], n, last, in_time);
    }
}

/* timeout(1) signals its child both by itself and with its group: one request. */
static void timeout_asks_once(void **state) {
    (void)state;
    bool saved = false;
    /* How long it takes until it trains is the machine's. */
    for (int seconds = 6; !saved; seconds *= 2) {
        fresh();
        struct ran ran =
            shell("timeout -k " PATIENCE_TEXT " %2$d " TRAIN, folder(), seconds);
        assert_int_equal(ran.status, 124);
        saved = strstr(ran.err, "which is saved") != NULL;
        if (!saved && seconds > PATIENCE / 4)
            fail_msg("'%s'", ran.err);
        ran_free(&ran);
    }
}

/* A save that waits for another program's lock is no safe point yet. */
static void a_second_one_ends_at_once(void **state) {
    (void)state;
    char path[1024];
    sqlite3 *db;
    fresh();
    pid_t child = start(TRAIN, folder());
    wait_until_it_trains(child);
    snprintf(path, sizeof path, "%s/results.db", folder());
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 60000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    kill(child, SIGINT);
    pause_for(0.5);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    kill(child, SIGINT);
    assert_int_equal(end_of(child), 128 + SIGINT);
    sqlite3_close(db);
}

/* nohup: who ignores SIGHUP goes on ignoring it. */
static void ignored_stays_ignored(void **state) {
    (void)state;
    fresh();
    pid_t child = start("sh -c 'trap \"\" HUP; exec " TRAIN "'", folder());
    wait_until_taken(child);
    kill(child, SIGHUP);
    pause_for(1);
    assert_int_equal(kill(child, 0), 0);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    kill(child, SIGINT);
    assert_int_equal(end_of(child), 1);
}

/* What loses nothing by it ends as other programs do, and so does a thread's signal
 * that no command takes. */
static void others_end_by_the_signal(void **state) {
    (void)state;
    struct ran ran = shell("mkfifo %1$s/fifo; "
                           "sh -c 'exec ./pwemoe indicators %1$s/fifo --ref 2' & "
                           "exec 3>%1$s/fifo; sleep 0.3; kill -TERM $!; wait $!",
                           folder());
    assert_int_equal(ran.status, 128 + SIGTERM);
    ran_free(&ran);
}

/* A limit on the size of files is a full disk: one line, and nothing is left. */
static void a_limit_of_size_is_a_failed_write(void **state) {
    (void)state;
    fresh();
    struct ran ran =
        shell("./pwemoe export %1$s/results.db --preference 0.2,0.3,0.5 --out "
              "%1$s/first --quiet; rm -rf %1$s/first", /* an older format, brought up */
              folder());
    ran_free(&ran);
    ran = shell("ulimit -f 64; ./pwemoe export %1$s/results.db --preference "
                "0.2,0.3,0.5 --out %1$s/exported --quiet",
                folder());
    if (ran.status != 1 || !is_one_line(ran.err) || !strstr(ran.err, "File too large"))
        fail_msg("%d '%s'", ran.status, ran.err);
    ran_free(&ran);
    ran = shell("ls -A %s | grep export", folder());
    assert_string_equal(ran.out, "");
    ran_free(&ran);
}

/* What only shows ends by a signal at once, even where nobody reads what it prints. */
static void a_list_ends_at_once(void **state) {
    (void)state;
    struct ran ran =
        shell("mkfifo %1$s/list; ./pwemoe show %1$s/results.db solutions --format json "
              ">%1$s/list & p=$!; exec 3<%1$s/list; sleep 0.5; kill -TERM $p; wait $p",
              folder());
    assert_int_equal(ran.status, 128 + SIGTERM);
    ran_free(&ran);
}

/* A reader that has gone is no news. */
static void a_closed_pipe_is_silent(void **state) {
    (void)state;
    static const char *const words[] = {"show %s/results.db solutions",
                                        "show %s/results.db solutions --format json",
                                        "info", "help", "--version"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char line[1024];
        snprintf(line, sizeof line,
                 "{ sleep 0.2; ./pwemoe %s; echo $? >'%s/status'; } | true; "
                 "cat '%s/status'",
                 words[i], folder(), folder());
        struct ran ran = shell(line, folder());
        if (*ran.err || strcmp(ran.out, "141\n"))
            fail_msg("%s: %s '%s'", words[i], ran.out, ran.err);
        ran_free(&ran);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_thread_that_computes_runs_a_handler),
        cmocka_unit_test(each_saves),
        cmocka_unit_test(ends_at_any_moment),
        cmocka_unit_test(timeout_asks_once),
        cmocka_unit_test(a_second_one_ends_at_once),
        cmocka_unit_test(ignored_stays_ignored),
        cmocka_unit_test(others_end_by_the_signal),
        cmocka_unit_test(a_limit_of_size_is_a_failed_write),
        cmocka_unit_test(a_list_ends_at_once),
        cmocka_unit_test(a_closed_pipe_is_silent),
    };
    return cmocka_run_group_tests(tests, copy_demo, NULL);
}
