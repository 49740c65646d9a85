#include "state/polygon.h"

#include <math.h>
#include <string.h>

#include "pareto/simplex.h"
#include "store/store.h"

void polygon_corners(size_t count, double *x, double *y) {
    for (size_t i = 0; i < count; i++) {
        double angle = 6.283185307179586 * (double)i / (double)count;
        x[i] = sin(angle);
        y[i] = -cos(angle);
    }
}

void polygon_place(size_t count, const double *corners_x, const double *corners_y,
                   const double *preference, double *x, double *y) {
    *x = *y = 0;
    for (size_t i = 0; i < count; i++) {
        *x += preference[i] * corners_x[i];
        *y += preference[i] * corners_y[i];
    }
}

/* Twice the area of a triangle, positive for corners in the polygon's order. */
static double area(double ax, double ay, double bx, double by, double cx, double cy) {
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

/* Moves a place that is outside to the nearest one of the border. Returns the edge it
 * came to, or count where it was inside. */
static size_t hold_inside(size_t count, const double *cx, const double *cy, double *x,
                          double *y) {
    bool outside = false;
    double best = INFINITY, to_x = *x, to_y = *y;
    size_t edge = count;
    for (size_t i = 0; i < count; i++) {
        size_t next = (i + 1) % count;
        double ex = cx[next] - cx[i], ey = cy[next] - cy[i];
        outside = outside || area(cx[i], cy[i], cx[next], cy[next], *x, *y) <= 0;
        double along =
            ((*x - cx[i]) * ex + (*y - cy[i]) * ey) / fmax(ex * ex + ey * ey, 1e-300);
        along = fmin(1, fmax(0, along));
        double px = cx[i] + along * ex, py = cy[i] + along * ey;
        double distance = hypot(*x - px, *y - py);
        if (distance < best) {
            best = distance;
            to_x = px;
            to_y = py;
            edge = i;
        }
    }
    if (!outside)
        return count;
    *x = to_x;
    *y = to_y;
    return edge;
}

void polygon_preference(size_t count, const double *corners_x, const double *corners_y,
                        double x, double y, double *preference) {
    const double *cx = corners_x, *cy = corners_y;
    double weights[STORE_TASKS_MAX], sum = 0;
    size_t edge = hold_inside(count, cx, cy, &x, &y);
    memset(preference, 0, count * sizeof *preference);
    if (edge < count) {
        /* The limit of the quotients below: the two ends share the edge. */
        size_t next = (edge + 1) % count;
        double length = hypot(cx[next] - cx[edge], cy[next] - cy[edge]);
        double part =
            length > 0 ? fmin(1, hypot(x - cx[edge], y - cy[edge]) / length) : 0;
        preference[edge] = 1 - part;
        preference[next] += part;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        size_t before = (i + count - 1) % count, next = (i + 1) % count;
        double corner = area(cx[before], cy[before], cx[i], cy[i], cx[next], cy[next]);
        weights[i] = corner / area(cx[before], cy[before], cx[i], cy[i], x, y) /
                     area(cx[i], cy[i], cx[next], cy[next], x, y);
        sum += weights[i];
    }
    for (size_t i = 0; i < count; i++)
        preference[i] = weights[i] / sum;
}

void polygon_step(size_t count, const double *corners_x, const double *corners_y,
                  const double *preference, double dx, double dy, double *out) {
    double before[STORE_TASKS_MAX], after[STORE_TASKS_MAX], x, y;
    polygon_place(count, corners_x, corners_y, preference, &x, &y);
    polygon_preference(count, corners_x, corners_y, x, y, before);
    polygon_preference(count, corners_x, corners_y, x + dx, y + dy, after);
    for (size_t i = 0; i < count; i++)
        out[i] = preference[i] + after[i] - before[i];
    simplex_project(out, count);
}
