#include "pareto/order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    INSERTION_RUN = 12, /* runs of this length are sorted by insertion */
    RADIX_FROM = 512,   /* from here the counting passes are cheaper than merging */
    DIGIT = 11,
    DIGITS = 6, /* 6 * 11 >= 64 */
};

static void insertion_sort(struct order_item *items, size_t count) {
    for (size_t i = 1; i < count; i++) {
        struct order_item item = items[i];
        size_t j = i;
        for (; j > 0 && items[j - 1].key > item.key; j--)
            items[j] = items[j - 1];
        items[j] = item;
    }
}

static void merge_sort(struct order_item *items, struct order_item *scratch,
                       size_t count) {
    for (size_t at = 0; at < count; at += INSERTION_RUN)
        insertion_sort(items + at,
                       count - at < INSERTION_RUN ? count - at : INSERTION_RUN);
    struct order_item *from = items, *to = scratch;
    for (size_t run = INSERTION_RUN; run < count; run *= 2) {
        for (size_t at = 0; at < count; at += 2 * run) {
            size_t middle = count - at < run ? count : at + run;
            size_t end = count - at < 2 * run ? count : at + 2 * run;
            size_t a = at, b = middle;
            for (size_t out = at; out < end; out++)
                to[out] = b == end || (a < middle && from[a].key <= from[b].key)
                              ? from[a++]
                              : from[b++];
        }
        struct order_item *other = from;
        from = to;
        to = other;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

/* The order of doubles as the order of unsigned integers. */
static uint64_t key_bits(double key) {
    key += 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &key, sizeof bits);
    return bits ^ (bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63);
}

/* Least significant digit first; a digit that all keys share costs no pass. */
static void radix_sort(struct order_item *items, struct order_item *scratch,
                       size_t count) {
    size_t counts[DIGITS][1 << DIGIT];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = key_bits(items[i].key);
        for (unsigned digit = 0; digit < DIGITS; digit++, bits >>= DIGIT)
            counts[digit][bits & ((1 << DIGIT) - 1)]++;
    }
    struct order_item *from = items, *to = scratch;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        size_t *places = counts[digit], sum = 0;
        bool alone = false;
        for (size_t value = 0; value < 1 << DIGIT; value++) {
            size_t here = places[value];
            alone |= here == count;
            places[value] = sum;
            sum += here;
        }
        if (alone)
            continue;
        for (size_t i = 0; i < count; i++) {
            uint64_t bits = key_bits(from[i].key) >> digit * DIGIT;
            to[places[bits & ((1 << DIGIT) - 1)]++] = from[i];
        }
        struct order_item *other = from;
        from = to;
        to = other;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

void order_sort(struct order_item *items, struct order_item *scratch, size_t count) {
    if (count <= INSERTION_RUN)
        insertion_sort(items, count);
    else if (count < RADIX_FROM)
        merge_sort(items, scratch, count);
    else
        radix_sort(items, scratch, count);
}

int rank_set_new(struct rank_set *set, size_t capacity) {
    size_t words = 0, size = capacity ? capacity : 1;
    set->levels = 0;
    do {
        size = (size - 1) / 64 + 1;
        set->start[set->levels++] = words;
        words += size;
    } while (size > 1);
    set->words = calloc(words, sizeof *set->words);
    return set->words ? 0 : -1;
}

void rank_set_free(struct rank_set *set) {
    free(set->words);
    set->words = NULL;
}

void rank_set_add(struct rank_set *set, size_t rank) {
    for (unsigned level = 0; level < set->levels; level++, rank /= 64)
        set->words[set->start[level] + rank / 64] |= (uint64_t)1 << rank % 64;
}

void rank_set_remove(struct rank_set *set, size_t rank) {
    for (unsigned level = 0; level < set->levels; level++, rank /= 64) {
        uint64_t *word = &set->words[set->start[level] + rank / 64];
        *word &= ~((uint64_t)1 << rank % 64);
        if (*word)
            return;
    }
}

size_t rank_set_below(const struct rank_set *set, size_t rank) {
    for (unsigned level = 0; level < set->levels; level++, rank /= 64) {
        uint64_t word = set->words[set->start[level] + rank / 64] &
                        (((uint64_t)1 << rank % 64) - 1);
        if (!word)
            continue;
        rank = rank / 64 * 64 + 63 - (size_t)__builtin_clzll(word);
        while (level-- > 0)
            rank = rank * 64 + 63 -
                   (size_t)__builtin_clzll(set->words[set->start[level] + rank]);
        return rank;
    }
    return RANK_NONE;
}

size_t rank_set_above(const struct rank_set *set, size_t rank) {
    for (unsigned level = 0; level < set->levels; level++, rank /= 64) {
        uint64_t word =
            set->words[set->start[level] + rank / 64] & (~(uint64_t)1 << rank % 64);
        if (!word)
            continue;
        rank = rank / 64 * 64 + (size_t)__builtin_ctzll(word);
        while (level-- > 0)
            rank = rank * 64 +
                   (size_t)__builtin_ctzll(set->words[set->start[level] + rank]);
        return rank;
    }
    return RANK_NONE;
}

double order_select(double *values, size_t count, size_t rank) {
    size_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i >= j)
                break;
            double value = values[i];
            values[i++] = values[j];
            values[j--] = value;
        }
        /* low..j are at most the pivot, j + 1..high at least. */
        if (rank <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[rank];
}
