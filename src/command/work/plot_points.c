/* Solutions as points: for scatter, parallel and ternary charts. */
#include <stdlib.h>

#include "base/memory.h"
#include "command/work/plot_data.h"
#include "results/front.h"

/* Those of take that another merged model among them dominates. */
static int find_dominated(const struct catalog *catalog, const bool *take,
                          bool *dominated, struct error *error) {
    struct oriented points;
    bool *merged = array_new(catalog->count, sizeof *merged);
    if (!merged)
        return error_memory(error);
    for (size_t i = 0; i < catalog->count; i++)
        dominated[i] = merged[i] = take[i] && catalog_series(catalog, i)->merged;
    int result = front_points(catalog, merged, NULL, 0, &points, error);
    free(merged);
    if (result == 0) {
        result = oriented_keep(&points, false, error);
        for (size_t i = 0; i < points.count; i++)
            dominated[points.rows[i]] = false;
        oriented_clear(&points);
    }
    return result;
}

int points_make(const struct catalog *catalog, const bool *wanted,
                struct plot_points *points, struct error *error) {
    bool *take = array_new(catalog->count, sizeof *take), any = false;
    bool *dominated = array_new(catalog->count, sizeof *dominated);
    int result = take && dominated ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < catalog->count; i++) {
        take[i] = (!wanted || wanted[i]) && store_state_settled(catalog->rows[i].state);
        any = any || take[i];
    }
    if (result == 0 && !any)
        result = error_set(error, "there is no solution with complete figures to draw");
    if (result == 0)
        result = find_dominated(catalog, take, dominated, error);
    if (result == 0)
        result = plot_solutions(points, catalog, take, dominated, error);
    free(take);
    free(dominated);
    return result;
}

int shares_make(const struct catalog *catalog, const bool *wanted, int64_t routers,
                size_t task, struct plot_shares *shares, struct error *error) {
    if (plot_shares_begin(shares, catalog, task, catalog->count, error))
        return -1;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct store_row *row = &catalog->rows[i];
        if ((!wanted || wanted[i]) && catalog_answerer(&row->solution) == routers &&
            store_state_settled(row->state))
            plot_shares_add(shares, row->solution.preference, catalog->values + 3 * i,
                            task);
    }
    if (shares->count)
        return 0;
    plot_shares_clear(shares);
    return error_set(error, "these routers have no measured points; run `pwemoe front` "
                            "first");
}
