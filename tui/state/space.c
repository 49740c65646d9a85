#include "state/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/front.h"
#include "results/ticks.h"

static const double full_turn = 6.283185307179586;

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
    return catalog_series(catalog, row)->answers;
}

bool space_has_mean(const struct explorer *explorer) {
    return explorer->tasks > 1 && store_recipe_averages(explorer->catalog->recipe);
}

double space_value(const struct catalog *catalog, size_t row, size_t objective) {
    double sum = 0;
    if (objective < catalog->tasks)
        return catalog_value(catalog, row, objective);
    for (size_t t = 0; t < catalog->tasks; t++)
        sum += catalog_value(catalog, row, t);
    return sum / (double)catalog->tasks;
}

bool space_figure(const struct explorer *explorer, size_t objective,
                  struct figure *figure) {
    double below = 0, above = 0, count = (double)explorer->tasks;
    struct figure mean = {.complete = true, .examples = UINT64_MAX};
    if (objective < explorer->tasks)
        return explorer_figure(explorer, objective, figure);
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure one;
        if (!explorer_figure(explorer, t, &one))
            return false;
        mean.value += one.value / count;
        below += (one.value - one.low) * (one.value - one.low);
        above += (one.high - one.value) * (one.high - one.value);
        mean.estimated = mean.estimated || one.estimated;
        mean.complete = mean.complete && one.complete;
        mean.examples = one.examples < mean.examples ? one.examples : mean.examples;
    }
    mean.low = mean.value - sqrt(below) / count;
    mean.high = mean.value + sqrt(above) / count;
    *figure = mean;
    return true;
}

/* Does the axis reach to this row whatever else is there? */
static bool is_core(const struct explorer *explorer, size_t row) {
    const struct catalog *catalog = explorer->catalog;
    const struct solution *solution = &catalog->solutions[row];
    if (!explorer_series_visible(explorer, solution->series))
        return false;
    switch (explorer->fit) {
    case FIT_ALL:
        return true;
    case FIT_FRONT:
        return solution->front;
    case FIT_SELECTION:
        return catalog->selected[row] || !catalog->selected_count;
    default:
        return space_is_ours(catalog, row);
    }
}

static struct range find_rows(const struct explorer *explorer, size_t objective) {
    const struct catalog *catalog = explorer->catalog;
    struct range rows = range_empty();
    for (size_t i = 0; i < catalog->count; i++)
        if (is_core(explorer, i))
            range_add(&rows, space_value(catalog, i, objective));
    return rows;
}

double space_scale(const struct explorer *explorer, size_t objective,
                   struct range range) {
    const struct store_recipe *recipe = explorer->catalog->recipe;
    size_t task = objective < explorer->tasks ? objective : 0;
    double most = range.low <= range.high ? fmax(fabs(range.low), fabs(range.high)) : 0;
    if (store_objective_percent(&recipe->tasks[task].objective))
        return 100;
    return most > 0 ? most : 1;
}

/* With what lies near, or all where there is nothing else. */
static struct range find_all(const struct explorer *explorer, size_t objective,
                             struct range core) {
    const struct catalog *catalog = explorer->catalog;
    bool any = core.low <= core.high;
    double reach = any ? fmax(0.35 * (core.high - core.low),
                              0.03 * space_scale(explorer, objective, core))
                       : INFINITY;
    struct range all = core;
    if (any && explorer->fit != FIT_NEAR)
        return all;
    for (size_t i = 0; i < catalog->count; i++) {
        double value = space_value(catalog, i, objective);
        if ((!any || (value > core.low - reach && value < core.high + reach)) &&
            (value < all.low || value > all.high) &&
            explorer_series_visible(explorer, catalog->solutions[i].series))
            range_add(&all, value);
    }
    return all;
}

/* Nothing that it was made of has changed? */
static bool is_kept(const struct explorer *explorer, const struct reach *reach) {
    return reach->made && reach->catalog == explorer->catalog->serial &&
           reach->hidden == explorer->hidden_serial && reach->fit == explorer->fit &&
           (explorer->fit != FIT_SELECTION ||
            reach->selection == explorer->selection_shown);
}

/* A value beyond what is shown moves that end by whole steps: most of a drag then
 * leaves the axes where they are, and with them what is kept for each. */
static void stretch(struct range *core, const struct range *shown, double value) {
    enum { STEPS = 8 };
    double step = (shown->high - shown->low) / STEPS;
    if (!isfinite(value))
        return;
    value = ticks_clamp(value);
    if (value > shown->high)
        range_add(core, shown->high + step * ceil((value - shown->high) / step));
    else if (value < shown->low)
        range_add(core, shown->low - step * ceil((shown->low - value) / step));
}

