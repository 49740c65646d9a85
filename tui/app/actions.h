/* What each key of the explorer does: one row for each action, one small function for
 * each row. The rows stand below their functions, in the files of this folder; the help
 * screen,
 * --help and the keys of man/pwemoe-explore.1 come from them. */
#ifndef PWEMOE_TUI_APP_ACTIONS_H
#define PWEMOE_TUI_APP_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/app.h"

enum { ACTION_KEYS = 12 };

struct action {
    int codes[ACTION_KEYS];       /* characters or enum key, ended by 0 where fewer */
    const char *group;            /* "Preference" */
    const char *keys;             /* the codes as shown: "Shift-Left, H" */
    const char *help;             /* one line, without a capital or a full stop */
    void (*run)(struct app *app); /* app->nth: which of the codes it was */
    bool waits; /* until the stored solutions are read: it is about them */
    /* Its part of the status line: which place it has there, from 1 (0: none), a word
     * or two, and how the key is shown where that is not `keys`. */
    struct {
        unsigned place;
        const char *text, *keys;
    } hint[HINT_SETS];
};

/* Each table ends with a row without a function. */
extern const struct action moving_actions[], stepping_actions[], asking_actions[],
    export_actions[], chart_actions[], bookmark_actions[], compare_actions[],
    routers_actions[], space_actions[], pointing_actions[], panel_actions[],
    table_actions[], selecting_actions[], writing_actions[], axis_actions[],
    filling_actions[], program_actions[], tour_actions[];

/* All rows in the order of the help; NULL after the last. */
const struct action *action_at(size_t index);
/* The rows' parts of the status line, in their places, for frame_draw. */
void action_hints(struct hint hints[HINT_SETS][HINTS_MOST]);
/* The action of a key, or NULL; *nth: which of its codes that is. */
const struct action *action_of_key(int key, int *nth);

#endif
