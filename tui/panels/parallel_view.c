/* Parallel coordinates: one upright axis for each objective, one line for each
 * solution, the better end of every axis on top.
 *
 * Ten thousand lines are a grey block. So lines are counted, not drawn: for each dot
 * how many pass it, and dots are set the more closely the more there are. Counting
 * costs two additions for each line and column and is kept until the catalog, the
 * legend or the axes change; a frame then costs one look at each dot. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/graph.h"
#include "panels/places.h"
#include "panels/views.h"
#include "state/selection.h"
#include "state/space.h"
#include "terminal/raster.h"

/* Of more rows every second, third ... is counted: the picture is the same, and the
 * time has an end. Few lines are drawn whole. */
enum { ROWS_MOST = 20000, WHOLE_MOST = 30, LINES_MOST = 24 };
/* Columns from one axis to the next: as many as numbers want, or as few as lets all
 * axes be seen, with short names. */
enum { AXIS_WIDE = 7, AXIS_LEAST = 3 };

struct parallel_axes {
    struct view inside; /* below the names and numbers, above the numbers */
    size_t first, count;
    int left, gap; /* columns: of the first axis, and from one to the next */
    double low[STORE_TASKS_MAX], high[STORE_TASKS_MAX]; /* bottom and top, by place */
};

static int axis_column(const struct parallel_axes *axes, size_t place) {
    return axes->left + (int)place * axes->gap;
}

/* The height of a value on an axis, 0 at the top to 1, held to the axis; NaN of NaN. */
static double axis_share(const struct parallel_axes *axes, size_t place, double value) {
    double at = (axes->high[place] - value) / (axes->high[place] - axes->low[place]);
    return isnan(at) ? at : fmin(1, fmax(0, at));
}

/* The same in dots. */
static int axis_dot(const struct parallel_axes *axes, size_t place, double value,
                    int dots) {
    return (int)lround(axis_share(axes, place, value) * (dots - 1));
}

/* Which axes fit, and where; the wheel and PgDn move on to the others. */
static bool place_axes(const struct view *view, struct explorer *explorer,
                       struct parallel_axes *axes) {
    int left = view->width >= 40 ? 5 : 2;
    size_t fit = (size_t)((view->width - 2 * left) / AXIS_WIDE + 1);
    if (fit < explorer->tasks) {
        left = 2;
        fit = (size_t)((view->width - 2 * left) / AXIS_LEAST + 1);
    }
    *axes =
        (struct parallel_axes){.count = explorer->tasks < fit ? explorer->tasks : fit};
    size_t last = explorer->tasks - axes->count;
    int *scroll = &explorer->scroll[PANEL_SCATTER];
    *scroll = *scroll > (int)last ? (int)last : *scroll < 0 ? 0 : *scroll;
    axes->first = (size_t)*scroll;
    axes->gap = axes->count > 1 ? (view->width - 2 * left) / ((int)axes->count - 1) : 0;
    axes->left = (view->width - axes->gap * ((int)axes->count - 1)) / 2;
    axes->inside = view_inside(view, 0, 2, view->width, view->height - 3);
    for (size_t i = 0; i < axes->count; i++) {
        struct range range;
        size_t t = axes->first + i;
        if (!space_range(explorer, t, &range))
            return false;
        bool up = explorer->catalog->recipe->tasks[t].objective.maximise;
        axes->low[i] = up ? range.low : range.high;
        axes->high[i] = up ? range.high : range.low;
    }
    return true;
}

/* --- how many lines pass each dot ---------------------------------------------- */

/* A line from one axis to the next as the dots it covers in each column between them:
 * one more from the first, one fewer after the last. */
static void count_line(uint32_t *column, int height, int columns, int from, int to) {
    int before = from;
    for (int x = 0; x < columns; x++) {
        int at = from + (int)lround((double)(to - from) * (x + 1) / columns);
        int low = before < at ? before : at, high = before < at ? at : before;
        uint32_t *here = column + (size_t)x * (size_t)(height + 1);
        here[low]++;
        here[high + 1]--;
        before = at;
    }
}

