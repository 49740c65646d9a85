#include "panels/graph.h"

#include <math.h>
#include <stdlib.h>

enum { LABEL = 5 };

/* Columns left of the inside, and rows below it. */
static int left_of(const struct view *view) {
    return view->width >= 16 ? LABEL + 1 : 1;
}

static int below_of(const struct view *view) {
    return view->height >= 4 ? 2 : 1;
}

struct graph graph_place(const struct view *view, struct range x, struct range y) {
    int left = left_of(view);
    struct graph graph = {.inside = view_inside(view, left, 0, view->width - left - 1,
                                                view->height - below_of(view)),
                          .x = x,
                          .y = y};
    graph.across = graph_axis_across(view->canvas->marks, x, graph.inside.width, left,
                                     view->width - left - graph.inside.width);
    graph.upright = graph_axis_upright(y, graph.inside.height);
    if (below_of(view) > 1)
        graph.x = graph.across.range;
    if (left > 1)
        graph.y = graph.upright.range;
    return graph;
}

static void draw_upright(const struct view *view, const struct graph *graph, int left) {
    const struct ticks *ticks = &graph->upright.ticks;
    char text[32];
    for (size_t i = 0; i < ticks->count; i++) {
        int row = graph_row(graph, ticks_at(ticks, i));
        view_right(view, 0, row, LABEL, INK_FAINT, LOOK_PLAIN, "%s",
                   ticks_text(ticks, i, text, sizeof text));
        view_put(view, left - 1, row, view->canvas->marks->tick_right, INK_FRAME,
                 LOOK_PLAIN);
    }
}

static void draw_across(const struct view *view, const struct graph *graph, int left,
                        int axis) {
    const struct marks *marks = view->canvas->marks;
    const struct ticks *ticks = &graph->across.ticks;
    int cells = graph->inside.width;
    char text[32];
    for (size_t i = 0; i < ticks->count; i++) {
        int column = graph_column(graph, ticks_at(ticks, i));
        view_put(view, left + column, axis, marks->utf8 ? L'┬' : L'+', INK_FRAME,
                 LOOK_PLAIN);
        ticks_text(ticks, i, text, sizeof text);
        int columns = text_columns(marks, text);
        int from = graph_axis_text(column, columns, cells, view->width - left - cells);
        view_text(view, left + from, axis + 1, columns, INK_FAINT, LOOK_PLAIN, text);
    }
}

struct graph graph_begin(const struct view *view, struct range x, struct range y) {
    const struct marks *marks = view->canvas->marks;
    int left = left_of(view), below = below_of(view);
    struct graph graph = graph_place(view, x, y);
    int axis = view->height - below;
    for (int row = 0; row < axis; row++)
        view_put(view, left - 1, row, marks->vertical, INK_FRAME, LOOK_PLAIN);
    view_put(view, left - 1, axis, marks->corner, INK_FRAME, LOOK_PLAIN);
    view_fill(view, left, axis, view->width - left - 1, marks->horizontal, INK_FRAME,
              LOOK_PLAIN);
    if (graph.inside.width < 1 || graph.inside.height < 1)
        return graph;
    if (left > 1)
        draw_upright(view, &graph, left);
    if (below > 1)
        draw_across(view, &graph, left, axis);
    return graph;
}

int graph_column(const struct graph *graph, double x) {
    return graph_axis_cell(graph->x, x, graph->inside.width);
}

int graph_row(const struct graph *graph, double y) {
    return graph->inside.height - 1 -
           graph_axis_cell(graph->y, y, graph->inside.height);
}

static int dot(double at) {
    if (!(at > -30000))
        return -30000;
    return at > 30000 ? 30000 : (int)floor(at);
}

/* Dots of a cell lie around its middle, so that marks sit on their lines. */
int graph_dot_x(const struct graph *graph, const struct raster *raster, double x) {
    double at = (x - graph->x.low) / (graph->x.high - graph->x.low) *
                    (graph->inside.width - 1) +
                0.5;
    return dot(at * raster->dots_x);
}

int graph_dot_y(const struct graph *graph, const struct raster *raster, double y) {
    double at = (graph->y.high - y) / (graph->y.high - graph->y.low) *
                    (graph->inside.height - 1) +
                0.5;
    return dot(at * raster->dots_y);
}

void graph_line(const struct graph *graph, struct raster *raster, double x0, double y0,
                double x1, double y1, int step, enum ink ink) {
    if (!isfinite(x0 + y0 + x1 + y1))
        return;
    raster_line(raster, graph_dot_x(graph, raster, x0), graph_dot_y(graph, raster, y0),
                graph_dot_x(graph, raster, x1), graph_dot_y(graph, raster, y1), step,
                ink);
}

wchar_t graph_arrow(bool fine, enum graph_side side) {
    static const wchar_t arrows[2][4] = {{L'<', L'>', L'^', L'v'},
                                         {L'←', L'→', L'↑', L'↓'}};
    return arrows[fine][side];
}

void graph_point(const struct graph *graph, double x, double y, wchar_t mark,
                 enum ink ink, unsigned look) {
    bool fine = graph->inside.canvas->marks->utf8;
    int column = graph_column(graph, x), row = graph_row(graph, y);
    int right = graph->inside.width - 1, bottom = graph->inside.height - 1;
    if (right < 0 || bottom < 0 || !isfinite(x) || !isfinite(y))
        return;
    if (column < 0) {
        mark = graph_arrow(fine, GRAPH_LEFT);
        column = 0;
    } else if (column > right) {
        mark = graph_arrow(fine, GRAPH_RIGHT);
        column = right;
    }
    if (row > bottom) {
        mark = graph_arrow(fine, GRAPH_DOWN);
        row = bottom;
    } else if (row < 0) {
        mark = graph_arrow(fine, GRAPH_UP);
        row = 0;
    }
    view_put(&graph->inside, column, row, mark, ink, look);
}
