/* A frame with two linear axes. */
#ifndef PWEMOE_PLOT_AXES_H
#define PWEMOE_PLOT_AXES_H

#include <stdbool.h>
#include <stddef.h>

#include "plot/chart.h"

struct axes {
    double left, top, width, height; /* of the frame, on the page */
    double x0, x1, y0, y1;           /* the values at its edges */
    bool no_x_numbers, no_y_numbers; /* shares those of a frame below, to its left */
    bool whole;                      /* x has whole numbers alone */
};

/* The finite values' range with a margin of a twentieth, never empty. */
struct axes_range {
    double low, high;
};
void axes_range_begin(struct axes_range *range);
void axes_range_add(struct axes_range *range, double value);
void axes_range_end(struct axes_range *range);

/* What stands left of a frame of this height takes so much width: numbers, and a label
 * where it is not NULL. What stands below one. */
double axes_margin_left(struct chart *chart, double y0, double y1, double height,
                        const char *label);
double axes_margin_below(const struct chart *chart, const char *label);
/* What a title above all takes; it is drawn centred over left .. left + width. */
double axes_title(struct chart *chart, double left, double width, const char *title);

/* Frame, grid, ticks with their numbers, labels and title (each may be NULL). */
void axes_draw(struct chart *chart, const struct axes *axes, const char *title,
               const char *x_label, const char *y_label);
double axes_x(const struct axes *axes, double value);
double axes_y(const struct axes *axes, double value);

#endif
