/* One table of keys: the help screen, --help, the man page's list and what a key
 * does all come from it. */
#ifndef PWEMOE_TUI_STATE_KEYS_H
#define PWEMOE_TUI_STATE_KEYS_H

#include <stddef.h>

/* Keys that are no characters, as screen_key gives them. */
enum key {
    KEYS_NONE = 0,
    KEYS_FIRST = 0x200000, /* above every Unicode character */
    KEYS_UP,
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_SHIFT_UP,
    KEYS_SHIFT_DOWN,
    KEYS_SHIFT_LEFT,
    KEYS_SHIFT_RIGHT,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_HOME,
    KEYS_END,
    KEYS_TAB,
    KEYS_BACK_TAB,
    KEYS_ENTER,
    KEYS_ESCAPE,
    KEYS_BACKSPACE,
    KEYS_DELETE,
    KEYS_RESIZE,
    KEYS_MOUSE
};
enum {
    KEYS_CONTROL_L = 'L' - '@',
    KEYS_CONTROL_R = 'R' - '@',
    KEYS_CONTROL_U = 'U' - '@'
};

enum action {
    ACTION_NONE,
    ACTION_UP,
    ACTION_DOWN,
    ACTION_LEFT,
    ACTION_RIGHT,
    ACTION_UP_COARSE,
    ACTION_DOWN_COARSE,
    ACTION_LEFT_COARSE,
    ACTION_RIGHT_COARSE,
    ACTION_VERTEX,
    ACTION_CENTRE,
    ACTION_VECTOR,
    ACTION_TARGET,
    ACTION_SNAP,
    ACTION_LOCK,
    ACTION_POLYGON,
    ACTION_UNDO,
    ACTION_REDO,
    ACTION_BOOKMARK,
    ACTION_GOTO_BOOKMARK,
    ACTION_COMPARE,
    ACTION_EXPORT,
    ACTION_PLOT,
    ACTION_SERIES,
    ACTION_SPACE,
    ACTION_PAIR,
    ACTION_TURN_LEFT,
    ACTION_TURN_RIGHT,
    ACTION_TILT_UP,
    ACTION_TILT_DOWN,
    ACTION_ROUTERS,
    ACTION_FOCUS_NEXT,
    ACTION_FOCUS_PREVIOUS,
    ACTION_ZOOM,
    ACTION_PANEL_ROUTING,
    ACTION_PANEL_SCALING,
    ACTION_PANEL_TRAINING,
    ACTION_PANEL_LOG,
    ACTION_SCROLL_UP,
    ACTION_SCROLL_DOWN,
    ACTION_MOUSE,
    ACTION_REDRAW,
    ACTION_HELP,
    ACTION_QUIT
};

struct key_binding {
    enum action action;
    const char *group; /* "Preference" */
    const char *keys;  /* as shown: "Shift-arrows, H J K L" */
    const char *help;  /* one line */
    int codes[10];     /* characters or enum key, ended by 0 */
};

/* Ended by an entry without an action. */
extern const struct key_binding key_bindings[];

/* The action of a key; for ACTION_VERTEX *number is 0..8. */
enum action keys_action(int key, int *number);

#endif
