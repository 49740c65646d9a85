/* From a key in a pseudo-terminal of 200x50 to the end of the frame that answers it, in
 * each view of the objective space. The floor is the echo of a byte by `cat` in another
 * such terminal; the peer is another build of the explorer where one is named. All take
 * turns, key by key.
 *
 *     bench_keys [--small] [--explorer PROGRAM] [FILE]
 *
 * Without FILE two databases of its own are used, of eight tasks: 11,440 stored
 * solutions, and 116,280 (--small: 66 of three tasks). Run in the build folder. */
#define _GNU_SOURCE
#include <math.h>
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
#include "lines.h"
#include "timing.h"

enum { KEYS = 60, QUIET = 60 /* milliseconds */, PATIENCE = 60000 };
enum { PLAIN, OURS, OTHER, SESSIONS };

static const char frame_end[] = "\033[?2026l";

struct session {
    pid_t child; /* 0: none */
    int terminal;
    char bytes[1 << 20]; /* the last that came */
    size_t count;
};

struct bench {
    struct lines lines;
    const char *program[SESSIONS]; /* NULL: not asked for */
    struct session session[SESSIONS];
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int begin(struct session *s, const char *program, const char *file) {
    struct winsize size = {.ws_row = 50, .ws_col = 200};
    struct termios raw;
    s->count = 0;
    s->child = forkpty(&s->terminal, NULL, NULL, &size);
    if (s->child == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execlp(program, program, file, (char *)NULL);
        _exit(127);
    }
    if (s->child > 0 && !file && tcgetattr(s->terminal, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(s->terminal, TCSANOW, &raw);
    }
    return s->child > 0 ? 0 : -1;
}

static void end(struct session *s) {
    if (s->child <= 0)
        return;
    kill(s->child, SIGKILL);
    waitpid(s->child, NULL, 0);
    close(s->terminal);
    s->child = 0;
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

/* Until every solution has been read. */
static int wait_whole(struct session *s) {
    while (!holds(s, ", measured") && !holds(s, ", estimated"))
        if (!read_more(s, PATIENCE))
            return -1;
    return 0;
}

static const struct view {
    const char *name, *to, *there, *back;
} views[] = {{"parallel, drag", "", "\033[C", "\033[D"},
             {"scatter, drag", "x", "\033[C", "\033[D"},
             {"3-D, drag", "x", "\033[C", "\033[D"},
             {"3-D, turn", "", ",", "."},
             {"table, next row", "T\t\t", "\033[B", "\033[A"}};

static void add(struct bench *b, const char *what, const struct view *view,
                struct timing timing[SESSIONS], bool longest, const double *most) {
    struct figure figure = {.shape = "",
                            .precision = "",
                            .value =
                                1000 * (longest ? most[OURS] : timing[OURS].median),
                            .unit = "ms",
                            .floor = 1000 * timing[PLAIN].median,
                            .floor_unit = "ms",
                            .peer = NAN,
                            .peer_name = "other",
                            .repeats = KEYS,
                            .spread = timing[OURS].spread};
    if (b->program[OTHER])
        figure.peer = 1000 * (longest ? most[OTHER] : timing[OTHER].median);
    snprintf(figure.name, sizeof figure.name, "%s: %s%s", what, view->name,
             longest ? ", longest" : "");
    lines_add(&b->lines, &figure);
}

/* The key and the one that takes it back, in turn. */
static int measure(struct bench *b, const char *what, const struct view *view) {
    static double seconds[SESSIONS][KEYS];
    struct timing timing[SESSIONS];
    double most[SESSIONS] = {0};
    int keys = b->lines.small ? 4 : KEYS;
    for (int i = 0; i < keys; i++)
        for (int s = 0; s < SESSIONS; s++) {
            if (!b->session[s].child)
                continue;
            seconds[s][i] = s == PLAIN
                                ? answer(&b->session[s], "a", "a")
                                : answer(&b->session[s],
                                         i % 2 ? view->back : view->there, frame_end);
            if (seconds[s][i] < 0)
                return -1;
        }
    for (int s = 0; s < SESSIONS; s++) {
        if (!b->session[s].child)
            continue;
        timing[s] = timing_of(seconds[s], (size_t)keys);
        most[s] = seconds[s][keys - 1];
    }
    add(b, what, view, timing, false, most);
    add(b, what, view, timing, true, most);
    return 0;
}

/* Views as they come by x from the first, each with a key of a drag and one of
 * pointing; the table at the end. */
static int measure_file(struct bench *b, const char *file, const char *what) {
    int result = begin(&b->session[PLAIN], "cat", NULL);
    for (int s = OURS; result == 0 && s < SESSIONS; s++)
        if (b->program[s])
            result =
                begin(&b->session[s], b->program[s], file) || wait_whole(&b->session[s])
                    ? -1
                    : 0;
    for (size_t v = 0; result == 0 && v < sizeof views / sizeof *views; v++) {
        for (int s = OURS; s < SESSIONS; s++)
            for (const char *key = views[v].to; b->session[s].child && *key; key++)
                answer(&b->session[s], (char[]){*key, '\0'}, frame_end);
        result = measure(b, what, &views[v]);
    }
    for (int s = 0; s < SESSIONS; s++)
        end(&b->session[s]);
    if (result)
        fprintf(stderr, "bench_keys: %s: no frame came\n", file);
    return result;
}

static int measure_own(struct bench *b) {
    static const struct {
        const char *what;
        size_t tasks, edge;
    } sizes[] = {{"key, 66 x 3", 3, 11},
                 {"key, 11,440 x 8", 8, 10},
                 {"key, 116,280 x 8", 8, 15}};
    int result = 0;
    for (size_t i = b->lines.small ? 0 : 1; result == 0 && i < (b->lines.small ? 1 : 3);
         i++) {
        char path[4200];
        struct fixture_options options = {
            .tasks = sizes[i].tasks, .edge = sizes[i].edge, .baselines = true};
        snprintf(path, sizeof path, "%s/%zu.db", folder(), i);
        fixture_write(path, &options);
        result = measure_file(b, path, sizes[i].what);
    }
    return result;
}

int main(int argc, char **argv) {
    static struct bench b;
    struct backend *backend;
    struct error error;
    lines_begin(&b.lines, "keys", &argc, argv);
    b.program[OURS] = "./pwemoe-explore";
    if (argc > 2 && strcmp(argv[1], "--explorer") == 0) {
        b.program[OTHER] = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (backend_open("cpu", PRECISION_F32, 1, &backend, NULL, &error)) {
        fprintf(stderr, "bench_keys: %s\n", error.text);
        return 1;
    }
    int result =
        argc > 1 ? measure_file(&b, argv[1], "key, the file") : measure_own(&b);
    int written = lines_end(&b.lines, backend);
    backend_close(backend);
    return result ? 1 : written;
}
