/* The kinds of charts, from plain numbers to a file. Paths end in .png, .svg or
 * .pdf. */
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
    const char *path, *title; /* title may be NULL */
    double width, height;     /* points, of which an inch has 72 */
    double dpi;               /* of a PNG: its pixels are points * dpi / 72. 0: 72 */
    double font; /* points, of labels; 0: 15. Margins, marks and lines go with it */
    bool dark;
    struct plot_png
        *png; /* where not NULL, the picture goes there and path is unused */
};

/* --- points in objective space -------------------------------------------------- */

struct plot_point {
    size_t series;
    const double *values;     /* [objectives]; NaN: not measured */
    const double *low, *high; /* [objectives] their intervals; NaN: none */
    bool dimmed;              /* dominated: small and pale */
    bool knee;                /* ringed */
};

struct plot_series {
    const char *name; /* for the legend */
    enum mark mark;
    enum ink ink;
    bool joined; /* a line through those of its points that no other of them dominates
                    in the two objectives shown */
    bool front;  /* its points count for the front of all in these two */
    bool now;    /* what is looked at: large, and over all else */
    bool many;   /* one row is one of many: never named at its point */
};

struct plot_cloud {
    const char *const *objectives; /* axis labels */
    const bool *less;              /* [objectives] less is better */
    bool alike; /* one unit and one direction: parallel axes share a scale */
    size_t objective_count;
    const struct plot_series *series;
    size_t series_count;
    const struct plot_point *points;
    size_t count;
};

/* Objectives x and y of the cloud. Models that stand alone in their series are named
 * at their points where there is room, the others in a legend. */
int plot_scatter(const struct plot_page *page, const struct plot_cloud *cloud, size_t x,
                 size_t y, struct error *error);
/* One vertical axis for each objective, better up, one line for each point. Hundreds of
 * lines are pale and drawn in bundles of those that are alike. */
int plot_parallel(const struct plot_page *page, const struct plot_cloud *cloud,
                  struct error *error);

/* --- three tasks ------------------------------------------------------------------ */

/* Preferences [count, 3] as places in a triangle, one for each panel, whose values
 * [count, panels] are a surface: linear between neighbours, with a scale of its own. */
struct plot_surface {
    const char *corners[3];
    const double *preferences, *values;
    size_t count;
    const char *const *panels; /* [panel_count] labels */
    size_t panel_count;
};
int plot_ternary(const struct plot_page *page, const struct plot_surface *surface,
                 struct error *error);

/* --- a table of cells ------------------------------------------------------------- */

/* Values [rows, columns] as coloured cells with their numbers; NaN is empty. */
struct plot_cells {
    const char *const *rows, *const *columns;
    size_t row_count, column_count;
    const double *values;
    const char *value_label, *row_label;
    int decimals;      /* of the numbers */
    const bool *apart; /* [rows] on a scale of their own; NULL: none */
    const char *apart_label;
};
int plot_heat(const struct plot_page *page, const struct plot_cells *cells,
              struct error *error);

/* --- lines ------------------------------------------------------------------------ */

struct plot_line {
    const char *name; /* in the legend once for all panels; NULL: not there */
    enum ink ink;
    enum mark mark; /* where marks are drawn */
    size_t dash;
    bool thin, marks;
    bool filled; /* no line, but the pale inside of this polygon */
    size_t count;
    const double *x, *y; /* [count]; NaN breaks the line */
};

struct plot_panel {
    const char *title;
    const struct plot_line *lines;
    size_t count;
    size_t scale; /* panels of one number share the range along y */
};

/* Panels in rows, all with the same range along x; at least one. */
struct plot_grid {
    const char *x_label, *y_label;
    bool whole; /* x counts something: numbers between whole ones mean nothing */
    const struct plot_panel *panels;
    size_t panel_count, columns; /* columns 0: as it fits */
    /* The legend; 0: the names of the panels' lines. */
    const struct plot_line *keys;
    size_t key_count;
};
int plot_lines(const struct plot_page *page, const struct plot_grid *grid,
               struct error *error);

#endif
