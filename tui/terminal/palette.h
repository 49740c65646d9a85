/* Colours, looks and characters of marks: what a cell is drawn with, before a terminal
 * is known.
 *
 * Panels speak of roles ("the current point", "task 2"); results/look.h says what they
 * look like, and this module what becomes of that on a terminal. */
#ifndef PWEMOE_TUI_TERMINAL_PALETTE_H
#define PWEMOE_TUI_TERMINAL_PALETTE_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#include "results/look.h"

enum look { LOOK_PLAIN = 0, LOOK_BOLD = 1, LOOK_REVERSE = 2, LOOK_UNDERLINE = 4 };

/* What the terminal's background is. */
enum theme { THEME_DARK, THEME_LIGHT, THEME_CONTRAST };
void palette_theme(enum theme theme);

enum depth { DEPTH_MONO, DEPTH_8, DEPTH_256, DEPTH_TRUE };

/* The colour of an ink: an index of the 8 or 256 colours, 0xRRGGBB for
 * DEPTH_TRUE, or -1 for the terminal's own. */
int palette_colour(enum ink ink, enum depth depth);
/* Looks that an ink adds where colour does not tell it (8 colours, mono). */
uint8_t palette_look(enum ink ink, enum depth depth);

/* The characters of one kind of terminal. */
struct marks {
    bool utf8;
    const wchar_t *mark; /* [MARK_COUNT] */
    wchar_t horizontal, vertical, cross, corner, ellipsis;
    wchar_t tick_left, tick_right, track, handle, lock;
    wchar_t full, plus_minus, arrow_up, arrow_down, chosen, on, off;
};

const struct marks *palette_marks(bool utf8);

#endif
