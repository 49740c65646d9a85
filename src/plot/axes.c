#include "plot/axes.h"

#include <math.h>

#include "results/ticks.h"

void axes_range_begin(struct axes_range *range) {
    range->low = INFINITY;
    range->high = -INFINITY;
}

void axes_range_add(struct axes_range *range, double value) {
    if (!isfinite(value))
        return;
    value = ticks_clamp(value);
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

void axes_range_end(struct axes_range *range) {
    if (!(range->low <= range->high)) {
        range->low = 0;
        range->high = 1;
    }
    double margin = 0.05 * (range->high - range->low);
    if (margin < 1e-9 * fmax(fabs(range->low), fabs(range->high)) || margin == 0)
        margin = fmax(1e-3, 0.05 * fabs(range->high));
    range->low -= margin;
    range->high += margin;
}

/* Cairo's own coordinates have 24 bits before the point. */
static double on_page(double at) {
    return fmax(-1e5, fmin(1e5, at));
}

double axes_x(const struct axes *a, double value) {
    return on_page(a->left + a->width * (value - a->x0) / (a->x1 - a->x0));
}

double axes_y(const struct axes *a, double value) {
    return on_page(a->top + a->height * (1 - (value - a->y0) / (a->y1 - a->y0)));
}

/* --- ticks ------------------------------------------------------------------------ */

static struct ticks ticks_up(const struct chart *chart, double y0, double y1,
                             double height) {
    size_t most = (size_t)fmax(2, height / (38 * chart->unit));
    struct ticks ticks = ticks_of(y0, y1, most);
    /* Three where there is any room: less does not tell a scale. */
    while (ticks.count < 3 && (double)++most < height / (15 * chart->unit))
        ticks = ticks_of(y0, y1, most);
    return ticks;
}

static double widest_number(struct chart *chart, const struct ticks *ticks) {
    char text[40];
    double widest = 0;
    for (size_t i = 0; i < ticks->count; i++)
        widest =
            fmax(widest, chart_text_width(chart, CHART_SMALL,
                                          ticks_text(ticks, i, text, sizeof text)));
    return widest;
}

/* As many as stand side by side with room between them. */
static struct ticks ticks_along(struct chart *chart, const struct axes *a) {
    size_t most = (size_t)fmax(2, a->width / (40 * chart->unit));
    struct ticks ticks = ticks_of(a->x0, a->x1, most);
    double gap = 12 * chart->unit;
    while (most > 1 &&
           (double)(ticks.count - 1) * (widest_number(chart, &ticks) + gap) > a->width)
        ticks = ticks_of(a->x0, a->x1, --most);
    while (a->whole && ticks.step < 1 && most > 1)
        ticks = ticks_of(a->x0, a->x1, --most);
    return ticks;
}

double axes_margin_left(struct chart *chart, double y0, double y1, double height,
                        const char *label) {
    struct ticks ticks = ticks_up(chart, y0, y1, height);
    return widest_number(chart, &ticks) + (label ? 40 : 16) * chart->unit;
}

double axes_margin_below(const struct chart *chart, const char *label) {
    return (label ? 56 : 30) * chart->unit;
}

double axes_title(struct chart *chart, double left, double width, const char *title) {
    char text[256];
    if (!title)
        return 0;
    chart_text_fit(chart, CHART_TITLE, width, title, text, sizeof text);
    chart_text(chart, left + width / 2, 20 * chart->unit, CHART_TITLE, 0.5, text);
    return 26 * chart->unit;
}

/* --- a frame ---------------------------------------------------------------------- */

static void draw_across(struct chart *chart, const struct axes *a) {
    struct ticks ticks = ticks_along(chart, a);
    double bottom = a->top + a->height;
    char text[40];
    for (size_t i = 0; i < ticks.count; i++) {
        double x = axes_x(a, ticks_at(&ticks, i));
        if (a->whole && ticks.step < 1 && fmod(ticks_at(&ticks, i), 1) != 0)
            continue;
        chart_shade(chart, SHADE_GRID, 1);
        chart_line(chart, x, a->top, x, bottom);
        if (!a->no_x_numbers)
            chart_text(chart, x, bottom + 13 * chart->unit, CHART_SMALL, 0.5,
                       ticks_text(&ticks, i, text, sizeof text));
    }
}

static void draw_up(struct chart *chart, const struct axes *a) {
    struct ticks ticks = ticks_up(chart, a->y0, a->y1, a->height);
    char text[40];
    for (size_t i = 0; i < ticks.count; i++) {
        double y = axes_y(a, ticks_at(&ticks, i));
        chart_shade(chart, SHADE_GRID, 1);
        chart_line(chart, a->left, y, a->left + a->width, y);
        if (!a->no_y_numbers)
            chart_text(chart, a->left - 7 * chart->unit, y, CHART_SMALL, 1,
                       ticks_text(&ticks, i, text, sizeof text));
    }
}

void axes_draw(struct chart *chart, const struct axes *a, const char *title,
               const char *x_label, const char *y_label) {
    cairo_t *cr = chart->cr;
    double unit = chart->unit, middle = a->left + a->width / 2;
    char text[256];
    cairo_save(cr);
    chart_width(chart, 1);
    draw_across(chart, a);
    draw_up(chart, a);
    chart_shade(chart, SHADE_FRAME, 1);
    cairo_rectangle(cr, a->left, a->top, a->width, a->height);
    cairo_stroke(cr);
    cairo_restore(cr);
    if (x_label)
        chart_text(chart, middle, a->top + a->height + 38 * unit, CHART_TEXT, 0.5,
                   chart_text_fit(chart, CHART_TEXT, a->width + 60 * unit, x_label,
                                  text, sizeof text));
    if (y_label) {
        struct ticks ticks = ticks_up(chart, a->y0, a->y1, a->height);
        chart_text_turned(chart, a->left - widest_number(chart, &ticks) - 24 * unit,
                          a->top + a->height / 2, -M_PI / 2, CHART_TEXT, 0.5,
                          chart_text_fit(chart, CHART_TEXT, a->height + 30 * unit,
                                         y_label, text, sizeof text));
    }
    if (title)
        chart_text(
            chart, middle, a->top - 11 * unit, CHART_SMALL, 0.5,
            chart_text_fit(chart, CHART_SMALL, a->width, title, text, sizeof text));
}
