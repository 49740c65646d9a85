/* The mouse: what a press, a drag and the wheel do where they happen. */
#include <string.h>

#include "app/actions.h"
#include "panels/places.h"
#include "panels/simplex_view.h"
#include "panels/views.h"
#include "state/space.h"
#include "terminal/keys.h"

static const double turned = 0.1; /* radians a step of the wheel */

static void drag_simplex(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    const struct rect *rect = &app->arrangement.rect[PANEL_SIMPLEX];
    struct simplex_geometry geometry = app_simplex(app);
    double preference[STORE_TASKS_MAX] = {0};
    if (geometry.shape == SHAPE_NONE)
        return;
    x -= rect->x;
    y -= rect->y;
    if (geometry.shape != SHAPE_SLIDERS) {
        simplex_geometry_preference(&geometry, x, y, preference);
        if (geometry.shape == SHAPE_POLYGON)
            explorer_go_around_locks(explorer, preference, true);
        else
            explorer_go(explorer, preference, true);
        return;
    }
    size_t task;
    double share;
    /* Once a slider is held, the pointer may leave its row. */
    if (explorer->dragging)
        y = geometry.top + (int)explorer->slider - geometry.first;
    if (simplex_geometry_slider(&geometry, x, y, &task, &share)) {
        explorer->slider = task;
        const char *why = explorer_why_held(explorer, task);
        if (x < geometry.track_x - 1)
            return;
        if (why)
            explorer_say(explorer, false, "%s %s", explorer_task_name(explorer, task),
                         why);
        else
            explorer_set_share(explorer, task, share, true);
    }
}

static bool is_space(enum panel panel) {
    return panel >= PANEL_SCATTER && panel <= PANEL_SCATTER_3;
}

/* A click on a stored point goes to exactly that one. */
static void press_simplex(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    size_t row = app_row_at(app, PANEL_SIMPLEX, x, y, 0.4);
    memcpy(explorer->drag_from, explorer->preference, sizeof explorer->drag_from);
    explorer->dragging = false;
    app->dragged = PANEL_SIMPLEX;
    if (row != SIZE_MAX)
        explorer_go(explorer, explorer->catalog->rows[row].solution.preference, true);
    else
        drag_simplex(app, x, y);
    explorer_point(explorer, row);
    explorer->dragging = true;
}

static void press(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    enum panel panel = arrangement_panel_at(&app->arrangement, x, y);
    if (panel == PANEL_COUNT || panel == PANEL_TITLE || panel == PANEL_STATUS)
        return;
    if (!app->arrangement.compact)
        explorer->wish.focus = panel;
    explorer->message[0] = '\0';
    if (panel == PANEL_SIMPLEX) {
        press_simplex(app, x, y);
    } else if (is_space(panel)) {
        app->dragged = panel;
        app->drag_x = x;
        app->drag_y = y;
        app->drag_moved = false;
        app_press_axis(app, x, y);
    } else if (panel == PANEL_TABLE) {
        app_click_table(app, x, y);
    } else if (panel == PANEL_LEGEND) {
        struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
        size_t series = legend_view_at(&view, explorer, x - view.x, y - view.y);
        if (series != SIZE_MAX)
            explorer_series_toggle(explorer, series);
    }
}

/* What is under the pointer follows it: the width of the panel is half a turn of the
 * box, or as far as a scatter reaches. */
static void drag_space(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    const struct rect *rect = &app->arrangement.rect[app->dragged];
    double dx = x - app->drag_x, dy = y - app->drag_y;
    size_t a, b;
    if ((dx == 0 && dy == 0) || rect->width < 9 || rect->height < 5)
        return;
    app->drag_moved = true;
    app->drag_x = x;
    app->drag_y = y;
    if (explorer->space == SPACE_SOLID) {
        space_turn(explorer, 3.14159 * dx / rect->width, 1.5708 * dy / rect->height);
    } else if (explorer->space == SPACE_PAIRS && explorer->tasks > 1) {
        /* Without the axes' numbers. */
        places_pair(explorer, &app->arrangement, app->dragged, &a, &b);
        space_pan(explorer, a, -dx / (rect->width - 8));
        space_pan(explorer, b, dy / (rect->height - 4));
    }
}

static void wheel(struct app *app, enum panel panel, int x, int y, int way) {
    struct explorer *explorer = &app->explorer;
    if (!is_space(panel))
        app_scroll(app, panel, 3 * way);
    else if (explorer->space == SPACE_PAIRS)
        app_zoom_at(app, panel, x, y, way < 0 ? 0.8 : 1.25);
    else if (explorer->space == SPACE_SOLID)
        space_turn(explorer, turned * way, 0);
    else
        app_scroll(app, panel, way); /* one axis */
}

void app_mouse(struct app *app, enum mouse_kind kind, int x, int y) {
    struct explorer *explorer = &app->explorer;
    if (!explorer->catalog)
        return;
    app_land(app);
    if (explorer->dialog.kind != DIALOG_NONE) {
        app->dragged = PANEL_COUNT; /* the dialog has come between */
        explorer->dragging = false;
        if (kind == POINTER_PRESS)
            app_dialog_click(app, x, y);
        else if (kind == POINTER_UP || kind == POINTER_DOWN)
            app_dialog_key(app, kind == POINTER_UP ? KEYS_UP : KEYS_DOWN);
        return;
    }
    switch (kind) {
    case POINTER_PRESS:
        press(app, x, y);
        break;
    case POINTER_DRAG:
        if (app->dragged == PANEL_SIMPLEX)
            drag_simplex(app, x, y);
        else if (is_space(app->dragged) && app->axis_dragged)
            app_drag_axis(app, x);
        else if (is_space(app->dragged))
            drag_space(app, x, y);
        break;
    case POINTER_RELEASE:
        if (app->dragged == PANEL_SIMPLEX) {
            explorer->dragging = false;
            explorer_remember(explorer, explorer->drag_from);
        } else if (is_space(app->dragged) && app->axis_dragged) {
            app_release_axis(app, x, y);
        } else if (is_space(app->dragged) && !app->drag_moved) {
            app_point_at(app, app->dragged, x, y);
        }
        app->dragged = PANEL_COUNT;
        break;
    case POINTER_BRUSH:
    case POINTER_BRUSH_DRAG:
    case POINTER_BRUSH_RELEASE:
        app_brush(app, kind, x, y);
        break;
    case POINTER_UP:
    case POINTER_DOWN: {
        enum panel panel = arrangement_panel_at(&app->arrangement, x, y);
        if (panel != PANEL_COUNT)
            wheel(app, panel, x, y, kind == POINTER_UP ? -1 : 1);
        break;
    }
    }
}
