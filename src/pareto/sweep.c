#include "pareto/sweep.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

double sweep_area(const double *points, size_t count, const double *reference,
                  struct order_item *items, struct order_item *scratch) {
    for (size_t i = 0; i < count; i++)
        items[i] = (struct order_item){points[2 * i], i};
    order_sort(items, scratch, count);
    double area = 0, floor = reference[1];
    for (size_t i = 0; i < count; i++) {
        double y = points[2 * items[i].index + 1];
        if (y < floor) {
            area += (reference[0] - items[i].key) * (floor - y);
            floor = y;
        }
    }
    return area;
}

int sweep_volume(const double *points, size_t count, const double *reference,
                 double *volume) {
    *volume = 0;
    if (count == 0)
        return 0;
    int result = -1;
    struct order_item *by_z = calloc(count, sizeof *by_z);
    struct order_item *by_x = calloc(count, sizeof *by_x);
    struct order_item *scratch = calloc(count, sizeof *scratch);
    size_t *rank = calloc(count, sizeof *rank);
    struct sweep_step *step = calloc(count, sizeof *step);
    struct rank_set stair = {0};
    if (!by_z || !by_x || !scratch || !rank || !step || rank_set_new(&stair, count))
        goto out;
    for (size_t i = 0; i < count; i++) {
        by_x[i] = (struct order_item){points[3 * i], i};
        by_z[i] = (struct order_item){points[3 * i + 2], i};
    }
    order_sort(by_x, scratch, count);
    order_sort(by_z, scratch, count);
    for (size_t i = 0; i < count; i++)
        rank[by_x[i].index] = i;

    /* The staircase of the points so far, seen along z, is a set of ranks by x.
     * Each point adds the area that it is first to dominate, from its z on. */
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double *p = points + 3 * by_z[i].index;
        size_t here = rank[by_z[i].index];
        size_t left = rank_set_below(&stair, here);
        double roof = left == RANK_NONE ? reference[1] : step[left].y;
        if (roof <= p[1])
            continue;
        double area = 0, x = p[0];
        size_t right = rank_set_above(&stair, here);
        while (right != RANK_NONE && step[right].y >= p[1]) {
            area += (step[right].x - x) * (roof - p[1]);
            x = step[right].x;
            roof = step[right].y;
            rank_set_remove(&stair, right);
            right = rank_set_above(&stair, right);
        }
        double end = right == RANK_NONE ? reference[0] : step[right].x;
        area += (end - x) * (roof - p[1]);
        rank_set_add(&stair, here);
        step[here] = (struct sweep_step){p[0], p[1]};
        sum += area * (reference[2] - p[2]);
    }
    *volume = sum;
    result = 0;
out:
    rank_set_free(&stair);
    free(step);
    free(rank);
    free(scratch);
    free(by_x);
    free(by_z);
    return result;
}

/* How many of the points sorted by x have a lesser x; by z, a lesser z. */
static size_t below_x(const struct sweep_point *by_x, size_t count, double x) {
    size_t at = 0;
    while (count > 0) {
        size_t half = count / 2;
        bool less = by_x[at + half].x < x;
        at = less ? at + half + 1 : at;
        count = less ? count - half - 1 : half;
    }
    return at;
}

static size_t below_z(const struct sweep_point *by_z, size_t count, double z) {
    size_t at = 0;
    while (count > 0) {
        size_t half = count / 2;
        bool less = by_z[at + half].z < z;
        at = less ? at + half + 1 : at;
        count = less ? count - half - 1 : half;
    }
    return at;
}

/* Puts (x, y) into the staircase of *steps steps, x rising and y falling, whose ends
 * are the corner of the box at low x and that at low y. Returns the area between
 * the old staircase and the new one. */
static double stair_insert(struct sweep_step *stair, size_t *steps, double x,
                           double y) {
    size_t from = 0;
    while (stair[from].x < x)
        from++;
    if (from > 0 && stair[from - 1].y <= y)
        return 0;
    /* A step at the same x: below, it hides the point; above, it goes. Only the
     * first step can have no left neighbour, and it lies above. */
    if (stair[from].x == x && stair[from].y <= y)
        return 0;
    double roof = stair[from > 0 ? from - 1 : 0].y, area = 0, left = x;
    size_t to = from;
    for (; to < *steps && stair[to].y >= y; to++) {
        area += (stair[to].x - left) * (roof - y);
        left = stair[to].x;
        roof = stair[to].y;
    }
    if (to < *steps)
        area += (stair[to].x - left) * (roof - y);
    if (to != from + 1) {
        memmove(stair + from + 1, stair + to, (*steps - to) * sizeof *stair);
        *steps = *steps + from + 1 - to;
    }
    stair[from] = (struct sweep_step){x, y};
    return area;
}

/* Steps of the points that are at or below the plane z = low.z, seen along z. Sorted by
 * x, each takes its place at the end. Returns how many steps there are; 0 where the
 * corner itself is dominated. */
