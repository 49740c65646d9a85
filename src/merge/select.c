#include "merge/select.h"

#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/simd/kernels.h"
#include "base/memory.h"

enum {
    BINS = 1 << 19,        /* in which the magnitudes in the bracket are counted */
    BLOCK = 1 << 10,       /* bins */
    SAMPLE = 1 << 16,      /* magnitudes that make the bracket */
    AHEAD = 16,            /* places of the sample */
    NEIGHBOURS = 4,        /* of them lie together, which costs one access to memory */
    SAMPLE_BINS = 1 << 16, /* for the exponent and 8 bits */
    SAMPLE_SHIFT = 15,
    SAMPLE_REST = (1 << SAMPLE_SHIFT) - 1,
    SPREAD = 3, /* half its width in standard deviations of the sample's rank */
    FEW_BINS = 1 << 12,
    SHORT = 1 << 20, /* vectors up to here are counted without a sample */
    PART = 1 << 16,  /* elements that a thread takes at a time */
};

typedef int32_t bits_of_float __attribute__((may_alias));

struct select {
    const struct kernels *kernels;
    unsigned threads;
    unsigned counted;              /* threads that took part in the last count */
    size_t bins;                   /* room for them */
    uint64_t *counts;              /* [threads, bins] */
    uint64_t blocks[BINS / BLOCK]; /* sums of counts over threads */
};

struct select *select_new(unsigned threads, size_t longest) {
    struct select *select = array_new(1, sizeof *select);
    size_t counts;
    size_t bins = longest > SHORT ? BINS : FEW_BINS;
    if (!select || !size_multiply(threads, bins, &counts)) {
        free(select);
        return NULL;
    }
    select->kernels = kernels_best();
    select->threads = threads;
    select->bins = bins;
    select->counts = array_unset(counts, sizeof *select->counts);
    if (!select->counts) {
        select_free(select);
        return NULL;
    }
    return select;
}

void select_free(struct select *select) {
    if (!select)
        return;
    free(select->counts);
    free(select);
}

/* The magnitudes from low to high, counted in bins of 2^shift. */
struct bracket {
    int32_t low, high;
    unsigned shift;
};

/* At most `bins` of them, a power of two. */
static struct bracket bracket_of(int32_t low, int32_t high, uint32_t bins) {
    struct bracket bracket = {low, high, 0};
    while ((uint32_t)(high - low) >> bracket.shift >= bins)
        bracket.shift++;
    return bracket;
}

/* A thread's own counts, cleared. */
static uint64_t *counts_of_thread(const struct select *select, size_t bins,
                                  unsigned *threads) {
    unsigned thread = 0;
    *threads = 1;
#ifdef _OPENMP
    thread = (unsigned)omp_get_thread_num();
    *threads = (unsigned)omp_get_num_threads();
#endif
    uint64_t *counts = select->counts + (size_t)thread * select->bins;
    memset(counts, 0, bins * sizeof *counts);
    return counts;
}

/* Blocks of bins are summed over threads. To be called by all of them. */
static void sum_blocks(struct select *select, size_t bins, unsigned threads) {
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t block = 0; block < (bins + BLOCK - 1) / BLOCK; block++) {
        uint64_t sum = 0;
        for (unsigned t = 0; t < threads; t++)
            for (size_t b = block * BLOCK; b < bins && b < (block + 1) * BLOCK; b++)
                sum += select->counts[(size_t)t * select->bins + b];
        select->blocks[block] = sum;
    }
#pragma omp single
    select->counted = threads;
}

static uint64_t count_of(const struct select *select, size_t bin) {
    uint64_t count = 0;
    for (unsigned t = 0; t < select->counted; t++)
        count += select->counts[(size_t)t * select->bins + bin];
    return count;
}

/* The bin in which the sum of counts reaches rank, below being counted before the
 * first; below then includes all bins before it. Past the last where it is not
 * reached. */
static size_t bin_of(const struct select *select, size_t bins, size_t rank,
                     size_t *below) {
    size_t block = 0, bin;
    while (block * BLOCK < bins && *below + select->blocks[block] < rank)
        *below += select->blocks[block++];
    for (bin = block * BLOCK; bin < bins; bin++) {
        uint64_t count = count_of(select, bin);
        if (*below + count >= rank)
            return bin;
        *below += count;
    }
    return bins;
}

