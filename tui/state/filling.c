#include "state/filling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "results/gap.h"
#include "results/volume.h"

double filling_price(const struct explorer *explorer, size_t models) {
    const struct filling *filling = &explorer->filling;
    return filling->seconds > 0 && filling->seconds_of == explorer->routers
               ? filling->seconds * (double)models
               : (double)NAN;
}

char *filling_time(double seconds, char *out, size_t size) {
    if (seconds < 9.95)
        snprintf(out, size, "%.1f s", seconds);
    else if (seconds < 100)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.1f h", seconds / 3600);
    return out;
}

void filling_set_price(struct explorer *explorer, int64_t routers, double seconds) {
    struct filling *filling = &explorer->filling;
    bool known = filling->seconds > 0 && filling->seconds_of == routers;
    filling->seconds = known ? 0.5 * (filling->seconds + seconds) : seconds;
    filling->seconds_of = routers;
    filling->pricing = false;
}

static bool is_measured(const struct explorer *explorer, const double *preference) {
    size_t row = catalog_find(explorer->catalog, preference, explorer->routers);
    return row != SIZE_MAX &&
           solution_holds(&explorer->catalog->solutions[row], explorer->fp8);
}

size_t filling_missing(const struct explorer *explorer, size_t edge) {
    const struct catalog *catalog = explorer->catalog;
    size_t count = simplex_grid_count(explorer->tasks, edge), missing = count, index;
    bool *seen = count && count <= FILL_GRID_MOST ? calloc(count, sizeof *seen) : NULL;
    if (!seen)
        return SIZE_MAX;
    /* As is_measured has it: of two with the same preference the later one counts. */
    for (size_t row = catalog->count; explorer->routers && row-- > 0;) {
        const struct store_solution *solution = &catalog->rows[row].solution;
        if (catalog_answerer(solution) != explorer->routers ||
            !simplex_grid_find(explorer->tasks, edge, solution->preference, &index) ||
            seen[index])
            continue;
        seen[index] = true;
        missing -= solution_holds(&catalog->solutions[row], explorer->fp8);
    }
    free(seen);
    return missing;
}

static double known_volume(const struct explorer *explorer) {
    const struct front_volume *volume = explorer->volume;
    return volume && volume->state == VOLUME_KNOWN ? volume->value : (double)NAN;
}

void filling_begin(struct explorer *explorer, enum fill_kind kind, double number) {
    struct filling *filling = &explorer->filling;
    struct filling begun = {.kind = kind,
                            .routers = explorer->routers,
                            .serial = filling->serial,
                            .seconds = filling->seconds,
                            .seconds_of = filling->seconds_of,
                            .judged = true,
                            .volume = known_volume(explorer)};
    begun.volume_before = begun.volume;
    if (kind == FILL_GRID) {
        begun.edge = (size_t)number;
        begun.total = filling_missing(explorer, begun.edge);
    } else if (kind == FILL_GAPS) {
        begun.total = (size_t)number;
    } else {
        begun.total = FILL_MOST;
        begun.growth = number;
    }
    *filling = begun;
}

/* "13 models measured in 8 s, hypervolume +0.82 %": what came of it. */
static enum filling_step end(struct explorer *explorer, const char *why) {
    struct filling *filling = &explorer->filling;
    char time[32], grown[48] = "";
    double volume = known_volume(explorer);
    if (filling->volume_before > 0 && isfinite(volume))
        snprintf(grown, sizeof grown, ", hypervolume %+.2f %%",
                 100 * (volume / filling->volume_before - 1));
    if (filling->done)
        snprintf(filling->ended, sizeof filling->ended,
                 "%s%s%zu model%s measured in %s%s", TEXT_CUT(why, 100),
                 *why ? ": " : "", filling->done, filling->done == 1 ? "" : "s",
                 filling_time(filling->spent, time, sizeof time), grown);
    else
        snprintf(filling->ended, sizeof filling->ended, "%s",
                 TEXT_CUT(*why ? why : "nothing was left to measure", 100));
    filling->kind = FILL_NONE;
    filling->asked = filling->paused = false;
    return FILLING_OVER;
}

void filling_end(struct explorer *explorer) {
    end(explorer, "stopped");
}

void filling_measured(struct explorer *explorer, double seconds) {
    struct filling *filling = &explorer->filling;
    filling->asked = filling->judged = false;
    filling->done++;
    filling->spent += seconds;
    filling_set_price(explorer, filling->routers, seconds);
}

/* Another model with the very same figures? */
static bool has_equal(const struct catalog *catalog, size_t row) {
    const double *values = catalog->values + row * catalog->tasks;
    for (size_t i = 0; i < catalog->count; i++)
        if (i != row && catalog->solutions[i].whole &&
            !memcmp(values, catalog->values + i * catalog->tasks,
                    catalog->tasks * sizeof *values))
            return true;
    return false;
}

