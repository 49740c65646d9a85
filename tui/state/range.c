#include "state/range.h"

#include <math.h>

#include "results/ticks.h"

struct range range_empty(void) {
    return (struct range){INFINITY, -INFINITY};
}

void range_add(struct range *range, double value) {
    if (!isfinite(value))
        return;
    value = ticks_clamp(value);
    if (value < range->low)
        range->low = value;
    if (value > range->high)
        range->high = value;
}

struct range range_widen(struct range range, double least, double margin) {
    if (range.low > range.high)
        range = (struct range){0, least};
    /* As wide as numbers of this size can be told apart, and more. */
    double told = 1e-12 * fmax(fabs(range.low), fabs(range.high));
    double width = fmax(range.high - range.low, fmax(least, told));
    double middle = (range.low + range.high) / 2;
    return (struct range){middle - width * (0.5 + margin),
                          middle + width * (0.5 + margin)};
}