/* Returns how many are below the bracket. */
static size_t count_all(struct select *select, const float *vector,
                        const struct select_run *runs, size_t run_count,
                        struct bracket bracket) {
    size_t below = 0,
           bins = ((uint32_t)(bracket.high - bracket.low) >> bracket.shift) + 1;
#pragma omp parallel num_threads(select->threads) reduction(+ : below)
    {
        unsigned threads;
        const struct magnitude_bins mine = {bracket.low, bracket.high, bracket.shift,
                                            counts_of_thread(select, bins, &threads)};
        for (size_t r = 0; r < run_count; r++) {
            size_t parts = (runs[r].count + PART - 1) / PART;
#pragma omp for schedule(static) nowait
            for (size_t p = 0; p < parts; p++) {
                size_t begin = p * PART;
                size_t count =
                    runs[r].count - begin < PART ? runs[r].count - begin : PART;
                below += select->kernels->count_magnitudes(
                    vector + runs[r].begin + begin, count, &mine);
            }
        }
        sum_blocks(select, bins, threads);
    }
    return below;
}

/* Where the sample's p-th group of neighbours begins: evenly, but off any period that
 * shapes may have. */
static size_t sample_place(size_t p, size_t step) {
    uint32_t hash = (uint32_t)p * 2654435761u;
    return p * step + ((uint64_t)hash * (step - NEIGHBOURS) >> 32);
}

/* The upper bits of the sample's magnitudes are counted. */
static void count_sample(struct select *select, const float *vector,
                         const struct select_run *runs, size_t total) {
    enum { PLACES = SAMPLE / NEIGHBOURS };
    size_t step = total / PLACES;
#pragma omp parallel num_threads(select->threads)
    {
        unsigned threads;
        uint64_t *counts = counts_of_thread(select, SAMPLE_BINS, &threads);
        size_t run = 0, before = 0;
#pragma omp for schedule(static)
        for (size_t i = 0; i < SAMPLE; i++) {
            size_t at = sample_place(i / NEIGHBOURS, step) + i % NEIGHBOURS;
            if (i % NEIGHBOURS ==
                0) /* a guess at a later place, which may be nowhere */
                __builtin_prefetch(
                    (const void *)((uintptr_t)vector +
                                   sizeof *vector *
                                       (runs[run].begin - before +
                                        sample_place(i / NEIGHBOURS + AHEAD, step))));
            while (at - before >= runs[run].count)
                before += runs[run++].count;
            const bits_of_float *bits =
                (const bits_of_float *)(vector + runs[run].begin + (at - before));
            counts[(*bits & INT32_MAX) >> SAMPLE_SHIFT]++;
        }
        sum_blocks(select, SAMPLE_BINS, threads);
    }
}

static struct bracket sampled_bracket(struct select *select, const float *vector,
                                      const struct select_run *runs, size_t total,
                                      size_t rank) {
    double share = (double)rank / (double)total, place = share * SAMPLE;
    double half = SPREAD * sqrt(SAMPLE * share * (1 - share)) + 2;
    count_sample(select, vector, runs, total);
    size_t low = 0, high = SAMPLE_BINS - 1, below = 0;
    if (place - half >= 1)
        low = bin_of(select, SAMPLE_BINS, (size_t)(place - half), &below);
    below = 0;
    if (place + half < SAMPLE)
        high = bin_of(select, SAMPLE_BINS, (size_t)(place + half) + 1, &below);
    return bracket_of((int32_t)(low << SAMPLE_SHIFT),
                      (int32_t)(high << SAMPLE_SHIFT | SAMPLE_REST), BINS);
}

void select_magnitude(struct select *select, const float *vector,
                      const struct select_run *runs, size_t run_count, size_t rank,
                      struct select_result *result) {
    size_t total = 0;
    for (size_t r = 0; r < run_count; r++)
        total += runs[r].count;
    /* Clearing counts is not to cost more than counting. */
    uint32_t most = total > SHORT ? BINS : FEW_BINS;
    struct bracket bracket = bracket_of(0, INT32_MAX, most);
    if (total > SHORT)
        bracket = sampled_bracket(select, vector, runs, total, rank);
    for (;;) {
        size_t below = count_all(select, vector, runs, run_count, bracket);
        size_t bins = ((uint32_t)(bracket.high - bracket.low) >> bracket.shift) + 1;
        size_t bin = rank > below ? bin_of(select, bins, rank, &below) : bins;
        if (bin == bins) {
            bracket = bracket_of(0, INT32_MAX, most);
            continue;
        }
        int32_t low = bracket.low + (int32_t)(bin << bracket.shift);
        if (bracket.shift == 0) {
            *result =
                (struct select_result){(uint32_t)low, below, count_of(select, bin)};
            return;
        }
        int32_t width = (1 << bracket.shift) - 1;
        bracket = bracket_of(
            low, bracket.high - low < width ? bracket.high : low + width, most);
    }
}
