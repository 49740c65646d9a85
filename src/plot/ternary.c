/* Preferences over three tasks as a triangle. */
#include <math.h>
#include <stdio.h>

#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "results/ticks.h"

static void scale_bar(struct chart *chart, double x, double top, double height,
                      const struct axes_range *range, const char *label) {
    enum { STEPS = 100 };
    for (size_t i = 0; i < STEPS; i++) {
        chart_scale_colour(chart, ((double)i + 0.5) / STEPS);
        /* A little overlap: no hair lines between the steps. */
        cairo_rectangle(chart->cr, x, top + height * (1 - ((double)i + 1) / STEPS), 22,
                        height / STEPS + 1);
        cairo_fill(chart->cr);
    }
    struct ticks ticks = ticks_of(range->low, range->high, 6);
    for (size_t i = 0; i < ticks.count; i++) {
        double v = ticks_at(&ticks, i);
        char text[32];
        ticks_text(&ticks, i, text, sizeof text);
        chart_text(chart, x + 30,
                   top + height * (1 - (v - range->low) / (range->high - range->low)),
                   CHART_SMALL, 0, text);
    }
    chart_text_up(chart, x + 84, top + height / 2, CHART_TEXT, label);
}

int plot_ternary(const struct plot_page *page, const char *const corners[3],
                 const double *preferences, const double *values, size_t count,
                 const char *value_label, struct error *error) {
    struct chart *chart;
    struct axes_range range;
    axes_range_begin(&range);
    for (size_t i = 0; i < count; i++)
        axes_range_add(&range, values[i]);
    axes_range_end(&range);
    if (chart_open(page, &chart, error))
        return -1;
    cairo_t *cr = chart->cr;
    double room_x = page->width - 240, room_y = page->height - 150;
    double side = fmin(room_x, room_y / (sqrt(3) / 2));
    double left = 60 + (room_x - side) / 2, bottom = page->height - 60;
    /* The first task on top, the second left, the third right. */
    double x[3] = {left + side / 2, left, left + side};
    double y[3] = {bottom - side * sqrt(3) / 2, bottom, bottom};
    cairo_set_line_width(cr, 1);
    cairo_set_source_rgb(cr, 0.85, 0.85, 0.85);
    for (int k = 1; k < 5; k++) /* lines of equal weight, every fifth */
        for (int c = 0; c < 3; c++) {
            double at = k / 5.0;
            int a = (c + 1) % 3, b = (c + 2) % 3;
            cairo_move_to(cr, at * x[c] + (1 - at) * x[a], at * y[c] + (1 - at) * y[a]);
            cairo_line_to(cr, at * x[c] + (1 - at) * x[b], at * y[c] + (1 - at) * y[b]);
            cairo_stroke(cr);
        }
    cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
    cairo_set_line_width(cr, 1.5);
    cairo_move_to(cr, x[0], y[0]);
    cairo_line_to(cr, x[1], y[1]);
    cairo_line_to(cr, x[2], y[2]);
    cairo_close_path(cr);
    cairo_stroke(cr);
    double radius = fmax(5, fmin(16, 0.35 * side / sqrt(2.0 * (double)count + 1)));
    for (size_t i = 0; i < count; i++) {
        const double *r = preferences + 3 * i;
        if (!isfinite(values[i]))
            continue;
        chart_scale_colour(chart, (values[i] - range.low) / (range.high - range.low));
        chart_mark(chart, r[0] * x[0] + r[1] * x[1] + r[2] * x[2],
                   r[0] * y[0] + r[1] * y[1] + r[2] * y[2], MARK_FRONT, radius);
    }
    chart_text(chart, x[0], y[0] - 26, CHART_TEXT, 0.5, corners[0]);
    chart_text(chart, x[1], y[1] + 30, CHART_TEXT, 0.5, corners[1]);
    chart_text(chart, x[2], y[2] + 30, CHART_TEXT, 0.5, corners[2]);
    if (page->title)
        chart_text(chart, left + side / 2, 22, CHART_TITLE, 0.5, page->title);
    scale_bar(chart, page->width - 130, 90, page->height - 180, &range, value_label);
    return chart_close(chart, error);
}
