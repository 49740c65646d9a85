/* Preferences over three tasks as a triangle, figures as surfaces over it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "plot/triangles.h"
#include "results/ticks.h"

/* Preferences that fall into one cell of a grid of STEPS are one point, their mean. */
enum { STEPS = 48, MARKS_MAX = 250 };

struct panel_samples {  /* the points of one panel */
    double (*place)[2]; /* in a triangle of height 1 */
    double *value;
    size_t count;
    struct triangle *triangles;
    size_t triangle_count;
    struct axes_range range;
};

/* Corners of a triangle of side 1: the first task on top, the second left, the third
 * right; y downwards. */
static const double corner_x[3] = {0.5, 0, 1};
static const double corner_y[3] = {0, 0.8660254037844386, 0.8660254037844386};

static void place_of(const double *r, double place[2]) {
    place[0] = r[0] * corner_x[0] + r[1] * corner_x[1] + r[2] * corner_x[2];
    place[1] = r[0] * corner_y[0] + r[1] * corner_y[1] + r[2] * corner_y[2];
}

static void samples_clear(struct panel_samples *s) {
    free(s->place);
    free(s->value);
    free(s->triangles);
}

struct binned {
    unsigned cell;
    size_t point;
};

static int by_cell(const void *a, const void *b) {
    const struct binned *p = a, *q = b;
    return p->cell != q->cell ? (p->cell > q->cell) - (p->cell < q->cell)
                              : (p->point > q->point) - (p->point < q->point);
}

static bool is_there(const struct plot_surface *d, size_t i, size_t panel) {
    const double *r = d->preferences + 3 * i;
    return isfinite(d->values[i * d->panel_count + panel]) && isfinite(r[0]) &&
           isfinite(r[1]) && isfinite(r[2]);
}

/* Points of one cell become their mean. */
static void gather(const struct plot_surface *d, size_t panel, struct binned *binned,
                   size_t count, struct panel_samples *s) {
    size_t in_cell = 0;
    for (size_t i = 0; i < count; i++) {
        const double *r = d->preferences + 3 * binned[i].point;
        double place[2], value = d->values[binned[i].point * d->panel_count + panel];
        place_of(r, place);
        if (i && binned[i].cell == binned[i - 1].cell) {
            double part = 1 / (double)++in_cell;
            size_t last = s->count - 1;
            for (size_t k = 0; k < 2; k++)
                s->place[last][k] += part * (place[k] - s->place[last][k]);
            s->value[last] += part * (ticks_clamp(value) - s->value[last]);
        } else {
            in_cell = 1;
            s->place[s->count][0] = place[0];
            s->place[s->count][1] = place[1];
            s->value[s->count++] = ticks_clamp(value);
        }
    }
}

static int samples_make(const struct plot_surface *d, size_t panel,
                        struct panel_samples *s, struct error *error) {
    *s = (struct panel_samples){.place = array_new(d->count, sizeof *s->place),
                                .value = array_new(d->count, sizeof *s->value)};
    struct binned *binned = array_new(d->count, sizeof *binned);
    size_t count = 0;
    int result = s->place && s->value && binned ? 0 : error_memory(error);
    for (size_t i = 0; result == 0 && i < d->count; i++)
        if (is_there(d, i, panel)) {
            const double *r = d->preferences + 3 * i;
            unsigned a = (unsigned)lround(fmax(0, fmin(1, r[0])) * STEPS);
            unsigned b = (unsigned)lround(fmax(0, fmin(1, r[1])) * STEPS);
            binned[count++] = (struct binned){a * (STEPS + 1) + b, i};
        }
    if (result == 0 && count)
        qsort(binned, count, sizeof *binned, by_cell);
    if (result == 0)
        gather(d, panel, binned, count, s);
    free(binned);
    axes_range_begin(&s->range);
    for (size_t i = 0; result == 0 && i < s->count; i++)
        axes_range_add(&s->range, s->value[i]);
    if (s->range.low == s->range.high || s->count == 0)
        axes_range_end(&s->range);
    if (result == 0 && s->count)
        result = triangles_make(&s->place[0][0], s->count, &s->triangles,
                                &s->triangle_count, error);
    if (result)
        samples_clear(s);
    return result;
}

/* --- drawing ---------------------------------------------------------------------- */

struct panel {
    struct chart *chart;
    const struct panel_samples *samples;
    double left, top, side; /* of the triangle */
};

static double page_x(const struct panel *p, double x) {
    return p->left + p->side * x;
}

static double page_y(const struct panel *p, double y) {
    return p->top + p->side * y;
}

