/* From the start of pwemoe-explore to its first frame in a pseudo-terminal and to the
 * first one with every stored solution (of a large file that is a later one). The floor
 * is the start and end of a program that does nothing; the peer is another build of the
 * explorer where one is named. All take turns. Then what one key of a drag takes, from
 * the new preference to the cells of its frame.
 *
 *     bench_first_frame [--small] [--explorer PROGRAM] [FILE]
 *
 * Without FILE databases of its own are used: 66 stored solutions of three tasks,
 * 11,440 of eight, and 100,128 of three (--small: the first). FILE must have solutions
 * of its newest routers. Run in the build folder. */
#define _GNU_SOURCE
#include <math.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tests/results/fixture.h"
#include "frame_drag.h"
#include "lines.h"
#include "timing.h"

enum { ROUNDS = 11 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct frames {
    double first, whole; /* seconds */
};

/* The status line is the last that a frame writes: keys stand in it, or that the
 * models are missing. The legend tells that figures are known. false where they do not
 * come. */
static bool measure_frames(const char *program, const char *file,
                           struct frames *frames) {
    struct winsize size = {.ws_row = 40, .ws_col = 140};
    char bytes[1 << 16];
    size_t count = 0;
    int terminal;
    double start = now();
    *frames = (struct frames){-1, -1};
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(program, "pwemoe-explore", file, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && frames->whole < 0 && count + 1 < sizeof bytes) {
        struct pollfd fds = {terminal, POLLIN, 0};
        if (poll(&fds, 1, 10000) <= 0)
            break;
        ssize_t got = read(terminal, bytes + count, sizeof bytes - 1 - count);
        if (got <= 0)
            break;
        count += (size_t)got;
        bytes[count] = '\0';
        bool drawn = strstr(bytes, "Objectives") &&
                     (strstr(bytes, "help") || strstr(bytes, "look only:"));
        if (drawn && frames->first < 0)
            frames->first = now() - start;
        if (drawn && (strstr(bytes, ", measured") || strstr(bytes, ", estimated")))
            frames->whole = now() - start;
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(terminal);
    }
    return frames->whole >= 0;
}

static double nothing(void) {
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    return now() - start;
}

static const struct sized {
    const char *what;
    size_t tasks, edge;
} sizes[] = {{"66 x 3", 3, 11}, {"11,440 x 8", 8, 10}, {"100,128 x 3", 3, 447}};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct bench {
    struct lines lines;
    const char *programs[2]; /* ours, and another build or NULL */
    int rounds;
};

/* seconds [rounds] of ours, of the floor and of the peer; NULL: not measured */
static void add(struct bench *b, const char *what, const char *size, double *ours,
                double *floor, double *other) {
    size_t rounds = (size_t)b->rounds;
    struct timing timing = timing_of(ours, rounds);
    struct figure figure = {.shape = "",
                            .precision = "",
                            .value = 1000 * timing.median,
                            .unit = "ms",
                            .floor = NAN,
                            .floor_unit = "ms",
                            .peer = NAN,
                            .peer_name = "other",
                            .repeats = rounds,
                            .spread = timing.spread};
    if (floor)
        figure.floor = 1000 * timing_of(floor, rounds).median;
    if (other)
        figure.peer = 1000 * timing_of(other, rounds).median;
    snprintf(figure.name, sizeof figure.name, "%s, %s", what, size);
    lines_add(&b->lines, &figure);
}

/* Programs take turns, so that what else the machine does meets them alike. */
static int measure(struct bench *b, const char *what, const char *file) {
    static double first[2][ROUNDS], whole[2][ROUNDS], peers[ROUNDS];
    for (int i = 0; i < b->rounds; i++) {
        peers[i] = nothing();
        for (int p = 0; p < 2 && b->programs[p]; p++) {
            struct frames frames;
            if (!measure_frames(b->programs[p], file, &frames)) {
                fprintf(stderr, "bench_first_frame: %s: no frame of %s came\n",
                        b->programs[p], file);
                return -1;
            }
            first[p][i] = frames.first;
            whole[p][i] = frames.whole;
        }
    }
    bool other = b->programs[1];
    add(b, "first frame", what, first[0], peers, other ? first[1] : NULL);
    add(b, "every solution", what, whole[0], peers, other ? whole[1] : NULL);
    return 0;
}

static int measure_drag(struct bench *b, const char *what, const char *file) {
    static double keys[ROUNDS];
    for (int i = 0; i < b->rounds; i++) {
        keys[i] = frame_drag(file);
        if (keys[i] < 0) {
            fprintf(stderr, "bench_first_frame: %s cannot be read\n", file);
            return -1;
        }
    }
    add(b, "a drag's frame, cells", what, keys, NULL, NULL);
    return 0;
}

static int measure_own(struct bench *b) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < (b->lines.small ? 1 : SIZES); i++) {
        struct fixture_options options = {.tasks = sizes[i].tasks,
                                          .edge = sizes[i].edge,
                                          .baselines = true,
                                          .log = true};
        char path[4200];
        snprintf(path, sizeof path, "%s/%zu.db", folder(), i);
        fixture_write(path, &options);
        result = measure(b, sizes[i].what, path) || measure_drag(b, sizes[i].what, path)
                     ? -1
                     : 0;
    }
    return result;
}

int main(int argc, char **argv) {
    static struct bench b;
    struct backend *backend;
    struct error error;
    lines_begin(&b.lines, "first_frame", &argc, argv);
    b.programs[0] = "./pwemoe-explore";
    b.rounds = b.lines.small ? 2 : ROUNDS;
    if (argc > 2 && strcmp(argv[1], "--explorer") == 0) {
        b.programs[1] = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (backend_open("cpu", PRECISION_F32, 1, &backend, NULL, &error)) {
        fprintf(stderr, "bench_first_frame: %s\n", error.text);
        return 1;
    }
    int result = argc > 1 ? measure(&b, "the file", argv[1]) : measure_own(&b);
    int written = lines_end(&b.lines, backend);
    backend_close(backend);
    return result ? 1 : written;
}
