/* Runs, routers, scaling sweeps and task vectors as lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/plot_data.h"
#include "results/row.h"

enum { LINES_MAX = 512, SMOOTH_MAX = 10 }; /* lines a panel; width of an average */

struct owned_line {
    struct owned_line *next;
    char *name;
    double *x, *y;
};

/* Room for `count` points, and a copy of name (may be NULL). */
static struct owned_line *new_line(struct lines_data *data, const char *name,
                                   size_t count) {
    struct owned_line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    line->next = data->owned;
    data->owned = line;
    line->x = array_new(count, sizeof *line->x);
    line->y = array_new(count, sizeof *line->y);
    if (name)
        line->name = strdup(name);
    return line->x && line->y && (line->name || !name) ? line : NULL;
}

static int new_panels(struct lines_data *data, size_t count) {
    memset(data, 0, sizeof *data);
    data->panels = array_new(count, sizeof *data->panels);
    if (!data->panels)
        return -1;
    data->panel_count = count;
    for (size_t p = 0; p < count; p++) {
        data->panels[p].lines = array_new(LINES_MAX, sizeof *data->panels[p].lines);
        if (!data->panels[p].lines)
            return -1;
    }
    return 0;
}

/* The line to fill in; style's x, y, name and count are set here. NULL where memory
 * is out; lines past LINES_MAX replace the last. */
static struct owned_line *add_line(struct lines_data *data, size_t panel,
                                   struct plot_line style, const char *name,
                                   size_t count) {
    struct owned_line *line = new_line(data, name, count);
    if (!line)
        return NULL;
    struct plot_panel *p = &data->panels[panel];
    if (p->count == LINES_MAX)
        p->count--;
    style.name = line->name;
    style.x = line->x;
    style.y = line->y;
    style.count = count;
    ((struct plot_line *)(uintptr_t)p->lines)[p->count++] = style;
    return line;
}

void lines_data_clear(struct lines_data *data) {
    while (data->owned) {
        struct owned_line *line = data->owned;
        data->owned = line->next;
        free(line->name);
        free(line->x);
        free(line->y);
        free(line);
    }
    for (size_t p = 0; data->panels && p < data->panel_count; p++) {
        free((void *)(uintptr_t)data->panels[p].lines);
        free((char *)(uintptr_t)data->panels[p].title);
    }
    free(data->panels);
    memset(data, 0, sizeof *data);
}

static int out_of_memory(struct lines_data *data, struct error *error) {
    lines_data_clear(data);
    return error_memory(error);
}

/* --- routing ---------------------------------------------------------------------- */

/* Of modules inside blocks: those outside have no place along the depth. */
static const enum module_kind kinds[] = {MODULE_MLP, MODULE_ATTENTION, MODULE_NORM1,
                                         MODULE_NORM2};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* One panel a unit preference; a colour an expert, a dash a kind of module. */
int lines_data_routing(const struct store_recipe *recipe, const struct routing *r,
                       struct lines_data *data, struct error *error) {
    if (new_panels(data, r->tasks))
        return out_of_memory(data, error);
    for (size_t p = 0; p < r->tasks; p++) {
        data->panels[p].title = text_format("all for %s", recipe->tasks[p].name);
        if (!data->panels[p].title)
            return out_of_memory(data, error);
        for (size_t k = 0; k < KINDS; k++) {
            size_t count = 0;
            for (size_t m = 0; m < r->modules; m++)
                count += r->module[m].block >= 0 && r->module[m].kind == kinds[k];
            for (size_t t = 0; count && t < r->tasks; t++) {
                char name[160];
                snprintf(name, sizeof name, "%.80s, %s", recipe->tasks[t].name,
                         module_kind_name(kinds[k]));
                struct plot_line style = {.ink = look_task(t),
                                          .mark = look_place(t),
                                          .dash = k,
                                          .thin = k >= 2,
                                          .marks = k == 0};
                struct owned_line *line = add_line(data, p, style, name, count);
                if (!line)
                    return out_of_memory(data, error);
                for (size_t m = 0, i = 0; m < r->modules; m++)
                    if (r->module[m].block >= 0 && r->module[m].kind == kinds[k]) {
                        line->x[i] = (double)r->module[m].block;
                        line->y[i++] = r->weights[(p * r->modules + m) * r->tasks + t];
                    }
            }
        }
    }
    return 0;
}

/* --- scaling ------------------------------------------------------------------------
 */

struct sample {
    double scale;
    const struct store_row *row;
};

static int by_scale(const void *a, const void *b) {
    const struct sample *p = a, *q = b;
    return (p->scale > q->scale) - (p->scale < q->scale);
}

/* The average as a thick line, and where a series is alone each task as a thin one. */
static int add_sweep(struct lines_data *data, const struct catalog *catalog,
                     const struct series *series, const struct sample *samples,
                     size_t count, bool alone) {
    size_t tasks = catalog->tasks;
    struct plot_line thick = {.ink = series->ink, .mark = series->mark, .marks = true};
    struct owned_line *line =
        add_line(data, 0, thick, alone ? "average" : series->name, count);
    if (!line)
        return -1;
    for (size_t i = 0; i < count; i++) {
        line->x[i] = samples[i].scale;
        line->y[i] = row_average(samples[i].row, tasks);
    }
    for (size_t t = 0; alone && t < tasks; t++) {
        struct plot_line style = {.ink = look_task(t), .dash = 1};
        if (!(line = add_line(data, 0, style, catalog->recipe->tasks[t].name, count)))
            return -1;
        for (size_t i = 0; i < count; i++) {
            line->x[i] = samples[i].scale;
            line->y[i] = samples[i].row->evaluations[t].value;
        }
    }
    return 0;
}

