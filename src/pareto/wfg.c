/* Exact hypervolume by exclusive volumes of limited sets: WFG (While, Bradstreet &
 * Barone, "A Fast Way of Calculating Exact Hypervolumes", 2012).
 *
 * Sorted by one objective, each point adds its depth in it times the part of its
 * box in the other objectives that no point before it dominates. That part is
 * `undominated` of the box: the points before, limited to its corner, become a
 * smaller problem of one objective less. Three things shrink it further. A point
 * that exceeds the corner in one objective only cuts the box. An objective in which
 * no point exceeds the corner is a factor. And groups of points that exceed it in
 * disjoint sets of objectives are independent, so that their parts multiply. Sets of
 * five objectives end it: zones.c. */
#include "pareto/wfg.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    MANY = 12, /* rows of four objectives, of which no groups are sought */
    FEW = 8    /* rows of five, fewer of which are done before they are ranked */
};

int wfg_new(struct wfg *wfg, size_t capacity, size_t objectives, struct error *error) {
    memset(wfg, 0, sizeof *wfg);
    size_t zoned = capacity < ZONES_POINTS ? capacity : ZONES_POINTS;
    if (sweep_room_new(&wfg->room, capacity) ||
        zones_new(&wfg->zones, zoned, ZONES_MOST))
        return error_memory(error);
    /* Each depth has an objective less; sets of four are swept. */
    do {
        struct wfg_level *level = &wfg->levels[wfg->depths];
        size_t cells;
        if (!size_multiply(capacity, objectives - wfg->depths++, &cells))
            return error_memory(error);
        level->limited = array_new(cells, sizeof(double));
        level->rows = array_new(cells, sizeof(double));
        level->sorted = array_new(cells, sizeof(double));
        level->masks = array_new(capacity, sizeof *level->masks);
        level->items = array_new(capacity, sizeof *level->items);
        level->scratch = array_new(capacity, sizeof *level->scratch);
        if (!level->limited || !level->rows || !level->sorted || !level->masks ||
            !level->items || !level->scratch)
            return error_memory(error);
    } while (wfg->depths + 4 <= objectives);
    return 0;
}

void wfg_free(struct wfg *wfg) {
    for (size_t i = 0; i < wfg->depths; i++) {
        free(wfg->levels[i].limited);
        free(wfg->levels[i].rows);
        free(wfg->levels[i].sorted);
        free(wfg->levels[i].masks);
        free(wfg->levels[i].items);
        free(wfg->levels[i].scratch);
    }
    zones_free(&wfg->zones);
    sweep_room_free(&wfg->room);
}

static double box_volume(const double *low, const double *high, size_t dims) {
    double volume = 1;
    for (size_t i = 0; i < dims; i++)
        volume *= high[i] - low[i];
    return volume;
}

static bool weakly_dominates(const double *a, const double *b, size_t dims) {
    for (size_t i = 0; i < dims; i++)
        if (a[i] > b[i])
            return false;
    return true;
}

/* rows [kept, dims] are in the order of the last objective but one. p takes its place
 * among them, and those that it dominates in all but the last go, which lie behind it
 * or are equal in that one. Returns how many there are then; there is room for one
 * more.
 */
static size_t insert(double *rows, size_t kept, size_t dims, const double *p) {
    size_t at = 0, left = kept;
    while (left > 0) {
        size_t half = left / 2;
        bool less = rows[(at + half) * dims + dims - 2] < p[dims - 2];
        at = less ? at + half + 1 : at;
        left = less ? left - half - 1 : half;
    }
    size_t out = at;
    for (size_t i = at; i < kept; i++) {
        const double *q = rows + i * dims;
        if (weakly_dominates(p, q, dims - 1))
            continue;
        if (out != i)
            memcpy(rows + out * dims, q, dims * sizeof *q);
        out++;
    }
    memmove(rows + (at + 1) * dims, rows + at * dims, (out - at) * dims * sizeof *rows);
    memcpy(rows + at * dims, p, dims * sizeof *p);
    return out + 1;
}

