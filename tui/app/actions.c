#include <string.h>

#include "app/app.h"
#include "panels/simplex_view.h"
#include "panels/space.h"
#include "panels/views.h"
#include "terminal/screen.h"

static const double fine = 0.01, coarse = 0.1;
static const double turned = 0.1; /* radians a key: six degrees */

/* Where there is no room for a polygon there are sliders, and keys move those. */
static struct simplex_geometry geometry_of(const struct app *app) {
    const struct rect *rect = &app->arrangement.rect[PANEL_SIMPLEX];
    const struct explorer *explorer = &app->explorer;
    bool shown = app->arrangement.shown[PANEL_SIMPLEX];
    return simplex_geometry_make(shown ? rect->width : 80, shown ? rect->height : 24,
                                 explorer->tasks, explorer->slider,
                                 explorer->wish.polygon);
}

static void move(struct app *app, int dx, int dy, double step) {
    struct explorer *explorer = &app->explorer;
    bool polygon = geometry_of(app).shape == SHAPE_POLYGON;
    if (explorer_has_sliders(explorer) && !polygon) {
        if (dy) {
            size_t stride = step > fine ? 4 : 1, last = explorer->tasks - 1;
            if (dy < 0)
                explorer->slider =
                    explorer->slider > stride ? explorer->slider - stride : 0;
            else
                explorer->slider =
                    explorer->slider + stride < last ? explorer->slider + stride : last;
            return;
        }
        explorer_set_share(explorer, explorer->slider,
                           explorer->preference[explorer->slider] + dx * step, false);
        return;
    }
    double moved[STORE_TASKS_MAX] = {0};
    simplex_step(explorer->preference, explorer->tasks, dx, dy, step, moved);
    if (polygon)
        explorer_go_around_locks(explorer, moved, false);
    else
        explorer_go(explorer, moved, false);
}

static void go_vertex(struct explorer *explorer, size_t task) {
    double vertex[STORE_TASKS_MAX] = {0};
    if (task >= explorer->tasks) {
        explorer_say(explorer, true, "there are %zu tasks", explorer->tasks);
        return;
    }
    vertex[task] = 1;
    explorer->slider = task;
    explorer_go(explorer, vertex, false);
}

static void go_centre(struct explorer *explorer) {
    double centre[STORE_TASKS_MAX] = {0};
    for (size_t t = 0; t < explorer->tasks; t++)
        centre[t] = 1.0 / (double)explorer->tasks;
    explorer_go(explorer, centre, false);
}

static void snap(struct explorer *explorer) {
    if (explorer_must_wait(explorer))
        return;
    size_t row = catalog_nearest(explorer->catalog, explorer->preference,
                                 explorer->routers, true);
    if (row == SIZE_MAX)
        explorer_say(explorer, true,
                     "no point of the front is stored with these routers");
    else
        explorer_go(explorer, explorer->catalog->rows[row].solution.preference, false);
}

/* The next panel that is on the screen, in the order of their numbers. */
static void focus_next(struct app *app, int way) {
    struct arrangement_wish *wish = &app->explorer.wish;
    struct arrangement arrangement = app->arrangement;
    /* On a small screen or zoomed every panel can be brought up. */
    bool any = arrangement.compact || wish->zoom;
    for (int i = 1; i <= PANEL_COUNT; i++) {
        int panel = ((int)wish->focus + way * i + 2 * PANEL_COUNT) % PANEL_COUNT;
        bool possible = any ? panel != PANEL_SCATTER_2 && panel != PANEL_SCATTER_3 &&
                                  panel != PANEL_LEGEND
                            : arrangement.shown[panel];
        if (panel != PANEL_TITLE && panel != PANEL_STATUS && possible) {
            wish->focus = (enum panel)panel;
            return;
        }
    }
}

static void toggle_panel(struct app *app, enum panel panel) {
    struct arrangement_wish *wish = &app->explorer.wish;
    if (app->arrangement.compact || wish->zoom) {
        wish->focus = wish->focus == panel ? PANEL_SIMPLEX : panel;
    } else if (app->arrangement.wide) {
        wish->open ^= 1u << panel;
        if (!(wish->open >> panel & 1) && wish->focus == panel)
            wish->focus = PANEL_SIMPLEX;
    } else {
        wish->instead = wish->instead == panel ? PANEL_TITLE : panel;
        wish->focus = wish->instead == panel ? panel : PANEL_SIMPLEX;
    }
}

static void scroll(struct app *app, enum panel panel, int lines) {
    int *at = &app->explorer.scroll[panel];
    *at += lines;
    /* The log scrolls back from its end, the others forth from their start. */
    if (panel == PANEL_LOG ? *at > 0 : *at < 0)
        *at = 0;
    if (*at > 100000 || *at < -100000)
        *at = 0;
}

/* The next way to show the objective space that this many tasks have. */
static void next_space(struct explorer *explorer) {
    if (explorer->tasks < 2)
        explorer_say(explorer, false, "one objective has one view");
    for (int i = 1; i <= 2 && explorer->tasks >= 2; i++)
        if (space_use(explorer, (enum space)((explorer->space + (unsigned)i) % 3)))
            break;
}

/* Turning something that is not seen brings it up. */
static void turn(struct explorer *explorer, double by, double tilt) {
    if (explorer->space != SPACE_SOLID && !space_use(explorer, SPACE_SOLID))
        explorer_say(explorer, false, "the 3-D view needs three objectives");
    else
        space_turn(explorer, by, tilt);
}

