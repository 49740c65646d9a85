#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "panels/graph.h"
#include "panels/places.h"
#include "panels/scatter_points.h"
#include "panels/views.h"
#include "state/selection.h"
#include "state/space.h"

static bool is_more(const struct explorer *explorer, size_t objective) {
    return explorer_wants_most(explorer, TABLE_TASK + objective);
}

/* With arrows to where it is better. */
static void draw_names(const struct view *view, const struct explorer *explorer,
                       size_t a, size_t b, bool focused) {
    const struct marks *marks = view->canvas->marks;
    view_heading(view, "", focused);
    if (view->width < 10)
        return;
    /* Each name has half of the room, and what the other leaves over. */
    char name_a[128], name_b[128];
    int room = view->width - 7, x = 2;
    int wide_a = text_columns(marks, explorer_task_name(explorer, a));
    int wide_b = text_columns(marks, explorer_task_name(explorer, b));
    int room_b =
        wide_a + wide_b <= room || wide_a < room / 2 ? room - wide_a : room / 2;
    int room_a = room - (wide_b < room_b ? wide_b : room_b);
    unsigned look = LOOK_BOLD | (focused ? LOOK_UNDERLINE : 0u);
    explorer_short_name(explorer, a, room_a, name_a, sizeof name_a);
    explorer_short_name(explorer, b, room_b, name_b, sizeof name_b);
    x += view_text(view, x, 0, room_b, look_task(b), look, name_b);
    view_put(view, x + 0, 0, L' ', INK_FRAME, LOOK_PLAIN);
    view_put(view, x + 1, 0,
             graph_arrow(marks->utf8, is_more(explorer, b) ? GRAPH_UP : GRAPH_DOWN),
             INK_FAINT, LOOK_PLAIN);
    view_put(view, x + 2, 0, L' ', INK_FRAME, LOOK_PLAIN);
    x += 3;
    x += view_text(view, x, 0, room_a, look_task(a), look, name_a);
    view_put(view, x + 0, 0, L' ', INK_FRAME, LOOK_PLAIN);
    view_put(view, x + 1, 0,
             graph_arrow(marks->utf8, is_more(explorer, a) ? GRAPH_RIGHT : GRAPH_LEFT),
             INK_FAINT, LOOK_PLAIN);
    view_put(view, x + 2, 0, L' ', INK_FRAME, LOOK_PLAIN);
}

/* What a place one has been at scored: stored figures, or else an estimate. */
static void find_stop(const struct explorer *explorer, struct trail_stop *stop) {
    const struct catalog *catalog = explorer->catalog;
    size_t row = catalog_find(catalog, stop->preference, explorer->routers);
    bool estimated = estimate_at(&explorer->samples, stop->preference, stop->values);
    for (size_t t = 0; t < explorer->tasks; t++)
        if (row != SIZE_MAX && catalog_settled(catalog, row, t))
            stop->values[t] = catalog_value(catalog, row, t);
        else if (!estimated)
            stop->values[t] = NAN;
}

static struct trail_stop *stop_of(struct trail *trail, size_t i) {
    return &trail->stops[(trail->first + i) % TRAIL_STOPS];
}

/* The last of the places, each looked up once: of many solutions that takes a
 * millisecond. */
static struct trail *find_trail(struct explorer *explorer) {
    const struct history *history = &explorer->history;
    struct trail *trail = &explorer->trailed;
    size_t bytes = explorer->tasks * sizeof(double);
    size_t last = history->at < history->count ? history->at : 0;
    if (trail->catalog != explorer->catalog->serial ||
        trail->routers != explorer->routers)
        *trail = (struct trail){.catalog = explorer->catalog->serial,
                                .routers = explorer->routers};
    trail->first = last >= TRAIL_STOPS ? last + 1 - TRAIL_STOPS : 0;
    trail->count = history->count ? last + 1 - trail->first : 0;
    for (size_t i = 0; i < trail->count; i++) {
        struct trail_stop *stop = stop_of(trail, i);
        const double *preference = history->items[trail->first + i];
        if (stop->made && !memcmp(stop->preference, preference, bytes))
            continue;
        memcpy(stop->preference, preference, bytes);
        find_stop(explorer, stop);
        stop->made = true;
    }
    return trail;
}

/* The way that one has come, from stop to stop. */
static void draw_trail(const struct graph *graph, struct raster *raster,
                       struct explorer *explorer, size_t a, size_t b) {
    if (!explorer->trail)
        return;
    struct trail *trail = find_trail(explorer);
    for (size_t i = 1; i < trail->count; i++) {
        const double *from = stop_of(trail, i - 1)->values,
                     *to = stop_of(trail, i)->values;
        if (isfinite(from[a] + from[b] + to[a] + to[b]))
            graph_line(graph, raster, from[a], from[b], to[a], to[b], 2, INK_NOW);
    }
}