double wfg_dominated(struct wfg *wfg, size_t depth, size_t count, size_t dims,
                     const double *high) {
    struct wfg_level *level = &wfg->levels[depth];
    double *rows = level->rows, volume = 0;
    /* What is inside another set is not told of. */
    const struct work quiet = {.stop = wfg->work ? wfg->work->stop : NULL};
    if (dims <= 5 && count >= FEW && count <= ZONES_POINTS &&
        zones_volume(&wfg->zones, rows, count, dims, high,
                     depth == 0 ? wfg->work : &quiet, &volume))
        return volume;
    if (wfg->zones.refused)
        return NAN;
    if (dims == 4)
        return sweep_hypervolume4(rows, count, high, &wfg->room);
    for (size_t i = 0; i < count; i++)
        level->items[i] = (struct order_item){rows[i * dims + dims - 1], i};
    order_sort(level->items, level->scratch, count);
    /* In the order of the objective that is swept next, which limits keep. */
    double *sorted = level->sorted;
    size_t kept = 0;
    for (size_t i = 0; i < count && !work_stopped(wfg->work) && !wfg->zones.refused;
         i++) {
        const double *p = rows + level->items[i].index * dims;
        if (depth == 0)
            work_report(wfg->work, "hypervolume", i, count);
        double alone =
            wfg_undominated(wfg, depth + 1, sorted, kept, dims, dims - 1, p, high);
        if (alone <= 0)
            continue;
        volume += alone * (high[dims - 1] - p[dims - 1]);
        kept = insert(sorted, kept, dims, p);
    }
    return volume;
}

/* rows [kept + 1, dims]: the last one joins the others unless one of them dominates
 * it; those that it dominates go. Returns how many there are then. */
static size_t thin(double *rows, size_t kept, size_t dims) {
    const double *row = rows + kept * dims;
    for (size_t i = 0; i < kept; i++)
        if (weakly_dominates(rows + i * dims, row, dims))
            return kept;
    size_t out = 0;
    for (size_t i = 0; i <= kept; i++) {
        if (i < kept && weakly_dominates(row, rows + i * dims, dims))
            continue;
        if (out != i)
            memcpy(rows + out * dims, rows + i * dims, dims * sizeof *rows);
        out++;
    }
    return out;
}

/* One group: limited rows of which mask names the objectives; dims of them, >= 2. */
static double undominated_group(struct wfg *wfg, size_t depth, size_t count,
                                size_t stride, uint64_t mask, const double *low,
                                const double *high) {
    struct wfg_level *level = &wfg->levels[depth];
    size_t dims = 0, column[WFG_OBJECTIVES];
    double floor[WFG_OBJECTIVES], roof[WFG_OBJECTIVES];
    for (uint64_t rest = mask; rest; rest &= rest - 1) {
        column[dims] = (size_t)__builtin_ctzll(rest);
        floor[dims] = low[column[dims]];
        roof[dims] = high[column[dims]];
        dims++;
    }
    double *rows = level->rows;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(level->masks[i] & mask))
            continue;
        double *row = rows + kept * dims;
        for (size_t j = 0; j < dims; j++)
            row[j] = level->limited[i * stride + column[j]];
        /* The sweeps pass over dominated points faster than they are found here. */
        kept = dims <= 5 ? kept + 1 : thin(rows, kept, dims);
    }
    double box = box_volume(floor, roof, dims);
    if (kept == 1)
        return box - box_volume(rows, roof, dims);
    if (kept == 2) {
        double both = 1;
        for (size_t j = 0; j < dims; j++)
            both *= roof[j] - fmax(rows[j], rows[dims + j]);
        return box - box_volume(rows, roof, dims) -
               box_volume(rows + dims, roof, dims) + both;
    }
    if (dims == 2)
        return box - sweep_area(rows, kept, roof, level->items, level->scratch);
    if (dims == 3) {
        sweep_sort(wfg->room.by_x, rows, kept, 0, &wfg->room);
        sweep_sort(wfg->room.by_z, rows, kept, 2, &wfg->room);
        return sweep_undominated(wfg->room.by_x, wfg->room.by_z, kept,
                                 (struct sweep_point){floor[0], floor[1], floor[2]},
                                 (struct sweep_point){roof[0], roof[1], roof[2]},
                                 wfg->room.stair);
    }
    if (dims == 4)
        return box - sweep_hypervolume4(rows, kept, roof, &wfg->room);
    return box - wfg_dominated(wfg, depth, kept, dims, roof);
}

/* to [dims] is the row limited to the corner `low`. Returns the objectives in which it
 * exceeds it; outside: it lies beyond the roof in one. Without a branch. */
