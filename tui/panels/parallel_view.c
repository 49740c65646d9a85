/* Parallel coordinates: one upright axis for each objective, one line for each
 * solution, the better end of every axis on top. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/graph.h"
#include "panels/parallel.h"
#include "panels/places.h"
#include "panels/views.h"
#include "state/axes.h"
#include "state/selection.h"
#include "state/space.h"
#include "terminal/raster.h"

/* Of so many baselines at most lines are drawn, of more only marks. */
enum { LINES_MOST = 24 };

/* values by place; NaN breaks the line. */
static void draw_line(const struct parallel_axes *axes, struct raster *raster,
                      const double *values, int step, enum ink ink) {
    for (size_t k = 1; k < axes->count; k++)
        if (isfinite(values[k - 1]) && isfinite(values[k]))
            raster_line(
                raster,
                parallel_axis_column(axes, k - 1) * raster->dots_x + raster->dots_x / 2,
                parallel_axis_dot(axes, k - 1, values[k - 1], raster_height(raster)),
                parallel_axis_column(axes, k) * raster->dots_x + raster->dots_x / 2,
                parallel_axis_dot(axes, k, values[k], raster_height(raster)), step,
                ink);
}

static void draw_marks(const struct parallel_axes *axes, const double *values,
                       wchar_t mark, enum ink ink, unsigned look) {
    const struct view *inside = &axes->inside;
    bool fine = inside->canvas->marks->utf8;
    for (size_t k = 0; k < axes->count; k++) {
        double low = fmin(axes->low[k], axes->high[k]);
        double high = fmax(axes->low[k], axes->high[k]);
        if (!isfinite(values[k]))
            continue;
        bool beyond = values[k] < low || values[k] > high;
        int row = parallel_axis_dot(axes, k, values[k], inside->height);
        wchar_t arrow = graph_arrow(fine, row ? GRAPH_DOWN : GRAPH_UP);
        view_put(inside, parallel_axis_column(axes, k), row, beyond ? arrow : mark, ink,
                 look);
    }
}

/* A row's values by place, into out [PARALLEL_MOST]. */
static const double *row_values(const struct explorer *explorer,
                                const struct parallel_axes *axes, size_t row,
                                double *out) {
    for (size_t k = 0; k < axes->count; k++)
        out[k] = space_value(explorer->catalog, row, axes->axis[k]);
    return out;
}

static bool is_visible(const struct explorer *explorer, size_t row) {
    return explorer_series_visible(explorer, explorer->catalog->solutions[row].series);
}

/* Baselines: marks on the axes, joined by dots while there are few of them. */
static void draw_baselines(const struct parallel_axes *axes,
                           const struct explorer *explorer, bool marks) {
    const struct catalog *catalog = explorer->catalog;
    struct raster raster;
    size_t count = 0;
    for (size_t b = 0; b < catalog->beside_count; b++)
        count += is_visible(explorer, catalog->besides[b]);
    if (!marks && (count > LINES_MOST || raster_begin(&raster, &axes->inside)))
        return;
    for (size_t b = 0; b < catalog->beside_count; b++) {
        size_t i = catalog->besides[b];
        if (!is_visible(explorer, i))
            continue;
        const struct series *series = &catalog->series[catalog->solutions[i].series];
        const struct solution *solution = &catalog->solutions[i];
        bool outside = selection_outside(explorer, i);
        enum ink ink = solution->stale || !solution->whole || outside ? INK_DOMINATED
                                                                      : series->ink;
        double room[PARALLEL_MOST];
        const double *values = row_values(explorer, axes, i, room);
        const wchar_t *mark = axes->inside.canvas->marks->mark;
        if (marks)
            draw_marks(axes, values, mark[outside ? MARK_DOMINATED : series->mark], ink,
                       LOOK_PLAIN);
        else if (!outside)
            draw_line(axes, &raster, values, 4, ink);
    }
    if (!marks)
        raster_end(&raster);
}