/* Many points as dots, the front as a line, and the present point's interval; which
 * rows have a mark. */
static const struct scatter_points *
draw_fine(const struct graph *graph, struct explorer *explorer, size_t a, size_t b) {
    const struct catalog *catalog = explorer->catalog;
    struct raster raster;
    size_t count;
    const size_t *front = explorer_pair_front(explorer, a, b, &count);
    if (raster_begin(&raster, &graph->inside))
        return NULL;
    const struct scatter_points *points =
        scatter_points_of(explorer, graph, &raster, a, b);
    if (points)
        scatter_points_draw(points, &raster);
    for (size_t i = 1; i < count; i++)
        graph_line(graph, &raster, catalog_value(catalog, front[i - 1], a),
                   catalog_value(catalog, front[i - 1], b),
                   catalog_value(catalog, front[i], a),
                   catalog_value(catalog, front[i], b), 1, INK_FRONT);
    draw_trail(graph, &raster, explorer, a, b);
    struct figure x, y;
    if (explorer_figure(explorer, a, &x) && explorer_figure(explorer, b, &y) &&
        !x.estimated && !y.estimated) {
        if (!x.complete)
            graph_line(graph, &raster, x.low, y.value, x.high, y.value, 1, INK_NOW);
        if (!y.complete)
            graph_line(graph, &raster, x.value, y.low, x.value, y.high, 1, INK_NOW);
    }
    raster_end(&raster);
    return points;
}

static void draw_mark(const struct graph *graph, const struct explorer *explorer,
                      size_t row, size_t a, size_t b) {
    enum scatter_layer layer = scatter_points_layer(explorer, row);
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = graph->inside.canvas->marks;
    const struct series *series = catalog_series(catalog, row);
    bool settled = !catalog->solutions[row].stale && catalog_settled(catalog, row, a) &&
                   catalog_settled(catalog, row, b);
    enum mark mark = layer == LAYER_OUTSIDE ? MARK_DOMINATED
                     : layer == LAYER_KNEE  ? MARK_KNEE
                                            : series->mark;
    enum ink ink = layer == LAYER_KNEE                ? INK_FRONT
                   : layer == LAYER_OUTSIDE           ? INK_DOMINATED
                   : layer == LAYER_ANSWER || settled ? series->ink
                                                      : INK_DOMINATED;
    graph_point(graph, catalog_value(catalog, row, a), catalog_value(catalog, row, b),
                marks->mark[mark], ink,
                layer >= LAYER_SELECTED ? LOOK_BOLD : LOOK_PLAIN);
}

static void draw_marks(const struct graph *graph, const struct explorer *explorer,
                       const struct scatter_points *points, size_t a, size_t b) {
    for (size_t i = 0; points && i < points->marked_count; i++)
        draw_mark(graph, explorer, points->marked[i], a, b);
}

/* Arrows at the edge stand for baselines alone. */
static bool is_shown(const struct graph *graph, const struct explorer *explorer,
                     size_t row, double x, double y) {
    const struct catalog *catalog = explorer->catalog;
    bool beyond =
        x < graph->x.low || x > graph->x.high || y < graph->y.low || y > graph->y.high;
    return isfinite(x + y) && !(beyond && space_is_ours(catalog, row)) &&
           explorer_series_visible(explorer, catalog->solutions[row].series);
}

/* The fraction of a cell matters: several points of one cell are told apart. */
static double place_on(struct range range, double value, int cells) {
    double at = (value - range.low) / (range.high - range.low);
    return fmin(1, fmax(0, at)) * (cells - 1);
}

/* The graph of a panel; false where there is none in it. */
static bool find_graph(const struct view *view, const struct explorer *explorer,
                       size_t a, size_t b, struct graph *graph) {
    struct range x, y;
    if (view->height < 4 || view->width < 12 || !space_window(explorer, a, &x) ||
        !space_window(explorer, b, &y))
        return false;
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    *graph = graph_place(&below, x, y);
    return graph->inside.width >= 3 && graph->inside.height >= 2;
}

size_t scatter_view_places(const struct view *view, const struct explorer *explorer,
                           size_t a, size_t b, struct row_place *out) {
    const struct catalog *catalog = explorer->catalog;
    struct graph graph;
    size_t count = 0;
    if (!find_graph(view, explorer, a, b, &graph))
        return 0;
    const struct view *inside = &graph.inside;
    for (size_t i = 0; i < catalog->count; i++) {
        double x = catalog_value(catalog, i, a), y = catalog_value(catalog, i, b);
        if (is_shown(&graph, explorer, i, x, y))
            out[count++] = (struct row_place){
                i, inside->x - view->x + place_on(graph.x, x, inside->width),
                inside->y - view->y + inside->height - 1 -
                    place_on(graph.y, y, inside->height)};
    }
    return count;
}