static struct range widened(const struct explorer *explorer, size_t objective,
                            struct range range) {
    return range_widen(range, 0.005 * space_scale(explorer, objective, range), 0.06);
}

bool space_range(const struct explorer *explorer, size_t objective,
                 struct range *range) {
    struct reach own = {0};
    struct reach *reach = explorer->reaches ? &explorer->reaches[objective] : &own;
    if (!is_kept(explorer, reach)) {
        *reach = (struct reach){.made = true,
                                .catalog = explorer->catalog->serial,
                                .hidden = explorer->hidden_serial,
                                .selection = explorer->selection_shown,
                                .fit = explorer->fit,
                                .rows = find_rows(explorer, objective)};
        reach->core = reach->rows;
        reach->all = reach->still = find_all(explorer, objective, reach->rows);
    }
    struct range core = reach->rows, shown = widened(explorer, objective, reach->still);
    struct figure figure;
    if (space_figure(explorer, objective, &figure)) {
        /* The interval is drawn until everything is measured. */
        bool drawn = !figure.estimated && !figure.complete && figure.examples >= 30;
        double values[] = {figure.value, drawn ? figure.low : figure.value,
                           drawn ? figure.high : figure.value};
        for (size_t i = 0; i < 3; i++)
            if (reach->rows.low <= reach->rows.high)
                stretch(&core, &shown, values[i]);
            else
                range_add(&core, values[i]);
    }
    if (core.low != reach->core.low || core.high != reach->core.high)
        reach->all = find_all(explorer, objective, core);
    reach->core = core;
    *range = widened(explorer, objective, reach->all);
    return reach->all.low <= reach->all.high;
}

bool space_is_zoomed(const struct explorer *explorer, size_t objective) {
    return explorer->window[objective].low < explorer->window[objective].high;
}

bool space_window(const struct explorer *explorer, size_t objective,
                  struct range *range) {
    bool any = space_range(explorer, objective, range);
    if (any && space_is_zoomed(explorer, objective))
        *range = explorer->window[objective];
    return any;
}

void space_zoom(struct explorer *explorer, size_t objective, double factor,
                double around) {
    struct range range, all;
    if (!space_window(explorer, objective, &range))
        return;
    double width = range.high - range.low;
    /* As close as the numbers on the axes can tell; as far as ten times everything. */
    double least = fmax(0.02, 1e-4 * fabs(around)), most = INFINITY;
    if (space_range(explorer, objective, &all))
        most = 10 * (all.high - all.low);
    double wanted = fmin(fmax(width * factor, fmin(width, least)), fmax(width, most));
    double at = (around - range.low) / width;
    explorer->window[objective] =
        (struct range){around - at * wanted, around + (1 - at) * wanted};
}

void space_pan(struct explorer *explorer, size_t objective, double share) {
    struct range range, all;
    if (!space_window(explorer, objective, &range) ||
        !space_range(explorer, objective, &all))
        return;
    double width = range.high - range.low, by = share * width;
    /* Something of what there is stays in sight. */
    by = fmin(by, all.high - 0.1 * width - range.low);
    by = fmax(by, all.low + 0.1 * width - range.high);
    explorer->window[objective] = (struct range){range.low + by, range.high + by};
}

const char *space_fit(struct explorer *explorer) {
    static const char *const names[] = {"axes fit the front and what is near it",
                                        "axes fit all solutions", "axes fit the front",
                                        "axes fit the selection"};
    bool zoomed = false;
    for (size_t t = 0; t < explorer->tasks; t++) {
        zoomed = zoomed || space_is_zoomed(explorer, t);
        explorer->window[t] = (struct range){0, 0};
    }
    if (!zoomed)
        explorer->fit = (enum fit)((explorer->fit + 1u) % FIT_COUNT);
    if (explorer->fit == FIT_SELECTION && !explorer->catalog->selected_count)
        explorer->fit = FIT_NEAR;
    return names[explorer->fit];
}

/* Fills cache->front. */
static int find_front(struct explorer *explorer, struct triple_cache *cache) {
    const struct catalog *catalog = explorer->catalog;
    size_t *rows = array_new(catalog->count, sizeof *rows);
    bool *visible = explorer_visible(explorer);
    if (!rows || !visible) {
        free(rows);
        free(visible);
        return -1;
    }
    size_t count = front_over(catalog, visible, explorer->triple, 3, rows);
    memset(cache->front, 0, catalog->count * sizeof *cache->front);
    for (size_t i = 0; i < count; i++)
        cache->front[rows[i]] = true;
    free(rows);
    free(visible);
    return 0;
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