/* The two sides of the comparison, the knee, and bookmarks that are measured. */
static void draw_chosen(const struct parallel_axes *axes,
                        const struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = axes->inside.canvas->marks;
    struct raster raster;
    if (raster_begin(&raster, &axes->inside))
        return;
    size_t rows[LINES_MOST], count = 0;
    double values[PARALLEL_MOST];
    wchar_t letters[LINES_MOST];
    if (catalog->knee != SIZE_MAX && is_visible(explorer, catalog->knee)) {
        letters[count] = marks->mark[MARK_KNEE];
        rows[count++] = catalog->knee;
    }
    for (size_t i = 0; i < catalog->bookmark_count && count < LINES_MOST - 2; i++) {
        const struct store_row *row = store_row_find(catalog->rows, catalog->count,
                                                     catalog->bookmarks[i].solution);
        if (row) {
            letters[count] = marks->mark[MARK_BOOKMARK];
            rows[count++] = (size_t)(row - catalog->rows);
        }
    }
    for (size_t i = 0; i < 2; i++)
        if (explorer->compared[i].row != SIZE_MAX) {
            letters[count] = i ? L'B' : L'A';
            rows[count++] = explorer->compared[i].row;
        }
    for (size_t i = 0; i < count; i++)
        draw_line(axes, &raster, row_values(explorer, axes, rows[i], values), 1,
                  letters[i] == L'A' || letters[i] == L'B' ? INK_TEXT
                  : letters[i] == marks->mark[MARK_KNEE]   ? INK_FRONT
                                                           : INK_WARNING);
    raster_end(&raster);
    for (size_t i = 0; i < count; i++)
        draw_marks(axes, row_values(explorer, axes, rows[i], values), letters[i],
                   letters[i] == marks->mark[MARK_KNEE] ? INK_FRONT : INK_WARNING,
                   LOOK_BOLD);
}

/* The present point above all others, its interval along each axis. */
static void draw_now(const struct parallel_axes *axes,
                     const struct explorer *explorer) {
    const struct marks *marks = axes->inside.canvas->marks;
    double values[PARALLEL_MOST];
    bool estimated = false;
    struct raster raster;
    if (raster_begin(&raster, &axes->inside))
        return;
    for (size_t k = 0; k < axes->count; k++) {
        struct figure figure;
        values[k] = NAN;
        if (!space_figure(explorer, axes->axis[k], &figure))
            continue;
        values[k] = figure.value;
        estimated = estimated || figure.estimated;
        int x = parallel_axis_column(axes, k) * raster.dots_x + raster.dots_x / 2;
        if (!figure.estimated && !figure.complete)
            raster_line(&raster, x,
                        parallel_axis_dot(axes, k, figure.low, raster_height(&raster)),
                        x,
                        parallel_axis_dot(axes, k, figure.high, raster_height(&raster)),
                        1, INK_NOW);
    }
    draw_line(axes, &raster, values, 1, INK_NOW);
    raster_end(&raster);
    draw_marks(axes, values, marks->mark[estimated ? MARK_ESTIMATE : MARK_NOW], INK_NOW,
               LOOK_BOLD);
}

/* --- the frame around them ------------------------------------------------------- */

/* The range that an axis is brushed by. */
static void draw_range(const struct parallel_axes *axes,
                       const struct explorer *explorer, size_t place, int x) {
    bool fine = axes->inside.canvas->marks->utf8;
    int last = axes->inside.height - 1;
    if (axes->axis[place] == explorer->tasks ||
        !selection_has_range(explorer, axes->axis[place]))
        return;
    struct range range = explorer->brush[axes->axis[place]];
    int a = (int)lround(parallel_axis_share(axes, place, range.low) * last);
    int b = (int)lround(parallel_axis_share(axes, place, range.high) * last);
    int top = a < b ? a : b, bottom = a < b ? b : a;
    for (int y = top; y <= bottom; y++)
        view_put(&axes->inside, x, y, fine ? L'┃' : L'#', INK_NOW, LOOK_BOLD);
    for (int end = 0; end < 2; end++)
        for (int side = -1; side <= 1; side += 2)
            view_put(&axes->inside, x + side, end ? bottom : top, fine ? L'━' : L'=',
                     INK_NOW, LOOK_BOLD);
}

