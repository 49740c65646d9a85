/* Colours, text, marks and lines on a page. */
#include "plot/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* --- colours ------------------------------------------------------------------- */

void chart_colour(struct chart *chart, enum ink ink, double alpha) {
    int colour = chart->dark ? look_on_screen(ink) : look_on_paper(ink);
    if (colour < 0) {
        chart_shade(chart, SHADE_TEXT, alpha);
        return;
    }
    cairo_set_source_rgba(chart->cr, (colour >> 16) / 255.0,
                          (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0, alpha);
}

void chart_shade(struct chart *chart, enum shade shade, double alpha) {
    static const double levels[2][4] = {{1, 0.1, 0.3, 0.88}, {0.1, 0.92, 0.65, 0.24}};
    double level = levels[chart->dark][shade];
    cairo_set_source_rgba(chart->cr, level, level, level, alpha);
}

void chart_width(struct chart *chart, double width) {
    cairo_set_line_width(chart->cr, width * chart->unit);
}

void chart_line(struct chart *chart, double x0, double y0, double x1, double y1) {
    cairo_move_to(chart->cr, x0, y0);
    cairo_line_to(chart->cr, x1, y1);
    cairo_stroke(chart->cr);
}

bool chart_scale_is_light(double at) {
    return at > 0.55;
}

static const double scale_stops[][3] = {{0.000, 0.135, 0.305},
                                        {0.257, 0.303, 0.424},
                                        {0.487, 0.485, 0.472},
                                        {0.738, 0.689, 0.410},
                                        {1.000, 0.915, 0.270}};
enum { SCALE_LAST = sizeof scale_stops / sizeof *scale_stops - 1 };

void chart_scale_colour(struct chart *chart, double at) {
    double place = (at < 0 ? 0 : at > 1 ? 1 : at) * SCALE_LAST;
    size_t i = place >= SCALE_LAST ? SCALE_LAST - 1 : (size_t)place;
    double part = place - (double)i, rgb[3];
    for (size_t c = 0; c < 3; c++)
        rgb[c] = scale_stops[i][c] + part * (scale_stops[i + 1][c] - scale_stops[i][c]);
    cairo_set_source_rgb(chart->cr, rgb[0], rgb[1], rgb[2]);
}

/* A gradient: boxes one over the other would show lines where they meet. */
void chart_scale_bar(struct chart *chart, double x, double y, double width,
                     double height) {
    cairo_pattern_t *scale = cairo_pattern_create_linear(0, y + height, 0, y);
    for (size_t i = 0; i <= SCALE_LAST; i++)
        cairo_pattern_add_color_stop_rgb(scale, (double)i / SCALE_LAST,
                                         scale_stops[i][0], scale_stops[i][1],
                                         scale_stops[i][2]);
    cairo_set_source(chart->cr, scale);
    cairo_pattern_destroy(scale);
    cairo_rectangle(chart->cr, x, y, width, height);
    cairo_fill(chart->cr);
}

/* An edge inside a pixel is a blend with the page, and the one that touches it another:
 * in pixels the edges are theirs, elsewhere each box reaches a little under the next.
 */
void chart_fill_cell(struct chart *chart, double x, double y, double width,
                     double height) {
    static const double under = 0.4;
    double right = x + width, bottom = y + height;
    if (chart->format == CHART_PNG) {
        double scale = chart->resolution;
        x = round(x * scale) / scale;
        y = round(y * scale) / scale;
        right = round(right * scale) / scale;
        bottom = round(bottom * scale) / scale;
    } else {
        right += under;
        bottom += under;
    }
    cairo_rectangle(chart->cr, x, y, right - x, bottom - y);
    cairo_fill(chart->cr);
}

/* --- text ------------------------------------------------------------------------ */

double chart_text_width(struct chart *chart, double size, const char *text) {
    char safe[512];
    cairo_text_extents_t extents;
    cairo_set_font_size(chart->cr, size * chart->unit);
    cairo_text_extents(chart->cr, text_escape(safe, sizeof safe, text), &extents);
    return extents.x_advance;
}

void chart_text_plain(struct chart *chart, double x, double y, double size,
                      double halign, const char *text) {
    char safe[512];
    double width = chart_text_width(chart, size, text);
    cairo_move_to(chart->cr, x - halign * width, y + 0.35 * size * chart->unit);
    cairo_show_text(chart->cr, text_escape(safe, sizeof safe, text));
}

void chart_text(struct chart *chart, double x, double y, double size, double halign,
                const char *text) {
    cairo_save(chart->cr);
    chart_shade(chart, SHADE_TEXT, 1);
    chart_text_plain(chart, x, y, size, halign, text);
    cairo_restore(chart->cr);
}

void chart_text_turned(struct chart *chart, double x, double y, double turn,
                       double size, double halign, const char *text) {
    cairo_save(chart->cr);
    cairo_translate(chart->cr, x, y);
    cairo_rotate(chart->cr, turn);
    chart_text(chart, 0, 0, size, halign, text);
    cairo_restore(chart->cr);
}

void chart_text_over(struct chart *chart, double x, double y, double size,
                     double halign, enum ink ink, const char *text) {
    char safe[512];
    cairo_t *cr = chart->cr;
    cairo_save(cr);
    double width = chart_text_width(chart, size, text);
    double left = x - halign * width, low = y + 0.35 * size * chart->unit;
    text_escape(safe, sizeof safe, text);
    cairo_new_path(cr);
    cairo_move_to(cr, left, low);
    cairo_text_path(cr, safe);
    chart_shade(chart, SHADE_PAPER, 0.85);
    chart_width(chart, 4);
    cairo_stroke(cr);
    chart_colour(chart, ink, 1);
    cairo_move_to(cr, left, low);
    cairo_show_text(cr, safe);
    cairo_restore(cr);
}

char *chart_text_fit(struct chart *chart, double size, double width, const char *text,
                     char *out, size_t out_size) {
    snprintf(out, out_size, "%s", text);
    size_t length = strlen(out);
    while (length > 1 && chart_text_width(chart, size, out) > width) {
        do
            length--;
        while (length > 1 && text_continues(text[length]));
        snprintf(out, out_size, "%.*s...", (int)length, text);
    }
    return out;
}

/* --- marks ------------------------------------------------------------------------ */

static void polygon(cairo_t *cr, double x, double y, double radius, unsigned corners,
                    double inner, double turn) {
    for (unsigned i = 0; i < corners; i++) {
        double r = i % 2 ? radius * inner : radius;
        double angle = turn + 2 * M_PI * i / corners;
        double px = x + r * sin(angle), py = y - r * cos(angle);
        if (i == 0)
            cairo_move_to(cr, px, py);
        else
            cairo_line_to(cr, px, py);
    }
    cairo_close_path(cr);
}

/* Outlines of marks on a circle: corners, how far in every second one lies (1: all on
 * the circle), the turn of the first in turns, and the radius by which all marks look
 * equally large. 0 corners: the circle itself. */
static const struct shape {
    unsigned corners;
    double inner, turn, size;
    bool open; /* drawn as a line */
} shapes[MARK_COUNT] = {
    [MARK_NOW] = {4, 1, 0, 1.25, false},
    [MARK_ESTIMATE] = {4, 1, 0, 1.2, true},
    [MARK_FRONT] = {0, 1, 0, 1, false},
    [MARK_DOMINATED] = {0, 1, 0, 0.5, false},
    [MARK_KNEE] = {0, 1, 0, 1.3, true},
    [MARK_BOOKMARK] = {4, 0.3, 0, 1.3, false},
    [MARK_PRETRAINED] = {0, 1, 0, 1, true},
    [MARK_STL] = {3, 1, 0, 1.2, false},
    [MARK_AVERAGE] = {4, 1, 0.125, 1.2, false},
    [MARK_ARITHMETIC] = {8, 0, 0.125, 1.1, true},
    [MARK_TIES] = {8, 0, 0, 1.1, true},
    [MARK_FISHER] = {3, 1, 0.5, 1.2, true},
    [MARK_REGMEAN] = {4, 1, 0.125, 1.2, true},
    [MARK_TRAINED] = {10, 0.45, 0, 1.4, false},
    [MARK_OTHER] = {4, 1, 0.125, 0.8, false},
    [MARK_ANSWER + 0] = {0, 1, 0, 0.7, true},
    [MARK_ANSWER + 1] = {3, 1, 0.25, 0.9, false},
    [MARK_ANSWER + 2] = {3, 1, 0.5, 0.9, false},
    [MARK_ANSWER + 3] = {3, 1, 0.75, 0.9, false},
    [MARK_SPARE + 0] = {3, 1, 0.25, 1.2, false},
    [MARK_SPARE + 1] = {3, 1, 0.75, 1.2, false},
    [MARK_SPARE + 2] = {3, 1, 0.5, 1.2, false},
    [MARK_SPARE + 3] = {10, 0.45, 0, 1.4, true},
    [MARK_SPARE + 4] = {4, 0.4, 0.25, 1.4, false},
    [MARK_SPARE + 5] = {3, 1, 0, 1.2, true},
    [MARK_SPARE + 6] = {16, 0.5, 0, 1.3, false},
};

void chart_mark(struct chart *chart, double x, double y, enum mark mark,
                double radius) {
    const struct shape *shape = &shapes[mark];
    cairo_t *cr = chart->cr;
    double r = radius * shape->size * chart->unit;
    cairo_save(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    chart_width(chart, fmin(0.4 * radius, 2.2));
    cairo_new_path(cr);
    if (shape->corners)
        polygon(cr, x, y, r, shape->corners, shape->inner, 2 * M_PI * shape->turn);
    else
        cairo_arc(cr, x, y, r, 0, 2 * M_PI);
    if (shape->open)
        cairo_stroke(cr);
    else
        cairo_fill(cr);
    cairo_restore(cr);
}

void chart_dash(struct chart *chart, size_t index) {
    static const double patterns[][4] = {
        {0}, {8, 4, 8, 4}, {2, 4, 2, 4}, {10, 3, 2, 3}};
    size_t i = index % 4;
    double scaled[4];
    for (size_t k = 0; k < 4; k++)
        scaled[k] = patterns[i][k] * chart->unit;
    cairo_set_dash(chart->cr, scaled, i ? 4 : 0, 0);
}

/* --- a picture on the page -------------------------------------------------------- */

void chart_layer_begin(struct chart *chart, struct chart_layer *layer, double x,
                       double y, double width, double height) {
    double scale = chart->resolution;
    *layer = (struct chart_layer){.page = chart->cr, .x = x, .y = y};
    layer->picture =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)ceil(width * scale) + 1,
                                   (int)ceil(height * scale) + 1);
    chart->cr = cairo_create(layer->picture);
    cairo_scale(chart->cr, scale, scale);
    cairo_translate(chart->cr, -x, -y);
    cairo_set_line_join(chart->cr, CAIRO_LINE_JOIN_ROUND);
}

/* A failure inside is the picture's state, which the page takes over. */
void chart_layer_end(struct chart *chart, struct chart_layer *layer) {
    cairo_destroy(chart->cr);
    cairo_t *cr = chart->cr = layer->page;
    cairo_save(cr);
    cairo_translate(cr, layer->x, layer->y);
    cairo_scale(cr, 1 / chart->resolution, 1 / chart->resolution);
    cairo_set_source_surface(cr, layer->picture, 0, 0);
    cairo_paint(cr);
    cairo_restore(cr);
    cairo_surface_destroy(layer->picture);
}
