#include "panels/scatter_points.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "state/selection.h"
#include "state/space.h"

enum { SHADED = 500 }; /* points from which on how many of them is what one sees */

static bool same_range(struct range a, struct range b) {
    return a.low == b.low && a.high == b.high;
}

static bool is_same(const struct scatter_points *points,
                    const struct scatter_points *wanted) {
    return points->counts && points->catalog == wanted->catalog &&
           points->hidden == wanted->hidden && points->selection == wanted->selection &&
           points->a == wanted->a && points->b == wanted->b &&
           points->width == wanted->width && points->height == wanted->height &&
           same_range(points->x, wanted->x) && same_range(points->y, wanted->y);
}

/* One that the eye is to find again: of the front, a knee, selected, or no answer to a
 * preference. */
static bool is_marked(const struct explorer *explorer, size_t row) {
    const struct solution *solution = &explorer->catalog->solutions[row];
    return solution->front || solution->knee || selection_has(explorer, row) ||
           !space_is_ours(explorer->catalog, row);
}

static void count_beyond(struct scatter_points *points, double x, double y) {
    if (x < points->x.low)
        points->beyond[GRAPH_LEFT]++;
    else if (x > points->x.high)
        points->beyond[GRAPH_RIGHT]++;
    else if (y > points->y.high)
        points->beyond[GRAPH_UP]++;
    else if (y < points->y.low)
        points->beyond[GRAPH_DOWN]++;
}

enum scatter_layer scatter_points_layer(const struct explorer *explorer, size_t row) {
    return selection_outside(explorer, row)         ? LAYER_OUTSIDE
           : explorer->catalog->solutions[row].knee ? LAYER_KNEE
           : selection_has(explorer, row)           ? LAYER_SELECTED
           : space_is_ours(explorer->catalog, row)  ? LAYER_ANSWER
                                                    : LAYER_BASELINE;
}

static size_t clamp(int at, int count) {
    return at < 0 ? 0 : at >= count ? (size_t)count - 1 : (size_t)at;
}

/* Of several marks in one cell the last of the highest layer is seen; top [cells] has
 * its row, or SIZE_MAX. */
static void put_mark(const struct explorer *explorer, const struct graph *graph,
                     size_t row, double x, double y, size_t *top) {
    const struct view *inside = &graph->inside;
    size_t cell = clamp(graph_row(graph, y), inside->height) * (size_t)inside->width +
                  clamp(graph_column(graph, x), inside->width);
    if (top[cell] == SIZE_MAX || scatter_points_layer(explorer, row) >=
                                     scatter_points_layer(explorer, top[cell]))
        top[cell] = row;
}

static void take_rows(const struct explorer *explorer, const struct graph *graph,
                      const struct raster *raster, struct scatter_points *points) {
    const struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; i < catalog->count; i++) {
        double x = catalog_value(catalog, i, points->a),
               y = catalog_value(catalog, i, points->b);
        if (!isfinite(x + y) ||
            !explorer_series_visible(explorer, catalog->solutions[i].series))
            continue;
        count_beyond(points, x, y);
        if (is_marked(explorer, i)) {
            put_mark(explorer, graph, i, x, y, points->marked);
            continue;
        }
        int at_x = graph_dot_x(graph, raster, x), at_y = graph_dot_y(graph, raster, y);
        if (at_x < 0 || at_y < 0 || at_x >= points->width || at_y >= points->height)
            continue;
        uint32_t *count =
            &points->counts[(size_t)at_y * (size_t)points->width + (size_t)at_x];
        points->most = ++*count > points->most ? *count : points->most;
        points->points++;
    }
    /* From one for each cell to a list. */
    size_t cells = (size_t)graph->inside.width * (size_t)graph->inside.height;
    for (size_t i = 0; i < cells; i++)
        if (points->marked[i] != SIZE_MAX)
            points->marked[points->marked_count++] = points->marked[i];
}

const struct scatter_points *scatter_points_of(struct explorer *explorer,
                                               const struct graph *graph,
                                               const struct raster *raster, size_t a,
                                               size_t b) {
    struct scatter_points *points = &explorer->points[(a + b) % 3];
    struct scatter_points wanted = {.catalog = explorer->catalog->serial,
                                    .hidden = explorer->hidden_serial,
                                    .selection = explorer->selection_shown,
                                    .a = a,
                                    .b = b,
                                    .x = graph->x,
                                    .y = graph->y,
                                    .width = raster_width(raster),
                                    .height = raster_height(raster)};
    if (is_same(points, &wanted))
        return points;
    free(points->counts);
    free(points->marked);
    wanted.counts =
        array_new((size_t)wanted.width * (size_t)wanted.height, sizeof *wanted.counts);
    size_t cells = (size_t)graph->inside.width * (size_t)graph->inside.height;
    wanted.marked = array_new(cells, sizeof *wanted.marked);
    for (size_t i = 0; wanted.marked && i < cells; i++)
        wanted.marked[i] = SIZE_MAX;
    *points = wanted;
    if (!points->counts || !points->marked) {
        free(points->counts);
        free(points->marked);
        *points = (struct scatter_points){0};
        return NULL;
    }
    take_rows(explorer, graph, raster, points);
    return points;
}

void scatter_points_draw(const struct scatter_points *points, struct raster *raster) {
    for (int y = 0; y < points->height; y++)
        for (int x = 0; x < points->width; x++) {
            uint32_t count =
                points->counts[(size_t)y * (size_t)points->width + (size_t)x];
            if (points->points < SHADED || points->most < 2
                    ? count > 0
                    : raster_shade(count, points->most, x, y))
                raster_dot(raster, x, y, INK_DOMINATED);
        }
}
