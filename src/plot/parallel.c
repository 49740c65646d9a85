/* Parallel coordinates: an upright axis for each objective, better up. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plot/axes.h"
#include "plot/bundles.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "plot/legend.h"
#include "results/ticks.h"

/* From MANY lines on they are pale, bundled and one picture in the file. Of FEW each
 * has marks. */
enum { MANY = 200, FEW = 24, NAME_MAX_WIDTH = 170 };

struct parallel {
    struct chart *chart;
    const struct plot_cloud *cloud;
    struct axes axes;            /* x from 0 to the last objective */
    struct axes_range *ranges;   /* [objectives] */
    double *heights;             /* [count, objectives]: 0 at the foot of an axis, 1 */
    unsigned char *bundle;       /* [count] */
    double *centres;             /* [BUNDLES_MAX, objectives] */
    size_t *members;             /* [series] */
    bool turned;                 /* names of the axes */
    double name_most, name_room; /* the width of one; above the axes */
    struct legend_entry *entries;
};

static bool is_less(const struct parallel *p, size_t k) {
    return p->cloud->less && p->cloud->less[k];
}

static double height_of(const struct parallel *p, size_t k, double value) {
    const struct axes_range *r = &p->ranges[k];
    double at = (value - r->low) / (r->high - r->low);
    return is_less(p, k) ? 1 - at : at;
}

static double page_y(const struct parallel *p, double height) {
    return p->axes.top + p->axes.height * (1 - height);
}

static double page_x(const struct parallel *p, size_t k) {
    return axes_x(&p->axes, (double)k);
}

/* Lines of one ink are told apart by their dashes. */
static size_t dash_of(const struct plot_cloud *cloud, size_t series) {
    size_t before = 0;
    for (size_t s = 0; s < series; s++)
        before += cloud->series[s].ink == cloud->series[series].ink;
    return before;
}

/* --- ranges ----------------------------------------------------------------------- */

static void find_ranges(struct parallel *p) {
    const struct plot_cloud *cloud = p->cloud;
    size_t n = cloud->objective_count;
    struct axes_range all;
    axes_range_begin(&all);
    for (size_t k = 0; k < n; k++) {
        axes_range_begin(&p->ranges[k]);
        for (size_t i = 0; i < cloud->count; i++) {
            axes_range_add(&p->ranges[k], cloud->points[i].values[k]);
            axes_range_add(&all, cloud->points[i].values[k]);
        }
        axes_range_end(&p->ranges[k]);
    }
    axes_range_end(&all);
    for (size_t k = 0; cloud->alike && k < n; k++)
        p->ranges[k] = all;
    for (size_t i = 0; i < cloud->count; i++)
        for (size_t k = 0; k < n; k++) {
            double value = cloud->points[i].values[k];
            p->heights[i * n + k] =
                isfinite(value) ? height_of(p, k, ticks_clamp(value)) : (double)NAN;
        }
}

/* --- lines ------------------------------------------------------------------------ */

/* Straight from axis to axis. */
static void trace(const struct parallel *p, size_t point) {
    size_t n = p->cloud->objective_count;
    const double *h = p->heights + point * n;
    bool open = false;
    for (size_t k = 0; k < n; k++) {
        if (isfinite(h[k]) && open)
            cairo_line_to(p->chart->cr, page_x(p, k), page_y(p, h[k]));
        else if (isfinite(h[k]))
            cairo_move_to(p->chart->cr, page_x(p, k), page_y(p, h[k]));
        open = isfinite(h[k]);
    }
}

/* Between two axes drawn a third of the way to the middle of its bundle; exact on the
 * axes. */
