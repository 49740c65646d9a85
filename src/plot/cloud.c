/* Points in objective space: scatter and parallel coordinates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "results/ticks.h"

enum { LEGEND = 230 };

/* Lines of one ink are told apart by their dashes. */
static size_t dash_of(const struct plot_cloud *cloud, size_t series) {
    size_t before = 0;
    for (size_t s = 0; s < series; s++)
        before += cloud->series[s].ink == cloud->series[series].ink;
    return before;
}

static void legend(struct chart *chart, const struct plot_cloud *cloud, double x,
                   double y, bool lines) {
    for (size_t s = 0; s < cloud->series_count; s++) {
        const struct plot_series *series = &cloud->series[s];
        struct legend_entry entry = {.name = series->name,
                                     .ink = series->ink,
                                     .mark = series->mark,
                                     .marks = true,
                                     .line = lines || series->joined,
                                     .dash = lines ? dash_of(cloud, s) : 0};
        axes_legend(chart, x, y + 24 * (double)s, LEGEND - 30, &entry, 1);
    }
}

struct cloud_place {
    double x, y;
};

static int by_x(const void *a, const void *b) {
    const struct cloud_place *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

/* The line through the points of a series that are not dimmed. */
static void join(struct chart *chart, const struct axes *axes,
                 const struct plot_cloud *cloud, size_t series, size_t x, size_t y,
                 struct cloud_place *places) {
    size_t count = 0;
    for (size_t i = 0; i < cloud->count; i++) {
        const struct plot_point *p = &cloud->points[i];
        if (p->series == series && !p->dimmed && isfinite(p->values[x]) &&
            isfinite(p->values[y]))
            places[count++] = (struct cloud_place){axes_x(axes, p->values[x]),
                                                   axes_y(axes, p->values[y])};
    }
    qsort(places, count, sizeof *places, by_x);
    chart_colour(chart, cloud->series[series].ink, 0.6);
    cairo_set_line_width(chart->cr, 2);
    for (size_t i = 0; i < count; i++)
        if (i == 0)
            cairo_move_to(chart->cr, places[i].x, places[i].y);
        else
            cairo_line_to(chart->cr, places[i].x, places[i].y);
    cairo_stroke(chart->cr);
}

int plot_scatter(const struct plot_page *page, const struct plot_cloud *cloud, size_t x,
                 size_t y, struct error *error) {
    struct axes_range rx, ry;
    axes_range_begin(&rx);
    axes_range_begin(&ry);
    for (size_t i = 0; i < cloud->count; i++) {
        const double *v = cloud->points[i].values;
        if (isfinite(v[x]) && isfinite(v[y])) {
            axes_range_add(&rx, v[x]);
            axes_range_add(&ry, v[y]);
        }
    }
    axes_range_end(&rx);
    axes_range_end(&ry);
    struct cloud_place *places = array_new(cloud->count, sizeof *places);
    struct chart *chart;
    if (!places)
        return error_memory(error);
    if (chart_open(page, &chart, error)) {
        free(places);
        return -1;
    }
    struct axes axes = {.left = 80,
                        .top = 45,
                        .width = page->width - 80 - LEGEND,
                        .height = page->height - 45 - 60,
                        .x0 = rx.low,
                        .x1 = rx.high,
                        .y0 = ry.low,
                        .y1 = ry.high};
    axes_draw(chart, &axes, page->title, cloud->objectives[x], cloud->objectives[y]);
    for (size_t s = 0; s < cloud->series_count; s++)
        if (cloud->series[s].joined)
            join(chart, &axes, cloud, s, x, y, places);
    free(places);
    for (int dimmed = 1; dimmed >= 0; dimmed--)
        for (size_t i = 0; i < cloud->count; i++) {
            const struct plot_point *p = &cloud->points[i];
            if (p->dimmed != dimmed || !isfinite(p->values[x]) ||
                !isfinite(p->values[y]))
                continue;
            const struct plot_series *series = &cloud->series[p->series];
            chart_colour(chart, series->ink, dimmed ? 0.4 : 1);
            chart_mark(chart, axes_x(&axes, p->values[x]), axes_y(&axes, p->values[y]),
                       series->mark, dimmed ? 4 : 6);
        }
    legend(chart, cloud, page->width - LEGEND + 20, axes.top + 14, false);
    return chart_close(chart, error);
}

int plot_parallel(const struct plot_page *page, const struct plot_cloud *cloud,
                  struct error *error) {
    size_t n = cloud->objective_count;
    struct chart *chart;
    if (n < 2)
        return error_set(error, "parallel coordinates need at least two objectives");
    struct axes_range range;
    axes_range_begin(&range);
    for (size_t i = 0; i < cloud->count; i++)
        for (size_t k = 0; k < n; k++)
            axes_range_add(&range, cloud->points[i].values[k]);
    axes_range_end(&range);
    if (chart_open(page, &chart, error))
        return -1;
    cairo_t *cr = chart->cr;
    struct axes axes = {.left = 80,
                        .top = 70,
                        .width = page->width - 110 - LEGEND,
                        .height = page->height - 70 - 40,
                        .x0 = 0,
                        .x1 = (double)(n - 1),
                        .y0 = range.low,
                        .y1 = range.high};
    struct ticks ticks = ticks_of(axes.y0, axes.y1, (size_t)fmax(2, axes.height / 45));
    for (size_t k = 0; k < n; k++) {
        double x = axes_x(&axes, (double)k);
        cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
        cairo_set_line_width(cr, 1.5);
        cairo_move_to(cr, x, axes.top);
        cairo_line_to(cr, x, axes.top + axes.height);
        cairo_stroke(cr);
        chart_text(chart, x, axes.top - 18, CHART_TEXT, 0.5, cloud->objectives[k]);
    }
    for (size_t i = 0; i < ticks.count; i++) {
        double v = ticks_at(&ticks, i);
        char text[32];
        ticks_text(&ticks, i, text, sizeof text);
        cairo_set_source_rgb(cr, 0.88, 0.88, 0.88);
        cairo_set_line_width(cr, 1);
        cairo_move_to(cr, axes.left, axes_y(&axes, v));
        cairo_line_to(cr, axes.left + axes.width, axes_y(&axes, v));
        cairo_stroke(cr);
        chart_text(chart, axes.left - 10, axes_y(&axes, v), CHART_SMALL, 1, text);
    }
    for (int dimmed = 1; dimmed >= 0; dimmed--)
        for (size_t i = 0; i < cloud->count; i++) {
            const struct plot_point *p = &cloud->points[i];
            if (p->dimmed != dimmed)
                continue;
            const struct plot_series *series = &cloud->series[p->series];
            chart_colour(chart, series->ink, dimmed ? 0.2 : 0.8);
            cairo_set_line_width(cr, dimmed ? 1.2 : 2);
            chart_dash(chart, dash_of(cloud, p->series));
            bool open = false;
            for (size_t k = 0; k < n; k++) {
                if (!isfinite(p->values[k])) {
                    open = false;
                    continue;
                }
                double x = axes_x(&axes, (double)k), y = axes_y(&axes, p->values[k]);
                if (open)
                    cairo_line_to(cr, x, y);
                else
                    cairo_move_to(cr, x, y);
                open = true;
            }
            cairo_stroke(cr);
            for (size_t k = 0; !dimmed && k < n; k++)
                if (isfinite(p->values[k]))
                    chart_mark(chart, axes_x(&axes, (double)k),
                               axes_y(&axes, p->values[k]), series->mark, 4);
        }
    chart_dash(chart, 0);
    if (page->title)
        chart_text(chart, axes.left + axes.width / 2, 22, CHART_TITLE, 0.5,
                   page->title);
    legend(chart, cloud, page->width - LEGEND + 20, axes.top + 14, true);
    return chart_close(chart, error);
}
