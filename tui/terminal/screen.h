/* The terminal: started, written to once a frame, read from, and left as it was
 * found, whatever happens. With screen_keys.c the only file that speaks to ncurses. */
#ifndef PWEMOE_TUI_TERMINAL_SCREEN_H
#define PWEMOE_TUI_TERMINAL_SCREEN_H

#include <poll.h>
#include <stdbool.h>

#include "base/error.h"
#include "terminal/canvas.h"
#include "terminal/screen_keys.h"

struct screen_options {
    bool no_colour;
    bool mouse;
};

/* Takes the terminal over: alternate screen, no echo, keys at once. Where stdin or
 * stdout is none, or TERM is unknown, that is the error. restore.h sees to signals that
 * ask for an end, and to crashes; SIGTSTP, SIGCONT and SIGWINCH have handlers, which
 * run in screen_wait alone. Whichever thread a signal is given to, it reaches the one
 * that calls this. */
int screen_start(const struct screen_options *options, struct error *error);
void screen_stop(void); /* may be called twice */

void screen_size(int *width, int *height);
/* Frames are marked (synchronised output, private mode 2026): a terminal that knows
 * the marks shows no half of one. */
void screen_draw(const struct canvas *canvas);
/* The next frame is written whole: something else wrote over the screen. */
void screen_redraw(void);

/* All signals that are taken here, for start_process; ended by 0. */
extern const int screen_signals[];

/* poll() of at most three that such signals, a change of size and a request to end
 * interrupt; they are taken nowhere
 * else, so none comes between a look at what it says and the wait. Milliseconds, -1:
 * without end. */
int screen_wait(struct pollfd *fds, unsigned count, int milliseconds);

void screen_mouse(bool on);
bool screen_has_mouse(void);

/* Asks the terminal to put text on the clipboard (OSC 52), where it is one that may. */
void screen_copy(const char *text);

/* SIGTSTP came: gives the terminal back, stops the process, and takes the terminal
 * again when it goes on. Also redraws after a SIGCONT from elsewhere. true where
 * anything was done. */
bool screen_job_control(void);

/* Can what is seen have characters beyond ASCII? The locale must write UTF-8 (setlocale
 * was called), and the terminal have them: a console of Linux's kernel draws a font of
 * 256 or 512 characters, without Braille and most marks. */
bool screen_utf8(void);

#endif
