/* A plane is swept over the last objective. Of what lies in it, a box below the
 * reference point in the others, the part that no point so far dominates is a union of
 * zones, each below a corner (Klamroth, Lacour & Vanderpooten, "On the representation
 * of the search region in multi-objective optimization", 2015). Each side of a corner
 * is that of one point, its maker, or the reference's. The part that is dominated falls
 * apart into boxes, one a zone, which the makers bound (Lacour, Klamroth & Fonseca, "A
 * box decomposition algorithm to compute the hypervolume indicator", 2017). The next
 * point closes the zones whose corner is beyond it in each objective and opens others
 * that end at the point in one objective; of a zone that closes, the box times the way
 * that the plane went since it opened joins the volume. All terms are positive: nothing
 * cancels.
 *
 * Corners and points are kept by ranks, 15 bits an objective, four of them in a word.
 * Equal values have ranks in the order of the points, as if one were a trace larger:
 * boxes between them have no volume, and no two points are ever level. With four
 * objectives the fourth rank tells nothing and its side is 1. */
#include "pareto/zones.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SIDES = 4, BITS = 16, SCANNED = 4 /* corners at a time */ };

static const uint64_t TOPS = 0x8000800080008000, ONES = 0x0001000100010001;

static inline uint64_t side(unsigned j) {
    return (uint64_t)0xffff << BITS * j;
}

static inline size_t rank_of(uint64_t word, unsigned j) {
    return word >> BITS * j & 0xffff;
}

/* The greater of each rank. */
static inline uint64_t greater(uint64_t a, uint64_t b) {
    uint64_t least = ((a | TOPS) - b) & TOPS; /* where a's is no less */
    uint64_t mask = least - (least >> (BITS - 1));
    return (a & mask) | (b & ~mask);
}

/* The top bits of the ranks of a that exceed those of b. */
static inline uint64_t exceeds(uint64_t a, uint64_t b) {
    return ((a | TOPS) - b - ONES) & TOPS;
}

/* Room for `needed` zones, what is in it kept; false where there is none. */
static bool reserve(struct zones *zones, size_t needed) {
    if (needed <= zones->room)
        return true;
    if (needed > zones->most)
        return false;
    size_t room = 2 * needed < zones->most ? 2 * needed : zones->most;
    uint64_t *corners = realloc(zones->corners, (room + SCANNED) * sizeof *corners);
    zones->corners = corners ? corners : zones->corners;
    uint64_t *makers = realloc(zones->makers, room * sizeof *makers);
    zones->makers = makers ? makers : zones->makers;
    double *since = realloc(zones->since, room * sizeof *since);
    zones->since = since ? since : zones->since;
    uint32_t *open = realloc(zones->open, (room + SCANNED) * sizeof *open);
    zones->open = open ? open : zones->open;
    zones->refused |= !corners || !makers || !since || !open;
    zones->room = zones->refused ? zones->room : room;
    return !zones->refused;
}

int zones_new(struct zones *zones, size_t points, size_t most) {
    memset(zones, 0, sizeof *zones);
    zones->points = points;
    zones->most = most;
    zones->kept = array_new(points, sizeof *zones->kept);
    zones->rows = array_new(points + SIDES, sizeof *zones->rows);
    zones->values = array_new(points + 2, SIDES * sizeof *zones->values);
    zones->items = array_new(points, sizeof *zones->items);
    zones->scratch = array_new(points, sizeof *zones->scratch);
    return zones->kept && zones->rows && zones->values && zones->items && zones->scratch
               ? 0
               : -1;
}

void zones_free(struct zones *zones) {
    free(zones->corners);
    free(zones->makers);
    free(zones->since);
    free(zones->open);
    free(zones->kept);
    free(zones->rows);
    free(zones->values);
    free(zones->items);
    free(zones->scratch);
}

/* zones->kept gets the points that the one with the greatest box does not dominate, and
 * that one: of a cloud few are left to be sorted. Returns how many. */
