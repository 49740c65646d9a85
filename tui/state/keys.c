#include "state/keys.h"

/* clang-format off */
const struct key_binding key_bindings[] = {
    {ACTION_LEFT, "Preference", "Left, h", "a fine step left; a slider down", {KEYS_LEFT, 'h'}},
    {ACTION_RIGHT, "Preference", "Right, l", "a fine step right; a slider up", {KEYS_RIGHT, 'l'}},
    {ACTION_UP, "Preference", "Up, k", "a fine step up; the slider above", {KEYS_UP, 'k'}},
    {ACTION_DOWN, "Preference", "Down, j", "a fine step down; the slider below", {KEYS_DOWN, 'j'}},
    {ACTION_LEFT_COARSE, "Preference", "Shift-Left, H", "a coarse step left", {KEYS_SHIFT_LEFT, 'H'}},
    {ACTION_RIGHT_COARSE, "Preference", "Shift-Right, L", "a coarse step right", {KEYS_SHIFT_RIGHT, 'L'}},
    {ACTION_UP_COARSE, "Preference", "Shift-Up, K", "a coarse step up", {KEYS_SHIFT_UP, 'K'}},
    {ACTION_DOWN_COARSE, "Preference", "Shift-Down, J", "a coarse step down", {KEYS_SHIFT_DOWN, 'J'}},
    {ACTION_VERTEX, "Preference", "1-9", "all weight on one task", {'1', '2', '3', '4', '5', '6', '7', '8', '9'}},
    {ACTION_CENTRE, "Preference", "0", "equal weight on every task", {'0'}},
    {ACTION_VECTOR, "Preference", "v", "type a preference vector", {'v'}},
    {ACTION_TARGET, "Preference", "a", "ask for figures, find the preference", {'a'}},
    {ACTION_SNAP, "Preference", "f", "go to the nearest stored point of the front", {'f'}},
    {ACTION_LOCK, "Preference", "Space", "lock a share (four tasks and more)", {' '}},
    {ACTION_POLYGON, "Preference", "y", "sliders or a polygon (four tasks and more)", {'y'}},
    {ACTION_UNDO, "Preference", "u", "undo", {'u'}},
    {ACTION_REDO, "Preference", "U, Ctrl-R", "redo", {'U', KEYS_CONTROL_R}},
    {ACTION_EXPORT, "Models", "e", "export this model to a directory", {'e'}},
    {ACTION_PLOT, "Models", "P", "write what is shown as a chart: PNG, SVG or PDF", {'P'}},
    {ACTION_BOOKMARK, "Models", "b", "bookmark this preference", {'b'}},
    {ACTION_GOTO_BOOKMARK, "Models", "B", "bookmarks: go to one, n renames it, d deletes it", {'B'}},
    {ACTION_COMPARE, "Models", "c", "compare two bookmarks or baselines side by side", {'c'}},
    {ACTION_ROUTERS, "Models", "r", "choose the routers", {'r'}},
    {ACTION_SERIES, "View", "t", "switch baselines and fronts on and off", {'t'}},
    {ACTION_SPACE, "View", "x", "objective space: scatter, 3-D, parallel coordinates", {'x'}},
    {ACTION_PAIR, "View", "p", "choose the objectives of the scatter or the 3-D view", {'p'}},
    {ACTION_TURN_LEFT, "View", ",", "turn the 3-D view left", {','}},
    {ACTION_TURN_RIGHT, "View", ".", "turn the 3-D view right", {'.'}},
    {ACTION_TILT_UP, "View", "+", "tilt the 3-D view, to look from above", {'+', '='}},
    {ACTION_TILT_DOWN, "View", "-", "tilt the 3-D view, to look from the side", {'-'}},
    {ACTION_FOCUS_NEXT, "View", "Tab", "the next panel", {KEYS_TAB}},
    {ACTION_FOCUS_PREVIOUS, "View", "Shift-Tab", "the panel before", {KEYS_BACK_TAB}},
    {ACTION_ZOOM, "View", "z", "the panel alone, and back", {'z'}},
    {ACTION_PANEL_ROUTING, "View", "w", "routing weights", {'w'}},
    {ACTION_PANEL_SCALING, "View", "s", "scaling curves of the baselines", {'s'}},
    {ACTION_PANEL_TRAINING, "View", "n", "training curves", {'n'}},
    {ACTION_PANEL_LOG, "View", "o", "log", {'o'}},
    {ACTION_SCROLL_UP, "View", "PgUp", "scroll the panel up", {KEYS_PAGE_UP}},
    {ACTION_SCROLL_DOWN, "View", "PgDn", "scroll the panel down", {KEYS_PAGE_DOWN}},
    {ACTION_MOUSE, "Program", "m", "mouse off (to select text) and on", {'m'}},
    {ACTION_REDRAW, "Program", "Ctrl-L", "draw the screen anew", {KEYS_CONTROL_L}},
    {ACTION_HELP, "Program", "?", "this help", {'?'}},
    {ACTION_QUIT, "Program", "q", "quit", {'q'}},
    {ACTION_NONE, 0, 0, 0, {0}},
};

/* clang-format on */

enum action keys_action(int key, int *number) {
    for (const struct key_binding *binding = key_bindings; binding->action; binding++)
        for (int i = 0; i < 10 && binding->codes[i]; i++)
            if (binding->codes[i] == key) {
                *number = i;
                return binding->action;
            }
    return ACTION_NONE;
}
