/* Three objectives as a box that turns: a parallel projection, so that equal
 * distances stay equal wherever they are. The ground carries a grid, every point of
 * the front stands on it by a drop line, and what is near is drawn over what is far. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/places.h"
#include "panels/views.h"
#include "results/ticks.h"
#include "state/selection.h"
#include "state/space.h"
#include "terminal/raster.h"

/* More marks than these would be a wall: the front is then dots. */
enum { MARKS_MOST = 300, LINES_MOST = 120 };

struct solid {
    struct view view;
    struct range range[3];
    double cos_turn, sin_turn, cos_tilt, sin_tilt;
    double scale_x, scale_y; /* dots a unit of the box, which reaches from -1 to 1 */
    double middle_x, middle_y;
    struct raster *raster;
};

struct spot {
    double x, y; /* dots, y downwards */
    double far;  /* the greater, the farther away: -2 .. 2 */
};

static struct spot project(const struct solid *solid, double a, double b, double c) {
    double across = a * solid->cos_turn - b * solid->sin_turn;
    double away = a * solid->sin_turn + b * solid->cos_turn;
    double up = c * solid->cos_tilt + away * solid->sin_tilt;
    return (struct spot){solid->middle_x + across * solid->scale_x,
                         solid->middle_y - up * solid->scale_y,
                         away * solid->cos_tilt - c * solid->sin_tilt};
}

/* A value's place in the box, held to its walls; *beyond is set where it lies behind
 * one. */
static double place(struct range range, double value, bool *beyond) {
    double at = 2 * (value - range.low) / (range.high - range.low) - 1;
    if (at < -1 || at > 1)
        *beyond = true;
    return at > -1 ? at < 1 ? at : 1 : -1; /* -1 for NaN, too */
}

static struct solid make(const struct view *view, struct raster *raster,
                         const struct explorer *explorer, const struct range *range) {
    struct solid solid = {.view = *view,
                          .range = {range[0], range[1], range[2]},
                          .cos_turn = cos(explorer->turn),
                          .sin_turn = sin(explorer->turn),
                          .cos_tilt = cos(explorer->tilt),
                          .sin_tilt = sin(explorer->tilt),
                          .raster = raster};
    /* Room for the names around it; the box then fits however it is turned. */
    int side = view->width >= 40 ? 6 : 2, below = view->height >= 12 ? 2 : 1;
    double wide = (view->width - 2 * side) * raster->dots_x / 2.0;
    double high = (view->height - below - 1) * raster->dots_y / 2.0;
    /* A dot of braille is square, a whole cell twice as high as wide. */
    double square = raster->dots_x == 2 ? 1 : 2;
    solid.scale_x = wide / sqrt(2);
    solid.scale_y = high / (solid.cos_tilt + sqrt(2) * solid.sin_tilt);
    solid.scale_x = fmin(solid.scale_x, 1.8 * square * solid.scale_y);
    solid.scale_y = fmin(solid.scale_y, 1.6 * solid.scale_x / square);
    solid.middle_x = view->width * raster->dots_x / 2.0;
    solid.middle_y = (view->height - below + 1) * raster->dots_y / 2.0;
    return solid;
}

static void line(const struct solid *solid, struct spot from, struct spot to, int step,
                 enum ink ink) {
    raster_line(solid->raster, (int)floor(from.x), (int)floor(from.y), (int)floor(to.x),
                (int)floor(to.y), step, ink);
}

static int column_of(const struct solid *solid, struct spot spot) {
    return (int)floor(spot.x / solid->raster->dots_x);
}

static int row_of(const struct solid *solid, struct spot spot) {
    return (int)floor(spot.y / solid->raster->dots_y);
}

/* --- the box ------------------------------------------------------------------- */

/* The sides of the ground nearest to the eye, -1 or 1: of b, where the numbers of a
 * are written, and of a, where those of b are. */
static void near_sides(const struct solid *solid, double side[2]) {
    side[0] = solid->cos_turn > 0 ? -1 : 1;
    side[1] = solid->sin_turn > 0 ? -1 : 1;
}

/* The corner of the ground that stands leftmost: where the upright axis is. */
static void left_corner(const struct solid *solid, double *a, double *b) {
    *a = solid->cos_turn > 0 ? -1 : 1;
    *b = solid->sin_turn > 0 ? 1 : -1;
}