static inline uint64_t limit(double *to, const double *row, const double *low,
                             const double *roof, size_t dims, bool *outside) {
    uint64_t mask = 0;
    bool beyond = false;
    for (size_t j = 0; j < dims; j++) {
        bool above = row[j] > low[j];
        beyond |= row[j] >= roof[j];
        mask |= (uint64_t)above << j;
        to[j] = above ? row[j] : low[j];
    }
    *outside = beyond;
    return mask;
}

typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef int64_t pair_bits __attribute__((vector_size(16)));

static inline unsigned signs_of(pair_bits bits) {
#ifdef __SSE2__
    return (unsigned)__builtin_ia32_movmskpd((pair)bits);
#else
    return (unsigned)(bits[0] & 1) | (unsigned)(bits[1] & 2);
#endif
}

/* The same for four objectives, of which sets of five make very many. */
static inline uint64_t limit_four(double *to, const double *row, const double *low,
                                  const double *roof, bool *outside) {
    uint64_t mask = 0;
    pair_bits beyond = {0, 0};
#pragma GCC unroll 2
    for (size_t j = 0; j < 4; j += 2) {
        pair x = *(const pair *)(row + j), corner = *(const pair *)(low + j);
        pair_bits above = x > corner;
        beyond |= (pair_bits)(x >= *(const pair *)(roof + j));
        mask |= (uint64_t)signs_of(above) << j;
        *(pair *)(to + j) =
            (pair)(((pair_bits)x & above) | ((pair_bits)corner & ~above));
    }
    *outside = signs_of(beyond) != 0;
    return mask;
}

/* The rows that are left after cuts of the roof, and the union of their masks where
 * they meet: group [dims]. Returns how many groups. */
static size_t group_rows(struct wfg_level *level, size_t *count, size_t dims,
                         const double *roof, uint64_t *group) {
    size_t groups = 0, kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const double *row = level->limited + i * dims;
        bool outside = false;
        for (size_t j = 0; j < dims; j++)
            outside |= row[j] >= roof[j];
        if (outside)
            continue;
        uint64_t mask = level->masks[i];
        if (kept != i)
            memcpy(level->limited + kept * dims, row, dims * sizeof *row);
        level->masks[kept++] = mask;
        size_t out = 0;
        for (size_t j = 0; j < groups; j++) {
            if (group[j] & mask)
                mask |= group[j];
            else
                group[out++] = group[j];
        }
        group[out] = mask;
        groups = out + 1;
    }
    *count = kept;
    return groups;
}

double wfg_undominated(struct wfg *wfg, size_t depth, const double *rows, size_t count,
                       size_t stride, size_t dims, const double *low,
                       const double *high) {
    struct wfg_level *level = &wfg->levels[depth];
    const uint64_t all = dims < 64 ? ((uint64_t)1 << dims) - 1 : UINT64_MAX;
    double roof[WFG_OBJECTIVES];
    memcpy(roof, high, dims * sizeof *roof);
    size_t kept = 0;
    bool cut = false, whole = false;
    for (size_t i = 0; i < count; i++) {
        const double *row = rows + i * stride;
        double *to = level->limited + kept * dims;
        bool outside;
        uint64_t mask = dims == 4 ? limit_four(to, row, low, roof, &outside)
                                  : limit(to, row, low, roof, dims, &outside);
        if (outside)
            continue;
        if (!mask)
            return 0;
        if (!(mask & (mask - 1))) {
            size_t j = (size_t)__builtin_ctzll(mask);
            roof[j] = row[j];
            cut = true;
            continue;
        }
        whole |= mask == all;
        level->masks[kept++] = mask;
    }
    uint64_t group[WFG_OBJECTIVES] = {all}, used = all;
    size_t groups = 1;
    /* One row may join all objectives, and many do together. The sweep passes over
     * those that cuts have put outside. */
    if (dims == 4 && (whole || kept > MANY))
        return box_volume(low, roof, 4) -
               sweep_hypervolume4(level->limited, kept, roof, &wfg->room);
    if (cut || !whole) {
        groups = group_rows(level, &kept, dims, roof, group);
        used = 0;
        for (size_t j = 0; j < groups; j++)
            used |= group[j];
    }
    double volume = 1;
    for (size_t j = 0; j < dims; j++)
        if (!(used >> j & 1))
            volume *= roof[j] - low[j];
    for (size_t j = 0; j < groups && volume > 0; j++)
        volume *= undominated_group(wfg, depth, kept, dims, group[j], low, roof);
    return volume;
}
