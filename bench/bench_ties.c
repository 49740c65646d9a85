/* TIES beside memcpy of the task vectors, on as many threads and in the memory that
 * merging takes. TIES reads each entry twice and writes the merged ones: of the bytes
 * that the copy reads and writes, with 8 tasks, 1.06 times as many.
 *
 *   bench/bench_ties [ELEMENTS [TASKS]]        87,500,000, a ViT-B/32, and 8
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
#include "merge/ties.h"

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

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 87500000;
    size_t tasks = argc > 2 ? strtoul(argv[2], NULL, 10) : 8, cells;
    unsigned threads = (unsigned)fmax(1, (double)sysconf(_SC_NPROCESSORS_ONLN));
    if (!count || !tasks || !size_multiply(count, tasks, &cells) ||
        cells > SIZE_MAX / sizeof(float)) {
        fprintf(stderr, "usage: bench_ties [ELEMENTS [TASKS]]\n");
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
    double best_copy = INFINITY, best = INFINITY;
    for (int round = 0; round < 5; round++) {
        double start = seconds();
        copy(other, vectors, cells, threads);
        best_copy = fmin(best_copy, seconds() - start);
        start = seconds();
        if (ties_merge(vectors, count, tasks, &run, 1, &ties, other, NULL, &error)) {
            fprintf(stderr, "bench_ties: %s\n", error.text);
            return 1;
        }
        best = fmin(best, seconds() - start);
    }
    double moved = (2.0 * (double)cells + (double)count) * sizeof(float);
    double copied = 2.0 * (double)cells * sizeof(float);
    printf("ties: %zu elements, %zu tasks, %u threads: %.4f s, memcpy of the task "
           "vectors %.4f s, ratio %.2f; %.1f of %.1f GB/s: %.0f %%\n",
           count, tasks, threads, best, best_copy, best / best_copy,
           1e-9 * moved / best, 1e-9 * copied / best_copy,
           100 * (moved / best) / (copied / best_copy));
    backend->release(backend, other);
    backend->release(backend, vectors);
    backend_close(backend);
    return 0;
}
