/* Drawing on a page that becomes PNG, SVG or PDF: text, marks and lines in the inks of
 * results/look.h.
 *
 * Units are pixels of a PNG and points of SVG and PDF. The page is written whole by
 * chart_close, or not at all. */
#ifndef PWEMOE_PLOT_CHART_H
#define PWEMOE_PLOT_CHART_H

#include <cairo.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "results/look.h"

enum { CHART_TEXT = 15, CHART_SMALL = 13, CHART_TITLE = 17 }; /* text sizes */

struct chart {
    cairo_t *cr;
    cairo_surface_t *surface;
    double width, height;
    char *path;
    unsigned format;
    struct file_bytes *bytes;
    const struct plot_page *page;
};

struct plot_page;

/* The end of the page's path (.png, .svg, .pdf) decides the format; a page in memory is
 * a PNG. The page must live until the chart is closed. */
int chart_open(const struct plot_page *page, struct chart **chart, struct error *error);
/* Writes the file (beside, then renamed), or hands the picture over, and frees. */
int chart_close(struct chart *chart, struct error *error);

void chart_colour(struct chart *chart, enum ink ink, double alpha);
/* A scale from dark blue to yellow that is even in lightness (like cividis), at
 * 0 .. 1. */
void chart_scale_colour(struct chart *chart, double at);

/* halign 0 left, 0.5 centred, 1 right of x; y is the middle of the letters' height.
 * Control bytes are escaped. Black. */
void chart_text(struct chart *chart, double x, double y, double size, double halign,
                const char *text);
/* Upwards, centred at (x, y). */
void chart_text_up(struct chart *chart, double x, double y, double size,
                   const char *text);
double chart_text_width(struct chart *chart, double size, const char *text);

/* A mark with the colour at hand. */
void chart_mark(struct chart *chart, double x, double y, enum mark mark, double radius);
/* Dash pattern `index`: 0 solid, then dashed, dotted, ... */
void chart_dash(struct chart *chart, size_t index);

#endif
