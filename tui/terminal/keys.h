/* Keys: characters as themselves, and these for those that are none. */
#ifndef PWEMOE_TUI_TERMINAL_KEYS_H
#define PWEMOE_TUI_TERMINAL_KEYS_H

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
    KEYS_MOUSE,
    KEYS_F1, /* to F12 */
    KEYS_F12 = KEYS_F1 + 11,
    KEYS_SHIFT_F1,
    KEYS_SHIFT_F12 = KEYS_SHIFT_F1 + 11
};
enum {
    KEYS_CONTROL_L = 'L' - '@',
    KEYS_CONTROL_R = 'R' - '@',
    KEYS_CONTROL_U = 'U' - '@'
};

#endif
