/* Keys, mouse and pastes as the terminal sends them, by ncurses. */
#ifndef PWEMOE_TUI_TERMINAL_SCREEN_KEYS_H
#define PWEMOE_TUI_TERMINAL_SCREEN_KEYS_H

#include <stdbool.h>

#include "terminal/keys.h"

struct screen_event {
    int key;     /* a character, or enum key; KEYS_NONE: none */
    bool pasted; /* the terminal says so (bracketed paste): text, whatever it reads */
    int x, y;
    enum {
        MOUSE_PRESS,
        MOUSE_DRAG,
        MOUSE_RELEASE,
        MOUSE_WHEEL_UP,
        MOUSE_WHEEL_DOWN,
        /* Of the right button, or of the left one with Control. */
        MOUSE_BRUSH,
        MOUSE_BRUSH_DRAG,
        MOUSE_BRUSH_RELEASE
    } mouse;
};
/* Does not wait. */
struct screen_event screen_event(void);

/* For screen.c: tells ncurses, once it has started, of sequences that it may not know.
 */
void screen_define_keys(void);
/* Bracketed paste is switched on or off: no paste is under way. */
void screen_keys_reset(void);

#endif
