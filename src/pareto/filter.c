#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/order.h"
#include "pareto/pareto.h"

bool pareto_dominates(const double *a, const double *b, size_t objectives) {
    bool better = false;
    for (size_t j = 0; j < objectives; j++) {
        if (a[j] > b[j])
            return false;
        better |= a[j] < b[j];
    }
    return better;
}

static int compare_rows(const double *a, const double *b, size_t objectives) {
    for (size_t j = 0; j < objectives; j++)
        if (a[j] != b[j])
            return a[j] < b[j] ? -1 : 1;
    return 0;
}

/* A byte stands for a value: its place among 256 quantiles of its objective, equal
 * values in the same. q <= p then needs byte(q) <= byte(p), and the bytes of a tile
 * of rows are compared at once. */
enum { TILE = 32, QUANTILES = 256 };
typedef uint8_t some_bytes __attribute__((vector_size(TILE / 2)));
typedef uint64_t some_words __attribute__((vector_size(TILE / 2)));

/* Sorts items so that their rows are in lexicographic order; equal rows stay in the
 * order of their numbers. bytes [count, objectives] receives the quantiles, unless it
 * is NULL. */
static void sort_rows(const double *points, size_t count, size_t objectives,
                      struct order_item *items, struct order_item *scratch,
                      uint8_t *bytes) {
    size_t share = count / QUANTILES + 1;
    for (size_t i = 0; i < count; i++)
        items[i].index = i;
    for (size_t j = objectives; j-- > 0;) {
        for (size_t i = 0; i < count; i++)
            items[i].key = points[items[i].index * objectives + j];
        order_sort(items, scratch, count);
        for (size_t i = 0, from = 0; bytes && i < count; i++) {
            if (items[i].key != items[from].key)
                from = i;
            bytes[items[i].index * objectives + j] = (uint8_t)(from / share);
        }
    }
}

/* Each of these goes through rows in lexicographic order, in which no row is
 * dominated by a later one, and clears `keep` of the dominated ones. Equal rows
 * follow each other and are settled by the caller: only `first` of each are seen. */

static void filter_two(const double *points, const size_t *first, size_t rows,
                       bool *keep) {
    double floor = INFINITY;
    for (size_t i = 0; i < rows; i++) {
        double y = points[2 * first[i] + 1];
        keep[first[i]] = i == 0 || y < floor;
        if (y < floor)
            floor = y;
    }
}

/* The rows seen so far form a staircase in the second and the third objective: a set
 * of ranks by the second. */
static int filter_three(const double *points, const size_t *first, size_t rows,
                        struct order_item *items, struct order_item *scratch,
                        bool *keep) {
    size_t *rank = array_new(rows, sizeof *rank);
    size_t *row_of = array_new(rows, sizeof *row_of);
    struct rank_set stair = {0};
    if (!rank || !row_of || rank_set_new(&stair, rows + 1)) {
        free(rank);
        free(row_of);
        return -1;
    }
    for (size_t i = 0; i < rows; i++)
        items[i] = (struct order_item){points[3 * first[i] + 1], i};
    order_sort(items, scratch, rows);
    /* Equal values share the greatest rank, so that "below the next rank" is at most.
     */
    for (size_t i = rows; i-- > 0;) {
        bool tied = i + 1 < rows && items[i].key == items[i + 1].key;
        rank[items[i].index] = tied ? rank[items[i + 1].index] : i;
    }
    for (size_t i = 0; i < rows; i++) {
        double z = points[3 * first[i] + 2];
        size_t left = rank_set_below(&stair, rank[i] + 1);
        keep[first[i]] = left == RANK_NONE || points[3 * row_of[left] + 2] > z;
        if (!keep[first[i]])
            continue;
        size_t right = rank_set_above(&stair, rank[i]);
        while (right != RANK_NONE && points[3 * row_of[right] + 2] >= z) {
            rank_set_remove(&stair, right);
            right = rank_set_above(&stair, right);
        }
        rank_set_add(&stair, rank[i]);
        row_of[rank[i]] = first[i];
    }
    rank_set_free(&stair);
    free(row_of);
    free(rank);
    return 0;
}

/* The rows kept so far: in full, and their bytes as tiles, [objectives][TILE] each.
 * Places of the last tile that are not taken yet hold the greatest byte. */
struct front {
    size_t objectives, count;
    double *rows;
    uint8_t *tiles;
};

static uint8_t *front_byte(const struct front *front, size_t place, size_t objective) {
    return front->tiles + (place / TILE * front->objectives + objective) * TILE +
           place % TILE;
}

/* A place of the front whose row is nowhere above `row`, or SIZE_MAX. All rows of the
 * front are known not to be above it in the first objective. */
