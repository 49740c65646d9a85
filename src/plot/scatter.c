/* Points over two objectives: fronts as lines, intervals as bars, names at points. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "plot/legend.h"

enum { BARS_MAX = 24, FEW = 400, NAMES_MAX = 24, MARK = 6 };

struct place {
    double x, y; /* on the page */
};

struct name_box {
    double left, top, right, bottom;
};

struct scatter {
    struct chart *chart;
    const struct plot_cloud *cloud;
    size_t x, y;
    struct axes axes;
    struct place *places;  /* [count], of the points that have both figures, else NaN */
    struct place *front;   /* room for so many */
    size_t *members;       /* [series] points */
    double sign_x, sign_y; /* on the page, better is so much less */
    struct name_box names[NAMES_MAX];
    size_t name_count;
    bool stairs;                  /* the front of all is drawn */
    bool *named;                  /* [series] at its point: not in the legend */
    struct legend_entry *entries; /* room for every series, front and knee */
};

static const struct plot_series *series_of(const struct scatter *s, size_t point) {
    return &s->cloud->series[s->cloud->points[point].series];
}

static bool is_there(const struct scatter *s, size_t point) {
    const double *v = s->cloud->points[point].values;
    return isfinite(v[s->x]) && isfinite(v[s->y]);
}

/* A model by itself is a baseline, dominated or not. */
static bool is_alone(const struct scatter *s, size_t point) {
    return s->members[s->cloud->points[point].series] == 1;
}

/* --- fronts ----------------------------------------------------------------------- */

static int by_x(const void *a, const void *b) {
    const struct place *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

/* Those that no other dominates, over the two objectives that are shown, of one series
 * or, SIZE_MAX, of all whose series count; in order along x. */
static size_t find_front(struct scatter *s, size_t series) {
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < s->cloud->count; i++)
        if (is_there(s, i) &&
            (series == SIZE_MAX ? series_of(s, i)->front
                                : s->cloud->points[i].series == series))
            s->front[count++] =
                (struct place){s->sign_x * s->places[i].x, s->sign_y * s->places[i].y};
    if (count)
        qsort(s->front, count, sizeof *s->front, by_x);
    for (size_t i = 0; i < count; i++)
        if (!kept || s->front[i].y < s->front[kept - 1].y)
            s->front[kept++] = s->front[i];
    for (size_t i = 0; i < kept; i++)
        s->front[i] =
            (struct place){s->sign_x * s->front[i].x, s->sign_y * s->front[i].y};
    return kept;
}

/* The border of what is attained. */
static void draw_stairs(struct scatter *s) {
    size_t count = find_front(s, SIZE_MAX);
    cairo_t *cr = s->chart->cr;
    cairo_move_to(cr, s->front[0].x, s->front[0].y);
    for (size_t i = 1; i < count; i++) {
        cairo_line_to(cr, s->front[i].x, s->front[i - 1].y);
        cairo_line_to(cr, s->front[i].x, s->front[i].y);
    }
    chart_shade(s->chart, SHADE_FRAME, 0.8);
    chart_width(s->chart, 1.3);
    cairo_stroke(cr);
}

static void draw_joined(struct scatter *s, size_t series) {
    size_t count = find_front(s, series);
    for (size_t i = 0; i < count; i++)
        cairo_line_to(s->chart->cr, s->front[i].x, s->front[i].y);
    chart_colour(s->chart, s->cloud->series[series].ink, 0.6);
    chart_width(s->chart, 2);
    cairo_stroke(s->chart->cr);
}

/* --- points ----------------------------------------------------------------------- */

static void draw_bar(struct scatter *s, size_t point) {
    const struct plot_point *p = &s->cloud->points[point];
    const struct axes *a = &s->axes;
    struct place at = s->places[point];
    if (!p->low || !p->high)
        return;
    chart_colour(s->chart, series_of(s, point)->ink, 0.55);
    chart_width(s->chart, 1.1);
    if (isfinite(p->low[s->x]) && isfinite(p->high[s->x]))
        chart_line(s->chart, axes_x(a, p->low[s->x]), at.y, axes_x(a, p->high[s->x]),
                   at.y);
    if (isfinite(p->low[s->y]) && isfinite(p->high[s->y]))
        chart_line(s->chart, at.x, axes_y(a, p->low[s->y]), at.x,
                   axes_y(a, p->high[s->y]));
}

