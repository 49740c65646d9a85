#include "panels/graph.h"

#include <math.h>
#include <stdlib.h>

#include "results/ticks.h"

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
    return (struct graph){view_inside(view, left, 0, view->width - left - 1,
                                      view->height - below_of(view)),
                          x, y};
}

/* Three at least where there is room for them, however the round numbers lie. */
static struct ticks find_ticks(struct range range, int most) {
    enum { LEAST = 3, CLOSEST = 12 };
    struct ticks ticks = ticks_of(range.low, range.high, (size_t)(most < 1 ? 1 : most));
    for (size_t more = (size_t)(most < 1 ? 1 : most) + 1;
         most >= 2 && ticks.count < LEAST && more <= CLOSEST; more++)
        ticks = ticks_of(range.low, range.high, more);
    return ticks;
}

static void draw_upright(const struct view *view, const struct graph *graph, int left,
                         int axis) {
    const struct marks *marks = view->canvas->marks;
    int most = (graph->inside.height * 2 + 2) / 3, before = -1;
    struct ticks ticks = find_ticks(graph->y, most > 5 ? 5 : most);
    char text[32];
    for (size_t i = 0; left > 1 && i < ticks.count; i++) {
        int row = graph_row(graph, ticks_at(&ticks, i));
        if (row < 0 || row >= axis || row == before)
            continue;
        before = row;
        view_right(view, 0, row, LABEL, INK_FAINT, LOOK_PLAIN, "%s",
                   ticks_text(&ticks, i, text, sizeof text));
        view_put(view, left - 1, row, marks->tick_right, INK_FRAME, LOOK_PLAIN);
    }
}

/* Numbers that would touch are left out. */
static void draw_across(const struct view *view, const struct graph *graph, int left,
                        int axis) {
    const struct marks *marks = view->canvas->marks;
    int most = graph->inside.width / 6, end = 0;
    struct ticks ticks = find_ticks(graph->x, most > 6 ? 6 : most);
    char text[32];
    for (size_t i = 0; i < ticks.count; i++) {
        int column = graph_column(graph, ticks_at(&ticks, i));
        if (column < 0 || column >= graph->inside.width)
            continue;
        view_put(view, left + column, axis, marks->utf8 ? L'┬' : L'+', INK_FRAME,
                 LOOK_PLAIN);
        ticks_text(&ticks, i, text, sizeof text);
        int columns = text_columns(marks, text), from = left + column - columns / 2;
        if (from + columns > view->width)
            from = view->width - columns;
        if (from < end)
            continue;
        view_text(view, from, axis + 1, columns, INK_FAINT, LOOK_PLAIN, text);
        end = from + columns + 1;
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
    draw_upright(view, &graph, left, axis);
    if (below > 1)
        draw_across(view, &graph, left, axis);
    return graph;
}

static int place(double value, struct range range, int cells) {
    double at = (value - range.low) / (range.high - range.low) * (cells - 1);
    if (!(at > -30000))
        return -30000;
    return at > 30000 ? 30000 : (int)lround(at);
}

int graph_column(const struct graph *graph, double x) {
    return place(x, graph->x, graph->inside.width);
}

int graph_row(const struct graph *graph, double y) {
    return graph->inside.height - 1 - place(y, graph->y, graph->inside.height);
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
