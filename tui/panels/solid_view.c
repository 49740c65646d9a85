/* Three objectives as a box that turns: a parallel projection, so that equal
 * distances stay equal wherever they are. The ground carries a grid, every point of
 * the front stands on it by a drop line, and what is near is drawn over what is far. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/places.h"
#include "panels/solid.h"
#include "panels/views.h"
#include "results/ticks.h"
#include "state/selection.h"
#include "state/space.h"

/* More marks than these would be a wall: the front is then dots. */
enum { MARKS_MOST = 300, LINES_MOST = 120 };

struct spot solid_project(const struct solid *solid, double a, double b, double c) {
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
    int side = view->width >= 40 ? 6 : 2, below = view->height >= 9 ? 2 : 1;
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

/* --- the box ------------------------------------------------------------------- */

static void draw_ground(const struct solid *solid, const struct ticks *ticks) {
    const struct range *r = solid->range;
    for (size_t i = 0; i < ticks[0].count; i++) {
        double a = 2 * (ticks_at(&ticks[0], i) - r[0].low) / (r[0].high - r[0].low) - 1;
        line(solid, solid_project(solid, a, -1, -1), solid_project(solid, a, 1, -1), 4,
             INK_FRAME);
    }
    for (size_t i = 0; i < ticks[1].count; i++) {
        double b = 2 * (ticks_at(&ticks[1], i) - r[1].low) / (r[1].high - r[1].low) - 1;
        line(solid, solid_project(solid, -1, b, -1), solid_project(solid, 1, b, -1), 4,
             INK_FRAME);
    }
    for (int i = 0; i < 2; i++) {
        double s = i ? 1 : -1;
        line(solid, solid_project(solid, s, -1, -1), solid_project(solid, s, 1, -1), 1,
             INK_FRAME);
        line(solid, solid_project(solid, -1, s, -1), solid_project(solid, 1, s, -1), 1,
             INK_FRAME);
    }
    /* The upright axis, and the edge where the walls behind meet. */
    double a, b, side[2];
    solid_left_corner(solid, &a, &b);
    solid_near_sides(solid, side);
    line(solid, solid_project(solid, a, b, -1), solid_project(solid, a, b, 1), 1,
         INK_FRAME);
    line(solid, solid_project(solid, -side[1], -side[0], -1),
         solid_project(solid, -side[1], -side[0], 1), 4, INK_FRAME);
}

/* --- what stands in it --------------------------------------------------------- */

static int order_items(const void *a, const void *b) {
    const struct solid_item *x = a, *y = b;
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
    *spot = solid_project(solid, at[0], at[1], at[2]);
    *foot = solid_project(solid, at[0], at[1], -1);
    return true;
}

static struct solid_item item_of(const struct solid *solid,
                                 const struct explorer *explorer, size_t row,
                                 struct spot spot, bool beyond) {
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = solid->view.canvas->marks;
    const struct solution *solution = &catalog->solutions[row];
    const struct series *series = &catalog->series[solution->series];
    if (selection_outside(explorer, row))
        return (struct solid_item){spot, marks->mark[MARK_DOMINATED], INK_DOMINATED,
                                   LOOK_PLAIN};
    if (!series->answers)
        return (struct solid_item){spot, marks->mark[series->mark],
                                   solution->stale || !solution->whole ? INK_DOMINATED
                                   : beyond                            ? INK_FAINT
                                                                       : series->ink,
                                   LOOK_PLAIN};
    if (solution->knee)
        return (struct solid_item){spot, marks->mark[MARK_KNEE], INK_FRONT, LOOK_BOLD};
    return (struct solid_item){spot, marks->mark[series->mark],
                               spot.far > 0.3 ? INK_FAR : series->ink, LOOK_PLAIN};
}

/* Rows on their way to the raster and the items. */
struct gathering {
    const struct solid *solid;
    const struct explorer *explorer;
    size_t members; /* of the front */
    struct solid_item *items;
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
                     struct solid_item *items) {
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
                     struct solid_item *item) {
    struct figure figure[3];
    bool beyond = false, estimated = false;
    double at[3];
    for (size_t k = 0; k < 3; k++) {
        if (!explorer_figure(explorer, explorer->triple[k], &figure[k]))
            return false;
        at[k] = place(solid->range[k], figure[k].value, &beyond);
        estimated = estimated || figure[k].estimated;
    }
    struct spot spot = solid_project(solid, at[0], at[1], at[2]);
    line(solid, spot, solid_project(solid, at[0], at[1], -1), 1, INK_NOW);
    for (size_t k = 0; k < 3 && !estimated; k++) {
        double low[3], high[3];
        if (figure[k].complete)
            continue;
        memcpy(low, at, sizeof low);
        memcpy(high, at, sizeof high);
        low[k] = place(solid->range[k], figure[k].low, &beyond);
        high[k] = place(solid->range[k], figure[k].high, &beyond);
        line(solid, solid_project(solid, low[0], low[1], low[2]),
             solid_project(solid, high[0], high[1], high[2]), 1, INK_NOW);
    }
    *item = (struct solid_item){
        spot, solid->view.canvas->marks->mark[estimated ? MARK_ESTIMATE : MARK_NOW],
        INK_NOW, LOOK_BOLD};
    return true;
}

/* --- the whole ------------------------------------------------------------------- */

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
                         struct solid_item *item) {
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

static bool is_kept(const struct solid_rows *kept, const struct explorer *explorer,
                    const struct solid *solid) {
    const struct view *view = &solid->view;
    return kept->catalog == explorer->catalog->serial &&
           kept->hidden == explorer->hidden_serial &&
           kept->selection == explorer->selection_shown &&
           !memcmp(kept->triple, explorer->triple, sizeof kept->triple) &&
           kept->turn == explorer->turn && kept->tilt == explorer->tilt &&
           !memcmp(kept->range, solid->range, sizeof kept->range) &&
           kept->width == view->width && kept->height == view->height &&
           kept->fine == view->canvas->marks->utf8;
}

/* The rows as they are now, into the raster and from there. -1: memory is out, and
 * nothing is kept. */
static int make_rows(const struct solid *solid, struct explorer *explorer,
                     const struct ticks *ticks) {
    struct solid_rows *kept = &explorer->solid_rows;
    const struct raster *raster = solid->raster;
    size_t cells = (size_t)solid->view.width * (size_t)solid->view.height;
    free(kept->dots);
    free(kept->inks);
    free(kept->items);
    *kept = (struct solid_rows){
        .hidden = explorer->hidden_serial,
        .selection = explorer->selection_shown,
        .turn = explorer->turn,
        .tilt = explorer->tilt,
        .width = solid->view.width,
        .height = solid->view.height,
        .fine = solid->view.canvas->marks->utf8,
        .dots = array_unset(cells, 1),
        .inks = array_unset(cells, 1),
        .items = array_unset(explorer->catalog->count + 1, sizeof *kept->items)};
    memcpy(kept->triple, explorer->triple, sizeof kept->triple);
    memcpy(kept->range, solid->range, sizeof kept->range);
    if (!kept->dots || !kept->inks || !kept->items)
        return -1;
    draw_ground(solid, ticks);
    kept->count = gather(solid, explorer, kept->items);
    qsort(kept->items, kept->count, sizeof *kept->items, order_items);
    memcpy(kept->dots, raster->dots, cells);
    memcpy(kept->inks, raster->inks, cells);
    kept->catalog = explorer->catalog->serial;
    return 0;
}

/* The ground and the rows are in the raster then, and in explorer->solid_rows. */
static int draw_rows(const struct solid *solid, struct explorer *explorer,
                     const struct ticks *ticks) {
    const struct solid_rows *kept = &explorer->solid_rows;
    size_t cells = (size_t)solid->view.width * (size_t)solid->view.height;
    if (!is_kept(kept, explorer, solid))
        return make_rows(solid, explorer, ticks);
    memcpy(solid->raster->dots, kept->dots, cells);
    memcpy(solid->raster->inks, kept->inks, cells);
    return 0;
}

static void put_items(const struct solid *solid, const struct solid_item *items,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        view_put(&solid->view, solid_column(solid, items[i].spot),
                 solid_row(solid, items[i].spot), items[i].mark, items[i].ink,
                 items[i].look);
}

static void draw_inside(const struct view *view, struct explorer *explorer,
                        const struct range *range) {
    const struct solid_rows *rows = &explorer->solid_rows;
    struct solid_item now[2]; /* drawn last, the one pointed at over the present one */
    struct raster raster;
    struct ticks ticks[3];
    if (raster_begin(&raster, view))
        return;
    struct solid solid = make(view, &raster, explorer, range);
    for (size_t k = 0; k < 3; k++)
        for (size_t most = 5; most < 12 && (most == 5 || ticks[k].count < 3); most++)
            ticks[k] = ticks_of(range[k].low, range[k].high, most);
    if (draw_rows(&solid, explorer, ticks) == 0) {
        size_t count = draw_now(&solid, explorer, now);
        count += draw_pointed(&solid, explorer, &now[count]);
        raster_end(&raster);
        solid_labels_draw(&solid, explorer, ticks, now, count);
        put_items(&solid, rows->items, rows->count);
        put_items(&solid, now, count);
    } else {
        raster_end(&raster);
    }
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
