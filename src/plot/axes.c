#include "plot/axes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
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

static void line(cairo_t *cr, double x0, double y0, double x1, double y1) {
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

void axes_draw(struct chart *chart, const struct axes *a, const char *title,
               const char *x_label, const char *y_label) {
    cairo_t *cr = chart->cr;
    char text[40];
    double right = a->left + a->width, bottom = a->top + a->height, widest = 0;
    struct ticks ticks = ticks_of(a->x0, a->x1, (size_t)fmax(2, a->width / 80));
    cairo_save(cr);
    cairo_set_line_width(cr, 1);
    for (size_t i = 0; i < ticks.count; i++) {
        double x = axes_x(a, ticks_at(&ticks, i));
        cairo_set_source_rgb(cr, 0.88, 0.88, 0.88);
        line(cr, x, a->top, x, bottom);
        ticks_text(&ticks, i, text, sizeof text);
        chart_text(chart, x, bottom + 14, CHART_SMALL, 0.5, text);
    }
    ticks = ticks_of(a->y0, a->y1, (size_t)fmax(2, a->height / 45));
    for (size_t i = 0; i < ticks.count; i++) {
        double y = axes_y(a, ticks_at(&ticks, i));
        cairo_set_source_rgb(cr, 0.88, 0.88, 0.88);
        line(cr, a->left, y, right, y);
        if (a->no_y_numbers)
            continue;
        ticks_text(&ticks, i, text, sizeof text);
        widest = fmax(widest, chart_text_width(chart, CHART_SMALL, text));
        chart_text(chart, a->left - 7, y, CHART_SMALL, 1, text);
    }
    cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
    cairo_rectangle(cr, a->left, a->top, a->width, a->height);
    cairo_stroke(cr);
    cairo_restore(cr);
    if (x_label)
        chart_text(chart, a->left + a->width / 2, bottom + 38, CHART_TEXT, 0.5,
                   x_label);
    if (y_label)
        chart_text_up(chart, a->left - widest - 24, a->top + a->height / 2, CHART_TEXT,
                      y_label);
    if (title)
        chart_text(chart, a->left + a->width / 2, a->top - 16, CHART_TITLE, 0.5, title);
}

/* The longest beginning of name that fits, with an ellipsis where it is cut. */
static void fit(struct chart *chart, const char *name, double width, char *out,
                size_t size) {
    snprintf(out, size, "%s", name);
    size_t length = strlen(out);
    while (length > 1 && chart_text_width(chart, CHART_TEXT, out) > width) {
        do
            length--;
        while (length > 1 && text_continues(name[length]));
        snprintf(out, size, "%.*s...", (int)length, name);
    }
}

void axes_legend(struct chart *chart, double x, double y, double width,
                 const struct legend_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++, y += 24) {
        const struct legend_entry *e = &entries[i];
        char name[256];
        cairo_save(chart->cr);
        chart_colour(chart, e->ink, 1);
        if (e->line) {
            cairo_set_line_width(chart->cr, 2.5);
            chart_dash(chart, e->dash);
            line(chart->cr, x, y, x + 30, y);
        }
        if (e->marks)
            chart_mark(chart, x + 15, y, e->mark, 6);
        cairo_restore(chart->cr);
        fit(chart, e->name, width - 38, name, sizeof name);
        chart_text(chart, x + 38, y, CHART_TEXT, 0, name);
    }
}