static double share(const struct panel_samples *s, double value) {
    return (value - s->range.low) / (s->range.high - s->range.low);
}

/* What of a triangle is not below a value is a polygon of at most four corners. */
static void trace_above(const struct panel *p, const struct triangle *t, double low) {
    const struct panel_samples *s = p->samples;
    bool any = false;
    cairo_new_sub_path(p->chart->cr);
    for (size_t k = 0; k < 3; k++) {
        size_t a = t->corner[k], b = t->corner[(k + 1) % 3];
        double from = s->value[a] - low, to = s->value[b] - low;
        if (from >= 0)
            cairo_line_to(p->chart->cr, page_x(p, s->place[a][0]),
                          page_y(p, s->place[a][1]));
        if ((from >= 0) != (to >= 0)) {
            double part = from / (from - to);
            cairo_line_to(
                p->chart->cr,
                page_x(p, s->place[a][0] + part * (s->place[b][0] - s->place[a][0])),
                page_y(p, s->place[a][1] + part * (s->place[b][1] - s->place[a][1])));
        }
        any = any || from >= 0 || to >= 0;
    }
    if (any)
        cairo_close_path(p->chart->cr);
}

/* Level over level, each one path of all its pieces and with a fine border, so that no
 * seams are seen between them. */
static void fill_surface(const struct panel *p) {
    enum { LEVELS = 24 };
    const struct panel_samples *s = p->samples;
    cairo_t *cr = p->chart->cr;
    chart_width(p->chart, 0.6);
    for (size_t l = 0; l < LEVELS; l++) {
        double step = (s->range.high - s->range.low) / LEVELS;
        cairo_new_path(cr);
        for (size_t i = 0; i < s->triangle_count; i++)
            trace_above(p, &s->triangles[i],
                        l ? s->range.low + step * (double)l : -INFINITY);
        chart_scale_colour(p->chart, ((double)l + 0.5) / LEVELS);
        cairo_fill_preserve(cr);
        cairo_stroke(cr);
    }
}

/* Where the surface has the values of the scale's ticks. */
static void draw_contours(const struct panel *p, const struct ticks *ticks) {
    const struct panel_samples *s = p->samples;
    cairo_t *cr = p->chart->cr;
    chart_width(p->chart, 0.8);
    cairo_set_source_rgba(cr, 1, 1, 1, 0.65);
    for (size_t l = 0; l < ticks->count; l++)
        for (size_t i = 0; i < s->triangle_count; i++) {
            const size_t *c = s->triangles[i].corner;
            for (size_t k = 0; k < 3; k++) {
                size_t a = c[k], b = c[(k + 1) % 3];
                double from = s->value[a] - ticks_at(ticks, l);
                double to = s->value[b] - ticks_at(ticks, l);
                if ((from < 0) == (to < 0))
                    continue;
                double part = from / (from - to);
                double x = s->place[a][0] + part * (s->place[b][0] - s->place[a][0]);
                double y = s->place[a][1] + part * (s->place[b][1] - s->place[a][1]);
                if (cairo_has_current_point(cr))
                    cairo_line_to(cr, page_x(p, x), page_y(p, y));
                else
                    cairo_move_to(cr, page_x(p, x), page_y(p, y));
            }
            cairo_stroke(cr);
        }
}

static void draw_samples(const struct panel *p) {
    const struct panel_samples *s = p->samples;
    bool surface = s->triangle_count > 0;
    for (size_t i = 0; s->count <= MARKS_MAX && i < s->count; i++) {
        double x = page_x(p, s->place[i][0]), y = page_y(p, s->place[i][1]);
        if (surface)
            cairo_set_source_rgba(p->chart->cr, 1, 1, 1, 0.8);
        else
            chart_scale_colour(p->chart, share(s, s->value[i]));
        chart_mark(p->chart, x, y, MARK_FRONT, surface ? 1.8 : 7);
    }
}

