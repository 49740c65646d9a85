/* Keys that move the preference: steps, corners, the centre, the front, and back. Where
 * the objective space has the focus, steps lead from point to point there. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"

#include "panels/simplex_view.h"
#include "pareto/simplex.h"
#include "terminal/keys.h"

static const double fine = 0.01, coarse = 0.1;

/* Where there is no room for a polygon there are sliders, and keys move those. */
struct simplex_geometry app_simplex(const struct app *app) {
    const struct rect *rect = &app->arrangement.rect[PANEL_SIMPLEX];
    const struct explorer *explorer = &app->explorer;
    bool shown = app->arrangement.shown[PANEL_SIMPLEX];
    return simplex_geometry_make(shown ? rect->width : 80, shown ? rect->height : 24,
                                 explorer->tasks, explorer->slider,
                                 explorer->wish.polygon);
}

/* Says so where locks hold a task's share. */
static bool is_held(struct explorer *explorer, size_t task) {
    const char *why = explorer_why_held(explorer, task);
    if (why)
        explorer_say(explorer, false, "%s %s", explorer_task_name(explorer, task), why);
    return why != NULL;
}

/* Among sliders up and down choose one. */
static void move_slider(struct explorer *explorer, int dx, int dy, double step) {
    size_t stride = step > fine ? 4 : 1, last = explorer->tasks - 1;
    size_t at = explorer->slider;
    if (dy < 0)
        explorer->slider = at > stride ? at - stride : 0;
    else if (dy > 0)
        explorer->slider = at + stride < last ? at + stride : last;
    else if (!is_held(explorer, at))
        explorer_set_share(explorer, at, explorer->preference[at] + dx * step, false);
}

static void move(struct app *app, int dx, int dy, double step) {
    struct explorer *explorer = &app->explorer;
    bool polygon = app_simplex(app).shape == SHAPE_POLYGON, far = step > fine;
    double moved[STORE_TASKS_MAX] = {0};
    if (explorer_steps_points(explorer)) {
        if (far)
            app_pan(app, dx, dy);
        else
            app_step_point(app, dx, dy);
        return;
    }
    if (explorer_steps_rows(explorer)) {
        app_move_in_table(app, dx, dy, far);
        return;
    }
    if (explorer_has_sliders(explorer) && !polygon) {
        move_slider(explorer, dx, dy, step);
        return;
    }
    simplex_step(explorer->preference, explorer->tasks, dx, dy, step, moved);
    if (polygon)
        explorer_go_around_locks(explorer, moved, false);
    else
        explorer_go(explorer, moved, false);
}

static void left(struct app *app) {
    move(app, -1, 0, fine);
}

static void right(struct app *app) {
    move(app, 1, 0, fine);
}

static void up(struct app *app) {
    move(app, 0, -1, fine);
}

static void down(struct app *app) {
    move(app, 0, 1, fine);
}

static void far_left(struct app *app) {
    move(app, -1, 0, coarse);
}

static void far_right(struct app *app) {
    move(app, 1, 0, coarse);
}

static void far_up(struct app *app) {
    move(app, 0, -1, coarse);
}

static void far_down(struct app *app) {
    move(app, 0, 1, coarse);
}

static void go_to_vertex(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double vertex[STORE_TASKS_MAX] = {0};
    size_t task = (size_t)app->nth;
    if (task >= explorer->tasks) {
        explorer_say(explorer, true, "there are only %zu tasks", explorer->tasks);
        return;
    }
    vertex[task] = 1;
    explorer->slider = task;
    if (!is_held(explorer, task))
        explorer_go_around_locks(explorer, vertex, false);
}

static size_t locked_count(const struct explorer *explorer) {
    size_t locked = 0;
    for (size_t t = 0; t < explorer->tasks; t++)
        locked += explorer->locked[t];
    return locked;
}

