/* TIES beside memcpy: two passes over the task vectors, so that 2 is the floor of the
 * ratio to one copy of them on as many threads.
 *
 *   bench/bench_ties [ELEMENTS [TASKS]]        10,000,000 and 8
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    size_t tasks = argc > 2 ? strtoul(argv[2], NULL, 10) : 8, cells;
    unsigned threads = (unsigned)fmax(1, (double)sysconf(_SC_NPROCESSORS_ONLN));
    if (!count || !tasks || !size_multiply(count, tasks, &cells)) {
        fprintf(stderr, "usage: bench_ties [ELEMENTS [TASKS]]\n");
        return 2;
    }
    float *vectors = array_new(cells, sizeof *vectors);
    float *other = array_new(cells, sizeof *other);
    if (!vectors || !other) {
        fprintf(stderr, "bench_ties: out of memory\n");
        return 1;
    }
    fill(vectors, cells);
    copy(other, vectors, cells, threads); /* pages are touched */
    const struct select_run run = {0, count};
    const struct ties ties = {0.2, TIES_TRIM_WHOLE, TIES_SUM, threads};
    double best_copy = INFINITY, best = INFINITY;
    for (int round = 0; round < 5; round++) {
        double start = seconds();
        copy(other, vectors, cells, threads);
        best_copy = fmin(best_copy, seconds() - start);
        struct error error;
        start = seconds();
        if (ties_merge(vectors, count, tasks, &run, 1, &ties, other, NULL, &error)) {
            fprintf(stderr, "bench_ties: %s\n", error.text);
            return 1;
        }
        best = fmin(best, seconds() - start);
    }
    printf("ties: %zu elements, %zu tasks, %u threads: %.4f s, memcpy of the task "
           "vectors %.4f s (%.1f GB/s read), ratio %.2f\n",
           count, tasks, threads, best, best_copy,
           (double)cells * sizeof(float) * 1e-9 / best_copy, best / best_copy);
    free(other);
    free(vectors);
    return 0;
}