/* Over its axis, inside the view. */
static void draw_label(const struct view *view, int x, int y, int most, enum ink ink,
                       unsigned look, const char *text) {
    int columns = text_columns(view->canvas->marks, text);
    columns = columns > most ? most : columns;
    int from = x - columns / 2;
    from = from + columns > view->width ? view->width - columns : from;
    view_text(view, from < 0 ? 0 : from, y, columns, ink, look, text);
}

/* Columns of a name. Those at the ends are pushed inwards where they would stick out,
 * and keep apart from their neighbours nevertheless. */
static int label_width(const struct parallel_axes *axes, int width) {
    int pushed = 2 * (axes->left + axes->gap - 1) / 3;
    int most = axes->gap - 1 < pushed ? axes->gap - 1 : pushed;
    return axes->gap && most < width ? most : width;
}

static void draw_frame(const struct view *view, const struct parallel_axes *axes,
                       const struct explorer *explorer, bool focused) {
    const struct marks *marks = view->canvas->marks;
    for (size_t k = 0; k < axes->count; k++) {
        size_t t = axes->axis[k];
        int x = parallel_axis_column(axes, k);
        int most = label_width(axes, view->width);
        char text[128];
        bool mean = t == explorer->tasks;
        if (mean)
            snprintf(text, sizeof text, "%.*s", most, "mean");
        else
            explorer_short_name(explorer, t, most, text, sizeof text);
        draw_label(view, x, 0, most, mean ? INK_TEXT : look_task(t),
                   LOOK_BOLD | (focused && t == explorer->pointed_axis ? LOOK_REVERSE
                                                                       : LOOK_PLAIN),
                   text);
        draw_label(view, x, 1, most, INK_FAINT, LOOK_PLAIN,
                   parallel_number(axes->high[k], most, text, sizeof text));
        draw_label(view, x, view->height - 1, most, INK_FAINT, LOOK_PLAIN,
                   parallel_number(axes->low[k], most, text, sizeof text));
        for (int y = 0; y < axes->inside.height; y++)
            view_put(&axes->inside, x, y, marks->vertical, INK_FRAME, LOOK_PLAIN);
        draw_range(axes, explorer, k, x);
    }
}

/* The solution pointed at, over all the others. */
static void draw_pointed(const struct parallel_axes *axes,
                         const struct explorer *explorer) {
    struct raster raster;
    if (explorer->pointed == SIZE_MAX || !is_visible(explorer, explorer->pointed) ||
        raster_begin(&raster, &axes->inside))
        return;
    double room[PARALLEL_MOST];
    const double *values = row_values(explorer, axes, explorer->pointed, room);
    draw_line(axes, &raster, values, 1, INK_TEXT);
    raster_end(&raster);
    draw_marks(axes, values, axes->inside.canvas->marks->mark[MARK_FRONT], INK_TEXT,
               LOOK_BOLD | LOOK_REVERSE);
}

static bool find_axes(const struct view *view, struct explorer *explorer,
                      struct parallel_axes *axes) {
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    return view->height >= 7 && view->width >= 14 &&
           parallel_axes_place(&below, explorer, axes);
}

/* A line's height at a column between two axes, or on one. */
size_t parallel_view_places(const struct view *view, struct explorer *explorer,
                            int column, struct row_place *out) {
    const struct catalog *catalog = explorer->catalog;
    struct parallel_axes axes;
    size_t count = 0, k = 0;
    if (!find_axes(view, explorer, &axes))
        return 0;
    column -= axes.inside.x - view->x;
    while (k + 2 < axes.count && parallel_axis_column(&axes, k + 1) <= column)
        k++;
    size_t next = k + 1 < axes.count ? k + 1 : k;
    double along =
        axes.gap ? (double)(column - parallel_axis_column(&axes, k)) / axes.gap : 0;
    along = fmin(1, fmax(0, along));
    for (size_t i = 0; i < catalog->count; i++) {
        double values[PARALLEL_MOST];
        row_values(explorer, &axes, i, values);
        double from = parallel_axis_share(&axes, k, values[k]),
               to = parallel_axis_share(&axes, next, values[next]);
        double at = along > 0 ? along < 1 ? from + along * (to - from) : to : from;
        if (isfinite(at) &&
            explorer_series_visible(explorer, catalog->solutions[i].series))
            out[count++] = (struct row_place){i, column + axes.inside.x - view->x,
                                              axes.inside.y - view->y +
                                                  at * (axes.inside.height - 1)};
    }
    return count;
}

