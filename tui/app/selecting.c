/* Keys and the mouse that select solutions: one by one, by a box in a scatter, by
 * ranges on the axes of the parallel coordinates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/actions.h"
#include "panels/places.h"
#include "state/selection.h"
#include "state/solution_table.h"
#include "terminal/keys.h"

static void say_count(struct explorer *explorer) {
    size_t count = selection_count(explorer);
    if (count)
        explorer_say(explorer, false, "%zu selected", count);
    else
        explorer_say(explorer, false, "nothing is selected");
}

void app_mark_pointed(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer->pointed == SIZE_MAX) {
        explorer_say(explorer, false,
                     "point at a solution first: click on it, or use the arrows");
        return;
    }
    selection_toggle(explorer, explorer->pointed);
    /* In the table one goes down the rows. */
    if (explorer_steps_rows(explorer))
        solution_table_step(explorer, 1);
    else
        say_count(explorer);
}

/* All rows of the table; none where they are selected already. */
static void select_listed(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct solution_table *table = &explorer->table;
    bool all = true;
    if (solution_table_update(explorer, table->height))
        return;
    for (size_t i = 0; i < table->count; i++)
        all = all && selection_has(explorer, table->rows[i]);
    if (all && selection_count(explorer) == table->count)
        selection_clear(explorer);
    else
        selection_set(explorer, table->rows, table->count, false);
    say_count(explorer);
}

/* --- a box in a scatter ----------------------------------------------------------- */

static struct view view_of(struct app *app, enum panel panel) {
    return view_rect(&app->canvas, app->arrangement.rect[panel]);
}

/* From the middles of cells to the values at their edges: what is drawn in a cell of
 * the box is in it. */
static void select_in_box(struct app *app, bool besides) {
    struct explorer *explorer = &app->explorer;
    const struct box *box = &explorer->box;
    struct view view = view_of(app, box->panel);
    struct range x, y;
    double left = fmin(box->from_x, box->to_x) - 0.5;
    double right = fmax(box->from_x, box->to_x) + 0.5;
    double top = fmin(box->from_y, box->to_y) - 0.5;
    double bottom = fmax(box->from_y, box->to_y) + 0.5;
    size_t a, b;
    x.low = x.high = y.low = y.high = NAN;
    places_pair(explorer, &app->arrangement, box->panel, &a, &b);
    (void)scatter_view_values(&view, explorer, a, b, left, bottom, &x.low, &y.low);
    (void)scatter_view_values(&view, explorer, a, b, right, top, &x.high, &y.high);
    explorer->box.open = false;
    if (isnan(x.low + x.high + y.low + y.high))
        return;
    selection_box(explorer, a, x, b, y, besides);
    say_count(explorer);
}

static bool is_space(enum panel panel) {
    return panel >= PANEL_SCATTER && panel <= PANEL_SCATTER_3;
}

static void begin_box(struct app *app) {
    static const char hint[] = "arrows draw the box; Enter selects what is in it, "
                               "Space adds it, Esc cancels";
    struct explorer *explorer = &app->explorer;
    enum panel panel = explorer->wish.focus;
    size_t a, b;
    if (explorer->space != SPACE_PAIRS || explorer->tasks < 2) {
        explorer_say(explorer, false,
                     "a box is drawn in scatters; [ and ] are ranges of parallel "
                     "coordinates");
        return;
    }
    if (!is_space(panel) || !app->arrangement.shown[panel])
        panel = PANEL_SCATTER;
    if (!app->arrangement.shown[panel])
        return;
    struct view view = view_of(app, panel);
    int x = view.width / 2, y = view.height / 2;
    places_pair(explorer, &app->arrangement, panel, &a, &b);
    if (explorer->pointed != SIZE_MAX)
        (void)scatter_view_cell(&view, explorer, a, b,
                                catalog_value(explorer->catalog, explorer->pointed, a),
                                catalog_value(explorer->catalog, explorer->pointed, b),
                                &x, &y);
    explorer->box = (struct box){true, true, panel, x, y, x, y};
    explorer_say(explorer, false, "%s", hint);
}

void app_box_key(struct app *app, int key) {
    static const struct {
        int key, dx, dy;
    } moves[] = {{KEYS_LEFT, -1, 0},
                 {KEYS_RIGHT, 1, 0},
                 {KEYS_UP, 0, -1},
                 {KEYS_DOWN, 0, 1},
                 {'h', -1, 0},
                 {'l', 1, 0},
                 {'k', 0, -1},
                 {'j', 0, 1},
                 {KEYS_SHIFT_LEFT, -8, 0},
                 {KEYS_SHIFT_RIGHT, 8, 0},
                 {KEYS_SHIFT_UP, 0, -4},
                 {KEYS_SHIFT_DOWN, 0, 4},
                 {'H', -8, 0},
                 {'L', 8, 0},
                 {'K', 0, -4},
                 {'J', 0, 4}};
    struct box *box = &app->explorer.box;
    const struct rect *rect = &app->arrangement.rect[box->panel];
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (moves[i].key == key) {
            int x = box->to_x + moves[i].dx, y = box->to_y + moves[i].dy;
            box->to_x = x < 0 ? 0 : x >= rect->width ? rect->width - 1 : x;
            box->to_y = y < 1 ? 1 : y >= rect->height ? rect->height - 1 : y;
        }
    if (key == KEYS_ENTER || key == ' ') {
        select_in_box(app, key == ' ');
    } else if (key == KEYS_ESCAPE || key == 'q' || key == 'g') {
        box->open = false;
        app->explorer.message[0] = '\0';
    }
}

