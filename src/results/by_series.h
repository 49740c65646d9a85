/* Rows of a catalog by their series, so that each series is gone through by itself
 * without looking at all the others' rows. */
#ifndef PWEMOE_RESULTS_BY_SERIES_H
#define PWEMOE_RESULTS_BY_SERIES_H

#include "results/catalog.h"

struct by_series {
    size_t *rows;   /* one series after the other, each in the catalog's order */
    size_t *begins; /* [series_count + 1]: where in rows each begins */
};

/* The rows that take [count] marks (NULL: all). */
int by_series_make(struct by_series *by, const struct catalog *catalog,
                   const bool *take, struct error *error);
void by_series_clear(struct by_series *by);

#endif