static void count_rows(const struct explorer *explorer,
                       const struct parallel_axes *axes, int dots_x,
                       struct density *density) {
    const struct catalog *catalog = explorer->catalog;
    size_t stride = (catalog->count + ROWS_MOST - 1) / ROWS_MOST;
    int columns = axes->gap * dots_x;
    for (size_t i = 0; i < catalog->count; i += stride ? stride : 1) {
        const struct solution *solution = &catalog->solutions[i];
        if (!space_is_ours(catalog, i) ||
            !explorer_series_visible(explorer, solution->series))
            continue;
        density->lines++;
        bool above =
            selection_count(explorer) ? selection_has(explorer, i) : solution->front;
        uint32_t *layer = above ? density->front : density->rest;
        int before = -1;
        for (size_t k = 0; k < axes->count; k++) {
            double value = catalog_value(catalog, i, axes->first + k);
            int at = isfinite(value) ? axis_dot(axes, k, value, density->height) : -1;
            if (before >= 0 && at >= 0)
                count_line(layer + (k - 1) * (size_t)columns *
                                       (size_t)(density->height + 1),
                           density->height, columns, before, at);
            before = at;
        }
    }
}

/* From differences down each column to numbers. */
static void sum_columns(uint32_t *layer, int width, int height) {
    for (int x = 0; x < width; x++) {
        uint32_t *column = layer + (size_t)x * (size_t)(height + 1);
        for (int y = 1; y < height; y++)
            column[y] += column[y - 1];
    }
}

static bool is_same(const struct density *density, const struct explorer *explorer,
                    const struct parallel_axes *axes, int width, int height) {
    return density->front && density->catalog == explorer->catalog->serial &&
           density->hidden == explorer->hidden_serial &&
           density->selection == explorer->selection_shown &&
           density->first == axes->first && density->axes == axes->count &&
           density->width == width && density->height == height &&
           !memcmp(density->low, axes->low, sizeof axes->low) &&
           !memcmp(density->high, axes->high, sizeof axes->high);
}

static int make_density(struct explorer *explorer, const struct parallel_axes *axes,
                        const struct raster *raster) {
    struct density *density = &explorer->density;
    int width = axes->gap * raster->dots_x * ((int)axes->count - 1);
    int height = raster_height(raster);
    if (is_same(density, explorer, axes, width, height))
        return 0;
    free(density->front);
    free(density->rest);
    *density = (struct density){.catalog = explorer->catalog->serial,
                                .hidden = explorer->hidden_serial,
                                .selection = explorer->selection_shown,
                                .first = axes->first,
                                .axes = axes->count,
                                .width = width,
                                .height = height};
    memcpy(density->low, axes->low, sizeof axes->low);
    memcpy(density->high, axes->high, sizeof axes->high);
    size_t cells = (size_t)width * (size_t)(height + 1);
    density->front = array_new(cells, sizeof *density->front);
    density->rest = array_new(cells, sizeof *density->rest);
    if (!density->front || !density->rest) {
        free(density->front);
        free(density->rest);
        density->front = density->rest = NULL;
        return -1;
    }
    count_rows(explorer, axes, raster->dots_x, density);
    sum_columns(density->front, width, height);
    sum_columns(density->rest, width, height);
    return 0;
}

static void draw_density(const struct parallel_axes *axes,
                         const struct density *density, struct raster *raster) {
    int left = axis_column(axes, 0) * raster->dots_x + raster->dots_x / 2;
    uint32_t most = 0;
    size_t cells = (size_t)density->width * (size_t)(density->height + 1);
    for (size_t i = 0; i < cells; i++)
        if (i % (size_t)(density->height + 1) != (size_t)density->height) {
            most = density->front[i] > most ? density->front[i] : most;
            most = density->rest[i] > most ? density->rest[i] : most;
        }
    for (int layer = 0; layer < 2; layer++) {
        const uint32_t *lines = layer ? density->front : density->rest;
        for (int x = 0; x < density->width; x++)
            for (int y = 0; y < density->height; y++) {
                uint32_t passing =
                    lines[(size_t)x * (size_t)(density->height + 1) + (size_t)y];
                if (density->lines <= WHOLE_MOST ? passing > 0
                                                 : raster_shade(passing, most, x, y))
                    raster_dot(raster, left + x, y, layer ? INK_FAR : INK_DOMINATED);
            }
    }
}

