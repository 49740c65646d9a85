/* The explorer without threads and without a terminal, for tests: keys go in, frames
 * come out. */
#ifndef TESTS_TUI_DRIVER_H
#define TESTS_TUI_DRIVER_H

#include "app/app.h"

/* On the results in a file, in a frame of that size, which is drawn. */
void driver_open(struct app *app, const char *path, int width, int height);
/* The same file read anew, as when it has changed. */
void driver_read_again(struct app *app);
void driver_close(struct app *app);

/* Characters are keys; \r is Enter, \t Tab, \033 Escape, \b Backspace. Then it draws.
 */
void driver_type(struct app *app, const char *keys);
void driver_key(struct app *app, int key);
void driver_click(struct app *app, int x, int y);
void driver_resize(struct app *app, int width, int height);

/* The frame as it would be now; free(). */
char *driver_frame(struct app *app);
void driver_expect(struct app *app, const char *text);
void driver_expect_none(struct app *app, const char *text);
/* The line of the frame that has text in it, without what precedes it. */
char *driver_line(struct app *app, const char *text);

#endif