static void trace_bundled(const struct parallel *p, size_t point) {
    size_t n = p->cloud->objective_count;
    const double *h = p->heights + point * n;
    const double *c = p->centres + p->bundle[point] * n;
    cairo_t *cr = p->chart->cr;
    for (size_t k = 0; k + 1 < n; k++) {
        if (!isfinite(h[k]) || !isfinite(h[k + 1]))
            continue;
        double x0 = page_x(p, k), x1 = page_x(p, k + 1), third = (x1 - x0) / 3;
        double to = (c[k] + c[k + 1] - h[k] - h[k + 1]) / 6; /* how far it is drawn */
        double a = h[k] + (h[k + 1] - h[k]) / 3 + to * 4 / 3;
        double b = h[k] + (h[k + 1] - h[k]) * 2 / 3 + to * 4 / 3;
        cairo_move_to(cr, x0, page_y(p, h[k]));
        cairo_curve_to(cr, x0 + third, page_y(p, a), x1 - third, page_y(p, b), x1,
                       page_y(p, h[k + 1]));
    }
}

static void draw_marks(struct parallel *p, size_t point, enum mark mark,
                       double radius) {
    size_t n = p->cloud->objective_count;
    const double *h = p->heights + point * n;
    for (size_t k = 0; k < n; k++)
        if (isfinite(h[k]))
            chart_mark(p->chart, page_x(p, k), page_y(p, h[k]), mark, radius);
}

static bool is_alone(const struct parallel *p, size_t point) {
    return p->members[p->cloud->points[point].series] == 1;
}

/* 0: dominated, 1: not, 2: alone in its series, or a knee, 3: what is looked at. */
static unsigned layer_of(const struct parallel *p, size_t point) {
    return p->cloud->series[p->cloud->points[point].series].now ? 3
           : is_alone(p, point) || p->cloud->points[point].knee
               ? 2
               : !p->cloud->points[point].dimmed;
}

static void draw_many(struct parallel *p, unsigned layer, size_t count) {
    struct chart_layer picture;
    double base = layer ? 0.5 : 0.25;
    double alpha = fmax(0.02, fmin(base, base * 50 / (double)count + 0.02));
    chart_layer_begin(p->chart, &picture, p->axes.left, p->axes.top, p->axes.width,
                      p->axes.height);
    chart_width(p->chart, 1);
    for (size_t i = 0; i < p->cloud->count; i++)
        if (layer_of(p, i) == layer) {
            chart_colour(p->chart, p->cloud->series[p->cloud->points[i].series].ink,
                         alpha);
            trace_bundled(p, i);
            cairo_stroke(p->chart->cr);
        }
    chart_layer_end(p->chart, &picture);
}

/* How a line of a layer with so many lines is drawn. */
struct stroke {
    double alpha, width, mark; /* mark 0: without */
};
static struct stroke stroke_of(unsigned layer, size_t count) {
    static const struct stroke layers[4] = {
        {0.25, 1.1, 0}, {0.9, 2, 4.5}, {0.9, 2, 4.5}, {1, 3, 7}};
    return layer == 1 && count > FEW ? (struct stroke){0.45, 1.3, 0} : layers[layer];
}

static void draw_one(struct parallel *p, size_t point, struct stroke stroke,
                     unsigned layer) {
    size_t s = p->cloud->points[point].series;
    struct chart *chart = p->chart;
    bool knee = p->cloud->points[point].knee;
    if (layer == 3) {
        chart_shade(chart, SHADE_PAPER, 0.9);
        chart_width(chart, 6);
        trace(p, point);
        cairo_stroke(chart->cr);
    }
    chart_colour(chart, p->cloud->series[s].ink, stroke.alpha);
    chart_width(chart, stroke.width);
    chart_dash(chart, layer == 2 && !knee ? dash_of(p->cloud, s) : 0);
    trace(p, point);
    cairo_stroke(chart->cr);
    chart_dash(chart, 0);
    if (stroke.mark > 0)
        draw_marks(p, point, p->cloud->series[s].mark, stroke.mark);
    if (knee) {
        chart_shade(chart, SHADE_TEXT, 1);
        draw_marks(p, point, MARK_KNEE, 6.5);
    }
}

static void draw_few(struct parallel *p, unsigned layer, size_t count) {
    for (size_t i = 0; i < p->cloud->count; i++)
        if (layer_of(p, i) == layer)
            draw_one(p, i, stroke_of(layer, count), layer);
}

