#define _GNU_SOURCE
#include "plot/chart.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/draft.h"
#include "base/memory.h"
#include "plot/kinds.h"

enum { POINTS_AN_INCH = 72, VECTOR_RESOLUTION = 3 };

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

static int format_of(const char *path, enum chart_format *format, struct error *error) {
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

static bool has_letters(struct chart *chart) {
    static const char sample[] = "AQgz0189.";
    cairo_glyph_t *glyphs = NULL;
    int count = 0;
    bool whole = cairo_scaled_font_text_to_glyphs(cairo_get_scaled_font(chart->cr), 0,
                                                  0, sample, -1, &glyphs, &count, NULL,
                                                  NULL, NULL) == CAIRO_STATUS_SUCCESS;
    for (int i = 0; i < count; i++)
        whole = whole && glyphs[i].index != 0;
    cairo_glyph_free(glyphs);
    return whole;
}

/* What fontconfig takes for sans-serif may be a font of symbols alone, where that is
 * all it knows of. */
static int choose_font(struct chart *chart, struct error *error) {
    static const char *const names[] = {"sans-serif", "DejaVu Sans", "Liberation Sans",
                                        "Noto Sans",  "Arial",       "serif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cairo_select_font_face(chart->cr, names[i], CAIRO_FONT_SLANT_NORMAL,
                               CAIRO_FONT_WEIGHT_NORMAL);
        if (has_letters(chart))
            return 0;
    }
    return error_set(error, "no font with letters and digits is found; install one (on "
                            "Debian fonts-dejavu-core), or run `fc-cache -f` where "
                            "there is one");
}

/* The first look at fonts reads fontconfig's settings, which complain of memory where
 * the working folder was removed: they want to know where they are. */
static int choose_font_somewhere(struct chart *chart, struct error *error) {
    char here[PATH_MAX];
    bool gone = !getcwd(here, sizeof here) && errno == ENOENT;
    int folder = gone ? open(".", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    bool moved = folder >= 0 && chdir("/") == 0;
    int result = choose_font(chart, error);
    if (moved && fchdir(folder))
        result = error_set(error, "the working folder: %s", strerror(errno));
    if (folder >= 0)
        close(folder);
    return result;
}

int chart_open(const struct plot_page *page, struct chart **out, struct error *error) {
    const char *path = page->png ? "a picture" : page->path;
    double width = page->width, height = page->height;
    enum chart_format format = CHART_PNG;
    if (!page->png && format_of(path, &format, error))
        return -1;
    /* fontconfig, which finds the fonts, crashes where it gets no memory. */
    struct chart *chart = memory_has_room(16 << 20) ? calloc(1, sizeof *chart) : NULL;
    if (!chart)
        return error_memory(error);
    chart->width = width;
    chart->height = height;
    chart->unit = (page->font > 0 ? page->font : CHART_TEXT) / CHART_TEXT;
    chart->resolution = format != CHART_PNG ? VECTOR_RESOLUTION
                        : page->dpi > 0     ? page->dpi / POINTS_AN_INCH
                                            : 1;
    chart->dark = page->dark;
    chart->format = format;
    chart->page = page;
    chart->path = strdup(path);
    chart->bytes = calloc(1, sizeof *chart->bytes);
    if (!chart->path || !chart->bytes) {
        chart_abandon(chart);
        return error_memory(error);
    }
    if (format == CHART_PNG)
        chart->surface = cairo_image_surface_create(
            CAIRO_FORMAT_RGB24, (int)lround(width * chart->resolution),
            (int)lround(height * chart->resolution));
    else if (format == CHART_SVG)
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
    if (format == CHART_PNG)
        cairo_scale(chart->cr, chart->resolution, chart->resolution);
    chart_shade(chart, SHADE_PAPER, 1);
    cairo_paint(chart->cr);
    if (choose_font_somewhere(chart, error)) {
        chart_abandon(chart);
        return -1;
    }
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

/* Says in a PNG how large its pixels are: a chunk pHYs after the header, which is 33
 * bytes with the signature (W3C PNG, 11.3.5.3). */
static int put_density(struct chart *chart) {
    enum { HEADER = 33, CHUNK = 21 };
    struct file_bytes *bytes = chart->bytes;
    if (bytes->size < HEADER ||
        array_reserve((void **)&bytes->data, &bytes->capacity, bytes->size + CHUNK, 1))
        return -1;
    unsigned char *at = bytes->data + HEADER;
    memmove(at + CHUNK, at, bytes->size - HEADER);
    bytes->size += CHUNK;
    uint32_t metre = (uint32_t)lround(chart->resolution * POINTS_AN_INCH / 0.0254);
    unsigned char chunk[CHUNK] = {0, 0, 0, 9, 'p', 'H', 'Y', 's'};
    chunk[16] = 1; /* a metre */
    for (unsigned i = 0; i < 4; i++)
        chunk[8 + i] = chunk[12 + i] = (unsigned char)(metre >> (24 - 8 * i));
    uint32_t sum = (uint32_t)crc32(0, chunk + 4, CHUNK - 8);
    for (unsigned i = 0; i < 4; i++)
        chunk[17 + i] = (unsigned char)(sum >> (24 - 8 * i));
    memcpy(at, chunk, CHUNK);
    return 0;
}

int chart_close(struct chart *chart, struct error *error) {
    cairo_status_t status = cairo_status(chart->cr);
    if (status == CAIRO_STATUS_SUCCESS && chart->format == CHART_PNG)
        status =
            cairo_surface_write_to_png_stream(chart->surface, collect, chart->bytes);
    if (status == CAIRO_STATUS_SUCCESS && chart->format == CHART_PNG &&
        put_density(chart))
        status = CAIRO_STATUS_NO_MEMORY;
    cairo_surface_finish(chart->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(chart->surface);
    int result =
        status == CAIRO_STATUS_SUCCESS
            ? chart->page->png
                  ? hand_over(chart)
                  : draft_write_file(chart->path, chart->path, chart->bytes->data,
                                     chart->bytes->size, error)
            : error_set(error, "%s: %s", chart->path, cairo_status_to_string(status));
    chart_abandon(chart);
    return result;
}
