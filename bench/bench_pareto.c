/* Exact hypervolume beside moocore's, on the same points in the same run.
 *
 *   bench/bench_pareto [--small]        PYTHON names a Python that has moocore
 *
 * One line a set: the best of so many runs of ours, and moocore's; a difference of the
 * two volumes beyond rounding ends the program. Of twelve objectives there is no exact
 * one: that line is the time of an approximation within 1 %. Where moocore is missing
 * that is said and ours stand alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "lines.h"
#include "pareto/approximate.h"
#include "pareto/pareto.h"
#include "timing.h"

static const char script[] =
    "import sys, time\n"
    "import numpy, moocore\n"
    "while True:\n"
    "    words = sys.stdin.readline().split()\n"
    "    if not words: break\n"
    "    x = numpy.fromfile(words[0]).reshape(int(words[1]), int(words[2]))\n"
    "    best = 1e9\n"
    "    for _ in range(int(words[3])):\n"
    "        t = time.perf_counter()\n"
    "        v = moocore.hypervolume(x, ref=[1.0] * x.shape[1])\n"
    "        best = min(best, time.perf_counter() - t)\n"
    "    with open(words[0], 'w') as f: print(best, repr(float(v)), file=f)\n";

static const struct {
    size_t objectives, points;
} sets[] = {{2, 100000}, {3, 10000}, {4, 1000}, {5, 100}, {5, 300},
            {5, 1000},   {6, 300},   {8, 100},  {10, 50}, {12, 300}};
enum { RUNS = 20, WIDEST = 12 };
static const char *const kinds[] = {"sphere", "linear", "random"};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void draw(struct random *random, size_t kind, size_t objectives, double *point) {
    double square = 0;
    for (size_t j = 0; j < objectives; j++) {
        point[j] = kind == 0 ? random_normal(random) : random_uniform(random);
        square += point[j] * point[j];
    }
    for (size_t j = 0; kind == 0 && j < objectives; j++)
        point[j] = 1 - fabs(point[j]) / sqrt(square);
    if (kind == 1)
        random_dirichlet(random, 1, objectives, point);
}

/* moocore's seconds and volume of the points; 0 or -1. The file of points is where
 * the answer is looked for. */
static int ask(const char *path, const double *points, size_t count, size_t objectives,
               size_t runs, double answer[2]) {
    const char *python = getenv("PYTHON");
    char command[4096];
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t cells = count * objectives;
    int failed = fwrite(points, sizeof *points, cells, file) != cells;
    failed |= fclose(file);
    snprintf(command, sizeof command, "%s -c \"%s\" 2>/dev/null",
             python && *python ? python : "python3", script);
    FILE *pipe = failed ? NULL : popen(command, "w");
    if (!pipe)
        return -1;
    fprintf(pipe, "%s %zu %zu %zu\n", path, count, objectives, runs);
    failed = pclose(pipe);
    file = failed ? NULL : fopen(path, "r");
    if (!file)
        return -1;
    failed = fscanf(file, "%lf %lf", &answer[0], &answer[1]) != 2;
    fclose(file);
    return failed ? -1 : 0;
}

struct bench {
    struct lines lines;
    char path[64];
    bool peer;
};

/* Seconds of each of so many runs, and the volume. */
static void run(const double *points, size_t count, size_t objectives, size_t runs,
                double *times, double *volume) {
    static const double ones[WIDEST] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct approximation how = {objectives > 10 ? 0.01 : 0, 1};
    for (size_t i = 0; i < runs; i++) {
        struct error error;
        double start = seconds();
        if (approximate_hypervolume(points, count, objectives, ones, &how, volume, NULL,
                                    NULL, &error)) {
            fprintf(stderr, "bench_pareto: %s\n", error.text);
            exit(1);
        }
        times[i] = seconds() - start;
    }
}

static int measure(struct bench *b, const double *points, size_t count,
                   size_t objectives, const char *kind) {
    double times[RUNS], answer[2] = {NAN, NAN}, volume = 0;
    bool exact = objectives <= 10;
    size_t runs = count > 1000 || objectives > 6 ? 3 : RUNS;
    run(points, count, objectives, runs, times, &volume);
    if (b->peer && exact && ask(b->path, points, count, objectives, runs, answer)) {
        figures_note(&b->lines.figures,
                     "no moocore: set PYTHON to a Python that has it; "
                     "skipping the comparison");
        b->peer = false;
    }
    if (fabs(volume - answer[1]) > 1e-12 * answer[1]) {
        fprintf(stderr,
                "bench_pareto: %zu objectives, %zu points, %s: %.17g, moocore "
                "says %.17g\n",
                objectives, count, kind, volume, answer[1]);
        return -1;
    }
    struct timing timing = timing_of(times, runs);
    struct figure figure = {.shape = "",
                            .precision = exact ? "exact" : "1 %",
                            .value = 1e3 * timing.least,
                            .unit = "ms",
                            .floor = NAN,
                            .peer = 1e3 * answer[0],
                            .peer_name = "moocore",
                            .repeats = runs,
                            .spread = timing.spread};
    snprintf(figure.name, sizeof figure.name, "hypervolume %zu-D, %zu points, %s",
             objectives, count, kind);
    lines_add(&b->lines, &figure);
    return 0;
}

int main(int argc, char **argv) {
    struct bench b = {.path = "/tmp/bench_pareto_XXXXXX"};
    struct backend *backend;
    struct error error;
    struct random random;
    lines_begin(&b.lines, "pareto", &argc, argv);
    b.peer = !b.lines.small;
    int descriptor = mkstemp(b.path), status = 0;
    if (descriptor < 0 ||
        backend_open("cpu", PRECISION_F32, 0, &backend, NULL, &error)) {
        fprintf(stderr, "bench_pareto: %s\n",
                descriptor < 0 ? "/tmp cannot be written" : error.text);
        return 1;
    }
    close(descriptor);
    random_seed(&random, 1, 0);
    for (size_t i = 0; status == 0 && i < sizeof sets / sizeof *sets; i++)
        for (size_t kind = 0; status == 0 && kind < 3; kind++) {
            size_t count = sets[i].points / (b.lines.small ? 5 : 1);
            double *points = array_new(count * sets[i].objectives, sizeof *points);
            for (size_t k = 0; points && k < count; k++)
                draw(&random, kind, sets[i].objectives,
                     points + k * sets[i].objectives);
            status = points
                         ? measure(&b, points, count, sets[i].objectives, kinds[kind])
                         : -1;
            free(points);
        }
    unlink(b.path);
    int written = lines_end(&b.lines, backend);
    backend_close(backend);
    return status ? 1 : written;
}
