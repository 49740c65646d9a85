/* Drawing on a page that becomes PNG, SVG or PDF: text, marks and lines in the inks of
 * results/look.h, on white paper or a dark page.
 *
 * Places are in points. Sizes of text, marks and lines are in the chart's unit, which
 * is one point where labels have 15 and follows the size of text otherwise: what a page
 * is like does not depend on it. SVG and PDF hold the shapes of their letters, so that
 * no reader needs the fonts. The page is written whole by chart_close, or not at all.
 */
#ifndef PWEMOE_PLOT_CHART_H
#define PWEMOE_PLOT_CHART_H

#include <cairo.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "results/look.h"

enum { CHART_TEXT = 15, CHART_SMALL = 13, CHART_TITLE = 17 }; /* text sizes */

enum chart_format { CHART_PNG, CHART_SVG, CHART_PDF };

struct chart {
    cairo_t *cr;
    cairo_surface_t *surface;
    double width, height, unit, resolution; /* resolution: pixels of pictures a point */
    bool dark;
    char *path;
    enum chart_format format;
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
/* What is not data. */
enum shade { SHADE_PAPER, SHADE_TEXT, SHADE_FRAME, SHADE_GRID };
void chart_shade(struct chart *chart, enum shade shade, double alpha);
void chart_width(struct chart *chart, double width); /* of lines */
void chart_line(struct chart *chart, double x0, double y0, double x1, double y1);
/* A scale from dark blue to yellow that is even in lightness (like cividis), at
 * 0 .. 1. */
void chart_scale_colour(struct chart *chart, double at);
/* Whether black or white is read on it. */
bool chart_scale_is_light(double at);
/* The scale upright, its end on top. */
void chart_scale_bar(struct chart *chart, double x, double y, double width,
                     double height);
/* Fills a box; between two that touch nothing of the page is seen. */
void chart_fill_cell(struct chart *chart, double x, double y, double width,
                     double height);

/* halign 0 left, 0.5 centred, 1 right of x; y is the middle of the letters' height.
 * Control bytes are escaped. */
void chart_text(struct chart *chart, double x, double y, double size, double halign,
                const char *text);
/* In the colour at hand. */
void chart_text_plain(struct chart *chart, double x, double y, double size,
                      double halign, const char *text);
/* The same on a seam of paper, over lines and points. */
void chart_text_over(struct chart *chart, double x, double y, double size,
                     double halign, enum ink ink, const char *text);
/* Turned by `turn` radians (negative: rising) about (x, y). */
void chart_text_turned(struct chart *chart, double x, double y, double turn,
                       double size, double halign, const char *text);
double chart_text_width(struct chart *chart, double size, const char *text);
/* The longest beginning of text that is no wider, with "..." where it is cut. */
char *chart_text_fit(struct chart *chart, double size, double width, const char *text,
                     char *out, size_t out_size);

/* A mark with the colour at hand. */
void chart_mark(struct chart *chart, double x, double y, enum mark mark, double radius);
/* Dash pattern `index`: 0 solid, then dashed, dotted, ... */
void chart_dash(struct chart *chart, size_t index);

/* What is drawn between these two becomes one picture on the page, for thousands of
 * lines that would make a file of megabytes. */
struct chart_layer {
    cairo_t *page;
    cairo_surface_t *picture;
    double x, y;
};
void chart_layer_begin(struct chart *chart, struct chart_layer *layer, double x,
                       double y, double width, double height);
void chart_layer_end(struct chart *chart, struct chart_layer *layer);

#endif