bool scatter_view_values(const struct view *view, const struct explorer *explorer,
                         size_t a, size_t b, double x, double y, double *value_a,
                         double *value_b) {
    struct graph graph;
    if (!find_graph(view, explorer, a, b, &graph))
        return false;
    const struct view *inside = &graph.inside;
    double across = (x - (inside->x - view->x)) / (inside->width - 1);
    double down = (y - (inside->y - view->y)) / (inside->height - 1);
    *value_a = graph.x.low + across * (graph.x.high - graph.x.low);
    *value_b = graph.y.high - down * (graph.y.high - graph.y.low);
    return across >= 0 && across <= 1 && down >= 0 && down <= 1;
}

bool scatter_view_cell(const struct view *view, const struct explorer *explorer,
                       size_t a, size_t b, double value_a, double value_b, int *x,
                       int *y) {
    struct graph graph;
    if (!find_graph(view, explorer, a, b, &graph) || !isfinite(value_a + value_b))
        return false;
    int column = graph_column(&graph, value_a), row = graph_row(&graph, value_b);
    if (column < 0 || row < 0 || column >= graph.inside.width ||
        row >= graph.inside.height)
        return false;
    *x = graph.inside.x - view->x + column;
    *y = graph.inside.y - view->y + row;
    return true;
}

static void draw_pointed(const struct graph *graph, const struct explorer *explorer,
                         size_t a, size_t b) {
    size_t row = explorer->pointed;
    if (row == SIZE_MAX)
        return;
    double x = catalog_value(explorer->catalog, row, a),
           y = catalog_value(explorer->catalog, row, b);
    if (is_shown(graph, explorer, row, x, y))
        view_look(&graph->inside,
                  (int)lround(place_on(graph->x, x, graph->inside.width)),
                  graph->inside.height - 1 -
                      (int)lround(place_on(graph->y, y, graph->inside.height)),
                  1, LOOK_REVERSE);
}

/* How many solutions lie beyond each side of a scatter that is zoomed. */
static void draw_beyond(const struct graph *graph,
                        const struct scatter_points *points) {
    const struct view *inside = &graph->inside;
    bool fine = inside->canvas->marks->utf8;
    if (!points || inside->width < 12 || inside->height < 4)
        return;
    for (enum graph_side side = GRAPH_LEFT; side <= GRAPH_DOWN; side++) {
        char text[40];
        if (!points->beyond[side])
            continue;
        int columns = snprintf(text, sizeof text, "%zu", points->beyond[side]) + 1;
        int x = side == GRAPH_LEFT    ? 0
                : side == GRAPH_RIGHT ? inside->width - columns
                                      : (inside->width - columns) / 2;
        int y = side == GRAPH_UP     ? 0
                : side == GRAPH_DOWN ? inside->height - 1
                                     : inside->height / 2;
        view_put(inside, side == GRAPH_RIGHT ? x + columns - 1 : x, y,
                 graph_arrow(fine, side), INK_TEXT, LOOK_BOLD);
        view_text(inside, side == GRAPH_RIGHT ? x : x + 1, y, columns - 1, INK_TEXT,
                  LOOK_BOLD, text);
    }
}

void scatter_view_draw(const struct view *view, struct explorer *explorer, size_t a,
                       size_t b, bool focused) {
    struct range x, y;
    char why[64];
    draw_names(view, explorer, a, b, focused);
    if (view->height < 4 || view->width < 12)
        return;
    if (!space_window(explorer, a, &x) || !space_window(explorer, b, &y)) {
        view_note(view, INK_FAINT, explorer_why_empty(explorer, why, sizeof why));
        return;
    }
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    struct graph graph = graph_begin(&below, x, y);
    if (graph.inside.width < 3 || graph.inside.height < 2)
        return;
    const struct scatter_points *points = draw_fine(&graph, explorer, a, b);
    draw_marks(&graph, explorer, points, a, b);
    struct figure fa, fb;
    if (explorer_figure(explorer, a, &fa) && explorer_figure(explorer, b, &fb)) {
        bool estimate = fa.estimated || fb.estimated;
        graph_point(&graph, fa.value, fb.value,
                    view->canvas->marks->mark[estimate ? MARK_ESTIMATE : MARK_NOW],
                    INK_NOW, LOOK_BOLD);
    }
    if (space_is_zoomed(explorer, a) || space_is_zoomed(explorer, b))
        draw_beyond(&graph, points);
    draw_pointed(&graph, explorer, a, b);
}
