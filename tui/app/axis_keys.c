/* Keys and the mouse on the axes of the parallel coordinates: their order, their
 * direction, and which are shown. */
#include <stdio.h>
#include <stdlib.h>

#include "app/actions.h"
#include "panels/places.h"
#include "state/axes.h"

/* Is there one to act on? It is said where there is none. */
static bool has_axis(struct explorer *explorer) {
    if (explorer->space == SPACE_PARALLEL && explorer->pointed_axis < explorer->tasks &&
        !explorer->axes.hidden[explorer->pointed_axis])
        return true;
    explorer_say(explorer, false,
                 explorer->space == SPACE_PARALLEL
                     ? "choose an axis first: click on its name, or Tab and arrows"
                     : "only parallel coordinates have axes to change; x shows them");
    return false;
}

static void say_chosen(struct explorer *explorer, const char *what) {
    explorer_say(explorer, false, "%s %s",
                 explorer_task_name(explorer, explorer->pointed_axis), what);
}

static void move_left(struct app *app) {
    if (has_axis(&app->explorer))
        axes_move(&app->explorer, app->explorer.pointed_axis, -1);
}

static void move_right(struct app *app) {
    if (has_axis(&app->explorer))
        axes_move(&app->explorer, app->explorer.pointed_axis, 1);
}

static void turn_round(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (!has_axis(explorer))
        return;
    axes_turn(explorer, explorer->pointed_axis);
    say_chosen(explorer, explorer->axes.turned[explorer->pointed_axis]
                             ? "has its worse end on top now"
                             : "has its better end on top again");
}

static void hide(struct explorer *explorer) {
    size_t axis = explorer->pointed_axis;
    if (!axes_hide(explorer, axis)) {
        explorer_say(explorer, false, "at least two axes must stay");
        return;
    }
    say_chosen(explorer, "is hidden; A shows all axes");
    explorer->pointed_axis = axes_beside(explorer, axis, 1);
}

static void hide_chosen(struct app *app) {
    if (has_axis(&app->explorer))
        hide(&app->explorer);
}

static void show_all(struct app *app) {
    axes_reset(&app->explorer);
    explorer_say(&app->explorer, false, "all axes, in the tasks' order");
}

/* --- the mouse -------------------------------------------------------------------- */

static struct view view_of(struct app *app) {
    return view_rect(&app->canvas, app->arrangement.rect[app->dragged]);
}

void app_press_axis(struct app *app, int x, int y) {
    enum { NAMES = 1 }; /* the row below the heading */
    struct view view = view_of(app);
    app->axis_dragged = app->explorer.space == SPACE_PARALLEL && y == view.y + NAMES;
    if (app->axis_dragged)
        app->explorer.pointed_axis =
            parallel_view_axis(&view, &app->explorer, x - view.x);
    /* The mean stays where it is. */
    app->axis_dragged =
        app->axis_dragged && app->explorer.pointed_axis < app->explorer.tasks;
}

/* It follows the pointer past its neighbours. */
void app_drag_axis(struct app *app, int x) {
    struct explorer *explorer = &app->explorer;
    struct view view = view_of(app);
    size_t axis = explorer->pointed_axis;
    int column = x - view.x;
    for (size_t i = 0; i < explorer->tasks; i++) {
        int here = parallel_view_column(&view, explorer, axis);
        int way = column < here ? -1 : 1;
        int there =
            parallel_view_column(&view, explorer, axes_beside(explorer, axis, way));
        if (abs(column - there) >= abs(column - here))
            return;
        axes_move(explorer, axis, way);
        app->drag_moved = true;
    }
}

/* A click on its name turns an axis round; dragged out of the panel it is hidden. */
void app_release_axis(struct app *app, int x, int y) {
    const struct rect *rect = &app->arrangement.rect[app->dragged];
    bool inside = x >= rect->x && x < rect->x + rect->width && y >= rect->y &&
                  y < rect->y + rect->height;
    if (!inside)
        hide(&app->explorer);
    else if (!app->drag_moved)
        turn_round(app);
    app->axis_dragged = false;
}

/* clang-format off */
const struct action axis_actions[] = {
    {{'{'}, "View", "{", "move the chosen axis of parallel coordinates left", .run = move_left},
    {{'}'}, "View", "}", "move it right", .run = move_right},
    {{'I'}, "View", "I", "turn it round; a click on its name does it, too", .run = turn_round},
    {{'d'}, "View", "d", "hide it; dragged out of the panel it is hidden, too", .run = hide_chosen},
    {{'A'}, "View", "A", "show all axes, in the tasks' order", .run = show_all},
    {.run = NULL},
};