static void draw_lines(struct parallel *p) {
    for (unsigned layer = 0; layer < 4; layer++) {
        size_t count = 0;
        for (size_t i = 0; i < p->cloud->count; i++)
            count += layer_of(p, i) == layer;
        if (count >= MANY && layer < 2)
            draw_many(p, layer, count);
        else
            draw_few(p, layer, count);
    }
}

/* --- axes ------------------------------------------------------------------------- */

/* Names lie flat where they fit side by side, else they all rise. */
static void plan_names(struct parallel *p, double width) {
    size_t n = p->cloud->objective_count;
    double unit = p->chart->unit, widest = 0;
    for (size_t k = 0; k < n; k++)
        widest = fmax(widest,
                      chart_text_width(p->chart, CHART_SMALL, p->cloud->objectives[k]));
    p->turned = widest + 10 * unit > width / (double)(n - 1);
    p->name_most = p->turned ? NAME_MAX_WIDTH * unit : widest + unit;
    p->name_room =
        p->turned ? fmin(widest, p->name_most) * sin(M_PI / 6) + 22 * unit : 34 * unit;
}

/* The width of the name of an axis. */
static double name_width(struct parallel *p, size_t k) {
    return fmin(p->name_most,
                chart_text_width(p->chart, CHART_SMALL, p->cloud->objectives[k]));
}

/* Room for the names of the first axis and the last, which are centred over them or
 * rise beyond the last one, over the legend. */
static void plan_sides(struct parallel *p, double legend) {
    size_t last = p->cloud->objective_count - 1;
    double unit = p->chart->unit;
    struct axes *a = &p->axes;
    plan_names(p, a->width);
    if (!p->turned) {
        double left = fmax(0, name_width(p, 0) / 2 + 6 * unit - a->left);
        a->left += left;
        a->width -= left + fmax(0, name_width(p, last) / 2 - 24 * unit - legend);
        plan_names(p, a->width);
    }
    if (p->turned) {
        a->width -= fmax(0, name_width(p, last) * cos(M_PI / 6) - 20 * unit - legend);
        plan_names(p, a->width);
    }
}

static void draw_names(struct parallel *p) {
    double unit = p->chart->unit, y = p->axes.top - 12 * unit;
    for (size_t k = 0; k < p->cloud->objective_count; k++) {
        char name[256];
        double x = page_x(p, k);
        chart_text_fit(p->chart, CHART_SMALL, p->name_most, p->cloud->objectives[k],
                       name, sizeof name);
        if (p->turned)
            chart_text_turned(p->chart, x - 2 * unit, y, -M_PI / 6, CHART_SMALL, 0,
                              name);
        else
            chart_text(p->chart, x, y - 8 * unit, CHART_SMALL, 0.5, name);
    }
}

static void draw_axis(struct parallel *p, size_t k, bool numbers, bool grid) {
    struct chart *chart = p->chart;
    double x = page_x(p, k), unit = chart->unit;
    const struct axes_range *r = &p->ranges[k];
    /* Three at least where they are all that one has. */
    double least = grid && p->axes.height >= 5 * 20 * unit ? 5 : 2;
    size_t most =
        (size_t)fmax(least, p->axes.height / ((numbers && !grid ? 60 : 38) * unit));
    struct ticks ticks = ticks_of(r->low, r->high, most);
    for (size_t i = 0; i < ticks.count; i++) {
        double value = ticks_at(&ticks, i), y = page_y(p, height_of(p, k, value));
        char text[32];
        ticks_text(&ticks, i, text, sizeof text);
        chart_width(chart, 1);
        if (grid) {
            chart_shade(chart, SHADE_GRID, 1);
            chart_line(chart, p->axes.left, y, p->axes.left + p->axes.width, y);
            chart_text(chart, x - 10 * unit, y, CHART_SMALL, 1, text);
        } else if (numbers) {
            chart_shade(chart, SHADE_FRAME, 1);
            chart_line(chart, x - 4 * unit, y, x, y);
            chart_text_over(chart, x - 6 * unit, y, 0.85 * CHART_SMALL, 1, INK_TEXT,
                            text);
        }
    }
    if (grid)
        return;
    chart_shade(chart, SHADE_FRAME, 1);
    chart_width(chart, 1.5);
    chart_line(chart, x, p->axes.top, x, p->axes.top + p->axes.height);
}

