#include <string.h>

#include "app.h"
#include "screen.h"
#include "simplex_view.h"
#include "space.h"
#include "views.h"

static const double fine = 0.01, coarse = 0.1;
static const double turned = 0.1; /* radians a key: six degrees */

/* Where there is no room for a polygon there are sliders, and keys move those. */
static struct simplex_geometry geometry_of(const struct app *app) {
    const struct rect *rect = &app->layout.rect[PANEL_SIMPLEX];
    const struct model *model = &app->model;
    bool shown = app->layout.shown[PANEL_SIMPLEX];
    return simplex_geometry_make(shown ? rect->width : 80, shown ? rect->height : 24,
                                 model->tasks, model->slider, model->wish.polygon);
}

static void move(struct app *app, int dx, int dy, double step) {
    struct model *model = &app->model;
    bool polygon = geometry_of(app).shape == SHAPE_POLYGON;
    if (model_has_sliders(model) && !polygon) {
        if (dy) {
            size_t stride = step > fine ? 4 : 1, last = model->tasks - 1;
            if (dy < 0)
                model->slider = model->slider > stride ? model->slider - stride : 0;
            else
                model->slider =
                    model->slider + stride < last ? model->slider + stride : last;
            return;
        }
        model_set_share(model, model->slider,
                        model->preference[model->slider] + dx * step, false);
        return;
    }
    double moved[STORE_TASKS_MAX] = {0};
    simplex_step(model->preference, model->tasks, dx, dy, step, moved);
    if (polygon)
        model_go_around_locks(model, moved, false);
    else
        model_go(model, moved, false);
}

static void go_vertex(struct model *model, size_t task) {
    double vertex[STORE_TASKS_MAX] = {0};
    if (task >= model->tasks) {
        model_say(model, true, "there are %zu tasks", model->tasks);
        return;
    }
    vertex[task] = 1;
    model->slider = task;
    model_go(model, vertex, false);
}

static void go_centre(struct model *model) {
    double centre[STORE_TASKS_MAX] = {0};
    for (size_t t = 0; t < model->tasks; t++)
        centre[t] = 1.0 / (double)model->tasks;
    model_go(model, centre, false);
}

static void snap(struct model *model) {
    if (model_must_wait(model))
        return;
    size_t row =
        catalog_nearest(model->catalog, model->preference, model->routers, true);
    if (row == SIZE_MAX)
        model_say(model, true, "no point of the front is stored with these routers");
    else
        model_go(model, model->catalog->rows[row].solution.preference, false);
}

/* The next panel that is on the screen, in the order of their numbers. */
static void focus_next(struct app *app, int way) {
    struct layout_wish *wish = &app->model.wish;
    struct layout layout = app->layout;
    /* On a small screen or zoomed every panel can be brought up. */
    bool any = layout.compact || wish->zoom;
    for (int i = 1; i <= PANEL_COUNT; i++) {
        int panel = ((int)wish->focus + way * i + 2 * PANEL_COUNT) % PANEL_COUNT;
        bool possible = any ? panel != PANEL_SCATTER_2 && panel != PANEL_SCATTER_3 &&
                                  panel != PANEL_LEGEND
                            : layout.shown[panel];
        if (panel != PANEL_TITLE && panel != PANEL_STATUS && possible) {
            wish->focus = (enum panel)panel;
            return;
        }
    }
}

static void toggle_panel(struct app *app, enum panel panel) {
    struct layout_wish *wish = &app->model.wish;
    if (app->layout.compact || wish->zoom) {
        wish->focus = wish->focus == panel ? PANEL_SIMPLEX : panel;
    } else if (app->layout.wide) {
        wish->open ^= 1u << panel;
        if (!(wish->open >> panel & 1) && wish->focus == panel)
            wish->focus = PANEL_SIMPLEX;
    } else {
        wish->instead = wish->instead == panel ? PANEL_TITLE : panel;
        wish->focus = wish->instead == panel ? panel : PANEL_SIMPLEX;
    }
}

static void scroll(struct app *app, enum panel panel, int lines) {
    int *at = &app->model.scroll[panel];
    *at += lines;
    /* The log scrolls back from its end, the others forth from their start. */
    if (panel == PANEL_LOG ? *at > 0 : *at < 0)
        *at = 0;
    if (*at > 100000 || *at < -100000)
        *at = 0;
}

