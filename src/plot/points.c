#include "plot/points.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "results/catalog.h"

/* Room for `most` points. On failure nothing is to be cleared. */
static int plot_points_begin(struct plot_points *points, size_t objectives, size_t most,
                             struct error *error) {
    size_t cells;
    *points =
        (struct plot_points){.labels = array_new(objectives, sizeof(char *)),
                             .series = array_new(most, sizeof(struct plot_series)),
                             .points = array_new(most, sizeof(struct plot_point))};
    if (size_multiply(most, objectives, &cells))
        points->values = array_new(cells, sizeof(double));
    points->cloud =
        (struct plot_cloud){.objectives = (const char *const *)points->labels,
                            .objective_count = objectives,
                            .series = points->series,
                            .points = points->points};
    if (points->labels && points->series && points->points && points->values)
        return 0;
    plot_points_clear(points);
    return error_memory(error);
}

/* "name (unit)" beside an axis; every axis needs one. */
static int plot_points_label(struct plot_points *points, size_t objective,
                             const char *name, const char *unit, struct error *error) {
    free(points->labels[objective]);
    points->labels[objective] = text_format("%s (%s)", name, unit);
    return points->labels[objective] ? 0 : error_memory(error);
}

static int find_series(struct plot_points *points, const struct plot_series *series,
                       size_t *place, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    for (*place = 0; *place < cloud->series_count; ++*place)
        if (strcmp(points->series[*place].name, series->name) == 0)
            return 0;
    points->series[*place] = *series;
    points->series[*place].name = strdup(series->name);
    if (!points->series[*place].name)
        return error_memory(error);
    cloud->series_count++;
    return 0;
}

int plot_points_add(struct plot_points *points, const struct plot_series *series,
                    const double *values, bool dimmed, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    struct plot_point *point = &points->points[cloud->count];
    double *kept = points->values + cloud->count * cloud->objective_count;
    if (find_series(points, series, &point->series, error))
        return -1;
    memcpy(kept, values, cloud->objective_count * sizeof *kept);
    point->values = kept;
    point->dimmed = dimmed;
    cloud->count++;
    return 0;
}

void plot_points_clear(struct plot_points *points) {
    for (size_t t = 0; points->labels && t < points->cloud.objective_count; t++)
        free(points->labels[t]);
    for (size_t s = 0; points->series && s < points->cloud.series_count; s++)
        free((char *)(uintptr_t)points->series[s].name);
    free(points->labels);
    free(points->series);
    free(points->points);
    free(points->values);
    memset(points, 0, sizeof *points);
}

int plot_solutions(struct plot_points *points, const struct catalog *catalog,
                   const bool *take, const bool *dimmed, struct error *error) {
    size_t tasks = catalog->tasks;
    if (plot_points_begin(points, tasks, catalog->count + 1, error))
        return -1;
    int result = 0;
    for (size_t t = 0; result == 0 && t < tasks; t++) {
        const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
        result = plot_points_label(points, t, objective->name, objective->unit, error);
    }
    for (size_t s = 0; s < catalog->series_count; s++) {
        const struct series *from = &catalog->series[s];
        /* A front is a line only between two objectives. */
        struct plot_series series = {from->name, from->mark, from->ink,
                                     from->answers && tasks == 2};
        for (size_t i = 0; result == 0 && i < catalog->count; i++)
            if (take[i] && catalog->solutions[i].series == s)
                result = plot_points_add(points, &series, catalog->values + i * tasks,
                                         dimmed[i], error);
    }
    if (result)
        plot_points_clear(points);
    return result;
}

int plot_shares_begin(struct plot_shares *shares, size_t most, struct error *error) {
    size_t cells;
    memset(shares, 0, sizeof *shares);
    if (size_multiply(most, 3, &cells))
        shares->preferences = array_new(cells, sizeof *shares->preferences);
    shares->values = array_new(most, sizeof *shares->values);
    if (shares->preferences && shares->values)
        return 0;
    plot_shares_clear(shares);
    return error_memory(error);
}

void plot_shares_add(struct plot_shares *shares, const double *preference,
                     double value) {
    memcpy(shares->preferences + 3 * shares->count, preference,
           3 * sizeof *shares->preferences);
    shares->values[shares->count++] = value;
}

void plot_shares_clear(struct plot_shares *shares) {
    free(shares->preferences);
    free(shares->values);
    memset(shares, 0, sizeof *shares);
}
