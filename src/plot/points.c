#include "plot/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int plot_points_begin(struct plot_points *points, size_t objectives, size_t most,
                      struct error *error) {
    size_t cells;
    *points =
        (struct plot_points){.labels = array_new(objectives, sizeof(char *)),
                             .names = array_new(most, sizeof(char *)),
                             .joined = array_new(most, sizeof(bool)),
                             .points = array_new(most, sizeof(struct plot_point))};
    if (size_multiply(most, objectives, &cells))
        points->values = array_new(cells, sizeof(double));
    points->cloud =
        (struct plot_cloud){.objectives = (const char *const *)points->labels,
                            .objective_count = objectives,
                            .series = (const char *const *)points->names,
                            .joined = points->joined,
                            .points = points->points};
    if (points->labels && points->names && points->joined && points->points &&
        points->values)
        return 0;
    plot_points_clear(points);
    return error_memory(error);
}

int plot_points_label(struct plot_points *points, size_t objective, const char *name,
                      const char *unit, struct error *error) {
    free(points->labels[objective]);
    points->labels[objective] = text_format("%s (%s)", name, unit);
    return points->labels[objective] ? 0 : error_memory(error);
}

static int find_series(struct plot_points *points, const char *name, bool joined,
                       size_t *series, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    for (*series = 0; *series < cloud->series_count; ++*series)
        if (strcmp(points->names[*series], name) == 0)
            return 0;
    points->names[*series] = strdup(name);
    if (!points->names[*series])
        return error_memory(error);
    points->joined[*series] = joined;
    cloud->series_count++;
    return 0;
}

int plot_points_add(struct plot_points *points, const char *series, bool joined,
                    const double *values, bool dimmed, struct error *error) {
    struct plot_cloud *cloud = &points->cloud;
    struct plot_point *point = &points->points[cloud->count];
    double *kept = points->values + cloud->count * cloud->objective_count;
    if (find_series(points, series, joined, &point->series, error))
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
    for (size_t s = 0; points->names && s < points->cloud.series_count; s++)
        free(points->names[s]);
    free(points->labels);
    free(points->names);
    free(points->joined);
    free(points->points);
    free(points->values);
    memset(points, 0, sizeof *points);
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
