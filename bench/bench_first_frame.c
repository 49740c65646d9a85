/* From the start of pwemoe-explore to its first frame in a pseudo-terminal and to the
 * first one with every stored solution (of a large file that is a later one), beside
 * the start and end of a program that does nothing, in the same run; then what one key
 * of a drag takes, from the new preference to the cells of its frame.
 *
 *     bench_first_frame [--explorer PROGRAM] [FILE]
 *
 * Without FILE databases of its own are used: 66 stored solutions of three tasks,
 * 11,440 of eight, and 100,128 of three. FILE must have solutions of its newest
 * routers. PROGRAM is another build to be measured in turn with this one. Run in the
 * build folder. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tests/results/fixture.h"
#include "panels/views.h"

enum { ROUNDS = 11 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int order(const void *a, const void *b) {
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
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

/* Seconds a key, over many; -1 where the file cannot be read. */
static double drag(const char *file) {
    enum { KEYS = 200 };
    struct store *store;
    struct catalog *catalog;
    struct explorer explorer;
    struct canvas canvas = {.marks = palette_marks(true)};
    struct arrangement arrangement;
    struct error error;
    if (store_open(file, STORE_READ_ONLY, &store, &error))
        return -1;
    int failed = catalog_read(store, &catalog, &error);
    store_close(store);
    if (failed)
        return -1;
    explorer_init(&explorer, file);
    if (explorer_take_catalog(&explorer, catalog) || canvas_resize(&canvas, 140, 40))
        return -1;
    double start = now();
    for (int key = 0; key < KEYS; key++) {
        explorer_set_share(&explorer, (size_t)key / 20 % explorer.tasks,
                           0.045 * (key % 20), true);
        frame_draw(&canvas, &explorer, &arrangement);
    }
    double seconds = (now() - start) / KEYS;
    canvas_free(&canvas);
    explorer_free(&explorer);
    return seconds;
}

static const struct sized {
    const char *what;
    size_t tasks, edge;
} sizes[] = {{"3 tasks, 66 solutions", 3, 11},
             {"8 tasks, 11,440 solutions", 8, 10},
             {"3 tasks, 100,128 solutions", 3, 447}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static int measure_drag(char files[SIZES][4200]) {
    double keys[SIZES][ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        for (size_t k = 0; k < SIZES; k++) {
            keys[k][i] = drag(files[k]);
            if (keys[k][i] < 0)
                return 1;
        }
    printf("\none key of a drag              median ms  least ms\n");
    for (size_t k = 0; k < SIZES; k++) {
        qsort(keys[k], ROUNDS, sizeof *keys[k], order);
        printf("%-30s %9.2f %9.2f  ratio %.1f\n", sizes[k].what,
               1000 * keys[k][ROUNDS / 2], 1000 * keys[k][0],
               keys[k][ROUNDS / 2] / keys[0][ROUNDS / 2]);
    }
    return 0;
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, order);
    return values[ROUNDS / 2];
}

/* Programs take turns, so that what else the machine does meets them alike. */
static int measure(const char *what, const char *file, const char *const *programs) {
    double first[2][ROUNDS], whole[2][ROUNDS], peers[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        peers[i] = nothing();
        for (int p = 0; p < 2 && programs[p]; p++) {
            struct frames frames;
            if (!measure_frames(programs[p], file, &frames)) {
                fprintf(stderr, "bench_first_frame: %s: no frame of %s came\n",
                        programs[p], file);
                return 1;
            }
            first[p][i] = frames.first;
            whole[p][i] = frames.whole;
        }
    }
    double peer = median(peers);
    for (int p = 0; p < 2 && programs[p]; p++) {
        double one = median(first[p]), all = median(whole[p]);
        printf("%-26s %9.1f %9.1f %9.1f %9.1f %9.2f  %s\n", what, 1000 * one,
               1000 * first[p][0], 1000 * all, 1000 * whole[p][0], 1000 * peer,
               programs[p]);
        if (p)
            printf("%-26s first %.2f, whole %.2f\n", "  the first program over it",
                   median(first[0]) / one, median(whole[0]) / all);
    }
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv) {
    const char *programs[2] = {"./pwemoe-explore", NULL};
    if (argc > 2 && strcmp(argv[1], "--explorer") == 0) {
        programs[1] = argv[2];
        argv += 2;
        argc -= 2;
    }
    printf("frames, 140x40             first ms     least  whole ms     least   true "
           "ms\n");
    if (argc > 1)
        return measure(argv[1], argv[1], programs);
    static char files[SIZES][4200];
    for (size_t i = 0; i < SIZES; i++) {
        struct fixture_options options = {.tasks = sizes[i].tasks,
                                          .edge = sizes[i].edge,
                                          .baselines = true,
                                          .log = true};
        snprintf(files[i], sizeof files[i], "%s/%zu.db", folder(), i);
        fixture_write(files[i], &options);
        if (measure(sizes[i].what, files[i], programs))
            return 1;
    }
    return measure_drag(files);
}