/* The next way to show the objective space that this many tasks have. */
static void next_space(struct model *model) {
    if (model->tasks < 2)
        model_say(model, false, "one objective has one view");
    for (int i = 1; i <= 2 && model->tasks >= 2; i++)
        if (space_use(model, (enum space)((model->space + (unsigned)i) % 3)))
            break;
}

/* Turning something that is not seen brings it up. */
static void turn(struct model *model, double by, double tilt) {
    if (model->space != SPACE_SOLID && !space_use(model, SPACE_SOLID))
        model_say(model, false, "the 3-D view needs three objectives");
    else
        space_turn(model, by, tilt);
}

static void switch_polygon(struct model *model) {
    if (!model_has_sliders(model) || model->tasks < 4)
        model_say(model, false, "polygon and sliders are for four tasks and more");
    else
        model->wish.polygon = !model->wish.polygon;
}

static void lock(struct model *model) {
    if (!model_has_sliders(model))
        model_say(model, false, "locks are for four tasks and more");
    else
        model->locked[model->slider] = !model->locked[model->slider];
}

static void switch_mouse(struct model *model) {
    if (!screen_has_mouse()) {
        model_say(model, true, "this terminal has no mouse");
        return;
    }
    model->mouse = !model->mouse;
    screen_mouse(model->mouse);
    model_say(model, false,
              model->mouse ? "mouse on"
                           : "mouse off: text can be selected; m turns it on");
}

static void act(struct app *app, enum action action, int number) {
    struct model *model = &app->model;
    switch (action) {
    case ACTION_LEFT:
    case ACTION_LEFT_COARSE:
        move(app, -1, 0, action == ACTION_LEFT ? fine : coarse);
        break;
    case ACTION_RIGHT:
    case ACTION_RIGHT_COARSE:
        move(app, 1, 0, action == ACTION_RIGHT ? fine : coarse);
        break;
    case ACTION_UP:
    case ACTION_UP_COARSE:
        move(app, 0, -1, action == ACTION_UP ? fine : coarse);
        break;
    case ACTION_DOWN:
    case ACTION_DOWN_COARSE:
        move(app, 0, 1, action == ACTION_DOWN ? fine : coarse);
        break;
    case ACTION_VERTEX:
        go_vertex(model, (size_t)number);
        break;
    case ACTION_CENTRE:
        go_centre(model);
        break;
    case ACTION_SNAP:
        snap(model);
        break;
    case ACTION_LOCK:
        lock(model);
        break;
    case ACTION_POLYGON:
        switch_polygon(model);
        break;
    case ACTION_UNDO:
        if (!model_undo(model))
            model_say(model, false, "nothing to undo");
        break;
    case ACTION_REDO:
        if (!model_redo(model))
            model_say(model, false, "nothing to redo");
        break;
    case ACTION_FOCUS_NEXT:
    case ACTION_FOCUS_PREVIOUS:
        focus_next(app, action == ACTION_FOCUS_NEXT ? 1 : -1);
        break;
    case ACTION_ZOOM:
        model->wish.zoom = !model->wish.zoom;
        break;
    case ACTION_SPACE:
        next_space(model);
        break;
    case ACTION_TURN_LEFT:
    case ACTION_TURN_RIGHT:
        turn(model, action == ACTION_TURN_LEFT ? -turned : turned, 0);
        break;
    case ACTION_TILT_UP:
    case ACTION_TILT_DOWN:
        turn(model, 0, action == ACTION_TILT_UP ? turned : -turned);
        break;
    case ACTION_PANEL_ROUTING:
        toggle_panel(app, PANEL_ROUTING);
        break;
    case ACTION_PANEL_SCALING:
        toggle_panel(app, PANEL_SCALING);
        break;
    case ACTION_PANEL_TRAINING:
        toggle_panel(app, PANEL_TRAINING);
        break;
    case ACTION_PANEL_LOG:
        toggle_panel(app, PANEL_LOG);
        break;
    case ACTION_SCROLL_UP:
    case ACTION_SCROLL_DOWN:
        scroll(app, model->wish.focus, action == ACTION_SCROLL_UP ? -8 : 8);
        break;
    case ACTION_MOUSE:
        switch_mouse(model);
        break;
    case ACTION_REDRAW:
        screen_redraw();
        break;
    case ACTION_QUIT:
        app->quit = true;
        break;
    default:
        app_ask(app, action);
    }
}

