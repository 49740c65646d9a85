/* Where the axes of parallel coordinates stand, of parallel.h. */
#include <math.h>

#include "panels/parallel.h"
#include "state/axes.h"
#include "state/space.h"

/* Columns from one axis to the next: as many as numbers want, or as few as lets all
 * axes be seen, with short names. */
enum { AXIS_WIDE = 7, AXIS_LEAST = 3 };

int parallel_axis_column(const struct parallel_axes *axes, size_t place) {
    return axes->left + (int)place * axes->gap;
}

/* The height of a value on an axis, 0 at the top to 1, held to the axis; NaN of NaN. */
double parallel_axis_share(const struct parallel_axes *axes, size_t place,
                           double value) {
    double at = (axes->high[place] - value) / (axes->high[place] - axes->low[place]);
    return isnan(at) ? at : fmin(1, fmax(0, at));
}

/* The same in dots. */
int parallel_axis_dot(const struct parallel_axes *axes, size_t place, double value,
                      int dots) {
    return (int)lround(parallel_axis_share(axes, place, value) * (dots - 1));
}

/* Which axes fit, and where; the wheel and PgDn move on to the others. */
bool parallel_axes_place(const struct view *view, struct explorer *explorer,
                         struct parallel_axes *axes) {
    size_t shown[STORE_TASKS_MAX], tasks = axes_shown(explorer, shown);
    int left = view->width >= 40 ? 5 : 2;
    bool mean = space_has_mean(explorer);
    tasks += mean;
    size_t fit = (size_t)((view->width - 2 * left) / AXIS_WIDE + 1);
    if (fit < tasks) {
        left = 2;
        fit = (size_t)((view->width - 2 * left) / AXIS_LEAST + 1);
    }
    *axes = (struct parallel_axes){.count = tasks < fit ? tasks : fit};
    axes->mean = mean && axes->count > 2;
    tasks -= mean && !axes->mean;
    axes->count = tasks < axes->count ? tasks : axes->count;
    size_t last = tasks - axes->count;
    int *scroll = &explorer->scroll[PANEL_SCATTER];
    *scroll = *scroll > (int)last ? (int)last : *scroll < 0 ? 0 : *scroll;
    axes->first = (size_t)*scroll;
    axes->gap = axes->count > 1 ? (view->width - 2 * left) / ((int)axes->count - 1) : 0;
    axes->left = (view->width - axes->gap * ((int)axes->count - 1)) / 2;
    axes->inside = view_inside(view, 0, 2, view->width, view->height - 3);
    for (size_t i = 0; i < axes->count; i++) {
        struct range range;
        bool is_mean = axes->mean && i + 1 == axes->count;
        size_t t = is_mean ? explorer->tasks : shown[axes->first + i];
        axes->axis[i] = t;
        if (!space_range(explorer, t, &range))
            return false;
        bool up = explorer->catalog->recipe->tasks[is_mean ? 0 : t].objective.maximise;
        if (!is_mean && explorer->axes.turned[t])
            up = !up;
        axes->low[i] = up ? range.low : range.high;
        axes->high[i] = up ? range.high : range.low;
    }
    return true;
}
