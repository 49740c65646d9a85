/* What the parts of the panel of three objectives share: a box in parallel projection.
 */
#ifndef PWEMOE_TUI_PANELS_SOLID_H
#define PWEMOE_TUI_PANELS_SOLID_H

#include <math.h>

#include "results/ticks.h"
#include "state/explorer.h"
#include "terminal/raster.h"

struct solid {
    struct view view;
    struct range range[3];
    double cos_turn, sin_turn, cos_tilt, sin_tilt;
    double scale_x, scale_y; /* dots a unit of the box, which reaches from -1 to 1 */
    double middle_x, middle_y;
    struct raster *raster;
};

struct spot {
    double x, y; /* dots, y downwards */
    double far;  /* the greater, the farther away: -2 .. 2 */
};

/* A mark in it. */
struct solid_item {
    struct spot spot;
    wchar_t mark;
    enum ink ink;
    unsigned look;
};

struct spot solid_project(const struct solid *solid, double a, double b, double c);

static inline int solid_column(const struct solid *solid, struct spot spot) {
    return (int)floor(spot.x / solid->raster->dots_x);
}

static inline int solid_row(const struct solid *solid, struct spot spot) {
    return (int)floor(spot.y / solid->raster->dots_y);
}

/* The sides of the ground nearest to the eye, -1 or 1: of b, where the numbers of a
 * are written, and of a, where those of b are. */
void solid_near_sides(const struct solid *solid, double side[2]);
/* The corner of the ground that stands leftmost: where the upright axis is. */
void solid_left_corner(const struct solid *solid, double *a, double *b);

/* Names and numbers of the axes, kept off the marks of explorer->solid_rows and these
 * [count] (solid_labels.c). */
void solid_labels_draw(const struct solid *solid, const struct explorer *explorer,
                       const struct ticks *ticks, const struct solid_item *items,
                       size_t count);

#endif
