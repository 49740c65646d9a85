/* Volumes in two, three and four dimensions by sweeping a plane over points sorted
 * by one coordinate: the bases of the recursion in hypervolume.c. Minimised;
 * internal to src/pareto.
 *
 * "Points below reference" means: strictly, in every coordinate. */
#ifndef PWEMOE_PARETO_SWEEP_H
#define PWEMOE_PARETO_SWEEP_H

#include <stddef.h>

#include "base/work.h"
#include "pareto/order.h"

/* Dominated area of count points [count, 2] below reference, O(n log n). items
 * and scratch hold count entries each. */
double sweep_area(const double *points, size_t count, const double *reference,
                  struct order_item *items, struct order_item *scratch);

/* Dominated volume of points [count, 3] below reference, O(n log n) (Beume et al.
 * 2009). 0, or -1 when memory is out. */
int sweep_volume(const double *points, size_t count, const double *reference,
                 double *volume);

struct sweep_point {
    double x, y, z;
};
struct sweep_step {
    double x, y;
};

/* The part of the box [low, high] that none of the points dominates, given sorted
 * by x and sorted by z. stair has room for count + 2 steps. Linear in the points,
 * and in the staircase for each that lies above low.z and reaches into the box. */
double sweep_undominated(const struct sweep_point *by_x, const struct sweep_point *by_z,
                         size_t count, struct sweep_point low, struct sweep_point high,
                         struct sweep_step *stair);

/* Buffers for sweeps over at most `most` points. */
struct sweep_room {
    struct sweep_point *by_x, *by_z;    /* one more than points */
    struct sweep_step *stair;           /* two more */
    struct order_item *items, *scratch; /* as many */
    const struct work *work;            /* NULL, or what may stop sweeps of four */
};

/* 0, or -1 when memory is out; sweep_room_free is due in both cases. */
int sweep_room_new(struct sweep_room *room, size_t capacity);
void sweep_room_free(struct sweep_room *room);

/* rows [count, 3] sorted by a column into `to`; room->items then tells which is
 * which.*/
void sweep_sort(struct sweep_point *to, const double *rows, size_t count, size_t column,
                struct sweep_room *room);

/* Dominated volume of the rows [count, 4] that are below high: the fourth coordinate is
 * swept and each point adds what only it dominates in the other three (the scheme of
 * Guerreiro & Fonseca's HV4D+, 2018). O(n^2) where the staircases are short.
 * Meaningless where it was stopped. */
double sweep_hypervolume4(const double *points, size_t count, const double *high,
                          struct sweep_room *room);

#endif