static size_t count_plain(const struct scatter *s) {
    size_t plain = 0;
    for (size_t i = 0; i < s->cloud->count; i++)
        plain += !s->cloud->points[i].dimmed;
    return plain;
}

/* Those with bars are few, or the bars would hide what they are of. */
static bool has_bar(const struct scatter *s, size_t point, size_t plain) {
    return is_alone(s, point) || (!s->cloud->points[point].dimmed && plain <= BARS_MAX);
}

/* alpha and radius are those of the many. */
static void draw_mark(struct scatter *s, size_t point, double alpha, double radius) {
    const struct plot_point *p = &s->cloud->points[point];
    const struct plot_series *series = series_of(s, point);
    struct place at = s->places[point];
    if (series->now) { /* a seam of paper tells it from what it covers */
        radius = 1.7 * MARK;
        chart_shade(s->chart, SHADE_PAPER, 0.9);
        chart_mark(s->chart, at.x, at.y, MARK_NOW, radius + 2.5);
    } else if (is_alone(s, point) || p->knee) {
        radius = MARK;
    }
    chart_colour(s->chart, series->ink,
                 series->now || is_alone(s, point) || p->knee ? 1 : alpha);
    chart_mark(s->chart, at.x, at.y, series->mark, radius);
    if (p->knee) {
        chart_shade(s->chart, SHADE_TEXT, 1);
        chart_mark(s->chart, at.x, at.y, MARK_KNEE, MARK + 3);
    }
}

/* Pale ones first, then many, then those that stand alone, what is looked at last. */
static unsigned layer_of(const struct scatter *s, size_t point) {
    return series_of(s, point)->now                             ? 3
           : is_alone(s, point) || s->cloud->points[point].knee ? 2
           : s->cloud->points[point].dimmed                     ? 0
                                                                : 1;
}

/* The more points, the paler: how many lie in a place is seen then. */
static double paleness(size_t count, double few) {
    return count <= FEW ? few : fmax(0.06, few * sqrt(FEW / (double)count));
}

static void draw_points(struct scatter *s) {
    size_t count = s->cloud->count, plain = count_plain(s);
    double alpha[4] = {paleness(count, 0.4), paleness(plain, 1), 1, 1};
    for (unsigned layer = 0; layer < 4; layer++) {
        double radius = layer == 0 || plain > FEW ? 3.6 : MARK;
        for (size_t i = 0; i < count; i++)
            if (is_there(s, i) && layer_of(s, i) == layer && has_bar(s, i, plain))
                draw_bar(s, i);
        for (size_t i = 0; i < count; i++)
            if (is_there(s, i) && layer_of(s, i) == layer)
                draw_mark(s, i, alpha[layer], radius);
        if (layer == 1 && s->stairs)
            draw_stairs(s);
    }
}

/* --- names at points -------------------------------------------------------------- */

static bool overlap(const struct name_box *a, const struct name_box *b) {
    return a->left < b->right && b->left < a->right && a->top < b->bottom &&
           b->top < a->bottom;
}

/* How many points would be under it; SIZE_MAX: it touches a name or the frame, or hides
 * more than pale points. */
static size_t hidden_by(const struct scatter *s, const struct name_box *box,
                        size_t own) {
    const struct axes *a = &s->axes;
    double r = MARK * s->chart->unit;
    size_t hidden = 0;
    if (box->left < a->left || box->right > a->left + a->width || box->top < a->top ||
        box->bottom > a->top + a->height)
        return SIZE_MAX;
    for (size_t i = 0; i < s->name_count; i++)
        if (overlap(box, &s->names[i]))
            return SIZE_MAX;
    for (size_t i = 0; i < s->cloud->count; i++) {
        struct place at = s->places[i];
        if (i == own || !is_there(s, i) || at.x < box->left - r ||
            at.x > box->right + r || at.y < box->top - r || at.y > box->bottom + r)
            continue;
        if (!s->cloud->points[i].dimmed || is_alone(s, i))
            return SIZE_MAX;
        hidden++;
    }
    return hidden;
}