/* The place of an objective among the axes that are on the screen, or SIZE_MAX. */
static size_t place_of(const struct parallel_axes *axes, size_t objective) {
    for (size_t k = 0; k < axes->count; k++)
        if (axes->axis[k] == objective)
            return k;
    return SIZE_MAX;
}

int parallel_view_column(const struct view *view, struct explorer *explorer,
                         size_t objective) {
    struct parallel_axes axes;
    size_t shown[STORE_TASKS_MAX], count = axes_shown(explorer, shown), at = 0;
    int *scroll = &explorer->scroll[PANEL_SCATTER];
    if (!find_axes(view, explorer, &axes))
        return 0;
    if (axes.mean && objective == explorer->tasks)
        return axes.inside.x - view->x + parallel_axis_column(&axes, axes.count - 1);
    while (at + 1 < count && shown[at] != objective)
        at++;
    if (at < axes.first)
        *scroll = (int)at;
    else if (at >= axes.first + axes.count - axes.mean)
        *scroll = (int)(at + 1 - (axes.count - axes.mean));
    find_axes(view, explorer, &axes);
    return axes.inside.x - view->x + parallel_axis_column(&axes, at - axes.first);
}

size_t parallel_view_axis(const struct view *view, struct explorer *explorer,
                          int column) {
    struct parallel_axes axes;
    if (!find_axes(view, explorer, &axes))
        return 0;
    size_t nearest = 0;
    column -= axes.inside.x - view->x;
    for (size_t k = 1; k < axes.count; k++)
        if (abs(parallel_axis_column(&axes, k) - column) <
            abs(parallel_axis_column(&axes, nearest) - column))
            nearest = k;
    return axes.axis[nearest];
}

bool parallel_view_value(const struct view *view, struct explorer *explorer,
                         size_t objective, double y, double *value) {
    struct parallel_axes axes;
    size_t place;
    if (!find_axes(view, explorer, &axes) || axes.inside.height < 2 ||
        (place = place_of(&axes, objective)) == SIZE_MAX)
        return false;
    double at = (y - (axes.inside.y - view->y)) / (axes.inside.height - 1);
    *value = axes.high[place] + at * (axes.low[place] - axes.high[place]);
    return true;
}

void parallel_view_draw(const struct view *view, struct explorer *explorer,
                        bool focused) {
    struct parallel_axes axes;
    struct raster raster;
    char title[96] = "Parallel coordinates", why[64];
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    bool room = view->height >= 7 && view->width >= 14;
    bool known = room && parallel_axes_place(&below, explorer, &axes);
    size_t shown[STORE_TASKS_MAX], count = axes_shown(explorer, shown);
    size_t hidden = explorer->tasks - count;
    size_t objectives = known ? axes.count - axes.mean : 0;
    if (known && objectives < count)
        snprintf(title, sizeof title, "Parallel%s: %zu-%zu of %zu%s",
                 view->width >= 44 ? " coordinates" : "", axes.first + 1,
                 axes.first + objectives, count,
                 view->width >= 60 ? ", wheel or PgDn for the others" : "");
    else if (known && hidden)
        snprintf(title, sizeof title, "Parallel%s: %zu hidden",
                 view->width >= 44 ? " coordinates" : "", hidden);
    view_heading(view, title, focused);
    if (!known) {
        if (room)
            view_note(view, INK_FAINT, explorer_why_empty(explorer, why, sizeof why));
        return;
    }
    if (axes.count > 1 && axes.gap > 0 && raster_begin(&raster, &axes.inside) == 0) {
        if (parallel_density_make(explorer, &axes, &raster) == 0)
            parallel_density_draw(&axes, &explorer->density, &raster);
        raster_end(&raster);
    }
    draw_baselines(&axes, explorer, false);
    draw_frame(&below, &axes, explorer, focused);
    draw_baselines(&axes, explorer, true);
    draw_chosen(&axes, explorer);
    draw_now(&axes, explorer);
    draw_pointed(&axes, explorer);
    parallel_ticks_draw(&axes);
}
