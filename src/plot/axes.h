/* A frame with two linear axes, and a legend beside it. */
#ifndef PWEMOE_PLOT_AXES_H
#define PWEMOE_PLOT_AXES_H

#include <stdbool.h>
#include <stddef.h>

#include "plot/chart.h"

struct axes {
    double left, top, width, height; /* of the frame, on the page */
    double x0, x1, y0, y1;           /* the values at its edges */
    bool no_y_numbers;               /* shares those of a frame to its left */
};

/* The finite values' range with a margin of a twentieth, never empty. */
struct axes_range {
    double low, high;
};
void axes_range_begin(struct axes_range *range);
void axes_range_add(struct axes_range *range, double value);
void axes_range_end(struct axes_range *range);

/* Frame, grid, ticks with their numbers, labels and title (each may be NULL). */
void axes_draw(struct chart *chart, const struct axes *axes, const char *title,
               const char *x_label, const char *y_label);
double axes_x(const struct axes *axes, double value);
double axes_y(const struct axes *axes, double value);

struct legend_entry {
    const char *name;
    enum ink ink;
    enum mark mark;
    bool marks, line;
    size_t dash;
};
/* One entry a line, from (x, y) down; names are cut at `width`. */
void axes_legend(struct chart *chart, double x, double y, double width,
                 const struct legend_entry *entries, size_t count);

#endif
