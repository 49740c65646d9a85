/* Times of repeated runs, and what is said of them. */
#ifndef PWEMOE_BENCH_TIMING_H
#define PWEMOE_BENCH_TIMING_H

#include <stddef.h>

struct timing {
    double median, least; /* seconds */
    /* Between the quartiles, as a part of the median. */
    double spread;
    size_t repeats;
};

/* times [count] is sorted; count at least 1. */
struct timing timing_of(double *times, size_t count);

#endif