/* The middles of the edges, one after the other. */
static void go_to_edge(struct explorer *explorer, size_t step) {
    double middle[STORE_TASKS_MAX] = {0};
    size_t tasks = explorer->tasks, edges = tasks * (tasks - 1) / 2, edge, a = 0;
    if (tasks < 2) {
        explorer_say(explorer, false, "one task has no edges");
        return;
    }
    edge = explorer->edge = (explorer->edge + step) % edges;
    /* edges numbers from 1 on, so that the first press is the first edge */
    edge = (edge + edges - 1) % edges;
    while (edge >= tasks - 1 - a)
        edge -= tasks - 1 - a++;
    middle[a] = middle[a + 1 + edge] = 0.5;
    explorer_go_around_locks(explorer, middle, false);
    size_t locked = locked_count(explorer);
    char held[64] = "";
    if (locked)
        snprintf(held, sizeof held, ", as far as %zu locked share%s", locked,
                 locked > 1 ? "s let" : " lets");
    explorer_say(explorer, false, "halfway between %s and %s%s",
                 explorer_task_name(explorer, a),
                 explorer_task_name(explorer, a + 1 + edge), held);
}

static void next_edge(struct app *app) {
    go_to_edge(&app->explorer, 1);
}

static void edge_before(struct app *app) {
    size_t tasks = app->explorer.tasks;
    go_to_edge(&app->explorer, tasks * (tasks - 1) / 2 - (tasks > 1));
}

static void go_to_centre(struct app *app) {
    struct explorer *explorer = &app->explorer;
    double centre[STORE_TASKS_MAX] = {0};
    for (size_t t = 0; t < explorer->tasks; t++)
        centre[t] = 1.0 / (double)explorer->tasks;
    explorer_go_around_locks(explorer, centre, false);
    size_t locked = locked_count(explorer);
    if (locked)
        explorer_say(explorer, false, "%zu locked share%s as %s", locked,
                     locked > 1 ? "s stay" : " stays",
                     locked > 1 ? "they are" : "it is");
}

static void go_to_front(struct app *app) {
    struct explorer *explorer = &app->explorer;
    size_t row = catalog_nearest(explorer->catalog, explorer->preference,
                                 explorer->routers, true);
    if (row == SIZE_MAX)
        explorer_say(explorer, true, "these routers have no stored point on the front");
    else
        explorer_go(explorer, explorer->catalog->rows[row].solution.preference, false);
}

static void lock_or_mark(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer_steps_points(explorer) || explorer_steps_rows(explorer))
        app_mark_pointed(app);
    else if (!explorer_has_sliders(explorer))
        explorer_say(explorer, false, "locks need four or more tasks");
    else
        explorer->locked[explorer->slider] = !explorer->locked[explorer->slider];
}

static void switch_polygon(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (!explorer_has_sliders(explorer) || explorer->tasks < 4)
        explorer_say(explorer, false,
                     "sliders and the polygon need four or more tasks");
    else
        explorer->wish.polygon = !explorer->wish.polygon;
}

static void switch_trail(struct app *app) {
    struct explorer *explorer = &app->explorer;
    explorer->trail = !explorer->trail;
    explorer_say(explorer, false,
                 !explorer->trail ? "the path is hidden"
                 : explorer_has_sliders(explorer) && !explorer->wish.polygon
                     ? "the path is drawn in the polygon (Y)"
                     : "your path so far is drawn");
}

/* --- the way to a preference ------------------------------------------------------ */

void app_fly_to(struct app *app, const double *preference) {
    struct explorer *explorer = &app->explorer;
    size_t bytes = explorer->tasks * sizeof *preference;
    app_land(app);
    if (!app->evaluation) {
        explorer_go(explorer, preference, false);
        return;
    }
    app->flight = (struct flight){.on = true};
    memcpy(app->flight.from, explorer->preference, bytes);
    memcpy(app->flight.to, preference, bytes);
}

