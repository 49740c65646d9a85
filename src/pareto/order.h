/* Orders of doubles, and a set of small integers that knows its neighbours: what
 * the sweeps over sorted points are made of. Internal to src/pareto. */
#ifndef PWEMOE_PARETO_ORDER_H
#define PWEMOE_PARETO_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order_item {
    double key;
    size_t index;
};

/* Sorts items by key, ascending and stable. scratch holds as many items. NaN
 * must not occur; -0 and 0 are equal. */
void order_sort(struct order_item *items, struct order_item *scratch, size_t count);

enum { RANK_LEVELS = 11 }; /* 64^11 > 2^64 */

/* A subset of 0 .. capacity-1 as a tree of 64-bit words: a bit of a level says
 * that the word of that number on the level below is not zero. Each operation
 * touches one word a level. */
struct rank_set {
    uint64_t *words;
    size_t start[RANK_LEVELS]; /* where each level begins in words */
    unsigned levels;
};

#define RANK_NONE SIZE_MAX

/* 0, or -1 when memory is out. Freed by rank_set_free. */
int rank_set_new(struct rank_set *set, size_t capacity);
void rank_set_free(struct rank_set *set);
void rank_set_add(struct rank_set *set, size_t rank);
void rank_set_remove(struct rank_set *set, size_t rank);
/* The greatest member below rank, the least above it, or RANK_NONE. */
size_t rank_set_below(const struct rank_set *set, size_t rank);
size_t rank_set_above(const struct rank_set *set, size_t rank);

/* The value that `rank` of the count values (at least one) are below, counting from 0,
 * by Hoare's selection; values are moved about. */
double order_select(double *values, size_t count, size_t rank);

#endif
