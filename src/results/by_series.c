#include "results/by_series.h"

#include <stdlib.h>

#include "base/memory.h"

int by_series_make(struct by_series *by, const struct catalog *catalog,
                   const bool *take, struct error *error) {
    by->rows = array_new(catalog->count, sizeof *by->rows);
    by->begins = array_new(catalog->series_count + 2, sizeof *by->begins);
    if (!by->rows || !by->begins) {
        by_series_clear(by);
        return error_memory(error);
    }
    /* Counted two places further on, filled in from one further on: then each begin
     * stands at its own. */
    for (size_t i = 0; i < catalog->count; i++)
        if (!take || take[i])
            by->begins[catalog->solutions[i].series + 2]++;
    for (size_t s = 2; s < catalog->series_count + 2; s++)
        by->begins[s] += by->begins[s - 1];
    for (size_t i = 0; i < catalog->count; i++)
        if (!take || take[i])
            by->rows[by->begins[catalog->solutions[i].series + 1]++] = i;
    return 0;
}

void by_series_clear(struct by_series *by) {
    free(by->rows);
    free(by->begins);
    by->rows = by->begins = NULL;
}