static void draw_ground(const struct solid *solid, const struct ticks *ticks) {
    const struct range *r = solid->range;
    for (size_t i = 0; i < ticks[0].count; i++) {
        double a = 2 * (ticks_at(&ticks[0], i) - r[0].low) / (r[0].high - r[0].low) - 1;
        line(solid, project(solid, a, -1, -1), project(solid, a, 1, -1), 4, INK_FRAME);
    }
    for (size_t i = 0; i < ticks[1].count; i++) {
        double b = 2 * (ticks_at(&ticks[1], i) - r[1].low) / (r[1].high - r[1].low) - 1;
        line(solid, project(solid, -1, b, -1), project(solid, 1, b, -1), 4, INK_FRAME);
    }
    for (int i = 0; i < 2; i++) {
        double s = i ? 1 : -1;
        line(solid, project(solid, s, -1, -1), project(solid, s, 1, -1), 1, INK_FRAME);
        line(solid, project(solid, -1, s, -1), project(solid, 1, s, -1), 1, INK_FRAME);
    }
    /* The upright axis, and the edge where the walls behind meet. */
    double a, b, side[2];
    left_corner(solid, &a, &b);
    near_sides(solid, side);
    line(solid, project(solid, a, b, -1), project(solid, a, b, 1), 1, INK_FRAME);
    line(solid, project(solid, -side[1], -side[0], -1),
         project(solid, -side[1], -side[0], 1), 4, INK_FRAME);
}

/* --- what stands in it --------------------------------------------------------- */

struct item {
    struct spot spot;
    wchar_t mark;
    enum ink ink;
    unsigned look;
};

static int order_items(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    return x->spot.far > y->spot.far ? -1 : x->spot.far < y->spot.far;
}

static bool row_spot(const struct solid *solid, const struct explorer *explorer,
                     size_t row, struct spot *spot, struct spot *foot, bool *beyond) {
    double at[3];
    *beyond = false;
    for (size_t k = 0; k < 3; k++) {
        double value = catalog_value(explorer->catalog, row, explorer->triple[k]);
        if (!isfinite(value))
            return false;
        at[k] = place(solid->range[k], value, beyond);
    }
    *spot = project(solid, at[0], at[1], at[2]);
    *foot = project(solid, at[0], at[1], -1);
    return true;
}

static struct item item_of(const struct solid *solid, const struct explorer *explorer,
                           size_t row, struct spot spot, bool beyond) {
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = solid->view.canvas->marks;
    const struct solution *solution = &catalog->solutions[row];
    const struct series *series = &catalog->series[solution->series];
    if (selection_outside(explorer, row))
        return (struct item){spot, marks->mark[MARK_DOMINATED], INK_DOMINATED,
                             LOOK_PLAIN};
    if (!series->answers)
        return (struct item){spot, marks->mark[series->mark],
                             solution->stale || !solution->whole ? INK_DOMINATED
                             : beyond                            ? INK_FAINT
                                                                 : series->ink,
                             LOOK_PLAIN};
    if (solution->knee)
        return (struct item){spot, marks->mark[MARK_KNEE], INK_FRONT, LOOK_BOLD};
    return (struct item){spot, marks->mark[series->mark],
                         spot.far > 0.3 ? INK_FAR : series->ink, LOOK_PLAIN};
}

/* Rows on their way to the raster and the items. */
struct gathering {
    const struct solid *solid;
    const struct explorer *explorer;
    size_t members; /* of the front */
    struct item *items;
    size_t count;
};

static void gather_row(struct gathering *g, size_t i, bool marked) {
    const struct explorer *explorer = g->explorer;
    const struct catalog *catalog = explorer->catalog;
    bool ours = space_is_ours(catalog, i), beyond;
    struct spot spot, foot;
    if (!row_spot(g->solid, explorer, i, &spot, &foot, &beyond))
        return;
    if (marked && (ours ? g->members : catalog->beside_count) <= LINES_MOST && !beyond)
        line(g->solid, spot, foot, 3, ours ? INK_FAR : INK_FRAME);
    bool dot = ours && !catalog->solutions[i].knee && !selection_has(explorer, i) &&
               (!marked || g->members > MARKS_MOST || selection_count(explorer));
    if (dot)
        raster_dot(g->solid->raster, (int)floor(spot.x), (int)floor(spot.y),
                   !marked || selection_outside(explorer, i) ? INK_DOMINATED
                   : spot.far > 0.3                          ? INK_FAR
                                                             : INK_FRONT);
    else
        g->items[g->count++] = item_of(g->solid, explorer, i, spot, beyond);
}

