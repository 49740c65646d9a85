/* From the start of pwemoe-explore to its first complete frame in a pseudo-terminal,
 * beside the start and end of a program that does nothing, in the same run; then what
 * one key of a drag takes, from the new preference to the cells of its frame.
 *
 *     bench_first_frame [FILE]
 *
 * Without FILE two databases of its own are used: 66 stored solutions of three
 * tasks, and 11,440 of eight. Run in the build folder. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tests/tui/fixture.h"
#include "../tui/views.h"

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

/* The status line is the last that a frame writes: keys stand in it, or that the
 * models are missing. Seconds, or -1 where they do not come. */
static double first_frame(const char *file) {
    struct winsize size = {.ws_row = 40, .ws_col = 140};
    char bytes[1 << 16];
    size_t count = 0;
    int terminal;
    double start = now(), seconds = -1;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child == 0) {
        setenv("TERM", "xterm-256color", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl("./pwemoe-explore", "pwemoe-explore", file, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && seconds < 0 && count + 1 < sizeof bytes) {
        struct pollfd fds = {terminal, POLLIN, 0};
        if (poll(&fds, 1, 10000) <= 0)
            break;
        ssize_t got = read(terminal, bytes + count, sizeof bytes - 1 - count);
        if (got <= 0)
            break;
        count += (size_t)got;
        bytes[count] = '\0';
        if (strstr(bytes, "Objectives") &&
            (strstr(bytes, "help") || strstr(bytes, "look only:")))
            seconds = now() - start;
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(terminal);
    }
    return seconds;
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
    struct model model;
    struct canvas canvas = {.marks = palette_marks(true)};
    struct layout layout;
    struct error error;
    if (store_open(file, STORE_READ_ONLY, &store, &error))
        return -1;
    int failed = catalog_read(store, &catalog, &error);
    store_close(store);
    if (failed)
        return -1;
    model_init(&model, file);
    if (model_take_catalog(&model, catalog) || canvas_resize(&canvas, 140, 40))
        return -1;
    double start = now();
    for (int key = 0; key < KEYS; key++) {
        model_set_share(&model, (size_t)key / 20 % model.tasks, 0.045 * (key % 20),
                        true);
        frame_draw(&canvas, &model, &layout);
    }
    double seconds = (now() - start) / KEYS;
    canvas_free(&canvas);
    model_free(&model);
    return seconds;
}

static int measure_drag(const char *small, const char *large) {
    double keys[2][ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < 2; k++) {
            keys[k][i] = drag(k ? large : small);
            if (keys[k][i] < 0)
                return 1;
        }
    qsort(keys[0], ROUNDS, sizeof *keys[0], order);
    qsort(keys[1], ROUNDS, sizeof *keys[1], order);
    printf("\none key of a drag              median ms  least ms\n");
    printf("%-30s %9.2f %9.2f\n", "3 tasks, 66 solutions", 1000 * keys[0][ROUNDS / 2],
           1000 * keys[0][0]);
    printf("%-30s %9.2f %9.2f  ratio %.1f\n", "8 tasks, 11,440 solutions",
           1000 * keys[1][ROUNDS / 2], 1000 * keys[1][0],
           keys[1][ROUNDS / 2] / keys[0][ROUNDS / 2]);
    return 0;
}

static int measure(const char *what, const char *file, double *median) {
    double frames[ROUNDS], peers[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        peers[i] = nothing();
        frames[i] = first_frame(file);
        if (frames[i] < 0) {
            fprintf(stderr, "bench_first_frame: %s: no frame came\n", file);
            return 1;
        }
    }
    qsort(frames, ROUNDS, sizeof *frames, order);
    qsort(peers, ROUNDS, sizeof *peers, order);
    printf("%-30s %9.1f %9.1f %9.2f %7.1f\n", what, 1000 * frames[ROUNDS / 2],
           1000 * frames[0], 1000 * peers[ROUNDS / 2],
           frames[ROUNDS / 2] / peers[ROUNDS / 2]);
    fflush(stdout);
    *median = frames[ROUNDS / 2];
    return 0;
}

int main(int argc, char **argv) {
    printf("first frame, 140x40             median ms  least ms   true ms   ratio\n");
    double frames[2];
    if (argc > 1)
        return measure(argv[1], argv[1], frames);
    char *folder = fixture_folder(), small[4200], large[4200];
    struct fixture_options options = {
        .tasks = 3, .edge = 11, .baselines = true, .log = true};
    snprintf(small, sizeof small, "%s/small.db", folder);
    fixture_write(small, &options);
    options.tasks = 8;
    options.edge = 10;
    snprintf(large, sizeof large, "%s/large.db", folder);
    fixture_write(large, &options);
    int result = measure("3 tasks, 66 solutions", small, &frames[0]) ||
                 measure("8 tasks, 11,440 solutions", large, &frames[1]);
    if (result == 0) {
        printf("the large one over the small one: %.1f\n", frames[1] / frames[0]);
        result = measure_drag(small, large);
    }
    fixture_remove(folder);
    return result;
}
