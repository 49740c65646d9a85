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

/* The rows kept so far. Their bytes are looked at in one of two forms. A slab is so
 * many rows: for each objective and each byte value a bit a row, set where the row's
 * byte is at most that. The rows after the last whole slab lie in tiles,
 * [objectives][TILE] bytes each; places that are not taken yet hold the greatest byte.
 */
enum { SLAB = 1024, SLAB_WORDS = SLAB / 64 };

struct bit_slabs {
    size_t objectives, count, slabs;
    double *rows;
    uint8_t *tiles; /* of one slab */
    uint64_t *bits; /* [slabs][objectives][QUANTILES][SLAB_WORDS] */
};

static uint8_t *front_byte(const struct bit_slabs *front, size_t place,
                           size_t objective) {
    size_t at = place - front->slabs * SLAB;
    return front->tiles + (at / TILE * front->objectives + objective) * TILE +
           at % TILE;
}

/* Is the row at a place nowhere above `row`? No row of the front is above it in the
 * first objective. */
static bool front_below(const struct bit_slabs *front, size_t place,
                        const double *row) {
    const double *q = front->rows + place * front->objectives;
    size_t j = 1;
    while (j < front->objectives && q[j] <= row[j])
        j++;
    return j == front->objectives;
}

static size_t find_in_slab(const struct bit_slabs *front, size_t slab,
                           const double *row, const uint8_t *bytes) {
    enum { PARTS = SLAB_WORDS * sizeof(uint64_t) / sizeof(some_words) };
    size_t objectives = front->objectives;
    const uint64_t *bits =
        front->bits + slab * objectives * QUANTILES * (size_t)SLAB_WORDS;
    some_words below[PARTS];
    uint64_t words[SLAB_WORDS];
    memset(below, 0xff, sizeof below);
    for (size_t j = 1; j < objectives; j++) {
        const uint64_t *column = bits + (j * QUANTILES + bytes[j]) * SLAB_WORDS;
        some_words any = {0};
        for (size_t k = 0; k < PARTS; k++) {
            some_words here;
            memcpy(&here, column + k * sizeof here / sizeof *column, sizeof here);
            below[k] &= here;
            any |= below[k];
        }
        if (!(any[0] | any[1]))
            return SIZE_MAX;
    }
    memcpy(words, below, sizeof words);
    for (size_t k = 0; k < SLAB_WORDS; k++)
        for (uint64_t rest = words[k]; rest; rest &= rest - 1) {
            size_t place = slab * SLAB + 64 * k + (size_t)__builtin_ctzll(rest);
            if (front_below(front, place, row))
                return place;
        }
    return SIZE_MAX;
}

static size_t find_in_tiles(const struct bit_slabs *front, const double *row,
                            const uint8_t *bytes) {
    size_t objectives = front->objectives;
    for (size_t start = front->slabs * SLAB; start < front->count; start += TILE) {
        const uint8_t *tile = front_byte(front, start, 0);
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
        for (size_t k = 0; k < TILE && start + k < front->count; k++)
            if (below[k] && front_below(front, start + k, row))
                return start + k;
    }
    return SIZE_MAX;
}

/* A place of the front whose row is nowhere above `row`, or SIZE_MAX. */
static size_t front_find(const struct bit_slabs *front, const double *row,
                         const uint8_t *bytes) {
    for (size_t slab = 0; slab < front->slabs; slab++) {
        size_t place = find_in_slab(front, slab, row, bytes);
        if (place != SIZE_MAX)
            return place;
    }
    return find_in_tiles(front, row, bytes);
}

/* Makes a slab of the tiles, which are full. */
static int front_close(struct bit_slabs *front) {
    size_t objectives = front->objectives, size;
    size_t words = objectives * QUANTILES * SLAB_WORDS;
    if (!size_multiply(front->slabs + 1, words * sizeof *front->bits, &size))
        return -1;
    uint64_t *grown = realloc(front->bits, size);
    if (!grown)
        return -1;
    front->bits = grown;
    uint64_t *bits = grown + front->slabs * words;
    memset(bits, 0, words * sizeof *bits);
    for (size_t j = 0; j < objectives; j++) {
        uint64_t *columns = bits + j * QUANTILES * SLAB_WORDS;
        for (size_t i = 0; i < SLAB; i++) {
            size_t byte = *front_byte(front, front->slabs * SLAB + i, j);
            columns[byte * SLAB_WORDS + i / 64] |= (uint64_t)1 << i % 64;
        }
        for (size_t k = SLAB_WORDS; k < (size_t)QUANTILES * SLAB_WORDS; k++)
            columns[k] |= columns[k - SLAB_WORDS];
    }
    front->slabs++;
    memset(front->tiles, QUANTILES - 1, SLAB * objectives);
    return 0;
}

static int front_put(struct bit_slabs *front, const double *row, const uint8_t *bytes) {
    if (front->count - front->slabs * SLAB == SLAB && front_close(front))
        return -1;
    memcpy(front->rows + front->count * front->objectives, row,
           front->objectives * sizeof *row);
    for (size_t j = 0; j < front->objectives; j++)
        *front_byte(front, front->count, j) = bytes[j];
    front->count++;
    return 0;
}

/* Of rows in tiles. */
static void front_swap(struct bit_slabs *front, size_t a, size_t b) {
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
    struct bit_slabs front = {.objectives = objectives};
    size_t cells;
    if (size_multiply(rows, objectives, &cells))
        front.rows = array_new(cells, sizeof *front.rows);
    front.tiles = array_new(objectives, SLAB);
    int result = front.rows && front.tiles ? 0 : -1;
    if (result == 0)
        memset(front.tiles, QUANTILES - 1, objectives * SLAB);
    for (size_t i = 0; result == 0 && i < rows; i++) {
        const double *row = points + first[i] * objectives;
        const uint8_t *row_bytes = bytes + first[i] * objectives;
        size_t other = front_find(&front, row, row_bytes), start = front.slabs * SLAB;
        keep[first[i]] = other == SIZE_MAX;
        if (other == SIZE_MAX)
            result = front_put(&front, row, row_bytes);
        else if (other > start)
            /* Half the way to the start: who dominates one often dominates more. */
            front_swap(&front, other, start + (other - start) / 2);
    }
    free(front.bits);
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
