/* TIES beside memcpy of the task vectors, on as many threads and in the memory that
 * merging takes. TIES reads each entry twice and writes the merged ones: of the bytes
 * that the copy reads and writes, with 8 tasks, 1.06 times as many.
 *
 * Copies and merges take turns; the floor is the fastest copy, the peer their median.
 *
 *   bench/bench_ties [--small] [ELEMENTS [TASKS]]    87,500,000, a ViT-B/32, and 8
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/random.h"
#include "lines.h"
#include "merge/ties.h"
#include "timing.h"

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Near enough to normal, and cheap: four uniform numbers of 16 bits. */
static void fill(float *x, size_t count) {
    struct random random;
    random_seed(&random, 1, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = random_next(&random);
        int32_t sum = 0;
        for (int k = 0; k < 4; k++)
            sum += (int32_t)(bits >> 16 * k & 0xffff) - 0x8000;
        x[i] = (float)sum * 1e-8f;
    }
}

static void copy(float *to, const float *from, size_t count, unsigned threads) {
    enum { PART = 1 << 20 };
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t at = 0; at < count; at += PART)
        memcpy(to + at, from + at,
               (count - at < PART ? count - at : PART) * sizeof *to);
}

enum { ROUNDS = 7 };

int main(int argc, char **argv) {
    struct lines lines;
    lines_begin(&lines, "ties", &argc, argv);
    size_t ordinary = lines.small ? 100000 : 87500000;
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : ordinary;
    size_t tasks = argc > 2 ? strtoul(argv[2], NULL, 10) : 8, cells;
    unsigned threads = (unsigned)fmax(1, (double)sysconf(_SC_NPROCESSORS_ONLN));
    if (!count || !tasks || !size_multiply(count, tasks, &cells) ||
        cells > SIZE_MAX / sizeof(float)) {
        fprintf(stderr, "usage: bench_ties [--small] [ELEMENTS [TASKS]]\n");
        return 2;
    }
    struct backend *backend;
    struct error error;
    void *vectors, *other;
    if (backend_open("cpu", PRECISION_F32, threads, &backend, NULL, &error) ||
        backend->allocate(backend, cells * sizeof(float), &vectors, &error) ||
        backend->allocate(backend, cells * sizeof(float), &other, &error)) {
        fprintf(stderr, "bench_ties: %s\n", error.text);
        return 1;
    }
    fill(vectors, cells);
    copy(other, vectors, cells, threads); /* pages are touched */
    const struct select_run run = {0, count};
    const struct ties ties = {
        .keep = 0.2, .trim = TIES_TRIM_WHOLE, .sum = TIES_SUM, .threads = threads};
    double copies[ROUNDS], merges[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = seconds();
        copy(other, vectors, cells, threads);
        copies[round] = seconds() - start;
        start = seconds();
        if (ties_merge(vectors, count, tasks, &run, 1, &ties, other, NULL, &error)) {
            fprintf(stderr, "bench_ties: %s\n", error.text);
            return 1;
        }
        merges[round] = seconds() - start;
    }
    double moved = 1e-9 * (2.0 * (double)cells + (double)count) * sizeof(float);
    double copied = 1e-9 * 2.0 * (double)cells * sizeof(float);
    struct timing of_copies = timing_of(copies, ROUNDS);
    struct timing of_merges = timing_of(merges, ROUNDS);
    struct figure figure = {.shape = "",
                            .precision = "f32",
                            .value = moved / of_merges.median,
                            .unit = "GB/s",
                            .more_is_better = true,
                            .floor = copied / of_copies.least,
                            .floor_unit = "GB/s",
                            .peer = copied / of_copies.median,
                            .peer_name = "memcpy",
                            .repeats = ROUNDS,
                            .spread = of_merges.spread};
    snprintf(figure.name, sizeof figure.name, "ties, %zu elements, %zu tasks", count,
             tasks);
    lines_add(&lines, &figure);
    int status = lines_end(&lines, backend);
    backend->release(backend, other);
    backend->release(backend, vectors);
    backend_close(backend);
    return status;
}
