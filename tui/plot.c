#include "plot.h"

#include <stdlib.h>

#include "base/memory.h"

int plot_begin(struct plot *plot, const struct view *view) {
    size_t cells = (size_t)view->width * (size_t)view->height;
    bool fine = view->canvas->marks->utf8;
    *plot = (struct plot){.view = *view,
                          .dots_x = fine ? 2 : 1,
                          .dots_y = fine ? 4 : 1,
                          .dots = array_new(cells, 1),
                          .inks = array_new(cells, 1)};
    if (plot->dots && plot->inks)
        return 0;
    free(plot->dots);
    free(plot->inks);
    return -1;
}

int plot_width(const struct plot *plot) {
    return plot->view.width * plot->dots_x;
}

int plot_height(const struct plot *plot) {
    return plot->view.height * plot->dots_y;
}

void plot_dot(struct plot *plot, int x, int y, enum ink ink) {
    static const uint8_t bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= plot_width(plot) || y >= plot_height(plot))
        return;
    size_t cell = (size_t)(y / plot->dots_y) * (size_t)plot->view.width +
                  (size_t)(x / plot->dots_x);
    plot->dots[cell] |= bits[y % plot->dots_y][x % plot->dots_x];
    plot->inks[cell] = (uint8_t)ink;
}

void plot_line(struct plot *plot, int x0, int y0, int x1, int y1, int step,
               enum ink ink) {
    int dx = abs(x1 - x0), dy = -abs(y1 - y0);
    int sx = x0 < x1 ? 1 : -1, sy = y0 < y1 ? 1 : -1;
    int error = dx + dy;
    for (int i = 0;; i++) {
        if (i % step == 0)
            plot_dot(plot, x0, y0, ink);
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

void plot_end(struct plot *plot) {
    bool fine = plot->dots_x == 2;
    for (int y = 0; y < plot->view.height; y++)
        for (int x = 0; x < plot->view.width; x++) {
            size_t cell = (size_t)y * (size_t)plot->view.width + (size_t)x;
            if (plot->dots[cell])
                view_put(&plot->view, x, y,
                         fine ? (wchar_t)(0x2800 + plot->dots[cell]) : L'.',
                         (enum ink)plot->inks[cell], LOOK_PLAIN);
        }
    free(plot->dots);
    free(plot->inks);
}
