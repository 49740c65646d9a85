/* A raster finer than a view's cells, for lines and many points: 2 x 4 dots a
 * cell (Unicode braille), or 1 x 1 where the terminal has no UTF-8. */
#ifndef PWEMOE_TUI_TERMINAL_RASTER_H
#define PWEMOE_TUI_TERMINAL_RASTER_H

#include <stdint.h>

#include "terminal/canvas.h"

struct raster {
    struct view view;
    int dots_x, dots_y; /* dots a cell */
    uint8_t *dots;      /* [height][width], braille's bits; or 1 */
    uint8_t *inks;
};

/* -1 when memory is out. */
int raster_begin(struct raster *raster, const struct view *view);
/* Dots over the whole view: x rightwards, y downwards, from 0. */
int raster_width(const struct raster *raster);
int raster_height(const struct raster *raster);
void raster_dot(struct raster *raster, int x, int y, enum ink ink);
/* step 1: solid; 2 and more: every step-th dot. */
void raster_line(struct raster *raster, int x0, int y0, int x1, int y1, int step,
                 enum ink ink);
/* Is a dot set that this many lines or points, of at most `most`, cover? The more, the
 * more closely dots are set; one must not vanish beside a thousand. */
bool raster_shade(uint32_t count, uint32_t most, int x, int y);
/* Draws what was plotted onto the view and frees the raster. */
void raster_end(struct raster *raster);

#endif
