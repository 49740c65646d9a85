/* The lower edge of a frame: the status line with what is going on and the keys worth
 * knowing, or a message; above it the step of the tour and the solution pointed at. */
#ifndef PWEMOE_TUI_PANELS_FOOTER_H
#define PWEMOE_TUI_PANELS_FOOTER_H

#include "panels/pointed_line.h"
#include "state/explorer.h"

struct footer {
    int message, width; /* its lines, the last of them the status line; its columns */
    int above;          /* rows above the status line that it draws over panels */
    bool points;
    struct pointed_line pointed;
    int bottom; /* the row below it */
};

/* Rows that the tour keeps free above the status line, the same in each of its steps.
 */
int footer_tour(const struct canvas *canvas, const struct explorer *explorer);
void footer_make(const struct view *whole, const struct explorer *explorer,
                 const struct arrangement *arrangement, struct footer *footer);
void footer_draw(const struct view *whole, const struct explorer *explorer,
                 const struct arrangement *arrangement, const struct footer *footer);

#endif