/* --- ranges on axes --------------------------------------------------------------- */

/* What is drawn at the ends of the range counts in. */
static void select_range(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct box *box = &explorer->box;
    struct view view = view_of(app, box->panel);
    size_t objective = explorer->pointed_axis;
    double top = fmin(box->from_y, box->to_y) - 0.5;
    double bottom = fmax(box->from_y, box->to_y) + 0.5, one, other;
    if (!parallel_view_value(&view, explorer, objective, top, &one) ||
        !parallel_view_value(&view, explorer, objective, bottom, &other))
        return;
    selection_range(explorer, objective,
                    (struct range){fmin(one, other), fmax(one, other)});
}

static void say_no_range(struct explorer *explorer) {
    explorer_say(explorer, false,
                 "the mean has no range; / average >= 80 and then * select by it");
}

/* At least as good as what is pointed at on this axis, or at most; the same again ends
 * that. */
static void bound(struct app *app, bool better) {
    struct explorer *explorer = &app->explorer;
    size_t t = explorer->pointed_axis < explorer->tasks ? explorer->pointed_axis : 0;
    if (explorer->space != SPACE_PARALLEL || explorer->pointed == SIZE_MAX) {
        explorer_say(explorer, false,
                     "[ and ] need parallel coordinates (x) and a solution pointed at");
        return;
    }
    if (explorer->pointed_axis == explorer->tasks) {
        say_no_range(explorer);
        return;
    }
    bool more = explorer->catalog->recipe->tasks[t].objective.maximise;
    double value = catalog_value(explorer->catalog, explorer->pointed, t);
    struct range range = selection_has_range(explorer, t)
                             ? explorer->brush[t]
                             : (struct range){-INFINITY, INFINITY};
    if (isnan(value))
        return;
    double *end = more == better ? &range.low : &range.high;
    double none = more == better ? -INFINITY : INFINITY;
    *end = *end == value ? none : value;
    if (isinf(range.low) && isinf(range.high))
        range = range_empty();
    selection_range(explorer, t, range);
    say_count(explorer);
}

static void bound_below(struct app *app) {
    bound(app, true);
}

static void bound_above(struct app *app) {
    bound(app, false);
}

/* --- the mouse -------------------------------------------------------------------- */

static void begin_brush(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    enum panel panel = arrangement_panel_at(&app->arrangement, x, y);
    explorer->box.open = false;
    if (!is_space(panel) || explorer->space == SPACE_SOLID || explorer->tasks < 2)
        return;
    struct view view = view_of(app, panel);
    x -= view.x;
    y -= view.y;
    explorer->message[0] = '\0';
    size_t axis = explorer->space == SPACE_PARALLEL
                      ? parallel_view_axis(&view, explorer, x)
                      : explorer->pointed_axis;
    if (explorer->space == SPACE_PARALLEL && axis == explorer->tasks) {
        say_no_range(explorer);
        return;
    }
    explorer->box = (struct box){true, false, panel, x, y, x, y};
    explorer->pointed_axis = axis;
}

/* A click without a drag marks what is there; on an axis it ends the range. */
static void end_brush(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    struct box *box = &explorer->box;
    bool click = box->from_x == box->to_x && box->from_y == box->to_y;
    box->open = false;
    if (click && explorer->space == SPACE_PARALLEL) {
        selection_range(explorer, explorer->pointed_axis, range_empty());
    } else if (click) {
        size_t row = app_row_at(app, box->panel, x, y, 1.3);
        if (row == SIZE_MAX)
            return;
        explorer_point(explorer, row);
        selection_toggle(explorer, row);
    } else if (explorer->space == SPACE_PAIRS) {
        select_in_box(app, false);
    }
    say_count(explorer);
}

void app_brush(struct app *app, enum mouse_kind kind, int x, int y) {
    struct explorer *explorer = &app->explorer;
    struct box *box = &explorer->box;
    if (kind == POINTER_BRUSH) {
        begin_brush(app, x, y);
        return;
    }
    if (!box->open || box->keys)
        return;
    const struct rect *rect = &app->arrangement.rect[box->panel];
    int to_x = x - rect->x, to_y = y - rect->y;
    box->to_x = to_x < 0 ? 0 : to_x >= rect->width ? rect->width - 1 : to_x;
    box->to_y = to_y < 1 ? 1 : to_y >= rect->height ? rect->height - 1 : to_y;
    if (explorer->space == SPACE_PARALLEL &&
        (box->from_x != box->to_x || box->from_y != box->to_y))
        select_range(app);
    if (kind == POINTER_BRUSH_RELEASE)
        end_brush(app, x, y);
}

static void clear(struct app *app) {
    selection_clear(&app->explorer);
    say_count(&app->explorer);
}

/* clang-format off */
const struct action selecting_actions[] = {
    {{'g'}, "Selection", "g", "select by a box in the scatter", .run = begin_box, .waits = true},
    {{'['}, "Selection", "[", "what is as good as the one pointed at on its axis", .run = bound_below, .waits = true},
    {{']'}, "Selection", "]", "what is no better than that", .run = bound_above, .waits = true},
    {{'*'}, "Selection", "*", "select what the table has; again: nothing", .run = select_listed, .waits = true},
    {{'X'}, "Selection", "X", "select nothing", .run = clear, .waits = true},
    {.run = NULL},
};
