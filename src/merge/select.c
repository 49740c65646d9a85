#include "merge/select.h"

#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    BINS = 1 << 19,   /* in which the magnitudes in the bracket are counted */
    SAMPLE = 1 << 16, /* magnitudes that make the bracket */
    SPREAD = 4,       /* half its width in standard deviations of the sample's rank */
    FEW_BINS = 1 << 12,
    SHORT = 1 << 20, /* vectors up to here are counted without a sample */
    LANES = 4,
    BLOCK = 8,      /* elements that are compared before one is looked at */
    PART = 1 << 16, /* elements that a thread takes at a time */
};

typedef int32_t bits_of_float __attribute__((may_alias));
typedef int32_t lane_bits __attribute__((vector_size(4 * LANES)));
typedef lane_bits lanes_anywhere __attribute__((aligned(4), may_alias));

struct select {
    unsigned threads;
    uint64_t *counts; /* [threads, BINS] */
    uint32_t *sample, *scratch;
};

struct select *select_new(unsigned threads) {
    struct select *select = array_new(1, sizeof *select);
    size_t counts;
    if (!select || !size_multiply(threads, BINS, &counts)) {
        free(select);
        return NULL;
    }
    select->threads = threads;
    select->counts = array_new(counts, sizeof *select->counts);
    select->sample = array_new(SAMPLE, sizeof *select->sample);
    select->scratch = array_new(SAMPLE, sizeof *select->scratch);
    if (!select->counts || !select->sample || !select->scratch) {
        select_free(select);
        return NULL;
    }
    return select;
}

void select_free(struct select *select) {
    if (!select)
        return;
    free(select->counts);
    free(select->sample);
    free(select->scratch);
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

static void count_block(const float *vector, size_t count, struct bracket bracket,
                        uint64_t *counts) {
    const bits_of_float *bits = (const bits_of_float *)vector;
    for (size_t i = 0; i < count; i++) {
        int32_t magnitude = bits[i] & INT32_MAX;
        if (magnitude >= bracket.low && magnitude <= bracket.high)
            counts[(uint32_t)(magnitude - bracket.low) >> bracket.shift]++;
    }
}

/* Adds to counts; returns how many are below the bracket. Most blocks of a long vector
 * have nothing in it, and cost two comparisons an element. */
static size_t count_run(const float *vector, size_t count, struct bracket bracket,
                        uint64_t *counts) {
    const lane_bits mask = INT32_MAX - (lane_bits){0};
    const lane_bits low = bracket.low - (lane_bits){0};
    const lane_bits high = bracket.high - (lane_bits){0};
    lane_bits less = {0}; /* count is at most PART: no lane overflows */
    size_t below = 0, at = 0;
    for (; at + BLOCK <= count; at += BLOCK) {
        lane_bits inside = {0};
        for (size_t i = 0; i < BLOCK; i += LANES) {
            lane_bits magnitude = *(const lanes_anywhere *)(vector + at + i) & mask;
            lane_bits under = magnitude < low;
            less -= under;
            inside |= ~under & (magnitude <= high);
        }
        uint64_t halves[2];
        memcpy(halves, &inside, sizeof halves);
        if (halves[0] | halves[1])
            count_block(vector + at, BLOCK, bracket, counts);
    }
    for (size_t i = 0; i < LANES; i++)
        below += (size_t)less[i];
    const bits_of_float *rest = (const bits_of_float *)(vector + at);
    for (size_t i = 0; i < count - at; i++)
        below += (rest[i] & INT32_MAX) < bracket.low;
    count_block(vector + at, count - at, bracket, counts);
    return below;
}

/* Counts of all threads end up in the first's. */
static size_t count_all(struct select *select, const float *vector,
                        const struct select_run *runs, size_t run_count,
                        struct bracket bracket) {
    size_t below = 0,
           bins = ((uint32_t)(bracket.high - bracket.low) >> bracket.shift) + 1;
    for (unsigned t = 0; t < select->threads; t++)
        memset(select->counts + (size_t)t * BINS, 0, bins * sizeof *select->counts);
#pragma omp parallel num_threads(select->threads) reduction(+ : below)
    {
        unsigned thread = 0;
#ifdef _OPENMP
        thread = (unsigned)omp_get_thread_num();
#endif
        uint64_t *counts = select->counts + (size_t)thread * BINS;
        for (size_t r = 0; r < run_count; r++) {
            size_t parts = (runs[r].count + PART - 1) / PART;
#pragma omp for schedule(static) nowait
            for (size_t p = 0; p < parts; p++) {
                size_t begin = p * PART;
                size_t count =
                    runs[r].count - begin < PART ? runs[r].count - begin : PART;
                below +=
                    count_run(vector + runs[r].begin + begin, count, bracket, counts);
            }
        }
    }
    for (unsigned t = 1; t < select->threads; t++)
        for (size_t b = 0; b < bins; b++)
            select->counts[b] += select->counts[(size_t)t * BINS + b];
    return below;
}

/* Three counting passes of 11 bits. */
static void sort_sample(struct select *select) {
    for (unsigned digit = 0; digit < 3; digit++) {
        size_t places[1 << 11] = {0}, sum = 0;
        for (size_t i = 0; i < SAMPLE; i++)
            places[select->sample[i] >> 11 * digit & 0x7ff]++;
        for (size_t value = 0; value < 1 << 11; value++) {
            size_t here = places[value];
            places[value] = sum;
            sum += here;
        }
        for (size_t i = 0; i < SAMPLE; i++)
            select->scratch[places[select->sample[i] >> 11 * digit & 0x7ff]++] =
                select->sample[i];
        uint32_t *other = select->sample;
        select->sample = select->scratch;
        select->scratch = other;
    }
}

static struct bracket sampled_bracket(struct select *select, const float *vector,
                                      const struct select_run *runs, size_t total,
                                      size_t rank) {
    /* Every total / SAMPLE-th element, off any period that shapes may have. */
    size_t run = 0, before = 0;
    for (size_t i = 0; i < SAMPLE; i++) {
        size_t step = total / SAMPLE;
        size_t at = i * step + i * 2654435761u % step;
        while (at - before >= runs[run].count)
            before += runs[run++].count;
        const bits_of_float *bits =
            (const bits_of_float *)(vector + runs[run].begin + (at - before));
        select->sample[i] = (uint32_t)(*bits & INT32_MAX);
    }
    sort_sample(select);
    double share = (double)rank / (double)total;
    double place = share * SAMPLE,
           half = SPREAD * sqrt(SAMPLE * share * (1 - share)) + 2;
    int32_t low = 0, high = INT32_MAX;
    if (place - half >= 0)
        low = (int32_t)select->sample[(size_t)(place - half)];
    if (place + half < SAMPLE)
        high = (int32_t)select->sample[(size_t)(place + half)];
    return bracket_of(low, high, BINS);
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
        size_t bin = 0;
        while (rank > below && bin < bins && rank > below + select->counts[bin])
            below += select->counts[bin++];
        if (rank <= below || bin == bins) {
            bracket = bracket_of(0, INT32_MAX, most);
            continue;
        }
        int32_t low = bracket.low + (int32_t)(bin << bracket.shift);
        if (bracket.shift == 0) {
            *result = (struct select_result){(uint32_t)low, below, select->counts[bin]};
            return;
        }
        int32_t width = (1 << bracket.shift) - 1;
        bracket = bracket_of(
            low, bracket.high - low < width ? bracket.high : low + width, most);
    }
}