/* Has the hypervolume been worked out with this solution? */
static bool is_counted(const struct explorer *explorer, int64_t solution) {
    const struct front_volume *volume = explorer->volume;
    if (!volume || volume->state != VOLUME_KNOWN)
        return false;
    for (size_t i = 0; i < volume->count; i++)
        if (volume->solutions[i] == solution)
            return true;
    return false;
}

/* How much the last model added; false where that is not known yet. */
static bool judge(struct explorer *explorer) {
    struct filling *filling = &explorer->filling;
    const struct catalog *catalog = explorer->catalog;
    if (filling->judged)
        return true;
    size_t row = catalog_find(catalog, filling->preference, filling->routers);
    if (row == SIZE_MAX || !catalog->solutions[row].whole)
        return false;
    double grown = 0;
    if (filling->kind == FILL_UNTIL && catalog->solutions[row].front &&
        !has_equal(catalog, row)) {
        if (!is_counted(explorer, catalog->rows[row].solution.id))
            return false;
        grown = 100 * (explorer->volume->value / filling->volume - 1);
        filling->volume = explorer->volume->value;
    }
    filling->small = grown < filling->growth ? filling->small + 1 : 0;
    return filling->judged = true;
}

static bool next_of_grid(struct explorer *explorer) {
    struct filling *filling = &explorer->filling;
    size_t count = simplex_grid_count(explorer->tasks, filling->edge);
    while (filling->at < count) {
        memset(filling->preference, 0, sizeof filling->preference);
        simplex_grid_at(explorer->tasks, filling->edge, filling->at++,
                        filling->preference);
        if (!is_measured(explorer, filling->preference))
            return true;
    }
    return false;
}

/* Before gaps can be told the ends of the front are measured, and its middle. */
static bool next_gap(struct explorer *explorer) {
    struct filling *filling = &explorer->filling;
    size_t tasks = explorer->tasks;
    struct gap gap;
    for (size_t i = 0; i <= tasks; i++) {
        double *preference = filling->preference;
        memset(preference, 0, sizeof filling->preference);
        for (size_t t = 0; t < tasks; t++)
            preference[t] = i == tasks ? 1.0 / (double)tasks : t == i;
        if (explorer->samples.count <= tasks && !is_measured(explorer, preference))
            return true;
    }
    if (!gap_widest(&explorer->samples, &gap))
        return false;
    memcpy(filling->preference, gap.preference, sizeof gap.preference);
    return true;
}

enum filling_step filling_next(struct explorer *explorer) {
    struct filling *filling = &explorer->filling;
    const struct front_volume *volume = explorer->volume;
    char why[128];
    if (!filling->kind || filling->paused || filling->asked ||
        explorer->catalog->reading)
        return FILLING_WAITS;
    if (filling->routers != explorer->routers)
        return end(explorer, "stopped, other routers are looked at");
    /* A volume that may be off by a hundredth tells nothing of what one model adds. */
    if (filling->kind == FILL_UNTIL && volume &&
        (volume->state == VOLUME_TOO_LONG || volume->within > 0))
        return end(explorer, "stopped, the hypervolume takes too long to compute");
    if (filling->kind == FILL_UNTIL && !(filling->volume > 0)) {
        filling->volume = filling->volume_before = known_volume(explorer);
        /* Where nothing is measured there is none. */
        if (explorer->samples.count && !(filling->volume > 0))
            return FILLING_WAITS;
    }
    if (!judge(explorer))
        return FILLING_WAITS;
    if (filling->kind == FILL_UNTIL && filling->small >= FILL_ROW) {
        snprintf(why, sizeof why, "%d models in a row added less than %g %%", FILL_ROW,
                 filling->growth);
        return end(explorer, why);
    }
    if (filling->done >= filling->total)
        return end(explorer, "");
    if (filling->kind == FILL_GRID ? !next_of_grid(explorer) : !next_gap(explorer))
        return end(explorer, filling->kind == FILL_GRID ? "" : "no gap is left");
    filling->asked = true;
    filling->serial++;
    return FILLING_MEASURE;
}

bool filling_text(const struct explorer *explorer, char *out, size_t size) {
    const struct filling *filling = &explorer->filling;
    char left[48] = "", time[32];
    double price = filling_price(explorer, filling->total - filling->done);
    if (!filling->kind)
        return false;
    if (isfinite(price) && !filling->paused)
        snprintf(left, sizeof left, ", %s%s left",
                 filling->kind == FILL_UNTIL ? "at most " : "",
                 filling_time(price, time, sizeof time));
    snprintf(out, size, "%s %zu of %zu%s",
             filling->paused ? "filling paused" : "filling",
             filling->done + filling->asked, filling->total, left);
    return true;
}
