/* Inside screen.h: keys, mouse and pastes as ncurses hands them over. screen_event is
 * here. */
#ifndef PWEMOE_TUI_TERMINAL_SCREEN_KEYS_H
#define PWEMOE_TUI_TERMINAL_SCREEN_KEYS_H

/* Tells ncurses of the sequences it may not know; after it has started. */
void screen_define_keys(void);
/* Bracketed paste is switched on or off: no paste is under way. */
void screen_keys_reset(void);

#endif
