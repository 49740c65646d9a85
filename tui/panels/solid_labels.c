/* Names and numbers of the box of three objectives, of solid.h. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/solid.h"

void solid_near_sides(const struct solid *solid, double side[2]) {
    side[0] = solid->cos_turn > 0 ? -1 : 1;
    side[1] = solid->sin_turn > 0 ? -1 : 1;
}

void solid_left_corner(const struct solid *solid, double *a, double *b) {
    *a = solid->cos_turn > 0 ? -1 : 1;
    *b = solid->sin_turn > 0 ? 1 : -1;
}

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

/* What a place costs that lies so many columns and rows from a spot: a row is as far as
 * two columns, and one more into the box as far as six, as points are there. */
static int distance(const struct solid *solid, int y, int dx, int dy) {
    int middle = (int)(solid->middle_y / solid->raster->dots_y);
    bool inwards = abs(y + dy - middle) < abs(y - middle);
    return abs(dx) + (inwards ? 6 : 2) * abs(dy);
}

/* Text with its middle at a spot, or at the nearest place that is free within so many
 * columns and rows of it. False where there is none. */
static bool label(struct label_cells *labels, struct spot spot, int most, int reach_x,
                  int reach_y, enum ink ink, unsigned look, const char *text) {
    const struct view *view = &labels->solid->view;
    int columns = text_columns(view->canvas->marks, text), best = INT_MAX;
    columns = columns > most ? most : columns;
    int x = solid_column(labels->solid, spot) - columns / 2, at_x = 0, at_y = 0;
    int y = solid_row(labels->solid, spot);
    x = x + columns > view->width ? view->width - columns : x;
    x = x < 0 ? 0 : x;
    y = y >= view->height ? view->height - 1 : y < 0 ? 0 : y;
    for (int dy = -reach_y; dy <= reach_y; dy++)
        for (int dx = -reach_x; dx <= reach_x; dx++)
            if (distance(labels->solid, y, dx, dy) < best &&
                is_free(labels, x + dx, y + dy, columns)) {
                best = distance(labels->solid, y, dx, dy);
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
    solid_left_corner(solid, &a, &b);
    solid_near_sides(solid, side);
    for (int axis = 0; axis < 3; axis++) {
        struct spot spot = axis == 0   ? solid_project(solid, 0, 1.35 * side[0], -1)
                           : axis == 1 ? solid_project(solid, 1.35 * side[1], 0, -1)
                                       : solid_project(solid, a, b, 1);
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
    solid_left_corner(solid, &a, &b);
    solid_near_sides(solid, side);
    for (int axis = 0; axis < 3; axis++) {
        struct range r = solid->range[axis];
        size_t count = ticks[axis].count;
        for (size_t k = 0; k < count && count > 1; k++) {
            size_t i = k == 1 ? count - 1 : k - (k > 1);
            double at = ticks_at(&ticks[axis], i);
            double u = 2 * (at - r.low) / (r.high - r.low) - 1;
            struct spot spot = axis == 0   ? solid_project(solid, u, 1.2 * side[0], -1)
                               : axis == 1 ? solid_project(solid, 1.2 * side[1], u, -1)
                                           : solid_project(solid, a, b, u);
            char text[32];
            if (axis == 2)
                spot.x -= 3 * solid->raster->dots_x;
            ticks_text(&ticks[axis], i, text, sizeof text);
            label(labels, spot, 8, 2, 0, INK_FAINT, LOOK_PLAIN, text);
        }
    }
}

static void hold_marks(struct label_cells *labels, const struct solid_item *items,
                       size_t count) {
    const struct solid *solid = labels->solid;
    for (size_t i = 0; i < count; i++) {
        int x = solid_column(solid, items[i].spot), y = solid_row(solid, items[i].spot);
        if (x >= 0 && y >= 0 && x < solid->view.width && y < solid->view.height)
            *cell_at(labels, x, y) = CELL_MARK;
    }
}

void solid_labels_draw(const struct solid *solid, const struct explorer *explorer,
                       const struct ticks *ticks, const struct solid_item *items,
                       size_t count) {
    const struct view *view = &solid->view;
    struct label_cells labels = {solid,
                                 array_new((size_t)view->width, (size_t)view->height)};
    if (!labels.cells)
        return;
    hold_marks(&labels, explorer->solid_rows.items, explorer->solid_rows.count);
    hold_marks(&labels, items, count);
    if (view->width >= 40 && view->height >= 8) /* first: a name may stand anywhere */
        draw_numbers(&labels, ticks);
    draw_names(&labels, explorer);
    free(labels.cells);
}
