/* A preference over many tasks as a place in a polygon whose corners are the tasks.
 *
 * The place of a preference is the mean of the corners, weighted by it. Beyond three
 * tasks many preferences share a place. The inverse gives one of them, Wachspress'
 * coordinates of the place: with A the area of a triangle and v_i the corners,
 *
 *     w_i = A(v_i-1, v_i, v_i+1) / (A(v_i-1, v_i, p) A(v_i, v_i+1, p)),  r = w / sum w
 *
 * (E. L. Wachspress, A Rational Finite Element Basis, 1975; this form: Meyer, Lee,
 * Barr and Desbrun, Generalized Barycentric Coordinates on Irregular Polygons, 2002).
 * In a convex polygon they are not negative, sum to one, change smoothly with the
 * place, have the place as their weighted mean, are a unit vector at a corner, and on
 * an edge weigh only its two ends. In the centre all tasks weigh the same. */
#ifndef PWEMOE_TUI_STATE_POLYGON_H
#define PWEMOE_TUI_STATE_POLYGON_H

#include <stddef.h>

/* Corners of a regular polygon on the unit circle, the first on top, then clockwise as
 * seen on a screen (y downwards). */
void polygon_corners(size_t count, double *x, double *y);

/* The mean of the corners weighted by a preference. */
void polygon_place(size_t count, const double *corners_x, const double *corners_y,
                   const double *preference, double *x, double *y);

/* The preference of a place in a convex polygon of at least three corners; a place
 * outside counts as the nearest one of the border. */
void polygon_preference(size_t count, const double *corners_x, const double *corners_y,
                        double x, double y, double *preference);

/* The preference after the place has moved by (dx, dy): what Wachspress' coordinates
 * gain and lose by that is added, so that a small step is a small change of the
 * preference whatever it is. Projected onto the simplex; out may be preference. */
void polygon_step(size_t count, const double *corners_x, const double *corners_y,
                  const double *preference, double dx, double dy, double *out);

#endif
