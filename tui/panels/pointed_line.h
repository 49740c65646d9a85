/* The solution pointed at in words: what it is, every figure with its interval, and
 * what dominates it. One line where there is room, else as many as it takes. */
#ifndef PWEMOE_TUI_PANELS_POINTED_LINE_H
#define PWEMOE_TUI_PANELS_POINTED_LINE_H

#include "state/explorer.h"
#include "terminal/canvas.h"

enum { POINTED_PARTS_MOST = STORE_TASKS_MAX + 4, POINTED_LINES_MOST = 6 };

struct pointed_line {
    struct phrase {
        char text[192];
        enum ink ink;
        unsigned look;
    } parts[POINTED_PARTS_MOST];
    int at[POINTED_PARTS_MOST]; /* the line of each, from 0 */
    size_t count;
    int lines;
};

void pointed_line_make(const struct view *whole, const struct explorer *explorer,
                       struct pointed_line *line);
/* In the lines above the row `bottom`. */
void pointed_line_draw(const struct view *whole, const struct pointed_line *line,
                       int bottom);

#endif