/* Beside, above or below the point, where least is hidden; false: nowhere. */
static bool name_point(struct scatter *s, size_t point, const char *name, bool draw) {
    enum { WHERE = 8, HIDDEN_MAX = 2 };
    static const double sides[WHERE][2] = {{1, 0},  {-1, 0},  {0, -1}, {0, 1},
                                           {1, -1}, {-1, -1}, {1, 1},  {-1, 1}};
    double unit = s->chart->unit, width = chart_text_width(s->chart, CHART_SMALL, name);
    double height = 0.62 * CHART_SMALL * unit, best_x = 0, best_y = 0;
    size_t least = SIZE_MAX;
    struct name_box taken = {0};
    for (size_t k = 0; k < WHERE && least; k++) {
        double away = sides[k][0] != 0 && sides[k][1] != 0 ? 8 : 12;
        double x = s->places[point].x + sides[k][0] * away * unit +
                   (sides[k][0] - 1) / 2 * width;
        double y = s->places[point].y + sides[k][1] * (away + 4) * unit;
        struct name_box box = {x - 3 * unit, y - height, x + width + 3 * unit,
                               y + height};
        size_t hidden = hidden_by(s, &box, point);
        if (hidden < least && hidden <= HIDDEN_MAX) {
            least = hidden;
            best_x = x;
            best_y = y;
            taken = box;
        }
    }
    if (least == SIZE_MAX)
        return false;
    s->names[s->name_count++] = taken;
    if (draw)
        chart_text_over(s->chart, best_x, best_y, CHART_SMALL, 0, INK_TEXT, name);
    return true;
}

/* Names those of `named` for which there is room; the others are left out of it.
 * Whether that were all. */
static bool name_points(struct scatter *s, bool draw) {
    bool all = true;
    s->name_count = 0;
    for (size_t i = 0; i < s->cloud->count; i++) {
        bool *named = &s->named[s->cloud->points[i].series];
        if (!*named || !is_there(s, i))
            continue;
        *named =
            s->name_count < NAMES_MAX && name_point(s, i, series_of(s, i)->name, draw);
        all = all && *named;
    }
    return all;
}

/* --- all of it -------------------------------------------------------------------- */

static size_t fill_legend(struct scatter *s) {
    size_t count = 0;
    for (size_t i = 0; i < s->cloud->series_count; i++)
        if (!s->named[i])
            s->entries[count++] =
                (struct legend_entry){.name = s->cloud->series[i].name,
                                      .ink = s->cloud->series[i].ink,
                                      .mark = s->cloud->series[i].mark,
                                      .marks = true,
                                      .line = s->cloud->series[i].joined};
    if (s->stairs)
        s->entries[count++] = (struct legend_entry){
            .name = "front of these two", .ink = INK_FRAME, .line = true};
    for (size_t i = 0; i < s->cloud->count; i++)
        if (s->cloud->points[i].knee) {
            s->entries[count++] = (struct legend_entry){
                .name = "knee", .ink = INK_TEXT, .mark = MARK_KNEE, .marks = true};
            break;
        }
    return count;
}

/* The ends of a bar, as far as it does not make what lies in the range small. */
static void add_bar(struct axes_range *range, const struct axes_range *values,
                    double low, double high) {
    double reach =
        values->low < values->high ? 0.2 * (values->high - values->low) : INFINITY;
    if (isfinite(low) && isfinite(high)) {
        axes_range_add(range, fmax(low, values->low - reach));
        axes_range_add(range, fmin(high, values->high + reach));
    }
}

static void find_ranges(struct scatter *s) {
    struct axes_range rx, ry;
    size_t plain = count_plain(s);
    axes_range_begin(&rx);
    axes_range_begin(&ry);
    for (size_t i = 0; i < s->cloud->count; i++)
        if (is_there(s, i)) {
            axes_range_add(&rx, s->cloud->points[i].values[s->x]);
            axes_range_add(&ry, s->cloud->points[i].values[s->y]);
        }
    struct axes_range values_x = rx, values_y = ry;
    for (size_t i = 0; i < s->cloud->count; i++) {
        const struct plot_point *p = &s->cloud->points[i];
        if (!is_there(s, i) || !p->low || !p->high || !has_bar(s, i, plain))
            continue;
        add_bar(&rx, &values_x, p->low[s->x], p->high[s->x]);
        add_bar(&ry, &values_y, p->low[s->y], p->high[s->y]);
    }
    axes_range_end(&rx);
    axes_range_end(&ry);
    s->axes.x0 = rx.low;
    s->axes.x1 = rx.high;
    s->axes.y0 = ry.low;
    s->axes.y1 = ry.high;
}