static void switch_polygon(struct explorer *explorer) {
    if (!explorer_has_sliders(explorer) || explorer->tasks < 4)
        explorer_say(explorer, false,
                     "polygon and sliders are for four tasks and more");
    else
        explorer->wish.polygon = !explorer->wish.polygon;
}

static void lock(struct explorer *explorer) {
    if (!explorer_has_sliders(explorer))
        explorer_say(explorer, false, "locks are for four tasks and more");
    else
        explorer->locked[explorer->slider] = !explorer->locked[explorer->slider];
}

static void switch_mouse(struct explorer *explorer) {
    if (!screen_has_mouse()) {
        explorer_say(explorer, true, "this terminal has no mouse");
        return;
    }
    explorer->mouse = !explorer->mouse;
    screen_mouse(explorer->mouse);
    explorer_say(explorer, false,
                 explorer->mouse ? "mouse on"
                                 : "mouse off: text can be selected; m turns it on");
}

static void act(struct app *app, enum action action, int number) {
    struct explorer *explorer = &app->explorer;
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
        go_vertex(explorer, (size_t)number);
        break;
    case ACTION_CENTRE:
        go_centre(explorer);
        break;
    case ACTION_SNAP:
        snap(explorer);
        break;
    case ACTION_LOCK:
        lock(explorer);
        break;
    case ACTION_POLYGON:
        switch_polygon(explorer);
        break;
    case ACTION_UNDO:
        if (!explorer_undo(explorer))
            explorer_say(explorer, false, "nothing to undo");
        break;
    case ACTION_REDO:
        if (!explorer_redo(explorer))
            explorer_say(explorer, false, "nothing to redo");
        break;
    case ACTION_FOCUS_NEXT:
    case ACTION_FOCUS_PREVIOUS:
        focus_next(app, action == ACTION_FOCUS_NEXT ? 1 : -1);
        break;
    case ACTION_ZOOM:
        explorer->wish.zoom = !explorer->wish.zoom;
        break;
    case ACTION_SPACE:
        next_space(explorer);
        break;
    case ACTION_TURN_LEFT:
    case ACTION_TURN_RIGHT:
        turn(explorer, action == ACTION_TURN_LEFT ? -turned : turned, 0);
        break;
    case ACTION_TILT_UP:
    case ACTION_TILT_DOWN:
        turn(explorer, 0, action == ACTION_TILT_UP ? turned : -turned);
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
        scroll(app, explorer->wish.focus, action == ACTION_SCROLL_UP ? -8 : 8);
        break;
    case ACTION_MOUSE:
        switch_mouse(explorer);
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
    if (app->explorer.dialog.kind != DIALOG_NONE) {
        app_dialog_key(app, key);
        return;
    }
    enum action action = keys_action(key, &number);
    if (action == ACTION_NONE) {
        if (key == KEYS_ESCAPE)
            app->explorer.message[0] = '\0';
        return;
    }
    app->explorer.message[0] = '\0';
    if (app->explorer.catalog || action == ACTION_QUIT)
        act(app, action, number);
}

/* --- the mouse ----------------------------------------------------------------- */

static void drag_simplex(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    const struct rect *rect = &app->arrangement.rect[PANEL_SIMPLEX];
    struct simplex_geometry geometry = geometry_of(app);
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
        if (x >= geometry.track_x - 1)
            explorer_set_share(explorer, task, share, true);
    }
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
        memcpy(explorer->drag_from, explorer->preference, sizeof explorer->drag_from);
        explorer->dragging = false;
        app->dragged = panel;
        drag_simplex(app, x, y);
        explorer->dragging = true;
    } else if (panel == PANEL_SCATTER && explorer->space == SPACE_SOLID) {
        app->dragged = panel;
        app->drag_x = x;
        app->drag_y = y;
    } else if (panel == PANEL_LEGEND) {
        struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
        size_t series = legend_view_at(&view, explorer, x - view.x, y - view.y);
        if (series != SIZE_MAX)
            explorer_series_toggle(explorer, series);
    }
}

/* The width of the panel is half a turn; what is under the pointer follows it. */
static void drag_solid(struct app *app, int x, int y) {
    const struct rect *rect = &app->arrangement.rect[PANEL_SCATTER];
    if (rect->width > 1 && rect->height > 1)
        space_turn(&app->explorer, 3.14159 * (x - app->drag_x) / rect->width,
                   1.5708 * (y - app->drag_y) / rect->height);
    app->drag_x = x;
    app->drag_y = y;
}

static void wheel(struct app *app, enum panel panel, int way) {
    struct explorer *explorer = &app->explorer;
    if (panel != PANEL_SCATTER || explorer->space == SPACE_PAIRS)
        scroll(app, panel, 3 * way);
    else if (explorer->space == SPACE_SOLID)
        space_turn(explorer, turned * way, 0);
    else
        scroll(app, panel, way); /* one axis */
}

void app_mouse(struct app *app, enum mouse_kind kind, int x, int y) {
    struct explorer *explorer = &app->explorer;
    if (!explorer->catalog)
        return;
    if (explorer->dialog.kind != DIALOG_NONE) {
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
            explorer->dragging = false;
            explorer_remember(explorer, explorer->drag_from);
        }
        app->dragged = PANEL_COUNT;
        break;
    case POINTER_UP:
    case POINTER_DOWN: {
        enum panel panel = arrangement_panel_at(&app->arrangement, x, y);
        if (panel != PANEL_COUNT)
            wheel(app, panel, kind == POINTER_UP ? -1 : 1);
        break;
    }
    }
}
