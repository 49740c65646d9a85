#include "panels/simplex_geometry.h"

#include <math.h>
#include <string.h>

#include "pareto/simplex.h"
#include "state/polygon.h"

/* Names stand beside the corners left and right, above and below the others. */
static bool place_polygon(struct simplex_geometry *g, int width, int height) {
    enum { NAME = 16, LEAST_WIDE = 5, LEAST_HIGH = 3 };
    int name = width >= 53 ? NAME : width * 3 / 10;
    double half_x = (width - 2 * name - 2) / 2.0, half_y = (height - 4) / 2.0;
    if (half_x < LEAST_WIDE || half_y < LEAST_HIGH)
        return false;
    half_x = fmin(half_x, 2.2 * half_y);
    half_y = fmin(half_y, 0.8 * half_x);
    polygon_corners(g->tasks, g->x, g->y);
    for (size_t t = 0; t < g->tasks; t++) {
        g->x[t] = (width - 1) / 2.0 + half_x * g->x[t];
        g->y[t] = 2 + (height - 4) / 2.0 + half_y * g->y[t];
    }
    g->shape = SHAPE_POLYGON;
    return true;
}

struct simplex_geometry simplex_geometry_make(int width, int height, size_t tasks,
                                              size_t slider, bool polygon) {
    struct simplex_geometry g = {.tasks = tasks};
    if (width < 12 || height < 2)
        return g;
    if (tasks > 3 && polygon && place_polygon(&g, width, height))
        return g;
    if (tasks == 2) {
        /* Aligned with the chart above it, whose numbers take six columns. */
        g.shape = SHAPE_SEGMENT;
        g.x[0] = width >= 16 ? 6 : 1;
        g.x[1] = width - 2;
        g.y[0] = g.y[1] = height >= 3 ? height - 2 : height - 1;
    } else if (tasks == 3) {
        /* A heading, a name above the apex and names below the base. */
        int rows = height - 4;
        if (rows < 3)
            return g;
        double side = fmin(width - 4, 2.31 * (rows + 1));
        g.shape = SHAPE_TRIANGLE;
        double middle = (width - 1) / 2.0,
               top = 2 + (rows - fmin(rows, side / 2.31)) / 2;
        top = floor(top);
        g.x[0] = middle;
        g.y[0] = top;
        g.x[1] = floor(middle - side / 2 + 0.5);
        g.x[2] = width - 1 - g.x[1];
        g.y[1] = g.y[2] = floor(fmin(height - 2, top + fmin(rows, side / 2.31)));
    } else {
        g.rows = height - 1;
        g.top = 1;
        if ((int)tasks < g.rows)
            g.rows = (int)tasks;
        if (g.rows < 1)
            return g;
        g.first = (int)slider - g.rows + 1 < 0 ? 0 : (int)slider - g.rows + 1;
        g.name_width = width >= 44 ? 16 : width / 3;
        g.track_x = 2 + g.name_width + 1;
        g.track_width = width - g.track_x - 8;
        if (g.track_width >= 3)
            g.shape = SHAPE_SLIDERS;
    }
    return g;
}

void simplex_geometry_place(const struct simplex_geometry *geometry,
                            const double *preference, double *x, double *y) {
    polygon_place(geometry->tasks, geometry->x, geometry->y, preference, x, y);
}

void simplex_geometry_preference(const struct simplex_geometry *geometry, double x,
                                 double y, double *preference) {
    const double *gx = geometry->x, *gy = geometry->y;
    if (geometry->shape == SHAPE_POLYGON) {
        /* The cell of a corner is the corner. */
        for (size_t t = 0; t < geometry->tasks; t++)
            if (lround(gx[t]) == lround(x) && lround(gy[t]) == lround(y)) {
                x = gx[t];
                y = gy[t];
                break;
            }
        polygon_preference(geometry->tasks, gx, gy, x, y, preference);
        return;
    }
    if (geometry->tasks == 2) {
        preference[1] = (x - gx[0]) / (gx[1] - gx[0]);
        preference[0] = 1 - preference[1];
    } else {
        double area =
            (gy[1] - gy[2]) * (gx[0] - gx[2]) + (gx[2] - gx[1]) * (gy[0] - gy[2]);
        preference[0] =
            ((gy[1] - gy[2]) * (x - gx[2]) + (gx[2] - gx[1]) * (y - gy[2])) / area;
        preference[1] =
            ((gy[2] - gy[0]) * (x - gx[2]) + (gx[0] - gx[2]) * (y - gy[2])) / area;
        preference[2] = 1 - preference[0] - preference[1];
    }
    simplex_project(preference, geometry->tasks);
}

bool simplex_geometry_slider(const struct simplex_geometry *geometry, int x, int y,
                             size_t *task, double *share) {
    if (geometry->shape != SHAPE_SLIDERS || y < geometry->top ||
        y >= geometry->top + geometry->rows)
        return false;
    *task = (size_t)(geometry->first + y - geometry->top);
    double at = (double)(x - geometry->track_x) / (geometry->track_width - 1);
    *share = at < 0 ? 0 : at > 1 ? 1 : at;
    return *task < geometry->tasks;
}

void simplex_step(const double *preference, size_t tasks, int dx, int dy, double step,
                  double *out) {
    double moved[STORE_TASKS_MAX];
    memcpy(moved, preference, tasks * sizeof *moved);
    if (tasks > 3) {
        /* From the base of a triangle to its top are three halves of the circle's
         * radius and a hundred fine steps: as many lead that far here. */
        double x[STORE_TASKS_MAX], y[STORE_TASKS_MAX];
        polygon_corners(tasks, x, y);
        polygon_step(tasks, x, y, preference, 1.5 * step * dx, 1.5 * step * dy, out);
        return;
    }
    if (tasks == 2) {
        int along = dx ? dx : -dy;
        moved[0] -= along * step;
        moved[1] += along * step;
        /* At the end one stays; a projection would do the same. */
        for (size_t t = 0; t < 2; t++)
            moved[t] = fmin(1, fmax(0, moved[t]));
    } else {
        moved[0] -= dy * step;
        moved[1] += dy * step / 2 - dx * step;
        moved[2] += dy * step / 2 + dx * step;
        simplex_project(moved, tasks);
    }
    /* A step of a hundredth lands on hundredths where it came from them. */
    for (size_t t = 0; t < tasks; t++)
        if (fabs(moved[t] * 1000 - round(moved[t] * 1000)) < 1e-6)
            moved[t] = round(moved[t] * 1000) / 1000;
    memcpy(out, moved, tasks * sizeof *moved);
}