/* --- single lines ---------------------------------------------------------------- */

/* values by place; NaN breaks the line. */
static void draw_line(const struct parallel_axes *axes, struct raster *raster,
                      const double *values, int step, enum ink ink) {
    for (size_t k = 1; k < axes->count; k++)
        if (isfinite(values[k - 1]) && isfinite(values[k]))
            raster_line(raster,
                        axis_column(axes, k - 1) * raster->dots_x + raster->dots_x / 2,
                        axis_dot(axes, k - 1, values[k - 1], raster_height(raster)),
                        axis_column(axes, k) * raster->dots_x + raster->dots_x / 2,
                        axis_dot(axes, k, values[k], raster_height(raster)), step, ink);
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
        int row = axis_dot(axes, k, values[k], inside->height);
        wchar_t arrow = graph_arrow(fine, row ? GRAPH_DOWN : GRAPH_UP);
        view_put(inside, axis_column(axes, k), row, beyond ? arrow : mark, ink, look);
    }
}

static const double *row_values(const struct explorer *explorer,
                                const struct parallel_axes *axes, size_t row) {
    return explorer->catalog->values + row * explorer->tasks + axes->first;
}

static bool is_baseline(const struct explorer *explorer, size_t row) {
    return !space_is_ours(explorer->catalog, row) &&
           explorer_series_visible(explorer, explorer->catalog->solutions[row].series);
}

/* Baselines: marks on the axes, joined by dots while there are few of them. */
static void draw_baselines(const struct parallel_axes *axes,
                           const struct explorer *explorer, bool marks) {
    const struct catalog *catalog = explorer->catalog;
    struct raster raster;
    size_t count = 0;
    for (size_t i = 0; i < catalog->count; i++)
        count += is_baseline(explorer, i);
    if (!marks && (count > LINES_MOST || raster_begin(&raster, &axes->inside)))
        return;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!is_baseline(explorer, i))
            continue;
        const struct series *series = &catalog->series[catalog->solutions[i].series];
        const struct solution *solution = &catalog->solutions[i];
        bool outside = selection_outside(explorer, i);
        enum ink ink = solution->stale || !solution->whole || outside ? INK_DOMINATED
                                                                      : series->ink;
        const double *values = row_values(explorer, axes, i);
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
    wchar_t letters[LINES_MOST];
    for (size_t i = 0; i < catalog->count && count < 1; i++)
        if (catalog->solutions[i].knee &&
            explorer_series_visible(explorer, catalog->solutions[i].series)) {
            letters[count] = marks->mark[MARK_KNEE];
            rows[count++] = i;
        }
    for (size_t i = 0; i < catalog->bookmark_count && count < LINES_MOST - 2; i++)
        for (size_t row = 0; row < catalog->count && catalog->bookmarks[i].solution;
             row++)
            if (catalog->rows[row].solution.id == catalog->bookmarks[i].solution) {
                letters[count] = marks->mark[MARK_BOOKMARK];
                rows[count++] = row;
                break;
            }
    for (size_t i = 0; i < 2; i++)
        if (explorer->compared[i].row != SIZE_MAX) {
            letters[count] = i ? L'B' : L'A';
            rows[count++] = explorer->compared[i].row;
        }
    for (size_t i = 0; i < count; i++)
        draw_line(axes, &raster, row_values(explorer, axes, rows[i]), 1,
                  letters[i] == L'A' || letters[i] == L'B' ? INK_TEXT
                  : letters[i] == marks->mark[MARK_KNEE]   ? INK_FRONT
                                                           : INK_WARNING);
    raster_end(&raster);
    for (size_t i = 0; i < count; i++)
        draw_marks(axes, row_values(explorer, axes, rows[i]), letters[i],
                   letters[i] == marks->mark[MARK_KNEE] ? INK_FRONT : INK_WARNING,
                   LOOK_BOLD);
}