/* Rows as dots and drop lines on the raster, those with marks as items; their number.
 * The front is drawn after what it dominates. */
static size_t gather(const struct solid *solid, struct explorer *explorer,
                     struct item *items) {
    const struct catalog *catalog = explorer->catalog;
    bool *visible = explorer_visible(explorer);
    size_t *later = array_unset(catalog->count, sizeof *later), marked = 0;
    struct gathering g = {.solid = solid, .explorer = explorer, .items = items};
    const bool *front = space_front(explorer);
    for (size_t i = 0; front && i < catalog->count; i++)
        g.members += front[i];
    for (size_t i = 0; visible && later && i < catalog->count; i++) {
        if (!visible[catalog->solutions[i].series])
            continue;
        if ((front && front[i]) || catalog->solutions[i].knee ||
            selection_has(explorer, i) || !space_is_ours(catalog, i))
            later[marked++] = i;
        else
            gather_row(&g, i, false);
    }
    for (size_t i = 0; i < marked; i++)
        gather_row(&g, later[i], true);
    free(visible);
    free(later);
    return g.count;
}

/* The present point: its drop line, and a bar along each axis as long as the
 * interval. */
static bool draw_now(const struct solid *solid, const struct explorer *explorer,
                     struct item *item) {
    struct figure figure[3];
    bool beyond = false, estimated = false;
    double at[3];
    for (size_t k = 0; k < 3; k++) {
        if (!explorer_figure(explorer, explorer->triple[k], &figure[k]))
            return false;
        at[k] = place(solid->range[k], figure[k].value, &beyond);
        estimated = estimated || figure[k].estimated;
    }
    struct spot spot = project(solid, at[0], at[1], at[2]);
    line(solid, spot, project(solid, at[0], at[1], -1), 1, INK_NOW);
    for (size_t k = 0; k < 3 && !estimated; k++) {
        double low[3], high[3];
        if (figure[k].complete)
            continue;
        memcpy(low, at, sizeof low);
        memcpy(high, at, sizeof high);
        low[k] = place(solid->range[k], figure[k].low, &beyond);
        high[k] = place(solid->range[k], figure[k].high, &beyond);
        line(solid, project(solid, low[0], low[1], low[2]),
             project(solid, high[0], high[1], high[2]), 1, INK_NOW);
    }
    *item = (struct item){
        spot, solid->view.canvas->marks->mark[estimated ? MARK_ESTIMATE : MARK_NOW],
        INK_NOW, LOOK_BOLD};
    return true;
}

/* --- names and numbers ---------------------------------------------------------- */

/* What the cells of the view hold: a label keeps off marks, and a cell away from other
 * labels in its row. */
enum held { CELL_FREE, CELL_MARK, CELL_LABEL };

struct label_cells {
    const struct solid *solid;
    unsigned char *cells; /* [height][width] of enum held */
};

static unsigned char *cell_at(const struct label_cells *labels, int x, int y) {
    return labels->cells + (size_t)y * (size_t)labels->solid->view.width + x;
}

static bool is_free(const struct label_cells *labels, int x, int y, int columns) {
    const struct view *view = &labels->solid->view;
    if (x < 0 || y < 0 || x + columns > view->width || y >= view->height)
        return false;
    for (int i = -1; i <= columns; i++) {
        bool beside = i < 0 || i == columns;
        if (x + i < 0 || x + i >= view->width)
            continue;
        enum held cell = *cell_at(labels, x + i, y);
        if (cell == CELL_LABEL || (cell == CELL_MARK && !beside))
            return false;
    }
    return true;
}

/* Text with its middle at a spot, or at the nearest place that is free within so many
 * columns and rows of it; a row counts as two columns. False where there is none. */
