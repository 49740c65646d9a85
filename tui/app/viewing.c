/* Keys for the objective space: how it is shown, which objectives and which series. */
#include <math.h>
#include <stdio.h>

#include "app/actions.h"
#include "base/memory.h"
#include "panels/places.h"
#include "state/axes.h"
#include "state/space.h"

static const double turned = 0.1; /* radians a key: six degrees */

/* --- series -------------------------------------------------------------------- */

static void take_series(struct app *app) {
    struct dialog *dialog = &app->explorer.dialog;
    explorer_series_toggle(&app->explorer, (size_t)dialog->items[dialog->chosen].value);
}

static const struct question series_question = {.kind = DIALOG_LIST,
                                                .title = "Shown solutions",
                                                .switches = true,
                                                .switched = take_series};

static void ask_series(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = app->canvas.marks;
    if (!catalog->series_count) {
        explorer_say(explorer, false, "nothing is stored yet");
        return;
    }
    dialog_open(&explorer->dialog, &series_question);
    for (size_t s = 0; s < catalog->series_count; s++) {
        char text[160];
        snprintf(text, sizeof text, "%s (%zu)", catalog->series[s].name,
                 catalog->series[s].count);
        dialog_add(&explorer->dialog, (int64_t)s, marks->mark[catalog->series[s].mark],
                   catalog->series[s].ink, explorer_series_visible(explorer, s), text);
    }
}

/* --- objectives ---------------------------------------------------------------- */

static void take_pair(struct app *app) {
    struct explorer *explorer = &app->explorer;
    size_t value = (size_t)explorer->dialog.items[explorer->dialog.chosen].value;
    explorer->pair_a = value / STORE_TASKS_MAX;
    explorer->pair_b = value % STORE_TASKS_MAX;
    dialog_close(&explorer->dialog);
}

/* Those that have what was typed. */
static void add_pairs(struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    dialog_clear(dialog);
    for (size_t a = 0; a < explorer->tasks; a++)
        for (size_t b = a + 1; b < explorer->tasks; b++) {
            char text[160];
            snprintf(text, sizeof text, "%s over %s",
                     TEXT_CUT(explorer_task_name(explorer, b), 50),
                     TEXT_CUT(explorer_task_name(explorer, a), 50));
            if (!dialog_found(dialog, text))
                continue;
            if (a == explorer->pair_a && b == explorer->pair_b)
                dialog->chosen = dialog->count;
            dialog_add(dialog, (int64_t)(a * STORE_TASKS_MAX + b), 0, INK_TEXT, false,
                       text);
        }
}

static void find_pair(struct app *app) {
    add_pairs(&app->explorer);
}

static const struct question pair_question = {.kind = DIALOG_LIST,
                                              .title = "Pair of objectives",
                                              .finds = true,
                                              .typed = find_pair,
                                              .accept = take_pair};

static void ask_pair(struct explorer *explorer) {
    if (explorer->tasks < 3) {
        explorer_say(explorer, false, "two tasks have only one pair");
        return;
    }
    dialog_open(&explorer->dialog, &pair_question);
    add_pairs(explorer);
}

static void take_triple(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    space_choose(explorer, (size_t)dialog->items[dialog->chosen].value);
    for (size_t i = 0; i < dialog->count; i++)
        dialog->items[i].on = space_has(explorer, (size_t)dialog->items[i].value);
}

static const struct question triple_question = {
    .kind = DIALOG_LIST,
    .title = "Objectives of the 3-D view",
    .prompt = "a new one replaces the one chosen longest ago",
    .switches = true,
    .switched = take_triple};

static void ask_triple(struct explorer *explorer) {
    if (explorer->tasks == 3) {
        explorer_say(explorer, false, "the 3-D view shows all three tasks");
        return;
    }
    dialog_open(&explorer->dialog, &triple_question);
    for (size_t t = 0; t < explorer->tasks; t++)
        dialog_add(&explorer->dialog, (int64_t)t, 0, INK_TEXT, space_has(explorer, t),
                   explorer_task_name(explorer, t));
}

/* Which axes the parallel coordinates have. */
static void add_axes(struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    dialog_clear(dialog);
    for (size_t t = 0; t < explorer->tasks; t++)
        if (dialog_found(dialog, explorer_task_name(explorer, t)))
            dialog_add(dialog, (int64_t)t, 0, INK_TEXT, !explorer->axes.hidden[t],
                       explorer_task_name(explorer, t));
}

static void find_axis(struct app *app) {
    add_axes(&app->explorer);
}

static void take_axis(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog_item *item = &explorer->dialog.items[explorer->dialog.chosen];
    if (!axes_hide(explorer, (size_t)item->value))
        explorer_say(explorer, false, "at least two axes must stay");
    item->on = !explorer->axes.hidden[item->value];
}

static const struct question axes_question = {.kind = DIALOG_LIST,
                                              .title = "Axes of the objectives",
                                              .switches = true,
                                              .finds = true,
                                              .typed = find_axis,
                                              .switched = take_axis};

/* What can be chosen depends on what is shown. */
static void ask_objectives(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer->space == SPACE_SOLID) {
        ask_triple(explorer);
    } else if (explorer->space == SPACE_PARALLEL) {
        dialog_open(&explorer->dialog, &axes_question);
        add_axes(explorer);
    } else {
        ask_pair(explorer);
    }
}

/* --- the view ------------------------------------------------------------------ */

