/* What several runs that differ in their seed alone attain. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "command/work/plot_data.h"
#include "plot/lines_data.h"
#include "results/oriented.h"

struct sets {
    const struct catalog *catalog;
    const bool *wanted;
    size_t x, y;
    struct store_run *runs;
    size_t run_count;
    char **settings;  /* [run_count]: method and parameters but for the seed */
    size_t *first;    /* [run_count]: the first run of the same settings */
    int64_t *routers; /* [run_count]: the last saved, or 0 */
    double *points;   /* [rows, 2] of one group, minimised */
    size_t *set_of;   /* [rows] */
    double sign[2];
};

static char *settings_of(const struct store_run *run) {
    json_t *object = json_loads(run->parameters, 0, NULL);
    json_object_del(object, "seed");
    char *rest = json_text_dump(object, JSON_COMPACT | JSON_SORT_KEYS);
    char *text = rest ? text_format("%s %s %s", run->method, run->upscale, rest) : NULL;
    free(rest);
    json_decref(object);
    return text;
}

static int find_groups(struct sets *s, struct store *store, struct error *error) {
    if (store_runs(store, &s->runs, &s->run_count, error))
        return -1;
    s->settings = array_new(s->run_count, sizeof *s->settings);
    s->first = array_new(s->run_count, sizeof *s->first);
    s->routers = array_new(s->run_count, sizeof *s->routers);
    s->points = array_new(2 * s->catalog->count, sizeof *s->points);
    s->set_of = array_new(s->catalog->count, sizeof *s->set_of);
    if (!s->settings || !s->first || !s->routers || !s->points || !s->set_of)
        return error_memory(error);
    for (size_t n = 0; n < s->run_count; n++) {
        struct store_routers last;
        if (!(s->settings[n] = settings_of(&s->runs[n])))
            return error_memory(error);
        s->first[n] = 0;
        while (strcmp(s->settings[s->first[n]], s->settings[n]) != 0)
            s->first[n]++;
        if (store_routers_newest(store, s->runs[n].id, &last, error))
            return -1;
        s->routers[n] = last.id;
    }
    return 0;
}

/* The points of the runs of a group; how many runs have any. */
static size_t gather(struct sets *s, size_t group, size_t *count) {
    const struct catalog *catalog = s->catalog;
    size_t sets = 0;
    *count = 0;
    for (size_t n = group; n < s->run_count; n++) {
        size_t before = *count;
        for (size_t i = 0; s->first[n] == group && s->routers[n] && i < catalog->count;
             i++) {
            if (catalog->rows[i].solution.routers != s->routers[n] ||
                !catalog->solutions[i].whole || (s->wanted && !s->wanted[i]))
                continue;
            s->set_of[*count] = sets;
            s->points[2 * *count] = s->sign[0] * catalog_value(catalog, i, s->x);
            s->points[2 * *count + 1] = s->sign[1] * catalog_value(catalog, i, s->y);
            ++*count;
        }
        sets += *count > before;
    }
    return sets;
}

static int add_groups(struct sets *s, struct lines_data *data, struct error *error) {
    bool any = false;
    size_t series = 0;
    for (size_t n = 0; n < s->run_count; n++) {
        size_t count, sets = s->first[n] == n ? gather(s, n, &count) : 0;
        if (sets < 2)
            continue;
        char name[160];
        struct plot_line style = {.ink = (enum ink)(INK_SERIES + series % SERIES_INKS),
                                  .dash = series / SERIES_INKS};
        snprintf(name, sizeof name, "%s %s (%zu seeds)",
                 TEXT_CUT(s->runs[n].method, 60), TEXT_CUT(s->runs[n].upscale, 40),
                 sets);
        if (lines_data_band(data, s->points, s->set_of, count, sets, s->sign, style,
                            name, error))
            return -1;
        series++;
        any = true;
    }
    return any ? 0
               : error_set(error,
                           "no two runs that differ in their seed alone have measured "
                           "models; train with another --seed and run `pwemoe front "
                           "--run ID`");
}

int lines_data_attainment(struct store *store, const struct catalog *catalog,
                          const bool *wanted, size_t x, size_t y,
                          struct lines_data *data, struct error *error) {
    const struct store_task *tasks = catalog->recipe->tasks;
    struct sets s = {.catalog = catalog, .wanted = wanted, .x = x, .y = y};
    s.sign[0] = oriented_turn(&tasks[x].objective, 1);
    s.sign[1] = oriented_turn(&tasks[y].objective, 1);
    int result = lines_data_begin(data, 1) ? error_memory(error) : 0;
    if (result == 0)
        result = find_groups(&s, store, error);
    if (result == 0)
        result = add_groups(&s, data, error);
    for (size_t n = 0; s.settings && n < s.run_count; n++)
        free(s.settings[n]);
    free(s.settings);
    free(s.first);
    free(s.routers);
    free(s.points);
    free(s.set_of);
    store_runs_free(s.runs, s.run_count);
    if (result)
        lines_data_clear(data);
    return result;
}
