#include "timing.h"

#include <stdlib.h>

static int by_size(const void *x, const void *y) {
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

struct timing timing_of(double *times, size_t count) {
    qsort(times, count, sizeof *times, by_size);
    double median = (times[(count - 1) / 2] + times[count / 2]) / 2;
    double between = times[count - 1 - count / 4] - times[count / 4];
    return (struct timing){.median = median,
                           .least = times[0],
                           .spread = median > 0 ? between / median : 0,
                           .repeats = count};
}
