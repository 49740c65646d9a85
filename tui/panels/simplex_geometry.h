/* Where preferences are in a panel: on a segment (2 tasks), in a triangle (3), in a
 * polygon or on sliders. */
#ifndef PWEMOE_TUI_PANELS_SIMPLEX_GEOMETRY_H
#define PWEMOE_TUI_PANELS_SIMPLEX_GEOMETRY_H

#include "state/explorer.h"

/* Where things are in a panel of this size; coordinates are the panel's. */
enum shape {
    SHAPE_NONE, /* no room: numbers */
    SHAPE_SEGMENT,
    SHAPE_TRIANGLE,
    SHAPE_POLYGON, /* sliders where there is no room for it */
    SHAPE_SLIDERS
};

struct simplex_geometry {
    size_t tasks;
    enum shape shape;
    double x[STORE_TASKS_MAX], y[STORE_TASKS_MAX]; /* corners, but for sliders */
    int first, rows, top; /* sliders: the task of the top row, rows, its row */
    int track_x, track_width, name_width; /* sliders */
};

/* polygon: rather than sliders, for four tasks and more. */
struct simplex_geometry simplex_geometry_make(int width, int height, size_t tasks,
                                              size_t slider, bool polygon);
/* Place of a preference (not for sliders). */
void simplex_geometry_place(const struct simplex_geometry *geometry,
                            const double *preference, double *x, double *y);
/* The preference of the place nearest to (x, y) (not for sliders); tasks numbers. In a
 * polygon many preferences share a place: polygon.h says which one it is. */
void simplex_geometry_preference(const struct simplex_geometry *geometry, double x,
                                 double y, double *preference);
/* The slider at a place and the share it means; false: none there. */
bool simplex_geometry_slider(const struct simplex_geometry *geometry, int x, int y,
                             size_t *task, double *share);

/* The preference after one step of size `step` in a direction of the screen
 * (dx, dy in -1, 0, 1), on a segment, a triangle or a polygon; out may be preference.
 */
void simplex_step(const double *preference, size_t tasks, int dx, int dy, double step,
                  double *out);

#endif
