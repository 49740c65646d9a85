/* The tables of actions as one, and the keys that reach them. */
#include "app/actions.h"

#include <string.h>

#include "terminal/key_names.h"
#include "terminal/screen.h"

const struct action *action_at(size_t index) {
    static const struct action *const tables[] = {
        moving_actions,  stepping_actions, asking_actions,    filling_actions,
        export_actions,  chart_actions,    bookmark_actions,  compare_actions,
        routers_actions, space_actions,    axis_actions,      pointing_actions,
        panel_actions,   table_actions,    selecting_actions, writing_actions,
        program_actions, tour_actions};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct action *action = tables[i]; action->run; action++)
            if (index-- == 0)
                return action;
    return NULL;
}

const struct action *action_of_key(int key, int *nth) {
    const struct action *action;
    for (size_t index = 0; (action = action_at(index)); index++)
        for (int i = 0; i < ACTION_KEYS && action->codes[i]; i++)
            if (action->codes[i] == key) {
                *nth = i;
                return action;
            }
    return NULL;
}

void action_hints(struct hint hints[HINT_SETS][HINTS_MOST]) {
    const struct action *action;
    for (size_t index = 0; (action = action_at(index)); index++)
        for (int set = 0; set < HINT_SETS; set++)
            if (action->hint[set].place)
                hints[set][action->hint[set].place - 1] = (struct hint){
                    action->hint[set].keys ? action->hint[set].keys : action->keys,
                    action->hint[set].text};
}

/* One thing a time: the message (app_key), the tour, what is pointed at, the focus. */
void app_back(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (explorer->tour.step)
        app_leave_tour(app);
    else if (explorer->pointed != SIZE_MAX)
        explorer_point(explorer, SIZE_MAX);
    else if (explorer_steps_points(explorer) || explorer_steps_rows(explorer))
        explorer->wish.focus = PANEL_SIMPLEX;
}

static void say_unknown(struct explorer *explorer, int key) {
    char name[16];
    explorer_say(explorer, false, "%s does nothing here; ? lists the keys",
                 key_name(key, name, sizeof name));
}

void app_key(struct app *app, int key) {
    struct explorer *explorer = &app->explorer;
    app_land(app);
    /* What a terminal makes of the old frame at its new size is its own affair. */
    if (key == KEYS_RESIZE || key == KEYS_CONTROL_L) {
        screen_redraw();
        return;
    }
    if (explorer->dialog.kind != DIALOG_NONE) {
        app_dialog_key(app, key);
        return;
    }
    int pressed = key;
    for (size_t i = 0; i < app->keys.count; i++)
        if (app->keys.from[i] == key) {
            key = app->keys.to[i];
            break;
        }
    if (explorer->box.open && explorer->box.keys) {
        app_box_key(app, key);
        return;
    }
    const struct action *action = action_of_key(key, &app->nth);
    if (action && action->run == app_back &&
        (explorer->message[0] || !explorer->catalog)) {
        explorer->message[0] = '\0';
        return;
    }
    if (!explorer->catalog && !(action && action->run == app_quit)) {
        if (app->early_count < sizeof app->early / sizeof *app->early)
            app->early[app->early_count++] = pressed;
        return;
    }
    if (action)
        explorer->message[0] = '\0';
    else
        say_unknown(explorer, key);
    if (action && !(action->waits && explorer_must_wait(explorer)))
        action->run(app);
}

bool app_take_early(struct app *app) {
    if (!app->early_count || !app->explorer.catalog)
        return false;
    int key = app->early[0];
    app->early_count--;
    memmove(app->early, app->early + 1, app->early_count * sizeof *app->early);
    app_key(app, key);
    return true;
}
