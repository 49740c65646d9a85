/* Keys for the panels: which has the focus, which are open, what they scroll to. */
#include "app/actions.h"

#include "state/solution_table.h"
#include "terminal/keys.h"

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

void app_scroll(struct app *app, enum panel panel, int lines) {
    if (panel == PANEL_TABLE) {
        solution_table_scroll(&app->explorer, lines);
        return;
    }
    int *at = &app->explorer.scroll[panel];
    *at += lines;
    /* The log scrolls back from its end, the others forth from their start. */
    if (panel == PANEL_LOG ? *at > 0 : *at < 0)
        *at = 0;
    if (*at > 100000 || *at < -100000)
        *at = 0;
}

static void next_panel(struct app *app) {
    focus_next(app, 1);
}

static void previous_panel(struct app *app) {
    focus_next(app, -1);
}

static void zoom_panel(struct app *app) {
    app->explorer.wish.zoom = !app->explorer.wish.zoom;
}

static void toggle_routing(struct app *app) {
    toggle_panel(app, PANEL_ROUTING);
}

/* What failed is tried again: the models may be there by now. */
static void toggle_similarity(struct app *app) {
    if (app->explorer.similarity_missing[0])
        similarity_reader_stop(&app->similarity_reader);
    toggle_panel(app, PANEL_SIMILARITY);
}

static void toggle_scaling(struct app *app) {
    toggle_panel(app, PANEL_SCALING);
}

static void toggle_training(struct app *app) {
    toggle_panel(app, PANEL_TRAINING);
}

static void toggle_log(struct app *app) {
    toggle_panel(app, PANEL_LOG);
}

/* A page of rows in the table, some lines elsewhere. */
static void scroll(struct app *app, int way) {
    struct explorer *explorer = &app->explorer;
    int page = explorer->table.height > 2 ? explorer->table.height - 1 : 1;
    if (explorer_steps_rows(explorer))
        solution_table_step(explorer, way * page);
    else
        app_scroll(app, explorer->wish.focus, 8 * way);
}

static void scroll_up(struct app *app) {
    scroll(app, -1);
}

static void scroll_down(struct app *app) {
    scroll(app, 1);
}

/* clang-format off */
const struct action panel_actions[] = {
    {{KEYS_TAB}, "View", "Tab", "focus the next panel", .run = next_panel,
     .hint = {[HINTS_MOVING] = {14, "panel"}, [HINTS_POINTING] = {11, "panel"}}},
    {{KEYS_BACK_TAB}, "View", "Shift-Tab", "focus the previous panel", .run = previous_panel},
    {{'z'}, "View", "z", "show the focused panel alone, or all", .run = zoom_panel,
     .hint = {[HINTS_MOVING] = {15, "zoom"}, [HINTS_POINTING] = {12, "zoom"}, [HINTS_TABLE] = {11, "zoom"}}},
    {{'w'}, "View", "w", "show the routing weights", .run = toggle_routing,
     .hint = {[HINTS_MOVING] = {9, "weights"}}},
    {{'W'}, "View", "W", "show how alike the task vectors are", .run = toggle_similarity},
    {{'s'}, "View", "s", "show the scaling curves of the baselines", .run = toggle_scaling},
    {{'n'}, "View", "n", "show the training curves", .run = toggle_training},
    {{'o'}, "View", "o", "show the log", .run = toggle_log},
    {{KEYS_PAGE_UP}, "View", "PgUp", "scroll the panel up", .run = scroll_up},
    {{KEYS_PAGE_DOWN}, "View", "PgDn", "scroll the panel down", .run = scroll_down},
    {.run = NULL},
};