static void place_axes(struct scatter *s, const struct plot_page *page,
                       const struct legend *legend) {
    struct chart *chart = s->chart;
    struct axes *a = &s->axes;
    double unit = chart->unit;
    a->top = (page->title ? 40 : 18) * unit;
    a->height = page->height - a->top - legend->bottom -
                axes_margin_below(chart, s->cloud->objectives[s->x]);
    a->left =
        axes_margin_left(chart, a->y0, a->y1, a->height, s->cloud->objectives[s->y]);
    a->width = page->width - a->left - 18 * unit - legend->right;
    for (size_t i = 0; i < s->cloud->count; i++)
        s->places[i] = (struct place){axes_x(a, s->cloud->points[i].values[s->x]),
                                      axes_y(a, s->cloud->points[i].values[s->y])};
}

static void draw_inside(struct scatter *s) {
    cairo_t *cr = s->chart->cr;
    cairo_save(cr);
    cairo_rectangle(cr, s->axes.left, s->axes.top, s->axes.width, s->axes.height);
    cairo_clip(cr);
    for (size_t i = 0; i < s->cloud->series_count; i++)
        if (s->cloud->series[i].joined)
            draw_joined(s, i);
    draw_points(s);
    name_points(s, true);
    cairo_restore(cr);
}

/* Which models are named at their points depends on the room beside the legend, which
 * names the others: first it has all, then those for whom no room was found. */
static struct legend settle(struct scatter *s, const struct plot_page *page) {
    enum { TRIES = 4 };
    struct legend legend = {0};
    place_axes(s, page, &legend);
    s->stairs = find_front(s, SIZE_MAX) > 1;
    for (size_t i = 0; i < s->cloud->series_count; i++)
        s->named[i] = false;
    for (int i = 0; i <= TRIES; i++) {
        legend = legend_plan(s->chart, s->entries, fill_legend(s), 40 * s->chart->unit);
        place_axes(s, page, &legend);
        if (i == 0)
            for (size_t k = 0; k < s->cloud->count; k++)
                s->named[s->cloud->points[k].series] =
                    is_alone(s, k) && !series_of(s, k)->many;
        if (i == TRIES)
            for (size_t k = 0; k < s->cloud->series_count; k++)
                s->named[k] = false;
        if (name_points(s, false) && i && i < TRIES)
            break;
    }
    return legend;
}

static void draw(struct scatter *s, const struct plot_page *page) {
    struct legend legend = settle(s, page);
    axes_title(s->chart, s->axes.left, s->axes.width, page->title);
    axes_draw(s->chart, &s->axes, NULL, s->cloud->objectives[s->x],
              s->cloud->objectives[s->y]);
    draw_inside(s);
    legend_draw(s->chart, &legend, s->axes.left, s->axes.top);
}

int plot_scatter(const struct plot_page *page, const struct plot_cloud *cloud, size_t x,
                 size_t y, struct error *error) {
    struct scatter s = {.cloud = cloud, .x = x, .y = y, .sign_x = -1, .sign_y = 1};
    s.places = array_new(cloud->count, sizeof *s.places);
    s.front = array_new(cloud->count, sizeof *s.front);
    s.members = array_new(cloud->series_count, sizeof *s.members);
    s.named = array_new(cloud->series_count, sizeof *s.named);
    s.entries = array_new(cloud->series_count + 2, sizeof *s.entries);
    int result = s.places && s.front && s.members && s.named && s.entries
                     ? 0
                     : error_memory(error);
    for (size_t i = 0; result == 0 && i < cloud->count; i++)
        s.members[cloud->points[i].series]++;
    if (cloud->less && cloud->less[x])
        s.sign_x = 1;
    if (cloud->less && cloud->less[y])
        s.sign_y = -1;
    if (result == 0)
        find_ranges(&s);
    if (result == 0)
        result = chart_open(page, &s.chart, error);
    if (result == 0) {
        draw(&s, page);
        result = chart_close(s.chart, error);
    }
    free(s.places);
    free(s.front);
    free(s.members);
    free(s.named);
    free(s.entries);
    return result;
}