bool app_fly(struct app *app, double now) {
    static const double whole = 0.35; /* seconds */
    struct flight *flight = &app->flight;
    double here[STORE_TASKS_MAX] = {0};
    if (!flight->on)
        return false;
    flight->began = flight->began > 0 ? flight->began : now;
    double share = (now - flight->began) / whole;
    if (share >= 1) {
        app_land(app);
        return true;
    }
    share = share * share * (3 - 2 * share); /* slowly off, slowly in */
    for (size_t t = 0; t < app->explorer.tasks; t++)
        here[t] = flight->from[t] + share * (flight->to[t] - flight->from[t]);
    explorer_go(&app->explorer, here, true);
    return true;
}

void app_land(struct app *app) {
    if (!app->flight.on)
        return;
    app->flight.on = false;
    explorer_go(&app->explorer, app->flight.to, true);
    explorer_remember(&app->explorer, app->flight.from);
}

static void undo(struct app *app) {
    if (!explorer_undo(&app->explorer))
        explorer_say(&app->explorer, false, "nothing to undo");
}

static void redo(struct app *app) {
    if (!explorer_redo(&app->explorer))
        explorer_say(&app->explorer, false, "nothing to redo");
}

/* clang-format off */
const struct action moving_actions[] = {
    {{KEYS_LEFT, 'h'}, "Preference", "Left, h", "a fine step left; a slider down; the next point left", .run = left,
     .hint = {[HINTS_MOVING] = {3, "move", "arrows"}, [HINTS_POINTING] = {1, "point", "arrows"}, [HINTS_TABLE] = {1, "row, order", "arrows"}}},
    {{KEYS_RIGHT, 'l'}, "Preference", "Right, l", "a fine step right; a slider up; the next point right", .run = right},
    {{KEYS_UP, 'k'}, "Preference", "Up, k", "a fine step up; the slider above; the next point up", .run = up},
    {{KEYS_DOWN, 'j'}, "Preference", "Down, j", "a fine step down; the slider below; the next point down", .run = down},
    {{KEYS_SHIFT_LEFT, 'H'}, "Preference", "Shift-Left, H", "a coarse step left; a scatter moves left", .run = far_left},
    {{KEYS_SHIFT_RIGHT, 'L'}, "Preference", "Shift-Right, L", "a coarse step right; a scatter moves right", .run = far_right},
    {{KEYS_SHIFT_UP, 'K'}, "Preference", "Shift-Up, K", "a coarse step up; a scatter moves up", .run = far_up},
    {{KEYS_SHIFT_DOWN, 'J'}, "Preference", "Shift-Down, J", "a coarse step down; a scatter moves down", .run = far_down},
    {{'1', '2', '3', '4', '5', '6', '7', '8', '9', '!', '@', '#'}, "Preference", "1-9, !, @, #", "all weight on one task, to the twelfth", .run = go_to_vertex},
    {{'M'}, "Preference", "M", "half on one task, half on another: the next edge", .run = next_edge},
    {{'N'}, "Preference", "N", "the edge before", .run = edge_before},
    {{'0'}, "Preference", "0", "equal weight on every task", .run = go_to_centre},
    {{'f'}, "Preference", "f", "go to the nearest stored point of the front", .run = go_to_front, .waits = true,
     .hint = {[HINTS_MOVING] = {11, "front"}}},
    {{' '}, "Preference", "Space", "mark what is pointed at; lock a share of four or more", .run = lock_or_mark},
    {{'Y'}, "Preference", "Y", "sliders or a polygon (four or more tasks)", .run = switch_polygon},
    {{'u'}, "Preference", "u", "undo", .run = undo,
     .hint = {[HINTS_MOVING] = {13, "undo"}}},
    {{'V'}, "Preference", "V", "draw the way that you have come, or do not", .run = switch_trail},
    {{'U', KEYS_CONTROL_R}, "Preference", "U, Ctrl-R", "redo", .run = redo},
    {.run = NULL},
};
