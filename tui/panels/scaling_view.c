#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/graph.h"
#include "panels/views.h"
#include "state/space.h"

struct scaled {
    size_t series;
    double scale, value;
};

static int order_scaled(const void *a, const void *b) {
    const struct scaled *x = a, *y = b;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return x->scale < y->scale ? -1 : x->scale > y->scale;
}

static double row_mean(const struct catalog *catalog, size_t row) {
    double sum = 0;
    for (size_t t = 0; t < catalog->tasks; t++)
        sum += catalog_value(catalog, row, t);
    return sum / (double)catalog->tasks;
}

/* What is cheap to look at first: most of many rows have no scale. */
static bool is_scaled(const struct catalog *catalog, size_t row) {
    return isfinite(catalog->solutions[row].scale) &&
           catalog->rows[row].solution.kind == STORE_KIND_MERGE &&
           isfinite(row_mean(catalog, row));
}

/* All of them, series after series, by scale; free(). NULL: none, or memory is out. */
static struct scaled *find_scaled(const struct catalog *catalog, size_t *count) {
    struct scaled *points = NULL;
    size_t capacity = 0;
    *count = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!is_scaled(catalog, i) ||
            array_reserve((void **)&points, &capacity, *count + 1, sizeof *points))
            continue;
        points[(*count)++] =
            (struct scaled){catalog->solutions[i].series, catalog->solutions[i].scale,
                            row_mean(catalog, i)};
    }
    if (*count)
        qsort(points, *count, sizeof *points, order_scaled);
    return points;
}

static void draw_series(const struct graph *graph, const struct explorer *explorer,
                        size_t series, const struct scaled *points, size_t count) {
    const struct catalog *catalog = explorer->catalog;
    struct raster raster;
    if (count && raster_begin(&raster, &graph->inside) == 0) {
        for (size_t i = 1; i < count; i++)
            graph_line(graph, &raster, points[i - 1].scale, points[i - 1].value,
                       points[i].scale, points[i].value, 1,
                       catalog->series[series].ink);
        raster_end(&raster);
    }
    for (size_t i = 0; i < count; i++)
        graph_point(graph, points[i].scale, points[i].value,
                    graph->inside.canvas->marks->mark[catalog->series[series].mark],
                    catalog->series[series].ink, LOOK_PLAIN);
}

/* Each series that is shown, from the points of all. */
static void draw_all(const struct graph *graph, const struct explorer *explorer,
                     const struct scaled *points, size_t count) {
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && points[to].series == points[from].series;)
            to++;
        if (explorer_series_visible(explorer, points[from].series))
            draw_series(graph, explorer, points[from].series, points + from, to - from);
    }
}

void scaling_view_draw(const struct view *view, const struct explorer *explorer,
                       bool focused) {
    const struct catalog *catalog = explorer->catalog;
    struct range x = range_empty(), y = range_empty();
    char why[64];
    size_t count;
    view_heading(view, "Mean by scaling coefficient", focused);
    if (!store_recipe_averages(catalog->recipe)) {
        view_note(view, INK_FAINT,
                  "the tasks have different units, which have no mean");
        return;
    }
    struct scaled *points = find_scaled(catalog, &count);
    for (size_t i = 0; i < count; i++) {
        range_add(&x, points[i].scale);
        range_add(&y, points[i].value);
    }
    if (x.low > x.high) {
        free(points);
        view_note(view, INK_FAINT,
                  catalog->reading
                      ? explorer_why_empty(explorer, why, sizeof why)
                      : "no scaling sweep is stored; run pwemoe merge --scales 0:1:11");
        return;
    }
    double here = 0;
    bool known = true, estimated = false;
    for (size_t t = 0; t < explorer->tasks && known; t++) {
        struct figure figure;
        known = explorer_figure(explorer, t, &figure);
        here += figure.value / (double)explorer->tasks;
        estimated = estimated || figure.estimated;
    }
    if (known)
        range_add(&y, here);
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    double least = 0.005 * space_scale(explorer, explorer->tasks, y);
    struct graph graph =
        graph_begin(&below, range_widen(x, 0.1, 0), range_widen(y, least, 0.05));
    if (graph.inside.width < 3 || graph.inside.height < 2) {
        free(points);
        return;
    }
    struct raster raster;
    if (known && raster_begin(&raster, &graph.inside) == 0) {
        graph_line(&graph, &raster, graph.x.low, here, graph.x.high, here, 3, INK_NOW);
        raster_end(&raster);
    }
    draw_all(&graph, explorer, points, count);
    free(points);
    if (known)
        graph_point(&graph, graph.x.high, here,
                    view->canvas->marks->mark[estimated ? MARK_ESTIMATE : MARK_NOW],
                    INK_NOW, LOOK_BOLD);
}