static bool label(struct label_cells *labels, struct spot spot, int most, int reach_x,
                  int reach_y, enum ink ink, unsigned look, const char *text) {
    const struct view *view = &labels->solid->view;
    int columns = text_columns(view->canvas->marks, text), best = INT_MAX;
    columns = columns > most ? most : columns;
    int x = column_of(labels->solid, spot) - columns / 2, at_x = 0, at_y = 0;
    int y = row_of(labels->solid, spot);
    x = x + columns > view->width ? view->width - columns : x;
    x = x < 0 ? 0 : x;
    y = y >= view->height ? view->height - 1 : y < 0 ? 0 : y;
    for (int dy = -reach_y; dy <= reach_y; dy++)
        for (int dx = -reach_x; dx <= reach_x; dx++)
            if (abs(dx) + 2 * abs(dy) < best &&
                is_free(labels, x + dx, y + dy, columns)) {
                best = abs(dx) + 2 * abs(dy);
                at_x = x + dx;
                at_y = y + dy;
            }
    if (best == INT_MAX)
        return false;
    view_text(view, at_x, at_y, columns, ink, look, text);
    memset(cell_at(labels, at_x, at_y), CELL_LABEL, (size_t)columns);
    return true;
}

static void forget_marks(struct label_cells *labels) {
    const struct view *view = &labels->solid->view;
    for (size_t i = 0; i < (size_t)view->width * (size_t)view->height; i++)
        if (labels->cells[i] == CELL_MARK)
            labels->cells[i] = CELL_FREE;
}

/* Every axis has its name, wherever there is a place for it; where marks leave none,
 * under them. */
static void draw_names(struct label_cells *labels, const struct explorer *explorer) {
    const struct solid *solid = labels->solid;
    const struct view *view = &solid->view;
    double a, b, side[2];
    left_corner(solid, &a, &b);
    near_sides(solid, side);
    for (int axis = 0; axis < 3; axis++) {
        struct spot spot = axis == 0   ? project(solid, 0, 1.35 * side[0], -1)
                           : axis == 1 ? project(solid, 1.35 * side[1], 0, -1)
                                       : project(solid, a, b, 1);
        if (axis == 2)
            spot.y -= solid->raster->dots_y;
        for (int pass = 0; pass < 2; pass++) {
            if (label(labels, spot, view->width / 3, view->width, view->height,
                      look_task(explorer->triple[axis]), LOOK_BOLD,
                      explorer_task_name(explorer, explorer->triple[axis])))
                break;
            forget_marks(labels);
        }
    }
}

/* The round numbers of each axis, the outermost first, as they say most. One that would
 * stand somewhere else than at its place says nothing and is left out. */
static void draw_numbers(struct label_cells *labels, const struct ticks *ticks) {
    const struct solid *solid = labels->solid;
    double a, b, side[2];
    left_corner(solid, &a, &b);
    near_sides(solid, side);
    for (int axis = 0; axis < 3; axis++) {
        struct range r = solid->range[axis];
        size_t count = ticks[axis].count;
        for (size_t k = 0; k < count && count > 1; k++) {
            size_t i = k == 1 ? count - 1 : k - (k > 1);
            double at = ticks_at(&ticks[axis], i);
            double u = 2 * (at - r.low) / (r.high - r.low) - 1;
            struct spot spot = axis == 0   ? project(solid, u, 1.2 * side[0], -1)
                               : axis == 1 ? project(solid, 1.2 * side[1], u, -1)
                                           : project(solid, a, b, u);
            char text[32];
            if (axis == 2)
                spot.x -= 3 * solid->raster->dots_x;
            ticks_text(&ticks[axis], i, text, sizeof text);
            label(labels, spot, 8, 2, 0, INK_FAINT, LOOK_PLAIN, text);
        }
    }
}

static void draw_labels(const struct solid *solid, const struct explorer *explorer,
                        const struct ticks *ticks, const struct item *items,
                        size_t count) {
    const struct view *view = &solid->view;
    struct label_cells labels = {solid,
                                 array_new((size_t)view->width, (size_t)view->height)};
    if (!labels.cells)
        return;
    for (size_t i = 0; i < count; i++) {
        int x = column_of(solid, items[i].spot), y = row_of(solid, items[i].spot);
        if (x >= 0 && y >= 0 && x < view->width && y < view->height)
            *cell_at(&labels, x, y) = CELL_MARK;
    }
    draw_names(&labels, explorer);
    if (view->width >= 40 && view->height >= 8)
        draw_numbers(&labels, ticks);
    free(labels.cells);
}

