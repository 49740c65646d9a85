/* Keys for the program itself: help, the mouse, the screen, the end. */
#include <string.h>

#include "app/actions.h"
#include "panels/views.h"
#include "terminal/keys.h"
#include "terminal/screen.h"

/* A line of help is a heading (no keys) or a key with what it does. */
static int add(const struct view *view, int scroll, int line, const char *keys,
               const char *text) {
    int y = line - scroll;
    if (y >= 0 && y < view->height) {
        if (keys) {
            view_text(view, 1, y, 15, INK_NOW, LOOK_PLAIN, keys);
            view_text(view, 17, y, view->width - 17, INK_TEXT, LOOK_PLAIN, text);
        } else {
            view_text(view, 0, y, view->width, INK_TITLE, LOOK_BOLD, text);
        }
    }
    return line + 1;
}

static const char *const notes[] = {
    "Mouse",
    "Drag the point, a slider, a scatter or the 3-D view. Click a solution",
    "to point at it, a line of the legend to switch it, a panel to focus it.",
    "The right button marks a solution; dragged, it selects a box or range.",
    "A click on a column's name sorts the table of solutions by it.",
    "The wheel zooms scatters and scrolls panels. Shift selects text.",
    "",
    "Figures",
    "est: interpolated from stored points, not measured.",
    "low-high: the 95 % interval of what is measured so far.",
    "complete: measured on the whole held-out split, and stored.",
    "STL: each task by its own expert.",
    "An arrow at the edge of a scatter is a baseline that lies beyond it.",
    "A dim baseline is partly measured, or stale: an expert has changed.",
    "",
    "Words",
    "preference: how much each task counts; the shares add up to 1.",
    "expert: the model that was fine-tuned on one task.",
    "task vector: the weights of an expert less the pretrained ones.",
    "merge: one model made of the experts; a method says how.",
    "routers: small networks that turn a preference into merging weights.",
    "correction: a trained change of the closed form's merge.",
    "closed form: a merge worked out from the checkpoints alone.",
    "dominated: another model is as good in every task and better in one.",
    "front: the models that no other dominates.",
    "knee: the point of the front farthest from the plane through its ends.",
    "hypervolume: how much of the space below it a front dominates.",
    "STL box: from the reference point to the figures of the experts.",
    "gap: a stretch of the front where nothing is measured.",
    "paired: two models on the same examples, compared by McNemar's test.",
};

static int draw_help(const struct view *view, const struct explorer *explorer,
                     int scroll) {
    const struct action *action;
    const char *group = "";
    int line = 0;
    for (size_t i = 0; (action = action_at(i)); i++) {
        if (strcmp(group, action->group)) {
            if (line)
                line = add(view, scroll, line, NULL, "");
            group = action->group;
            line = add(view, scroll, line, NULL, group);
        }
        line = add(view, scroll, line, action->keys, action->help);
    }
    line = add(view, scroll, line, NULL, "");
    line = add(view, scroll, line, NULL, "Marks");
    line = legend_view_list(view, explorer, line - scroll) + scroll;
    line = add(view, scroll, line, NULL, "");
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        bool heading = i == 0 || !notes[i - 1][0];
        int y = line - scroll;
        if (y >= 0 && y < view->height)
            view_text(view, heading ? 0 : 1, y, view->width,
                      heading ? INK_TITLE : INK_TEXT, heading ? LOOK_BOLD : LOOK_PLAIN,
                      notes[i]);
        line++;
    }
    return line;
}

static const struct question help_page = {
    .kind = DIALOG_PAGE, .title = "Help", .page = draw_help};

static void show_help(struct app *app) {
    dialog_open(&app->explorer.dialog, &help_page);
}

static void switch_mouse(struct app *app) {
    struct explorer *explorer = &app->explorer;
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

static void redraw(struct app *app) {
    (void)app;
    screen_redraw();
}

void app_quit(struct app *app) {
    app->quit = true;
}

/* clang-format off */
const struct action program_actions[] = {
    {{'m'}, "Program", "m", "turn the mouse off (to select text) or on", .run = switch_mouse},
    {{KEYS_CONTROL_L}, "Program", "Ctrl-L", "redraw the screen", .run = redraw},
    {{KEYS_ESCAPE}, "Program", "Esc", "back: from the message, the solution, the focus", .run = app_back,
     .hint = {[HINTS_POINTING] = {6, "back"}, [HINTS_TABLE] = {8, "back"}}},
    {{'?'}, "Program", "?", "this help", .run = show_help,
     .hint = {[HINTS_MOVING] = {1, "help"}, [HINTS_POINTING] = {7, "help"}, [HINTS_TABLE] = {6, "help"}}},
    {{'q'}, "Program", "q", "quit", .run = app_quit,
     .hint = {[HINTS_MOVING] = {2, "quit"}, [HINTS_POINTING] = {8, "quit"}, [HINTS_TABLE] = {12, "quit"}}},
    {.run = NULL},
};