void app_key(struct app *app, int key) {
    int number = 0;
    /* What a terminal makes of the old frame at its new size is its own affair. */
    if (key == KEYS_RESIZE || key == KEYS_CONTROL_L) {
        screen_redraw();
        return;
    }
    if (app->model.dialog.kind != DIALOG_NONE) {
        app_dialog_key(app, key);
        return;
    }
    enum action action = keys_action(key, &number);
    if (action == ACTION_NONE) {
        if (key == KEYS_ESCAPE)
            app->model.message[0] = '\0';
        return;
    }
    app->model.message[0] = '\0';
    if (app->model.catalog || action == ACTION_QUIT)
        act(app, action, number);
}

/* --- the mouse ----------------------------------------------------------------- */

static void drag_simplex(struct app *app, int x, int y) {
    struct model *model = &app->model;
    const struct rect *rect = &app->layout.rect[PANEL_SIMPLEX];
    struct simplex_geometry geometry = geometry_of(app);
    double preference[STORE_TASKS_MAX] = {0};
    if (geometry.shape == SHAPE_NONE)
        return;
    x -= rect->x;
    y -= rect->y;
    if (geometry.shape != SHAPE_SLIDERS) {
        simplex_geometry_preference(&geometry, x, y, preference);
        if (geometry.shape == SHAPE_POLYGON)
            model_go_around_locks(model, preference, true);
        else
            model_go(model, preference, true);
        return;
    }
    size_t task;
    double share;
    /* Once a slider is held, the pointer may leave its row. */
    if (model->dragging)
        y = geometry.top + (int)model->slider - geometry.first;
    if (simplex_geometry_slider(&geometry, x, y, &task, &share)) {
        model->slider = task;
        if (x >= geometry.track_x - 1)
            model_set_share(model, task, share, true);
    }
}

static void press(struct app *app, int x, int y) {
    struct model *model = &app->model;
    enum panel panel = layout_panel_at(&app->layout, x, y);
    if (panel == PANEL_COUNT || panel == PANEL_TITLE || panel == PANEL_STATUS)
        return;
    if (!app->layout.compact)
        model->wish.focus = panel;
    model->message[0] = '\0';
    if (panel == PANEL_SIMPLEX) {
        memcpy(model->drag_from, model->preference, sizeof model->drag_from);
        model->dragging = false;
        app->dragged = panel;
        drag_simplex(app, x, y);
        model->dragging = true;
    } else if (panel == PANEL_SCATTER && model->space == SPACE_SOLID) {
        app->dragged = panel;
        app->drag_x = x;
        app->drag_y = y;
    } else if (panel == PANEL_LEGEND) {
        struct view view = view_rect(&app->canvas, app->layout.rect[panel]);
        size_t series = legend_view_at(&view, model, x - view.x, y - view.y);
        if (series != SIZE_MAX)
            model_series_toggle(model, series);
    }
}

/* The width of the panel is half a turn; what is under the pointer follows it. */
static void drag_solid(struct app *app, int x, int y) {
    const struct rect *rect = &app->layout.rect[PANEL_SCATTER];
    if (rect->width > 1 && rect->height > 1)
        space_turn(&app->model, 3.14159 * (x - app->drag_x) / rect->width,
                   1.5708 * (y - app->drag_y) / rect->height);
    app->drag_x = x;
    app->drag_y = y;
}

static void wheel(struct app *app, enum panel panel, int way) {
    struct model *model = &app->model;
    if (panel != PANEL_SCATTER || model->space == SPACE_PAIRS)
        scroll(app, panel, 3 * way);
    else if (model->space == SPACE_SOLID)
        space_turn(model, turned * way, 0);
    else
        scroll(app, panel, way); /* one axis */
}

void app_mouse(struct app *app, enum mouse_kind kind, int x, int y) {
    struct model *model = &app->model;
    if (!model->catalog)
        return;
    if (model->dialog.kind != DIALOG_NONE) {
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
        else if (app->dragged == PANEL_SCATTER)
            drag_solid(app, x, y);
        break;
    case POINTER_RELEASE:
        if (app->dragged == PANEL_SIMPLEX) {
            model->dragging = false;
            model_remember(model, model->drag_from);
        }
        app->dragged = PANEL_COUNT;
        break;
    case POINTER_UP:
    case POINTER_DOWN: {
        enum panel panel = layout_panel_at(&app->layout, x, y);
        if (panel != PANEL_COUNT)
            wheel(app, panel, kind == POINTER_UP ? -1 : 1);
        break;
    }
    }
}