/* The finished merges of a series that have a coefficient, in its order. */
static size_t find_sweep(const struct catalog *catalog, const bool *wanted,
                         size_t series, struct sample *samples) {
    size_t count = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        if (solution->series == series && catalog->series[series].merged &&
            isfinite(solution->scale) && (!wanted || wanted[i]) &&
            store_state_settled(catalog->rows[i].state))
            samples[count++] = (struct sample){solution->scale, &catalog->rows[i]};
    }
    if (count)
        qsort(samples, count, sizeof *samples, by_scale);
    return count;
}

int lines_data_scaling(const struct catalog *catalog, const bool *wanted,
                       struct lines_data *data, struct error *error) {
    memset(data, 0, sizeof *data);
    size_t sweeps = 0;
    struct sample *samples = array_new(catalog->count, sizeof *samples);
    int result = samples ? 0 : error_memory(error);
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++)
        sweeps += find_sweep(catalog, wanted, s, samples) > 0;
    if (result == 0 && !sweeps)
        result = error_set(
            error, "there is no complete merge with a scaling coefficient; run `pwemoe "
                   "merge FILE --method task-arithmetic --scales 0:1:11` first");
    if (result == 0 && new_panels(data, 1))
        result = out_of_memory(data, error);
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++) {
        size_t count = find_sweep(catalog, wanted, s, samples);
        if (count &&
            add_sweep(data, catalog, &catalog->series[s], samples, count, sweeps == 1))
            result = out_of_memory(data, error);
    }
    free(samples);
    return result;
}

/* --- similarity ---------------------------------------------------------------------
 */

/* A colour a kind: the mean over all pairs thick, each pair thin. */
int lines_data_similarity(const struct similarity *s, struct lines_data *data,
                          struct error *error) {
    if (new_panels(data, 1))
        return out_of_memory(data, error);
    for (size_t k = 0; k < KINDS; k++) {
        size_t count = 0;
        for (size_t m = 0; m < s->modules; m++)
            count += s->module[m].block >= 0 && s->module[m].kind == kinds[k];
        if (count == 0)
            continue;
        for (size_t p = 0; p <= s->pairs; p++) {
            bool mean = p == s->pairs;
            struct plot_line style = {.ink = look_task(k),
                                      .mark = look_place(k),
                                      .dash = mean ? k : 0,
                                      .thin = !mean,
                                      .marks = mean};
            struct owned_line *line = add_line(
                data, 0, style, mean ? module_kind_name(kinds[k]) : NULL, count);
            if (!line)
                return out_of_memory(data, error);
            for (size_t m = 0, i = 0; m < s->modules; m++) {
                if (s->module[m].block < 0 || s->module[m].kind != kinds[k])
                    continue;
                double sum = 0;
                for (size_t q = 0; q < s->pairs; q++)
                    sum += s->cosine[m * s->pairs + q];
                line->x[i] = (double)s->module[m].block;
                line->y[i++] =
                    mean ? sum / (double)s->pairs : s->cosine[m * s->pairs + p];
            }
        }
    }
    return 0;
}

/* --- training -----------------------------------------------------------------------
 */

/* Each task's points thin, their moving average thick. */
static int add_curves(struct lines_data *data, const struct store_recipe *recipe,
                      const struct store_curve_point *points, size_t count) {
    for (size_t t = 0; t < recipe->task_count; t++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            n += points[i].task == t;
        if (n == 0)
            continue;
        struct plot_line thin = {.ink = look_task(t), .thin = true},
                         thick = {.ink = look_task(t), .dash = t / TASK_INKS};
        struct owned_line *raw = add_line(data, 0, thin, NULL, n);
        struct owned_line *smooth = add_line(data, 0, thick, recipe->tasks[t].name, n);
        if (!raw || !smooth)
            return -1;
        double sum = 0;
        size_t width = n / 10 < 1 ? 1 : n / 10 > SMOOTH_MAX ? SMOOTH_MAX : n / 10;
        for (size_t i = 0, k = 0; i < count; i++) {
            if (points[i].task != t)
                continue;
            raw->x[k] = smooth->x[k] = points[i].step;
            raw->y[k] = points[i].loss;
            sum += points[i].loss;
            if (k >= width)
                sum -= raw->y[k - width];
            smooth->y[k] = sum / (double)(k < width ? k + 1 : width);
            k++;
        }
    }
    return 0;
}

int lines_data_training(struct store *store, const struct store_recipe *recipe,
                        uint64_t wanted, const char *method, struct lines_data *data,
                        struct error *error) {
    struct store_run *runs;
    struct store_curve_point *points = NULL;
    size_t run_count, count = 0;
    memset(data, 0, sizeof *data);
    if (store_runs(store, &runs, &run_count, error))
        return -1;
    int result = 0;
    for (size_t i = run_count; i-- > 0 && result == 0 && count == 0;) {
        if (wanted ? runs[i].id != (int64_t)wanted
                   : !store_run_is(&runs[i], method, NULL))
            continue;
        free(points);
        points = NULL;
        result = store_curve(store, runs[i].id, &points, &count, error);
    }
    store_runs_free(runs, run_count);
    if (result == 0 && count == 0)
        result = error_set(error,
                           "%s has no training curve of that run; `pwemoe show "
                           "FILE routers` lists the runs",
                           store_path(store));
    if (result == 0 && (new_panels(data, 1) || add_curves(data, recipe, points, count)))
        result = out_of_memory(data, error);
    free(points);
    return result;
}