/* The next way to show the objective space that this many tasks have. */
static void next_view(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer->tasks < 2)
        explorer_say(explorer, false, "one objective has only one view");
    for (int i = 1; i <= 2 && explorer->tasks >= 2; i++)
        if (explorer_show_space(explorer,
                                (enum space)((explorer->space + (unsigned)i) % 3)))
            break;
}

/* Turning something that is not seen brings it up. */
static void turn(struct explorer *explorer, double by) {
    if (explorer->space != SPACE_SOLID && !explorer_show_space(explorer, SPACE_SOLID))
        explorer_say(explorer, false, "the 3-D view needs three objectives");
    else
        space_turn(explorer, by, 0);
}

static void turn_left(struct app *app) {
    turn(&app->explorer, -turned);
}

static void turn_right(struct app *app) {
    turn(&app->explorer, turned);
}

/* --- zooming scatters ---------------------------------------------------------- */

static const double closer = 0.7;

static bool is_scatter(enum panel panel) {
    return panel >= PANEL_SCATTER && panel <= PANEL_SCATTER_3;
}

void app_zoom_at(struct app *app, enum panel panel, int x, int y, double factor) {
    struct explorer *explorer = &app->explorer;
    struct view view = view_rect(&app->canvas, app->arrangement.rect[panel]);
    size_t a, b;
    double at_a, at_b;
    if (explorer->space != SPACE_PAIRS || explorer->tasks < 2)
        return;
    places_pair(explorer, &app->arrangement, panel, &a, &b);
    if (!scatter_view_values(&view, explorer, a, b, x - view.x, y - view.y, &at_a,
                             &at_b))
        return;
    space_zoom(explorer, a, factor, at_a);
    space_zoom(explorer, b, factor, at_b);
}

/* Where the scatter is that keys zoom: the focused one, else the first. */
static enum panel zoomed_panel(const struct app *app) {
    enum panel focus = app->explorer.wish.focus;
    return is_scatter(focus) ? focus : PANEL_SCATTER;
}

/* Around what is pointed at, else around the present point, else the middle. */
static void zoom(struct app *app, double factor) {
    struct explorer *explorer = &app->explorer;
    size_t objectives[2];
    if (explorer->space == SPACE_PARALLEL || explorer->tasks < 2) {
        explorer_say(explorer, false, "only scatters zoom; x changes the view");
        return;
    }
    places_pair(explorer, &app->arrangement, zoomed_panel(app), &objectives[0],
                &objectives[1]);
    for (size_t i = 0; i < 2; i++) {
        struct range range;
        struct figure figure;
        if (!space_window(explorer, objectives[i], &range))
            return;
        double around =
            explorer->pointed != SIZE_MAX
                ? catalog_value(explorer->catalog, explorer->pointed, objectives[i])
            : explorer_figure(explorer, objectives[i], &figure) ? figure.value
                                                                : NAN;
        if (!(around >= range.low && around <= range.high))
            around = (range.low + range.high) / 2;
        space_zoom(explorer, objectives[i], factor, around);
    }
}

void app_pan(struct app *app, int dx, int dy) {
    struct explorer *explorer = &app->explorer;
    size_t a, b;
    if (explorer->space == SPACE_SOLID)
        space_turn(explorer, turned * dx, turned * dy);
    if (explorer->space != SPACE_PAIRS || explorer->tasks < 2)
        return;
    places_pair(explorer, &app->arrangement, zoomed_panel(app), &a, &b);
    space_pan(explorer, a, 0.1 * dx);
    space_pan(explorer, b, -0.1 * dy);
}

static void zoom_in(struct app *app) {
    if (app->explorer.space == SPACE_SOLID)
        space_turn(&app->explorer, 0, turned);
    else
        zoom(app, closer);
}

static void zoom_out(struct app *app) {
    if (app->explorer.space == SPACE_SOLID)
        space_turn(&app->explorer, 0, -turned);
    else
        zoom(app, 1 / closer);
}

static void fit(struct app *app) {
    explorer_say(&app->explorer, false, "%s", space_fit(&app->explorer));
}

/* clang-format off */
const struct action space_actions[] = {
    {{'t'}, "View", "t", "show or hide baselines and fronts", .run = ask_series, .waits = true,
     .hint = {[HINTS_MOVING] = {6, "legend"}, [HINTS_POINTING] = {10, "legend"}}},
    {{'x'}, "View", "x", "change the view: scatter, 3-D, parallel coordinates", .run = next_view,
     .hint = {[HINTS_MOVING] = {7, "view"}, [HINTS_POINTING] = {5, "view"}}},
    {{'p'}, "View", "p", "choose the objectives that are shown; type to find them", .run = ask_objectives,
     .hint = {[HINTS_POINTING] = {9, "objectives"}}},
    {{','}, "View", ",", "turn the 3-D view left", .run = turn_left},
    {{'.'}, "View", ".", "turn the 3-D view right", .run = turn_right},
    {{'+'}, "View", "+", "zoom a scatter in; see the 3-D view more from above", .run = zoom_in,
     .hint = {[HINTS_POINTING] = {3, "zoom", "+ -"}}},
    {{'-'}, "View", "-", "zoom a scatter out; see the 3-D view more from the side", .run = zoom_out},
    {{'='}, "View", "=", "end zooming; fit axes to all, the front, the selection", .run = fit, .waits = true,
     .hint = {[HINTS_POINTING] = {4, "fit"}}},
    {.run = NULL},
};
