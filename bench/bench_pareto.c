/* Exact hypervolume beside moocore's, on the same points in the same run.
 *
 *   bench/bench_pareto        PYTHON names a Python that has moocore
 *
 * One line a set: objectives, points, kind of front, our best seconds of three,
 * moocore's, their ratio (below 1: ours is faster), and the relative difference of
 * the two volumes. Where moocore is missing that is said and ours stand alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "pareto/pareto.h"

static const char script[] =
    "import sys, time\n"
    "import numpy, moocore\n"
    "while True:\n"
    "    words = sys.stdin.readline().split()\n"
    "    if not words: break\n"
    "    x = numpy.fromfile(words[0]).reshape(int(words[1]), int(words[2]))\n"
    "    best = 1e9\n"
    "    for _ in range(3):\n"
    "        t = time.perf_counter()\n"
    "        v = moocore.hypervolume(x, ref=[1.0] * x.shape[1])\n"
    "        best = min(best, time.perf_counter() - t)\n"
    "    with open(words[0], 'w') as f: print(best, repr(float(v)), file=f)\n";

static const struct {
    size_t objectives, points;
} sets[] = {{2, 100000}, {3, 10000}, {4, 1000}, {5, 300}, {6, 300}, {8, 100}, {10, 50}};
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
               const char *python, double answer[2]) {
    char command[4096];
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t cells = count * objectives;
    int failed = fwrite(points, sizeof *points, cells, file) != cells;
    failed |= fclose(file);
    snprintf(command, sizeof command, "%s -c \"%s\" 2>/dev/null", python, script);
    FILE *pipe = failed ? NULL : popen(command, "w");
    if (!pipe)
        return -1;
    fprintf(pipe, "%s %zu %zu\n", path, count, objectives);
    failed = pclose(pipe);
    file = failed ? NULL : fopen(path, "r");
    if (!file)
        return -1;
    failed = fscanf(file, "%lf %lf", &answer[0], &answer[1]) != 2;
    fclose(file);
    return failed ? -1 : 0;
}

int main(void) {
    const char *python = getenv("PYTHON");
    char path[] = "/tmp/bench_pareto_XXXXXX";
    int descriptor = mkstemp(path);
    if (descriptor < 0) {
        perror("bench_pareto: /tmp");
        return 1;
    }
    close(descriptor);
    struct random random;
    random_seed(&random, 1, 0);
    bool peer = true;
    printf("objectives points front  seconds    moocore    ratio difference\n");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (size_t kind = 0; kind < 3; kind++) {
            size_t count = sets[i].points, objectives = sets[i].objectives;
            double reference[10], volume = 0, best = INFINITY, answer[2];
            double *points = array_new(count * objectives, sizeof *points);
            if (!points)
                return 1;
            for (size_t j = 0; j < objectives; j++)
                reference[j] = 1;
            for (size_t k = 0; k < count; k++)
                draw(&random, kind, objectives, points + k * objectives);
            for (int round = 0; round < 3; round++) {
                struct error error;
                double start = seconds();
                if (pareto_hypervolume(points, count, objectives, reference, &volume,
                                       NULL, &error)) {
                    fprintf(stderr, "bench_pareto: %s\n", error.text);
                    return 1;
                }
                best = fmin(best, seconds() - start);
            }
            printf("%10zu %6zu %s %9.6f", objectives, count, kinds[kind], best);
            if (peer && ask(path, points, count, objectives,
                            python ? python : "python3", answer)) {
                fprintf(stderr, "bench_pareto: no moocore: set PYTHON to a Python that "
                                "has it; skipping the comparison\n");
                peer = false;
            }
            if (peer)
                printf(" %10.6f %8.3f %.1e", answer[0], best / answer[0],
                       fabs(volume - answer[1]) / fmax(answer[1], 1e-300));
            printf("\n");
            fflush(stdout);
            free(points);
        }
    unlink(path);
    return 0;
}
