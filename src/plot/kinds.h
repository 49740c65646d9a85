/* The kinds of charts, from plain numbers to a file. Paths end in .png, .svg or
 * .pdf; width and height are those of chart.h. */
#ifndef PWEMOE_PLOT_KINDS_H
#define PWEMOE_PLOT_KINDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "results/look.h"

struct plot_png {        /* a picture in memory */
    unsigned char *data; /* free() */
    size_t size;
};

struct plot_page {
    const char *path, *title;
    double width, height;
    struct plot_png
        *png; /* where not NULL, the picture goes there and path is unused */
};

/* --- points in objective space -------------------------------------------------- */

struct plot_point {
    size_t series;
    const double *values; /* [objectives]; NaN: not measured */
    bool dimmed;          /* dominated: small and pale */
};

struct plot_series {
    const char *name; /* for the legend */
    enum mark mark;
    enum ink ink;
    bool joined; /* a line through its points that are not dimmed, in order of the
                    first axis */
};

struct plot_cloud {
    const char *const *objectives; /* axis labels */
    size_t objective_count;
    const struct plot_series *series;
    size_t series_count;
    const struct plot_point *points;
    size_t count;
};

/* Objectives x and y of the cloud. */
int plot_scatter(const struct plot_page *page, const struct plot_cloud *cloud, size_t x,
                 size_t y, struct error *error);
/* One vertical axis for each objective, one line for each point. */
int plot_parallel(const struct plot_page *page, const struct plot_cloud *cloud,
                  struct error *error);

/* --- three tasks ------------------------------------------------------------------ */

/* Preferences [count, 3] as points of a triangle, coloured by values [count]. */
int plot_ternary(const struct plot_page *page, const char *const corners[3],
                 const double *preferences, const double *values, size_t count,
                 const char *value_label, struct error *error);

/* --- lines -------------------------------------------------------------------------
 */

struct plot_line {
    const char *name; /* in the legend once for all panels; NULL: not there */
    enum ink ink;
    enum mark mark; /* where marks are drawn */
    size_t dash;
    bool thin, marks;
    size_t count;
    const double *x, *y; /* [count]; NaN breaks the line */
};

struct plot_panel {
    const char *title;
    const struct plot_line *lines;
    size_t count;
};

/* Panels in rows, all with the same axes; at least one. */
int plot_lines(const struct plot_page *page, const char *x_label, const char *y_label,
               const struct plot_panel *panels, size_t panel_count,
               struct error *error);

#endif