static size_t keep_points(struct zones *zones, const double *points, size_t count,
                          size_t dims, const double *high) {
    const double *best = points;
    double most = -1;
    for (size_t i = 0; i < count; i++) {
        const double *p = points + i * dims;
        double volume = high[0] - p[0];
        for (size_t j = 1; j < dims; j++)
            volume *= high[j] - p[j];
        best = volume > most ? p : best;
        most = volume > most ? volume : most;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const double *p = points + i * dims;
        bool hidden = p != best;
        for (size_t j = 0; j < dims; j++)
            hidden &= best[j] <= p[j];
        zones->kept[kept] = (uint32_t)i;
        kept += !hidden;
    }
    return kept;
}

static void sort_by(struct zones *zones, const double *points, size_t count,
                    size_t dims, size_t column) {
    for (size_t i = 0; i < count; i++)
        zones->items[i] =
            (struct order_item){points[zones->kept[i] * dims + column], i};
    order_sort(zones->items, zones->scratch, count);
}

/* Ranks 1 to count of the points that are kept, count + 1 of the reference point; rows
 * [count + 4] of the points and of the four that stand for its sides, whose other ranks
 * are 0. values [4, count + 2] of the ranks; nobody reads that of 0, for a box that
 * such a maker bounds on its low side is none. */
static void rank_points(struct zones *zones, const double *points, size_t count,
                        size_t dims, const double *high) {
    memset(zones->rows, 0, (count + SIDES) * sizeof *zones->rows);
    for (unsigned j = 0; j < SIDES; j++) {
        double *values = zones->values + j * (count + 2);
        if (j + 1 >= dims) {
            zones->rows[count + j] = (uint64_t)1 << BITS * j;
            values[0] = 0;
            values[1] = 1;
            continue;
        }
        sort_by(zones, points, count, dims, j);
        for (size_t i = 0; i < count; i++) {
            zones->rows[zones->items[i].index] |= (uint64_t)(i + 1) << BITS * j;
            values[i + 1] = zones->items[i].key;
        }
        zones->rows[count + j] = (uint64_t)(count + 1) << BITS * j;
        values[0] = -INFINITY;
        values[count + 1] = high[j];
    }
}

/* Which of four corners exceed the point in all ranks: bits. */
#ifdef __SSE2__
typedef int16_t ranks __attribute__((vector_size(16), aligned(8), may_alias));

static inline unsigned beyond(const uint64_t *corners, uint64_t point) {
    const uint64_t both[2] = {point, point};
    ranks at = *(const ranks *)both;
    ranks low = *(const ranks *)corners > at, high = *(const ranks *)(corners + 2) > at;
    typedef float lanes __attribute__((vector_size(16)));
    typedef int32_t words __attribute__((vector_size(16)));
    words all = (words)__builtin_ia32_packsswb128(low, high) == -1;
    return (unsigned)__builtin_ia32_movmskps((lanes)all);
}
#else
static inline unsigned beyond(const uint64_t *corners, uint64_t point) {
    unsigned bits = 0;
    for (unsigned i = 0; i < SCANNED; i++)
        bits |= (unsigned)(exceeds(corners[i], point) == TOPS) << i;
    return bits;
}
#endif

/* zones->open gets those of count zones that the point closes. Returns how many. */
static size_t find_open(struct zones *zones, size_t count, uint64_t point) {
    size_t found = 0;
    /* Behind the last zone there is room for ones that nothing is below. */
    memset(zones->corners + count, 0, SCANNED * sizeof *zones->corners);
    for (size_t i = 0; i < count; i += SCANNED)
        for (unsigned bits = beyond(zones->corners + i, point); bits; bits &= bits - 1)
            zones->open[found++] = (uint32_t)(i + (unsigned)__builtin_ctz(bits));
    return found;
}

/* Of a box: the greatest rank in side j of the makers before j, for each j. */
struct bounds {
    uint64_t first, second, third;
};

