#include "state/range.h"

#include <math.h>
#include <stddef.h>

struct range range_empty(void) {
    return (struct range){INFINITY, -INFINITY};
}

void range_add(struct range *range, double value) {
    if (!isfinite(value))
        return;
    if (value < range->low)
        range->low = value;
    if (value > range->high)
        range->high = value;
}

struct range range_widen(struct range range, double least, double margin) {
    if (range.low > range.high)
        range = (struct range){0, least};
    double width = fmax(range.high - range.low, least);
    double middle = (range.low + range.high) / 2;
    return (struct range){middle - width * (0.5 + margin),
                          middle + width * (0.5 + margin)};
}

double range_step(struct range range, int most) {
    double width = range.high - range.low;
    if (!(width > 0) || most < 1)
        return 1;
    double step = pow(10, floor(log10(width / most)));
    static const double rounds[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 4; i++)
        if (width / (step * rounds[i]) <= most)
            return step * rounds[i];
    return step * 20;
}
