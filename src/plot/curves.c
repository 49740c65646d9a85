/* Scaling sweeps, task vectors and training losses as lines, of lines_data.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plot/lines_data.h"
#include "results/by_series.h"
#include "results/row.h"

const enum module_kind lines_data_kinds[LINES_KINDS] = {MODULE_MLP, MODULE_ATTENTION,
                                                        MODULE_NORM1, MODULE_NORM2};

/* --- scaling ---------------------------------------------------------------------- */

struct sample {
    double scale;
    const struct store_row *row;
};

static int by_scale(const void *a, const void *b) {
    const struct sample *p = a, *q = b;
    return (p->scale > q->scale) - (p->scale < q->scale);
}

/* A line in the panel of the average, where there is one, and in that of each task. */
static int add_sweep(struct lines_data *data, const struct catalog *catalog,
                     const struct series *series, const struct sample *samples,
                     size_t count) {
    size_t means = store_recipe_averages(catalog->recipe);
    struct plot_line style = {.ink = series->ink, .mark = series->mark, .marks = true};
    for (size_t p = 0; p < data->grid.panel_count; p++) {
        struct owned_line *line = lines_data_add(data, p, style, series->name, count);
        if (!line)
            return -1;
        for (size_t i = 0; i < count; i++) {
            line->x[i] = samples[i].scale;
            line->y[i] = p < means ? row_average(samples[i].row, catalog->recipe)
                                   : samples[i].row->evaluations[p - means].value;
        }
    }
    return 0;
}

/* The average, then every task. */
static int title_panels(struct lines_data *data, const struct catalog *catalog) {
    size_t means = store_recipe_averages(catalog->recipe);
    for (size_t p = 0; p < data->grid.panel_count; p++) {
        data->panels[p].title = text_format(
            "%s", p < means ? "average" : catalog->recipe->tasks[p - means].name);
        if (!data->panels[p].title)
            return -1;
    }
    return 0;
}

/* The finished merges of a series that have a coefficient, in its order. */
static size_t find_sweep(const struct catalog *catalog, const struct by_series *by,
                         size_t series, struct sample *samples) {
    size_t count = 0;
    for (size_t k = by->begins[series];
         catalog->series[series].merged && k < by->begins[series + 1]; k++) {
        size_t i = by->rows[k];
        double scale = catalog->solutions[i].scale;
        if (isfinite(scale) && store_state_settled(catalog->rows[i].state))
            samples[count++] = (struct sample){scale, &catalog->rows[i]};
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
    struct by_series by = {0};
    int result =
        samples ? by_series_make(&by, catalog, wanted, error) : error_memory(error);
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++)
        sweeps += find_sweep(catalog, &by, s, samples) > 0;
    if (result == 0 && !sweeps)
        result = error_set(
            error, "there is no complete merge with a scaling coefficient; run `pwemoe "
                   "merge FILE --method task-arithmetic --scales 0:1:11` first");
    if (result == 0 && (lines_data_begin(data, catalog->tasks + store_recipe_averages(
                                                                    catalog->recipe)) ||
                        title_panels(data, catalog)))
        result = lines_data_fail(data, error);
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++) {
        size_t count = find_sweep(catalog, &by, s, samples);
        if (count && add_sweep(data, catalog, &catalog->series[s], samples, count))
            result = lines_data_fail(data, error);
    }
    by_series_clear(&by);
    free(samples);
    return result;
}

/* --- similarity ------------------------------------------------------------------- */

/* A colour a kind: the mean over all pairs thick, each pair thin. */
int lines_data_similarity(const struct similarity *s, struct lines_data *data,
                          struct error *error) {
    if (lines_data_begin(data, 1))
        return lines_data_fail(data, error);
    data->grid.whole = true;
    for (size_t k = 0; k < LINES_KINDS; k++) {
        size_t count = 0;
        for (size_t m = 0; m < s->modules; m++)
            count +=
                s->module[m].block >= 0 && s->module[m].kind == lines_data_kinds[k];
        if (count == 0)
            continue;
        for (size_t p = 0; p <= s->pairs; p++) {
            bool mean = p == s->pairs;
            struct plot_line style = {.ink = look_task(k),
                                      .mark = look_place(k),
                                      .dash = mean ? k : 0,
                                      .thin = !mean,
                                      .marks = mean};
            struct owned_line *line = lines_data_add(
                data, 0, style, mean ? module_kind_name(lines_data_kinds[k]) : NULL,
                count);
            if (!line)
                return lines_data_fail(data, error);
            for (size_t m = 0, i = 0; m < s->modules; m++) {
                if (s->module[m].block < 0 || s->module[m].kind != lines_data_kinds[k])
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

/* --- training --------------------------------------------------------------------- */

enum { SMOOTH_MAX = 10 }; /* points of an average */

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
        struct owned_line *raw = lines_data_add(data, 0, thin, NULL, n);
        struct owned_line *smooth =
            lines_data_add(data, 0, thick, recipe->tasks[t].name, n);
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

int lines_data_losses(const struct store_recipe *recipe,
                      const struct store_curve_point *points, size_t count,
                      struct lines_data *data, struct error *error) {
    return lines_data_begin(data, 1) || add_curves(data, recipe, points, count)
               ? lines_data_fail(data, error)
               : 0;
}
