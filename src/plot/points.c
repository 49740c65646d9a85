#define _GNU_SOURCE
#include "plot/points.h"

#include <math.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/by_series.h"

/* Room for `most` points. On failure nothing is to be cleared. */
static int plot_points_begin(struct plot_points *points, size_t objectives, size_t most,
                             struct error *error) {
    size_t cells;
    *points =
        (struct plot_points){.labels = array_new(objectives, sizeof(char *)),
                             .series = array_new(most, sizeof(struct plot_series)),
                             .points = array_new(most, sizeof(struct plot_point))};
    if (size_multiply(most, objectives, &cells)) {
        points->values = array_new(cells, sizeof(double));
        points->low = array_new(cells, sizeof(double));
        points->high = array_new(cells, sizeof(double));
    }
    points->less = array_new(objectives, sizeof(bool));
    points->cloud =
        (struct plot_cloud){.objectives = (const char *const *)points->labels,
                            .objective_count = objectives,
                            .less = points->less,
                            .series = points->series,
                            .points = points->points};
    if (points->labels && points->series && points->points && points->values &&
        points->low && points->high && points->less)
        return 0;
    plot_points_clear(points);
    return error_memory(error);
}

/* "name (unit)" beside an axis. */
static char *axis_label(const struct store_objective *objective) {
    if (*objective->metric == '{') /* a command's */
        return text_format("%s%s", objective->name,
                           objective->maximise ? "" : " (less is better)");
    return text_format(objective->maximise ? "%s (%s)" : "%s (%s, less is better)",
                       objective->name, objective->unit);
}

