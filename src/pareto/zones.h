/* Hypervolumes of four and five objectives by the zones that no point dominates: the
 * base of the recursion in wfg.c. Minimised; internal to src/pareto. */
#ifndef PWEMOE_PARETO_ZONES_H
#define PWEMOE_PARETO_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/work.h"
#include "pareto/order.h"

enum {
    ZONES_POINTS = 32765, /* ranks of so many and of two bounds are 15 bits */
    ZONES_MOST = 1 << 24  /* zones, 28 bytes each, before another way is taken */
};

/* What is kept from one set of points to the next. */
struct zones {
    size_t points, room, most; /* of points and of zones there is room for; ever */
    uint64_t *corners, *makers;
    double *since;
    uint32_t *open, *kept;
    uint64_t *rows;
    double *values;
    struct order_item *items, *scratch;
    bool refused; /* memory, to one of the calls so far */
};

/* Room for sets of `points` points, of which there are no more than ZONES_POINTS, with
 * at most `most` zones at once. 0, or -1 when memory is out; zones_free is due in both
 * cases. */
int zones_new(struct zones *zones, size_t points, size_t most);
void zones_free(struct zones *zones);

/* Dominated volume below high of points [count, dims], 4 or 5 dims, all strictly below
 * high: time and memory are those of the zones, which are a few for each point of the
 * usual fronts and grow with their square at worst. false, and *volume untouched, where
 * there would be more of them than `most`, or where memory is out, which zones->refused
 * then tells. Meaningless where work (or NULL) was stopped. */
bool zones_volume(struct zones *zones, const double *points, size_t count, size_t dims,
                  const double *high, const struct work *work, double *volume);

#endif
