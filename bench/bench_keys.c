/* From a key in a pseudo-terminal of 200x50 to the end of the frame that answers it, in
 * each view of the objective space, beside the echo of a byte by `cat` in another such
 * terminal, in the same run; and the first frame of a file with 100,000 solutions.
 *
 *     bench_keys [--explorer PROGRAM] [FILE]
 *
 * Without FILE two databases of its own are used, of eight tasks: 11,440 stored
 * solutions, and 116,280. PROGRAM is measured in place of ./pwemoe-explore. Run in the
 * build folder. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../tests/results/fixture.h"

enum { KEYS = 60, QUIET = 60 /* milliseconds */, PATIENCE = 60000 };

struct session {
    pid_t child;
    int terminal;
    char bytes[1 << 20]; /* the last that came */
    size_t count;
    double began;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int begin(struct session *s, const char *const *argv) {
    struct winsize size = {.ws_row = 50, .ws_col = 200};
    s->count = 0;
    s->began = now();
    s->child = forkpty(&s->terminal, NULL, NULL, &size);
    if (s->child == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return s->child > 0 ? 0 : -1;
}

static void end(struct session *s) {
    kill(s->child, SIGKILL);
    waitpid(s->child, NULL, 0);
    close(s->terminal);
}

/* What comes within so many milliseconds, added to what is there; false: nothing. */
static int read_more(struct session *s, int milliseconds) {
    struct pollfd fds = {s->terminal, POLLIN, 0};
    if (poll(&fds, 1, milliseconds) <= 0)
        return 0;
    if (s->count > sizeof s->bytes / 2) {
        memmove(s->bytes, s->bytes + s->count - 1000, 1000);
        s->count = 1000;
    }
    ssize_t got =
        read(s->terminal, s->bytes + s->count, sizeof s->bytes - 1 - s->count);
    if (got <= 0)
        return 0;
    s->count += (size_t)got;
    s->bytes[s->count] = '\0';
    return 1;
}

static int holds(const struct session *s, const char *text) {
    return memmem(s->bytes, s->count, text, strlen(text)) != NULL;
}

/* Seconds from these bytes until `text` has come; -1: it did not. */
static double answer(struct session *s, const char *keys, const char *text) {
    while (read_more(s, QUIET))
        continue;
    s->count = 0;
    double start = now();
    if (write(s->terminal, keys, strlen(keys)) < 0)
        return -1;
    while (!holds(s, text))
        if (!read_more(s, PATIENCE))
            return -1;
    return now() - start;
}

static int order(const void *a, const void *b) {
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

struct latency {
    double median, largest;
};

/* The key and the one that takes it back, in turn. */
static int measure(struct session *s, const char *there, const char *back,
                   const char *text, struct latency *latency) {
    double seconds[KEYS];
    for (int i = 0; i < KEYS; i++) {
        seconds[i] = answer(s, i % 2 ? back : there, text);
        if (seconds[i] < 0)
            return -1;
    }
    qsort(seconds, KEYS, sizeof *seconds, order);
    *latency = (struct latency){seconds[KEYS / 2], seconds[KEYS - 1]};
    return 0;
}

static int measure_echo(struct latency *echo) {
    struct session s;
    if (begin(&s, (const char *const[]){"cat", NULL}))
        return -1;
    struct termios raw;
    tcgetattr(s.terminal, &raw);
    cfmakeraw(&raw);
    tcsetattr(s.terminal, TCSANOW, &raw);
    int result = measure(&s, "a", "a", "a", echo);
    end(&s);
    return result;
}

/* Views as they come by x from the first, each with a key of a drag and one of
 * pointing; the table at the end. */
static int measure_file(const char *program, const char *file, const char *what,
                        const struct latency *echo) {
    static const struct {
        const char *name, *to, *there, *back;
    } views[] = {{"parallel coordinates, drag", "", "\033[C", "\033[D"},
                 {"scatter, drag", "x", "\033[C", "\033[D"},
                 {"3-D, drag", "x", "\033[C", "\033[D"},
                 {"3-D, turn", "", ",", "."},
                 {"table, next row", "T\t\t", "\033[B", "\033[A"}};
    static const char frame[] = "\033[?2026l";
    struct session s;
    if (begin(&s, (const char *const[]){program, file, NULL}))
        return -1;
    double first = 0, whole = 0;
    while (whole == 0) {
        if (!read_more(&s, PATIENCE)) {
            end(&s);
            return -1;
        }
        if (first == 0 && holds(&s, frame) && holds(&s, "Objectives"))
            first = now() - s.began;
        if (holds(&s, ", measured") || holds(&s, ", estimated"))
            whole = now() - s.began;
    }
    printf("%s: first frame %.0f ms, every solution %.0f ms\n", what, 1000 * first,
           1000 * whole);
    int result = 0;
    for (size_t v = 0; result == 0 && v < sizeof views / sizeof *views; v++) {
        struct latency latency;
        for (const char *key = views[v].to; *key; key++)
            answer(&s, (char[]){*key, '\0'}, frame);
        result = measure(&s, views[v].there, views[v].back, frame, &latency);
        if (result == 0)
            printf("  %-28s %9.1f %9.1f %9.1f\n", views[v].name, 1000 * latency.median,
                   1000 * latency.largest, latency.median / echo->median);
        fflush(stdout);
    }
    end(&s);
    return result;
}

static int fail(const char *what) {
    fprintf(stderr, "bench_keys: %s: no frame came\n", what);
    return 1;
}

int main(int argc, char **argv) {
    const char *program = "./pwemoe-explore";
    if (argc > 2 && strcmp(argv[1], "--explorer") == 0) {
        program = argv[2];
        argv += 2;
        argc -= 2;
    }
    struct latency echo;
    if (measure_echo(&echo))
        return fail("cat");
    printf("one key, 200x50                median ms   largest  over cat's echo of "
           "%.2f ms\n",
           1000 * echo.median);
    if (argc > 1)
        return measure_file(program, argv[1], argv[1], &echo) ? fail(argv[1]) : 0;
    static const size_t edges[] = {10, 15};
    for (size_t i = 0; i < 2; i++) {
        char path[4200], what[64];
        struct fixture_options options = {
            .tasks = 8, .edge = edges[i], .baselines = true};
        snprintf(path, sizeof path, "%s/%zu.db", folder(), edges[i]);
        snprintf(what, sizeof what, "8 tasks, %s solutions", i ? "116,280" : "11,440");
        fixture_write(path, &options);
        if (measure_file(program, path, what, &echo))
            return fail(path);
    }
    return 0;
}