static size_t fill_legend(struct parallel *p) {
    const struct plot_cloud *cloud = p->cloud;
    for (size_t s = 0; s < cloud->series_count; s++)
        p->entries[s] =
            (struct legend_entry){.name = cloud->series[s].name,
                                  .ink = cloud->series[s].ink,
                                  .mark = cloud->series[s].mark,
                                  .marks = p->members[s] <= FEW,
                                  .line = true,
                                  .dash = p->members[s] == 1 ? dash_of(cloud, s) : 0};
    size_t count = cloud->series_count;
    for (size_t i = 0; count == cloud->series_count && i < cloud->count; i++)
        if (cloud->points[i].knee)
            p->entries[count++] = (struct legend_entry){
                .name = "knee", .ink = INK_TEXT, .mark = MARK_KNEE, .marks = true};
    return count;
}

static void draw(struct parallel *p, const struct plot_page *page) {
    double unit = p->chart->unit, title = (page->title ? 28 : 8) * unit;
    size_t last = p->cloud->objective_count - 1;
    struct legend legend =
        legend_plan(p->chart, p->entries, fill_legend(p), title + 30 * unit);
    struct axes *a = &p->axes;
    double below = 20 * unit + legend.bottom;
    a->left = axes_margin_left(p->chart, p->ranges[0].low, p->ranges[0].high,
                               page->height - title - below, NULL) +
              20 * unit;
    a->width = page->width - a->left - legend.right - 30 * unit;
    plan_sides(p, legend.right);
    if (p->turned)
        legend = legend_plan(p->chart, p->entries, legend.count, title + p->name_room);
    a->top = title + p->name_room;
    a->height = page->height - a->top - below;
    a->x1 = (double)last;
    axes_title(p->chart, a->left, a->width, page->title);
    if (p->cloud->alike)
        draw_axis(p, 0, true, true);
    draw_lines(p);
    for (size_t k = 0; k <= last; k++)
        draw_axis(p, k, !p->cloud->alike, false);
    draw_names(p);
    legend_draw(p->chart, &legend, a->left, p->turned ? a->top : title + 30 * unit);
}

static int gather(struct parallel *p, struct error *error) {
    const struct plot_cloud *cloud = p->cloud;
    size_t cells, n = cloud->objective_count;
    p->ranges = array_new(n, sizeof *p->ranges);
    p->centres = array_new(BUNDLES_MAX * n, sizeof *p->centres);
    p->bundle = array_new(cloud->count, sizeof *p->bundle);
    p->members = array_new(cloud->series_count, sizeof *p->members);
    p->entries = array_new(cloud->series_count + 1, sizeof *p->entries);
    if (size_multiply(cloud->count, n, &cells))
        p->heights = array_new(cells, sizeof *p->heights);
    if (!p->ranges || !p->centres || !p->bundle || !p->members || !p->entries ||
        !p->heights)
        return error_memory(error);
    for (size_t i = 0; i < cloud->count; i++)
        p->members[cloud->points[i].series]++;
    find_ranges(p);
    return bundles_find(p->heights, cloud->count, n, p->bundle, p->centres, error);
}

int plot_parallel(const struct plot_page *page, const struct plot_cloud *cloud,
                  struct error *error) {
    if (cloud->objective_count < 2)
        return error_set(error, "parallel coordinates need at least two objectives");
    struct parallel p = {.cloud = cloud};
    int result = gather(&p, error);
    if (result == 0)
        result = chart_open(page, &p.chart, error);
    if (result == 0) {
        draw(&p, page);
        result = chart_close(p.chart, error);
    }
    free(p.ranges);
    free(p.centres);
    free(p.bundle);
    free(p.members);
    free(p.entries);
    free(p.heights);
    return result;
}