/* The border, and on each edge the weights of the task that it leads to. */
static void draw_border(const struct panel *p, const char *const corners[3]) {
    struct chart *chart = p->chart;
    double unit = chart->unit;
    char text[200];
    chart_shade(chart, SHADE_FRAME, 1);
    chart_width(chart, 1.2);
    for (int c = 0; c < 3; c++)
        cairo_line_to(chart->cr, page_x(p, corner_x[c]), page_y(p, corner_y[c]));
    cairo_close_path(chart->cr);
    cairo_stroke(chart->cr);
    bool numbers = p->side > 150 * unit;
    for (int c = 0; numbers && c < 3; c++) {
        int from = (c + 1) % 3; /* along the edge from that corner to this */
        double out_x = c == 0 ? -1 : c == 1 ? 0 : 1, out_y = c == 1 ? 1 : -0.3;
        for (int k = 1; k < 5; k++) {
            double at = k / 5.0;
            double x = page_x(p, at * corner_x[c] + (1 - at) * corner_x[from]);
            double y = page_y(p, at * corner_y[c] + (1 - at) * corner_y[from]);
            snprintf(text, sizeof text, "%.1f", at);
            chart_shade(chart, SHADE_FRAME, 1);
            chart_line(chart, x, y, x + 4 * unit * out_x, y + 4 * unit * out_y);
            chart_text(chart, x + 7 * unit * out_x, y + 12 * unit * out_y,
                       0.75 * CHART_SMALL, (1 - out_x) / 2, text);
        }
    }
    /* Side by side, and on a small one a little beyond its sides. */
    double room = fmax(0.7 * p->side, fmin(p->side - 6 * unit, 84 * unit));
    for (int c = 0; c < 3; c++)
        chart_text(
            chart, page_x(p, corner_x[c]),
            page_y(p, corner_y[c]) + (c ? (numbers ? 28 : 14) : -12) * unit,
            CHART_SMALL, 0.5,
            chart_text_fit(chart, CHART_SMALL, room, corners[c], text, sizeof text));
}

static void draw_bar(const struct panel *p, double x, double top, double height,
                     const struct ticks *ticks, const char *label) {
    struct chart *chart = p->chart;
    const struct panel_samples *s = p->samples;
    double unit = chart->unit, widest = 0;
    char text[200];
    chart_scale_bar(chart, x, top, 14 * unit, height);
    for (size_t i = 0; i < ticks->count; i++) {
        double y = top + height * (1 - share(s, ticks_at(ticks, i)));
        ticks_text(ticks, i, text, sizeof text);
        widest = fmax(widest, chart_text_width(chart, CHART_SMALL, text));
        chart_shade(chart, SHADE_FRAME, 1);
        chart_width(chart, 1);
        chart_line(chart, x + 14 * unit, y, x + 18 * unit, y);
        chart_text(chart, x + 22 * unit, y, CHART_SMALL, 0, text);
    }
    chart_text_turned(chart, x + 36 * unit + widest, top + height / 2, -M_PI / 2,
                      CHART_SMALL, 0.5,
                      chart_text_fit(chart, CHART_SMALL, height + 60 * unit, label,
                                     text, sizeof text));
}

static void draw_panel(struct chart *chart, const struct panel_samples *samples,
                       const struct plot_surface *d, size_t k, double left, double top,
                       double width, double height) {
    double unit = chart->unit, bar = 96 * unit;
    double room_y = height - 64 * unit, room_x = width - bar - 70 * unit;
    struct panel p = {chart, samples, 0, 0, fmin(room_x, room_y / corner_y[1])};
    p.left = left + 40 * unit + (room_x - p.side) / 2;
    p.top = top + 24 * unit + (room_y - p.side * corner_y[1]) / 2;
    double tall = p.side * corner_y[1];
    struct ticks ticks = ticks_of(samples->range.low, samples->range.high,
                                  (size_t)fmax(3, tall / (40 * unit)));
    fill_surface(&p);
    draw_contours(&p, &ticks);
    draw_samples(&p);
    draw_border(&p, d->corners);
    draw_bar(&p, p.left + p.side + 44 * unit, p.top, tall, &ticks, d->panels[k]);
}

int plot_ternary(const struct plot_page *page, const struct plot_surface *d,
                 struct error *error) {
    struct chart *chart = NULL;
    struct panel_samples *samples = array_new(d->panel_count, sizeof *samples);
    size_t made = 0, n = d->panel_count;
    int result = samples ? 0 : error_memory(error);
    while (result == 0 && made < n) {
        result = samples_make(d, made, &samples[made], error);
        made += result == 0;
    }
    if (result == 0)
        result = chart_open(page, &chart, error);
    if (result == 0) {
        size_t columns = (size_t)ceil(sqrt((double)n)),
               rows = (n + columns - 1) / columns;
        double top = axes_title(chart, 0, page->width, page->title) + 8 * chart->unit;
        double width = page->width / (double)columns;
        double height = (page->height - top) / (double)rows;
        for (size_t k = 0; k < n; k++)
            draw_panel(chart, &samples[k], d, k, width * (double)(k % columns),
                       top + height * (double)(k / columns), width, height);
        result = chart_close(chart, error);
    }
    for (size_t k = 0; k < made; k++)
        samples_clear(&samples[k]);
    free(samples);
    return result;
}