static int by_name(const void *a, const void *b) {
    const struct plot_series *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* Names are looked up in a tree of the series. */
static int find_series(struct plot_points *points, const struct plot_series *series,
                       size_t *place, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    void *known = tfind(series, &points->names, by_name);
    if (known) {
        *place = (size_t)(*(struct plot_series **)known - points->series);
        return 0;
    }
    struct plot_series *new = &points->series[cloud->series_count];
    *new = *series;
    new->name = strdup(series->name);
    if (!new->name || !tsearch(new, &points->names, by_name)) {
        free((char *)(uintptr_t) new->name);
        return error_memory(error);
    }
    *place = cloud->series_count++;
    return 0;
}

int plot_points_add(struct plot_points *points, const struct plot_series *series,
                    const struct plot_figures *figures, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    struct plot_point *point = &points->points[cloud->count];
    size_t n = cloud->objective_count, at = cloud->count * n;
    if (find_series(points, series, &point->series, error))
        return -1;
    for (size_t k = 0; k < n; k++) {
        points->values[at + k] = figures->values[k];
        points->low[at + k] = figures->low ? figures->low[k] : (double)NAN;
        points->high[at + k] = figures->high ? figures->high[k] : (double)NAN;
    }
    point->values = points->values + at;
    point->low = points->low + at;
    point->high = points->high + at;
    point->dimmed = figures->dimmed;
    point->knee = figures->knee;
    cloud->count++;
    return 0;
}

static void leave(void *series) {
    (void)series; /* the array's */
}

void plot_points_clear(struct plot_points *points) {
    tdestroy(points->names, leave);
    for (size_t t = 0; points->labels && t < points->cloud.objective_count; t++)
        free(points->labels[t]);
    for (size_t s = 0; points->series && s < points->cloud.series_count; s++)
        free((char *)(uintptr_t)points->series[s].name);
    free(points->labels);
    free(points->series);
    free(points->points);
    free(points->values);
    free(points->low);
    free(points->high);
    free(points->less);
    memset(points, 0, sizeof *points);
}

/* With the intervals of what was measured. */
static int add_row(struct plot_points *points, const struct catalog *catalog,
                   size_t row, const struct plot_series *series, bool dimmed,
                   struct error *error) {
    double low[STORE_TASKS_MAX], high[STORE_TASKS_MAX];
    for (size_t t = 0; t < catalog->tasks; t++) {
        const struct store_evaluation *e = &catalog->rows[row].evaluations[t];
        bool known = e->present && !e->imported && e->low < e->high;
        low[t] = known ? e->low : (double)NAN;
        high[t] = known ? e->high : (double)NAN;
    }
    const struct plot_figures figures = {.values =
                                             catalog->values + row * catalog->tasks,
                                         .low = low,
                                         .high = high,
                                         .dimmed = dimmed,
                                         .knee = catalog->solutions[row].knee};
    return plot_points_add(points, series, &figures, error);
}

static int label_axes(struct plot_points *points, const struct catalog *catalog,
                      struct error *error) {
    const struct store_objective *first = &catalog->recipe->tasks[0].objective;
    points->cloud.alike = true;
    for (size_t t = 0; t < catalog->tasks; t++) {
        const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
        points->less[t] = !objective->maximise;
        points->cloud.alike =
            points->cloud.alike && store_objective_alike(objective, first);
        if (!(points->labels[t] = axis_label(objective)))
            return error_memory(error);
    }
    return 0;
}

int plot_solutions(struct plot_points *points, const struct catalog *catalog,
                   const bool *take, const bool *dimmed, struct error *error) {
    size_t tasks = catalog->tasks;
    if (plot_points_begin(points, tasks, catalog->count + 1, error))
        return -1;
    struct by_series by = {0};
    int result =
        label_axes(points, catalog, error) || by_series_make(&by, catalog, take, error)
            ? -1
            : 0;
    for (size_t s = 0; result == 0 && s < catalog->series_count; s++) {
        const struct series *from = &catalog->series[s];
        /* A front is a line only between two objectives. */
        struct plot_series series = {.name = from->name,
                                     .mark = from->mark,
                                     .ink = from->ink,
                                     .joined = from->answers && tasks == 2,
                                     .front = from->merged,
                                     .many = from->answers};
        for (size_t k = by.begins[s]; result == 0 && k < by.begins[s + 1]; k++)
            result = add_row(points, catalog, by.rows[k], &series, dimmed[by.rows[k]],
                             error);
    }
    by_series_clear(&by);
    if (result)
        plot_points_clear(points);
    return result;
}

/* --- three tasks ------------------------------------------------------------------ */

static int label_shares(struct plot_shares *shares, const struct catalog *catalog,
                        size_t task) {
    const struct store_objective *first = &catalog->recipe->tasks[0].objective;
    bool whole = true;
    for (size_t t = 0; t < 3; t++) {
        shares->corners[t] = text_format("%s", catalog->recipe->tasks[t].name);
        whole = whole && shares->corners[t];
    }
    for (size_t k = 0; k < shares->panels; k++) {
        size_t t = task == SIZE_MAX ? k : task;
        bool named = *first->metric != '{';
        shares->labels[k] = t < 3   ? axis_label(&catalog->recipe->tasks[t].objective)
                            : named ? text_format("average (%s)", first->unit)
                                    : text_format("average");
        whole = whole && shares->labels[k];
    }
    return whole ? 0 : -1;
}

int plot_shares_begin(struct plot_shares *shares, const struct catalog *catalog,
                      size_t task, size_t most, struct error *error) {
    size_t cells;
    *shares = (struct plot_shares){.panels = task == SIZE_MAX ? PLOT_SHARES_ALL : 1};
    if (size_multiply(most, PLOT_SHARES_ALL, &cells)) {
        shares->preferences = array_new(cells, sizeof *shares->preferences);
        shares->values = array_new(cells, sizeof *shares->values);
    }
    if (shares->preferences && shares->values &&
        label_shares(shares, catalog, task) == 0)
        return 0;
    plot_shares_clear(shares);
    return error_memory(error);
}

void plot_shares_add(struct plot_shares *shares, const double *preference,
                     const double *figures, size_t task) {
    memcpy(shares->preferences + 3 * shares->count, preference,
           3 * sizeof *shares->preferences);
    double *values = shares->values + shares->panels * shares->count++;
    if (shares->panels == 1) {
        values[0] = figures[task];
        return;
    }
    memcpy(values, figures, 3 * sizeof *values);
    values[3] = (figures[0] + figures[1] + figures[2]) / 3;
}

struct plot_surface plot_shares_surface(const struct plot_shares *shares) {
    return (struct plot_surface){
        .corners = {shares->corners[0], shares->corners[1], shares->corners[2]},
        .preferences = shares->preferences,
        .values = shares->values,
        .count = shares->count,
        .panels = (const char *const *)shares->labels,
        .panel_count = shares->panels};
}

void plot_shares_clear(struct plot_shares *shares) {
    for (size_t k = 0; k < PLOT_SHARES_ALL; k++)
        free(shares->labels[k]);
    for (size_t t = 0; t < 3; t++)
        free(shares->corners[t]);
    free(shares->preferences);
    free(shares->values);
    memset(shares, 0, sizeof *shares);
}
