#include "plot/chart.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/draft.h"
#include "plot/kinds.h"

enum { FORMAT_PNG, FORMAT_SVG, FORMAT_PDF };

#ifdef __SANITIZE_ADDRESS__
/* Cairo's fonts come from fontconfig, which keeps what it has read until the process
 * ends, out of LeakSanitizer's sight. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void);
const char *__lsan_default_options(void) {
    return "print_suppressions=0";
}
#endif

struct file_bytes { /* what cairo has written so far */
    unsigned char *data;
    size_t size, capacity;
};

static cairo_status_t collect(void *self, const unsigned char *data, unsigned length) {
    struct file_bytes *bytes = self;
    if (array_reserve((void **)&bytes->data, &bytes->capacity, bytes->size + length, 1))
        return CAIRO_STATUS_NO_MEMORY;
    memcpy(bytes->data + bytes->size, data, length);
    bytes->size += length;
    return CAIRO_STATUS_SUCCESS;
}

static int format_of(const char *path, unsigned *format, struct error *error) {
    static const char *const ends[] = {".png", ".svg", ".pdf"};
    size_t length = strlen(path);
    for (unsigned i = 0; i < 3; i++)
        if (length > 4 && strcmp(path + length - 4, ends[i]) == 0) {
            *format = i;
            return 0;
        }
    return error_set(error, "%s: the name must end in .png, .svg or .pdf", path);
}

static void chart_abandon(struct chart *chart) {
    if (!chart)
        return;
    if (chart->cr)
        cairo_destroy(chart->cr);
    if (chart->surface)
        cairo_surface_destroy(chart->surface);
    if (chart->bytes)
        free(chart->bytes->data);
    free(chart->bytes);
    free(chart->path);
    free(chart);
}

int chart_open(const struct plot_page *page, struct chart **out, struct error *error) {
    const char *path = page->png ? "a picture" : page->path;
    double width = page->width, height = page->height;
    unsigned format = FORMAT_PNG;
    if (!page->png && format_of(path, &format, error))
        return -1;
    /* fontconfig, which finds the fonts, crashes where it gets no memory. */
    struct chart *chart = memory_has_room(16 << 20) ? calloc(1, sizeof *chart) : NULL;
    if (!chart)
        return error_memory(error);
    chart->width = width;
    chart->height = height;
    chart->format = format;
    chart->page = page;
    chart->path = strdup(path);
    chart->bytes = calloc(1, sizeof *chart->bytes);
    if (!chart->path || !chart->bytes) {
        chart_abandon(chart);
        return error_memory(error);
    }
    if (format == FORMAT_PNG)
        chart->surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    else if (format == FORMAT_SVG)
        chart->surface =
            cairo_svg_surface_create_for_stream(collect, chart->bytes, width, height);
    else
        chart->surface =
            cairo_pdf_surface_create_for_stream(collect, chart->bytes, width, height);
    chart->cr = cairo_create(chart->surface);
    if (cairo_status(chart->cr) != CAIRO_STATUS_SUCCESS) {
        error_set(error, "%s: %s", path,
                  cairo_status_to_string(cairo_status(chart->cr)));
        chart_abandon(chart);
        return -1;
    }
    cairo_set_source_rgb(chart->cr, 1, 1, 1);
    cairo_paint(chart->cr);
    cairo_select_font_face(chart->cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_line_join(chart->cr, CAIRO_LINE_JOIN_ROUND);
    *out = chart;
    return 0;
}

static int hand_over(struct chart *chart) {
    *chart->page->png =
        (struct plot_png){.data = chart->bytes->data, .size = chart->bytes->size};
    chart->bytes->data = NULL;
    return 0;
}

/* Whole or not at all, in the place of a file that is there. */
static int write_file(const struct chart *chart, struct error *error) {
    struct draft *draft;
    if (draft_open(chart->path, chart->path, &draft, error))
        return -1;
    if (draft_write(draft, chart->bytes->data, chart->bytes->size, error)) {
        draft_discard(draft);
        return -1;
    }
    return draft_commit(draft, error);
}

int chart_close(struct chart *chart, struct error *error) {
    cairo_status_t status = cairo_status(chart->cr);
    if (status == CAIRO_STATUS_SUCCESS && chart->format == FORMAT_PNG)
        status =
            cairo_surface_write_to_png_stream(chart->surface, collect, chart->bytes);
    cairo_surface_finish(chart->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(chart->surface);
    int result =
        status == CAIRO_STATUS_SUCCESS
            ? chart->page->png ? hand_over(chart) : write_file(chart, error)
            : error_set(error, "%s: %s", chart->path, cairo_status_to_string(status));
    chart_abandon(chart);
    return result;
}

/* --- colours ------------------------------------------------------------------- */

void chart_colour(struct chart *chart, enum ink ink, double alpha) {
    int colour = look_on_paper(ink);
    cairo_set_source_rgba(chart->cr, (colour >> 16) / 255.0,
                          (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0, alpha);
}

void chart_scale_colour(struct chart *chart, double at) {
    static const double stops[][3] = {{0.000, 0.135, 0.305},
                                      {0.257, 0.303, 0.424},
                                      {0.487, 0.485, 0.472},
                                      {0.738, 0.689, 0.410},
                                      {1.000, 0.915, 0.270}};
    enum { LAST = sizeof stops / sizeof *stops - 1 };
    double place = (at < 0 ? 0 : at > 1 ? 1 : at) * LAST;
    size_t i = place >= LAST ? LAST - 1 : (size_t)place;
    double part = place - (double)i, rgb[3];
    for (size_t c = 0; c < 3; c++)
        rgb[c] = stops[i][c] + part * (stops[i + 1][c] - stops[i][c]);
    cairo_set_source_rgb(chart->cr, rgb[0], rgb[1], rgb[2]);
}

/* --- text ------------------------------------------------------------------------ */

double chart_text_width(struct chart *chart, double size, const char *text) {
    char safe[512];
    cairo_text_extents_t extents;
    cairo_set_font_size(chart->cr, size);
    cairo_text_extents(chart->cr, text_escape(safe, sizeof safe, text), &extents);
    return extents.x_advance;
}

void chart_text(struct chart *chart, double x, double y, double size, double halign,
                const char *text) {
    char safe[512];
    cairo_save(chart->cr);
    cairo_set_source_rgb(chart->cr, 0.1, 0.1, 0.1);
    double width = chart_text_width(chart, size, text);
    cairo_move_to(chart->cr, x - halign * width, y + 0.35 * size);
    cairo_show_text(chart->cr, text_escape(safe, sizeof safe, text));
    cairo_restore(chart->cr);
}

void chart_text_up(struct chart *chart, double x, double y, double size,
                   const char *text) {
    cairo_save(chart->cr);
    cairo_translate(chart->cr, x, y);
    cairo_rotate(chart->cr, -M_PI / 2);
    chart_text(chart, 0, 0, size, 0.5, text);
    cairo_restore(chart->cr);
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
    double r = radius * shape->size;
    cairo_save(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    cairo_set_line_width(cr, 0.4 * radius);
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
    cairo_set_dash(chart->cr, patterns[i], i ? 4 : 0, 0);
}