/* The present point above all others, its interval along each axis. */
static void draw_now(const struct parallel_axes *axes,
                     const struct explorer *explorer) {
    const struct marks *marks = axes->inside.canvas->marks;
    double values[STORE_TASKS_MAX];
    bool estimated = false;
    struct raster raster;
    if (raster_begin(&raster, &axes->inside))
        return;
    for (size_t k = 0; k < axes->count; k++) {
        struct figure figure;
        values[k] = NAN;
        if (!explorer_figure(explorer, axes->first + k, &figure))
            continue;
        values[k] = figure.value;
        estimated = estimated || figure.estimated;
        int x = axis_column(axes, k) * raster.dots_x + raster.dots_x / 2;
        if (!figure.estimated && !figure.complete)
            raster_line(
                &raster, x, axis_dot(axes, k, figure.low, raster_height(&raster)), x,
                axis_dot(axes, k, figure.high, raster_height(&raster)), 1, INK_NOW);
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
    struct range range = explorer->brush[axes->first + place];
    bool fine = axes->inside.canvas->marks->utf8;
    int last = axes->inside.height - 1;
    if (!selection_has_range(explorer, axes->first + place))
        return;
    int a = (int)lround(axis_share(axes, place, range.low) * last);
    int b = (int)lround(axis_share(axes, place, range.high) * last);
    int top = a < b ? a : b, bottom = a < b ? b : a;
    for (int y = top; y <= bottom; y++)
        view_put(&axes->inside, x, y, fine ? L'┃' : L'#', INK_NOW, LOOK_BOLD);
    for (int end = 0; end < 2; end++)
        for (int side = -1; side <= 1; side += 2)
            view_put(&axes->inside, x + side, end ? bottom : top, fine ? L'━' : L'=',
                     INK_NOW, LOOK_BOLD);
}

/* The name of an objective in so many columns: cut where it is longer, and where
 * another is cut to the same, with its last character, which tells task10 from task11.
 */
static void short_name(const struct explorer *explorer, size_t task, int most,
                       char *out, size_t size) {
    const char *name = explorer_task_name(explorer, task);
    size_t length = strlen(name), columns = most > 0 ? (size_t)most : 0;
    bool shared = false;
    snprintf(out, size, "%s", name);
    if (length <= columns || columns >= 6 || columns < 1)
        return; /* it fits, or says enough with an ellipsis */
    for (size_t t = 0; t < explorer->tasks; t++)
        shared = shared || (t != task &&
                            !strncmp(explorer_task_name(explorer, t), name, columns));
    size_t cut = shared && columns > 1 ? columns - 1 : columns;
    while (cut && ((unsigned char)name[cut] & 0xc0) == 0x80)
        cut--; /* no half of a character */
    snprintf(out, size, "%.*s%s", (int)cut, name,
             shared && columns > 1 && (unsigned char)name[length - 1] < 0x80
                 ? name + length - 1
                 : "");
}

/* "98.5", "98" where there is no room for more, "" where there is none. */
static const char *short_number(double value, int most, char *out, size_t size) {
    value = fabs(value) < 0.05 ? 0.0 : value;
    snprintf(out, size, "%.1f", value);
    if ((int)strlen(out) > most)
        snprintf(out, size, "%.0f", value);
    if ((int)strlen(out) > most)
        out[0] = '\0';
    return out;
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

static void draw_frame(const struct view *view, const struct parallel_axes *axes,
                       const struct explorer *explorer) {
    const struct marks *marks = view->canvas->marks;
    for (size_t k = 0; k < axes->count; k++) {
        size_t t = axes->first + k;
        int x = axis_column(axes, k);
        int most =
            axes->gap && axes->gap - 1 < view->width ? axes->gap - 1 : view->width;
        char text[128];
        short_name(explorer, t, most, text, sizeof text);
        draw_label(view, x, 0, most, look_task(t), LOOK_BOLD, text);
        draw_label(view, x, 1, most, INK_FAINT, LOOK_PLAIN,
                   short_number(axes->high[k], most, text, sizeof text));
        draw_label(view, x, view->height - 1, most, INK_FAINT, LOOK_PLAIN,
                   short_number(axes->low[k], most, text, sizeof text));
        for (int y = 0; y < axes->inside.height; y++)
            view_put(&axes->inside, x, y, marks->vertical, INK_FRAME, LOOK_PLAIN);
        draw_range(axes, explorer, k, x);
    }
}

/* The solution pointed at, over all the others. */
static void draw_pointed(const struct parallel_axes *axes,
                         const struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    struct raster raster;
    if (explorer->pointed == SIZE_MAX ||
        !explorer_series_visible(explorer,
                                 catalog->solutions[explorer->pointed].series) ||
        raster_begin(&raster, &axes->inside))
        return;
    const double *values = row_values(explorer, axes, explorer->pointed);
    draw_line(axes, &raster, values, 1, INK_TEXT);
    raster_end(&raster);
    draw_marks(axes, values, axes->inside.canvas->marks->mark[MARK_FRONT], INK_TEXT,
               LOOK_BOLD | LOOK_REVERSE);
}

static bool find_axes(const struct view *view, struct explorer *explorer,
                      struct parallel_axes *axes) {
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    return view->height >= 7 && view->width >= 14 && place_axes(&below, explorer, axes);
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
    while (k + 2 < axes.count && axis_column(&axes, k + 1) <= column)
        k++;
    size_t next = k + 1 < axes.count ? k + 1 : k;
    double along = axes.gap ? (double)(column - axis_column(&axes, k)) / axes.gap : 0;
    along = fmin(1, fmax(0, along));
    for (size_t i = 0; i < catalog->count; i++) {
        const double *values = row_values(explorer, &axes, i);
        double from = axis_share(&axes, k, values[k]),
               to = axis_share(&axes, next, values[next]);
        double at = along > 0 ? along < 1 ? from + along * (to - from) : to : from;
        if (isfinite(at) &&
            explorer_series_visible(explorer, catalog->solutions[i].series))
            out[count++] = (struct row_place){i, column + axes.inside.x - view->x,
                                              axes.inside.y - view->y +
                                                  at * (axes.inside.height - 1)};
    }
    return count;
}

int parallel_view_column(const struct view *view, struct explorer *explorer,
                         size_t objective) {
    struct parallel_axes axes;
    int *scroll = &explorer->scroll[PANEL_SCATTER];
    if (!find_axes(view, explorer, &axes))
        return 0;
    if (objective < axes.first)
        *scroll = (int)objective;
    else if (objective >= axes.first + axes.count)
        *scroll = (int)(objective + 1 - axes.count);
    find_axes(view, explorer, &axes);
    return axes.inside.x - view->x + axis_column(&axes, objective - axes.first);
}

size_t parallel_view_axis(const struct view *view, struct explorer *explorer,
                          int column) {
    struct parallel_axes axes;
    if (!find_axes(view, explorer, &axes))
        return 0;
    size_t nearest = 0;
    column -= axes.inside.x - view->x;
    for (size_t k = 1; k < axes.count; k++)
        if (abs(axis_column(&axes, k) - column) <
            abs(axis_column(&axes, nearest) - column))
            nearest = k;
    return axes.first + nearest;
}

bool parallel_view_value(const struct view *view, struct explorer *explorer,
                         size_t objective, double y, double *value) {
    struct parallel_axes axes;
    if (!find_axes(view, explorer, &axes) || objective < axes.first ||
        objective >= axes.first + axes.count || axes.inside.height < 2)
        return false;
    size_t place = objective - axes.first;
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
    bool known = room && place_axes(&below, explorer, &axes);
    if (known && axes.count < explorer->tasks)
        snprintf(title, sizeof title, "Parallel%s: %zu-%zu of %zu%s",
                 view->width >= 44 ? " coordinates" : "", axes.first + 1,
                 axes.first + axes.count, explorer->tasks,
                 view->width >= 60 ? ", wheel or PgDn for the others" : "");
    view_heading(view, title, focused);
    if (!known) {
        if (room)
            view_text(view, 1, 1, view->width - 1, INK_FAINT, LOOK_PLAIN,
                      explorer_why_empty(explorer, why, sizeof why));
        return;
    }
    if (axes.count > 1 && axes.gap > 0 && raster_begin(&raster, &axes.inside) == 0) {
        if (make_density(explorer, &axes, &raster) == 0)
            draw_density(&axes, &explorer->density, &raster);
        raster_end(&raster);
    }
    draw_baselines(&axes, explorer, false);
    draw_frame(&below, &axes, explorer);
    draw_baselines(&axes, explorer, true);
    draw_chosen(&axes, explorer);
    draw_now(&axes, explorer);
    draw_pointed(&axes, explorer);
}
