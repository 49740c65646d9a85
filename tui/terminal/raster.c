#include "terminal/raster.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

int raster_begin(struct raster *raster, const struct view *view) {
    size_t cells = (size_t)view->width * (size_t)view->height;
    bool fine = view->canvas->marks->utf8;
    *raster = (struct raster){.view = *view,
                              .dots_x = fine ? 2 : 1,
                              .dots_y = fine ? 4 : 1,
                              .dots = array_new(cells, 1),
                              .inks = array_new(cells, 1)};
    if (raster->dots && raster->inks)
        return 0;
    free(raster->dots);
    free(raster->inks);
    return -1;
}

int raster_width(const struct raster *raster) {
    return raster->view.width * raster->dots_x;
}

int raster_height(const struct raster *raster) {
    return raster->view.height * raster->dots_y;
}

void raster_dot(struct raster *raster, int x, int y, enum ink ink) {
    static const uint8_t bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= raster_width(raster) || y >= raster_height(raster))
        return;
    size_t cell = (size_t)(y / raster->dots_y) * (size_t)raster->view.width +
                  (size_t)(x / raster->dots_x);
    raster->dots[cell] |= bits[y % raster->dots_y][x % raster->dots_x];
    raster->inks[cell] = (uint8_t)ink;
}

void raster_line(struct raster *raster, int x0, int y0, int x1, int y1, int step,
                 enum ink ink) {
    int dx = abs(x1 - x0), dy = -abs(y1 - y0);
    int sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
    int error = dx + dy;
    for (int i = 0;; i++) {
        if (i % step == 0)
            raster_dot(raster, x0, y0, ink);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * error;
        if (twice >= dy) {
            error += dy;
            x0 += sx;
        }
        if (twice <= dx) {
            error += dx;
            y0 += sy;
        }
    }
}

/* Ordered dither (Bayer's matrix of order 4) over the logarithm. */
bool raster_shade(uint32_t count, uint32_t most, int x, int y) {
    static const uint8_t order[4][4] = {
        {0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    if (!count)
        return false;
    return log1p(count) / log1p(most) * 16 > order[y & 3][x & 3] + 0.5;
}

void raster_end(struct raster *raster) {
    bool fine = raster->dots_x == 2;
    for (int y = 0; y < raster->view.height; y++)
        for (int x = 0; x < raster->view.width; x++) {
            size_t cell = (size_t)y * (size_t)raster->view.width + (size_t)x;
            if (raster->dots[cell])
                view_put(&raster->view, x, y,
                         fine ? (wchar_t)(0x2800 + raster->dots[cell]) : L'.',
                         (enum ink)raster->inks[cell], LOOK_PLAIN);
        }
    free(raster->dots);
    free(raster->inks);
}
