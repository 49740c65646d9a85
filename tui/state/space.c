#include "state/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/pareto.h"

static const double full_turn = 6.283185307179586;

void space_begin(struct explorer *explorer) {
    for (size_t i = 0; i < 3; i++)
        explorer->triple[i] = i < explorer->tasks ? i : 0;
    explorer->turn = 0.6;
    explorer->tilt = 0.45;
    enum space wanted = explorer->space;
    explorer->space = SPACE_PAIRS;
    if (!space_use(explorer, wanted))
        explorer_say(explorer, false, "too few objectives for that view");
}

bool space_use(struct explorer *explorer, enum space space) {
    if (explorer->tasks < (space == SPACE_SOLID ? 3 : space == SPACE_PARALLEL ? 2 : 1))
        return false;
    explorer->space = space;
    explorer->wish.one_space = space != SPACE_PAIRS;
    return true;
}

void space_turn(struct explorer *explorer, double turn, double tilt) {
    explorer->turn = remainder(explorer->turn + turn, full_turn);
    /* From the side to straight from above: below the ground is nothing to see. */
    explorer->tilt = fmin(full_turn / 4, fmax(0, explorer->tilt + tilt));
}

bool space_has(const struct explorer *explorer, size_t objective) {
    return explorer->triple[0] == objective || explorer->triple[1] == objective ||
           explorer->triple[2] == objective;
}

void space_choose(struct explorer *explorer, size_t objective) {
    if (space_has(explorer, objective) || objective >= explorer->tasks)
        return;
    explorer->triple[0] = explorer->triple[1];
    explorer->triple[1] = explorer->triple[2];
    explorer->triple[2] = objective;
}

bool space_is_ours(const struct catalog *catalog, size_t row) {
    return catalog->series[catalog->solutions[row].series].routers;
}

bool space_range(const struct explorer *explorer, size_t objective,
                 struct range *range) {
    const struct catalog *catalog = explorer->catalog;
    struct range core = range_empty();
    for (size_t i = 0; i < catalog->count; i++)
        if (space_is_ours(catalog, i) &&
            explorer_series_visible(explorer, catalog->solutions[i].series))
            range_add(&core, catalog_value(catalog, i, objective));
    struct figure figure;
    if (explorer_figure(explorer, objective, &figure)) {
        range_add(&core, figure.value);
        if (!figure.estimated && figure.examples >= 30) {
            range_add(&core, figure.low);
            range_add(&core, figure.high);
        }
    }
    bool any = core.low <= core.high;
    double reach = any ? fmax(0.35 * (core.high - core.low), 3) : INFINITY;
    struct range all = core;
    for (size_t i = 0; i < catalog->count; i++) {
        double value = catalog_value(catalog, i, objective);
        if (explorer_series_visible(explorer, catalog->solutions[i].series) &&
            (!any || (value > core.low - reach && value < core.high + reach)))
            range_add(&all, value);
    }
    *range = range_widen(all, 0.5, 0.06);
    return all.low <= all.high;
}

/* Fills cache->front from the rows that may be on it. */
static int find_front(struct explorer *explorer, struct triple_cache *cache) {
    const struct catalog *catalog = explorer->catalog;
    size_t count = 0;
    double *points = array_new(catalog->count, 3 * sizeof *points);
    size_t *rows = array_new(catalog->count, sizeof *rows);
    bool *keep = array_new(catalog->count, sizeof *keep);
    struct error error;
    int result = points && rows && keep ? 0 : -1;
    for (size_t i = 0; result == 0 && i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        cache->front[i] = false;
        if (!solution->whole || solution->stale || !space_is_ours(catalog, i) ||
            !explorer_series_visible(explorer, solution->series))
            continue;
        for (size_t k = 0; k < 3; k++) {
            size_t t = explorer->triple[k];
            double value = catalog_value(catalog, i, t);
            points[3 * count + k] =
                catalog->recipe->tasks[t].objective.maximise ? -value : value;
        }
        rows[count++] = i;
    }
    if (result == 0 && count)
        result = pareto_filter(points, count, 3, false, keep, &error) < 0 ? -1 : 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        cache->front[rows[i]] = keep[i];
    free(points);
    free(rows);
    free(keep);
    return result;
}

const bool *space_front(struct explorer *explorer) {
    struct triple_cache *cache = &explorer->triple_front;
    const struct catalog *catalog = explorer->catalog;
    if (cache->front && cache->catalog == catalog->serial &&
        cache->hidden == explorer->hidden_serial &&
        !memcmp(cache->triple, explorer->triple, sizeof cache->triple))
        return cache->front;
    if (array_reserve((void **)&cache->front, &cache->capacity, catalog->count + 1,
                      sizeof *cache->front) ||
        find_front(explorer, cache)) {
        cache->catalog = 0;
        return NULL;
    }
    cache->catalog = catalog->serial;
    cache->hidden = explorer->hidden_serial;
    memcpy(cache->triple, explorer->triple, sizeof cache->triple);
    return cache->front;
}
