/* Names of files as links (OSC 8), for terminals that have them: a click opens the file
 * in what the desktop opens such files with. */
#ifndef PWEMOE_TUI_TERMINAL_LINKS_H
#define PWEMOE_TUI_TERMINAL_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal/canvas.h"

/* Is this a terminal that is known to have links? No terminfo entry says it, and some
 * older ones write the address among the text. */
bool links_possible(void);

/* What writes one of a frame's links over its cells, which have the same text already,
 * and leaves cursor and attributes as they are; "" where it does not fit. Returns out.
 */
char *links_text(const struct canvas *canvas, size_t link, char *out, size_t size);

/* The same number as long as neither the link nor its row of cells has changed: then it
 * is on the screen still. */
uint64_t links_mark(const struct canvas *canvas, size_t link);

#endif