static size_t front_find(const struct front *front, const double *row,
                         const uint8_t *bytes) {
    size_t objectives = front->objectives;
    for (size_t start = 0; start < front->count; start += TILE) {
        const uint8_t *tile = front->tiles + start * objectives;
        some_words low = ~(some_words){0}, high = low, any = low;
        for (size_t j = 1; j < objectives && (any[0] | any[1]); j++) {
            some_bytes a, b;
            memcpy(&a, tile + j * TILE, sizeof a);
            memcpy(&b, tile + j * TILE + sizeof a, sizeof b);
            low &= (some_words)(a <= bytes[j]);
            high &= (some_words)(b <= bytes[j]);
            any = low | high;
        }
        if (!(any[0] | any[1]))
            continue;
        uint8_t below[TILE];
        memcpy(below, &low, sizeof low);
        memcpy(below + sizeof low, &high, sizeof high);
        for (size_t k = 0; k < TILE && start + k < front->count; k++) {
            if (!below[k])
                continue;
            const double *q = front->rows + (start + k) * objectives;
            size_t j = 1;
            while (j < objectives && q[j] <= row[j])
                j++;
            if (j == objectives)
                return start + k;
        }
    }
    return SIZE_MAX;
}

static void front_put(struct front *front, size_t place, const double *row,
                      const uint8_t *bytes) {
    memcpy(front->rows + place * front->objectives, row,
           front->objectives * sizeof *row);
    for (size_t j = 0; j < front->objectives; j++)
        *front_byte(front, place, j) = bytes[j];
}

static void front_swap(struct front *front, size_t a, size_t b) {
    for (size_t j = 0; j < front->objectives; j++) {
        double *x = front->rows + a * front->objectives + j, value = *x;
        double *y = front->rows + b * front->objectives + j;
        uint8_t *u = front_byte(front, a, j), *v = front_byte(front, b, j), byte = *u;
        *x = *y;
        *y = value;
        *u = *v;
        *v = byte;
    }
}

/* Any number of objectives: every row against those kept before it. */
static int filter_many(const double *points, const uint8_t *bytes, size_t objectives,
                       const size_t *first, size_t rows, bool *keep) {
    struct front front = {.objectives = objectives};
    size_t cells, room;
    if (size_multiply(rows, objectives, &cells) &&
        size_multiply((rows + TILE - 1) / TILE * TILE, objectives, &room)) {
        front.rows = array_new(cells, sizeof *front.rows);
        front.tiles = array_new(room, 1);
    }
    int result = front.rows && front.tiles ? 0 : -1;
    if (result == 0)
        memset(front.tiles, QUANTILES - 1, room);
    for (size_t i = 0; result == 0 && i < rows; i++) {
        const double *row = points + first[i] * objectives;
        const uint8_t *row_bytes = bytes + first[i] * objectives;
        size_t other = front_find(&front, row, row_bytes);
        keep[first[i]] = other == SIZE_MAX;
        if (other == SIZE_MAX)
            front_put(&front, front.count++, row, row_bytes);
        else if (other > 0)
            /* Half the way to the start: who dominates one often dominates more. */
            front_swap(&front, other, other / 2);
    }
    free(front.tiles);
    free(front.rows);
    return result;
}

long pareto_filter(const double *points, size_t count, size_t objectives,
                   bool first_of_equals, bool *keep, struct error *error) {
    if (count == 0)
        return 0;
    if (objectives == 0 || count > LONG_MAX)
        return error_set(error, "%zu points of %zu objectives cannot be compared",
                         count, objectives);
    struct order_item *items = array_new(count, 2 * sizeof *items);
    size_t *first = array_new(count, sizeof *first);
    struct order_item *order = array_new(count, sizeof *order);
    size_t cells;
    uint8_t *bytes = objectives > 3 && size_multiply(count, objectives, &cells)
                         ? array_new(cells, 1)
                         : NULL;
    long kept = -1;
    if (!items || !first || !order || (objectives > 3 && !bytes)) {
        error_memory(error);
        goto out;
    }
    sort_rows(points, count, objectives, items, items + count, bytes);
    memcpy(order, items, count * sizeof *order);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || compare_rows(points + items[i - 1].index * objectives,
                                   points + items[i].index * objectives, objectives))
            first[rows++] = items[i].index;
    int failed = 0;
    if (objectives == 1)
        for (size_t i = 0; i < rows; i++)
            keep[first[i]] = i == 0;
    else if (objectives == 2)
        filter_two(points, first, rows, keep);
    else if (objectives == 3)
        failed = filter_three(points, first, rows, items, items + count, keep);
    else
        failed = filter_many(points, bytes, objectives, first, rows, keep);
    if (failed) {
        error_memory(error);
        goto out;
    }
    /* Equal rows fare as the first of them, or go. */
    kept = 0;
    for (size_t i = 0, row = 0; i < count; i++) {
        size_t index = order[i].index;
        if (row < rows && first[row] == index)
            row++;
        else
            keep[index] = !first_of_equals && keep[first[row - 1]];
        kept += keep[index];
    }
out:
    free(bytes);
    free(order);
    free(first);
    free(items);
    return kept;
}