static size_t stair_at_corner(const struct sweep_point *by_x, size_t count,
                              struct sweep_point low, struct sweep_point high,
                              struct sweep_step *stair) {
    double floor = high.y;
    size_t i = 0, steps = 1;
    for (; i < count && by_x[i].x <= low.x; i++)
        if (by_x[i].z <= low.z && by_x[i].y < floor)
            floor = by_x[i].y;
    if (floor <= low.y)
        return 0;
    stair[0] = (struct sweep_step){low.x, floor};
    for (; i < count && by_x[i].x < high.x; i++) {
        if ((by_x[i].y >= floor) | (by_x[i].z > low.z))
            continue;
        if (by_x[i].y <= low.y) {
            high.x = by_x[i].x;
            break;
        }
        floor = by_x[i].y;
        stair[steps++] = (struct sweep_step){by_x[i].x, floor};
    }
    stair[steps++] = (struct sweep_step){high.x, low.y};
    return steps;
}

double sweep_undominated(const struct sweep_point *by_x, const struct sweep_point *by_z,
                         size_t count, struct sweep_point low, struct sweep_point high,
                         struct sweep_step *stair) {
    size_t steps = stair_at_corner(by_x, count, low, high, stair);
    if (steps == 0)
        return 0;
    double area = 0, volume = 0, z = low.z;
    for (size_t i = 1; i < steps; i++)
        area += (stair[i].x - stair[i - 1].x) * (stair[i - 1].y - low.y);
    double right = stair[steps - 1].x, top = stair[0].y;
    for (size_t i = below_z(by_z, count, low.z); i < count && by_z[i].z < high.z; i++) {
        double x = by_z[i].x, y = by_z[i].y;
        if ((x >= right) | (y >= top) | (by_z[i].z <= low.z))
            continue;
        volume += area * (by_z[i].z - z);
        z = by_z[i].z;
        if (x <= low.x) {
            if (y <= low.y)
                return volume;
            x = low.x;
            top = y;
        } else if (y <= low.y) {
            y = low.y;
            right = x;
        }
        area -= stair_insert(stair, &steps, x, y);
    }
    return volume + area * (high.z - z);
}

/* The first of points[at .. count) that p dominates, or count. */
static size_t first_hidden(const struct sweep_point *points, size_t at, size_t count,
                           struct sweep_point p) {
    while (at < count &&
           !((points[at].x >= p.x) & (points[at].y >= p.y) & (points[at].z >= p.z)))
        at++;
    return at;
}

/* Puts p in front of points[at] and drops what it dominates from there on: the first
 * such point's place is filled by moving those before it, and only a second one
 * makes the rest move. Returns the new count. */
static size_t list_insert(struct sweep_point *points, size_t count, size_t at,
                          struct sweep_point p) {
    size_t hidden = first_hidden(points, at, count, p);
    memmove(points + at + 1, points + at, (hidden - at) * sizeof *points);
    points[at] = p;
    if (hidden == count)
        return count + 1;
    size_t out = hidden + 1, from = hidden + 1;
    while (from < count) {
        size_t next = first_hidden(points, from, count, p);
        if (out != from)
            memmove(points + out, points + from, (next - from) * sizeof *points);
        out += next - from;
        from = next + 1;
    }
    return out;
}

int sweep_room_new(struct sweep_room *room, size_t capacity) {
    room->work = NULL;
    room->by_x = array_new(capacity + 1, sizeof *room->by_x);
    room->by_z = array_new(capacity + 1, sizeof *room->by_z);
    room->stair = array_new(capacity + 2, sizeof *room->stair);
    room->items = array_new(capacity, sizeof *room->items);
    room->scratch = array_new(capacity, sizeof *room->scratch);
    return room->by_x && room->by_z && room->stair && room->items && room->scratch ? 0
                                                                                   : -1;
}

void sweep_room_free(struct sweep_room *room) {
    free(room->by_x);
    free(room->by_z);
    free(room->stair);
    free(room->items);
    free(room->scratch);
}

void sweep_sort(struct sweep_point *to, const double *rows, size_t count, size_t column,
                struct sweep_room *room) {
    for (size_t i = 0; i < count; i++)
        room->items[i] = (struct order_item){rows[3 * i + column], i};
    order_sort(room->items, room->scratch, count);
    for (size_t i = 0; i < count; i++) {
        const double *row = rows + 3 * room->items[i].index;
        to[i] = (struct sweep_point){row[0], row[1], row[2]};
    }
}

double sweep_hypervolume4(const double *points, size_t count, const double *high,
                          struct sweep_room *room) {
    struct order_item *items = room->items;
    bool in_order = true;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct order_item){points[4 * i + 3], i};
        in_order &= i == 0 || items[i - 1].key <= items[i].key;
    }
    if (!in_order)
        order_sort(items, room->scratch, count);
    struct sweep_point reference = {high[0], high[1], high[2]};
    size_t kept = 0;
    double volume = 0;
    for (size_t i = 0; i < count && !work_stopped(room->work); i++) {
        const double *row = points + 4 * items[i].index;
        struct sweep_point p = {row[0], row[1], row[2]};
        if ((row[0] >= high[0]) | (row[1] >= high[1]) | (row[2] >= high[2]) |
            (row[3] >= high[3]))
            continue;
        double alone =
            sweep_undominated(room->by_x, room->by_z, kept, p, reference, room->stair);
        if (alone <= 0)
            continue;
        volume += alone * (high[3] - row[3]);
        /* Those at the same place that p dominates lie behind it or are equal in
         * that coordinate, hence the places below the first of equals. */
        list_insert(room->by_x, kept, below_x(room->by_x, kept, p.x), p);
        kept = list_insert(room->by_z, kept, below_z(room->by_z, kept, p.z), p);
    }
    return volume;
}