static inline struct bounds bounds_of(const uint64_t *rows, uint64_t makers) {
    struct bounds b;
    b.first = rows[rank_of(makers, 0)] & ~side(0);
    b.second = greater(b.first, rows[rank_of(makers, 1)] & ~(side(0) | side(1)));
    b.third = greater(b.second, rows[rank_of(makers, 2)] & side(3));
    return b;
}

static inline double box(const double *values, size_t stride, uint64_t corner,
                         const struct bounds *b) {
    const double *x = values, *y = x + stride, *z = y + stride, *w = z + stride;
    return (x[stride - 1] - x[rank_of(corner, 0)]) *
           (y[rank_of(corner, 1)] - y[rank_of(b->first, 1)]) *
           (z[rank_of(corner, 2)] - z[rank_of(b->second, 2)]) *
           (w[rank_of(corner, 3)] - w[rank_of(b->third, 3)]);
}

/* The zone `at` of *count closes where the plane is at `height`: its volume is
 * returned, and those that open instead take its place and join at the end. */
static double close_zone(struct zones *zones, size_t at, size_t *count, size_t points,
                         size_t point, double height) {
    const uint64_t *rows = zones->rows;
    uint64_t corner = zones->corners[at], makers = zones->makers[at];
    struct bounds b = bounds_of(rows, makers);
    double volume = 0;
    if (rank_of(corner, 0) <= points)
        volume =
            box(zones->values, points + 2, corner, &b) * (height - zones->since[at]);
    /* A corner at the point in side j has a zone below it where the point exceeds the
     * other makers there. */
    uint64_t others = greater(greater(b.first, rows[rank_of(makers, 1)] & ~side(1)),
                              greater(rows[rank_of(makers, 2)] & ~side(2),
                                      rows[rank_of(makers, 3)] & ~side(3)));
    size_t to = at;
    for (uint64_t left = exceeds(rows[point], others); left; left &= left - 1) {
        unsigned j = (unsigned)__builtin_ctzll(left) / BITS;
        zones->corners[to] = (corner & ~side(j)) | (rows[point] & side(j));
        zones->makers[to] = (makers & ~side(j)) | (uint64_t)point << BITS * j;
        zones->since[to] = height;
        to = (*count)++;
    }
    /* The place after the last, or `at` where none opened, is free. */
    --*count;
    if (to == at) {
        zones->corners[at] = zones->corners[*count];
        zones->makers[at] = zones->makers[*count];
        zones->since[at] = zones->since[*count];
    }
    return volume;
}

bool zones_volume(struct zones *zones, const double *points, size_t count, size_t dims,
                  const double *high, const struct work *work, double *volume) {
    count = keep_points(zones, points, count, dims, high);
    rank_points(zones, points, count, dims, high);
    sort_by(zones, points, count, dims, dims - 1);
    if (!reserve(zones, SIDES * count))
        return false;
    zones->corners[0] = zones->makers[0] = 0;
    for (unsigned j = 0; j < SIDES; j++) {
        zones->corners[0] |= zones->rows[count + j];
        zones->makers[0] |= (uint64_t)(count + j) << BITS * j;
    }
    zones->since[0] = 0;
    size_t open = 1;
    double sum = 0;
    for (size_t i = 0; i < count && !work_stopped(work); i++) {
        work_report(work, "hypervolume", i, count);
        size_t point = zones->items[i].index;
        size_t found = find_open(zones, open, zones->rows[point]);
        if (!reserve(zones, open + (SIDES - 1) * found + 1))
            return false;
        /* From behind, so that what moves into a free place was never to close. */
        while (found-- > 0)
            sum += close_zone(zones, zones->open[found], &open, count, point,
                              zones->items[i].key);
    }
    for (size_t i = 0; i < open; i++) {
        struct bounds b = bounds_of(zones->rows, zones->makers[i]);
        if (rank_of(zones->corners[i], 0) <= count)
            sum += box(zones->values, count + 2, zones->corners[i], &b) *
                   (high[dims - 1] - zones->since[i]);
    }
    *volume = sum;
    return true;
}