size_t solid_view_places(const struct view *view, struct explorer *explorer,
                         struct row_place *out) {
    const struct catalog *catalog = explorer->catalog;
    bool fine = view->canvas->marks->utf8;
    struct raster raster = {.dots_x = fine ? 2 : 1, .dots_y = fine ? 4 : 1};
    struct range range[3];
    size_t count = 0;
    if (view->height < 5 || view->width < 12)
        return 0;
    for (size_t k = 0; k < 3; k++)
        if (!space_range(explorer, explorer->triple[k], &range[k]))
            return 0;
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    struct solid solid = make(&below, &raster, explorer, range);
    for (size_t i = 0; i < catalog->count; i++) {
        struct spot spot, foot;
        bool beyond;
        if (explorer_series_visible(explorer, catalog->solutions[i].series) &&
            row_spot(&solid, explorer, i, &spot, &foot, &beyond))
            out[count++] = (struct row_place){i, spot.x / raster.dots_x - 0.5,
                                              spot.y / raster.dots_y - 0.5 + 1};
    }
    return count;
}

/* The solution pointed at: its mark, whatever it stands behind, and its drop line. */
static bool draw_pointed(const struct solid *solid, const struct explorer *explorer,
                         struct item *item) {
    struct spot spot, foot;
    bool beyond;
    if (explorer->pointed == SIZE_MAX ||
        !explorer_series_visible(
            explorer, explorer->catalog->solutions[explorer->pointed].series) ||
        !row_spot(solid, explorer, explorer->pointed, &spot, &foot, &beyond))
        return false;
    line(solid, spot, foot, 1, INK_TEXT);
    *item = item_of(solid, explorer, explorer->pointed, spot, beyond);
    item->look |= LOOK_REVERSE;
    return true;
}

static void draw_inside(const struct view *view, struct explorer *explorer,
                        const struct range *range) {
    struct raster raster;
    struct item *items = array_unset(explorer->catalog->count + 2, sizeof *items);
    struct ticks ticks[3];
    if (!items || raster_begin(&raster, view)) {
        free(items);
        return;
    }
    struct solid solid = make(view, &raster, explorer, range);
    for (size_t k = 0; k < 3; k++)
        for (size_t most = 5; most < 12 && (most == 5 || ticks[k].count < 3); most++)
            ticks[k] = ticks_of(range[k].low, range[k].high, most);
    draw_ground(&solid, ticks);
    size_t count = gather(&solid, explorer, items);
    qsort(items, count, sizeof *items, order_items);
    /* The present point is drawn last, but for the one pointed at. */
    count += draw_now(&solid, explorer, &items[count]);
    count += draw_pointed(&solid, explorer, &items[count]);
    raster_end(&raster);
    draw_labels(&solid, explorer, ticks, items, count);
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &items[i];
        view_put(view, column_of(&solid, item->spot), row_of(&solid, item->spot),
                 item->mark, item->ink, item->look);
    }
    free(items);
}

void solid_view_draw(const struct view *view, struct explorer *explorer, bool focused) {
    struct range range[3];
    bool known = true;
    char title[256], why[64];
    snprintf(title, sizeof title, "%s, %s, %s",
             TEXT_CUT(explorer_task_name(explorer, explorer->triple[0]), 60),
             TEXT_CUT(explorer_task_name(explorer, explorer->triple[1]), 60),
             TEXT_CUT(explorer_task_name(explorer, explorer->triple[2]), 60));
    view_heading(view, title, focused);
    static const char hint[] = " , . turn, + - tilt ";
    int columns = (int)sizeof hint - 1;
    if (text_columns(view->canvas->marks, title) + columns + 6 < view->width)
        view_text(view, view->width - columns - 1, 0, columns, INK_FAINT, LOOK_PLAIN,
                  hint);
    if (view->height < 5 || view->width < 12)
        return;
    for (size_t k = 0; k < 3; k++)
        known = space_range(explorer, explorer->triple[k], &range[k]) && known;
    struct view below = view_inside(view, 0, 1, view->width, view->height - 1);
    if (known)
        draw_inside(&below, explorer, range);
    else
        view_note(view, INK_FAINT, explorer_why_empty(explorer, why, sizeof why));
}
