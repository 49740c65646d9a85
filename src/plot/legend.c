#include "plot/legend.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In units: of a row, of the sample before a name (and where there are marks alone), of
 * the gap after one, of the widest name; and the width of a page that is narrow. */
enum {
    ROW = 22,
    SAMPLE = 38,
    SAMPLE_MARK = 24,
    GAP = 16,
    NAME_MAX_WIDTH = 260,
    NARROW = 620
};

/* What an entry takes of the page's width at full size. */
static double entry_width(struct chart *chart, const struct legend *plan, size_t i) {
    double name = chart_text_width(chart, CHART_SMALL, plan->entries[i].name);
    return fmin(name, NAME_MAX_WIDTH * chart->unit) +
           (plan->sample + GAP) * chart->unit;
}

static size_t at_least_one(double number) {
    return number > 1 ? (size_t)number : 1;
}

/* The most columns that are beside each other on the page, each as wide as its own
 * entries want. */
static void plan_columns(struct chart *chart, struct legend *plan, double scale) {
    double room = chart->width - 16 * chart->unit;
    plan->scale = scale;
    for (size_t n = LEGEND_COLUMNS; n > 0; n--) {
        double sum = 0;
        memset(plan->widths, 0, sizeof plan->widths);
        for (size_t i = 0; i < plan->count; i++)
            plan->widths[i % n] =
                fmax(plan->widths[i % n], scale * entry_width(chart, plan, i));
        for (size_t c = 0; c < n; c++)
            sum += plan->widths[c];
        plan->columns = n;
        if (sum <= room)
            return;
    }
    plan->widths[0] = room;
}

/* Columns below what is drawn, in type as small as that wants: all entries within three
 * tenths of the page where that can be, else as many as a bit more of it holds. */
static void plan_below(struct chart *chart, struct legend *plan) {
    static const double scales[] = {1, 0.9, 0.8};
    enum { SCALES = sizeof scales / sizeof *scales };
    double unit = chart->unit;
    size_t rows = 0;
    for (size_t i = 0; i < SCALES; i++) {
        double row = ROW * unit * scales[i];
        plan_columns(chart, plan, scales[i]);
        rows = (plan->count + plan->columns - 1) / plan->columns;
        if (row * (double)rows <= 0.3 * chart->height)
            break;
        rows = at_least_one(fmin((double)rows, 0.35 * chart->height / row));
    }
    if (plan->columns * rows < plan->count)
        plan->shown = plan->columns * rows - 1;
    plan->bottom = (ROW * plan->scale * (double)rows + 8) * unit;
}

struct legend legend_plan(struct chart *chart, const struct legend_entry *entries,
                          size_t count, double top) {
    struct legend plan = {.entries = entries,
                          .count = count,
                          .shown = count,
                          .columns = 1,
                          .scale = 1,
                          .sample = SAMPLE_MARK};
    double widest = 0, unit = chart->unit;
    if (!count)
        return plan;
    for (size_t i = 0; i < count; i++)
        plan.sample = entries[i].line ? SAMPLE : plan.sample;
    for (size_t i = 0; i < count; i++)
        widest = fmax(widest, entry_width(chart, &plan, i));
    plan.widths[0] = widest;
    plan.below = chart->width < NARROW * unit || widest > 0.4 * chart->width;
    if (plan.below) {
        plan_below(chart, &plan);
        return plan;
    }
    size_t rows = at_least_one((chart->height - top - 10 * unit) / (ROW * unit));
    if (rows < count)
        plan.shown = rows - 1;
    plan.right = widest + 8 * unit;
    return plan;
}

static void draw_entry(struct chart *chart, const struct legend *legend,
                       const struct legend_entry *entry, double x, double y,
                       double column) {
    double unit = chart->unit, width = column - (legend->sample + GAP) * unit;
    double sample = (legend->sample - 8) * unit;
    char name[256];
    cairo_save(chart->cr);
    chart_colour(chart, entry->ink, 1);
    if (entry->line) {
        chart_width(chart, 2.2);
        chart_dash(chart, entry->dash);
        chart_line(chart, x, y, x + sample, y);
    }
    if (entry->marks)
        chart_mark(chart, x + sample / 2, y, entry->mark, 5.5);
    cairo_restore(chart->cr);
    chart_text_fit(chart, CHART_SMALL, width + 1, entry->name, name, sizeof name);
    chart_text(chart, x + legend->sample * unit, y, CHART_SMALL, 0, name);
}

void legend_draw(struct chart *chart, const struct legend *legend, double left,
                 double top) {
    double unit = chart->unit, row = ROW * unit * legend->scale;
    double x0 = legend->below ? left : chart->width - legend->right + 8 * unit;
    double y0 = legend->below ? chart->height - legend->bottom + 6 * unit : top;
    double wide = 0, x = 0;
    for (size_t c = 0; c < legend->columns; c++)
        wide += legend->widths[c];
    /* Columns that are wider than what is drawn begin further left. */
    if (legend->below)
        x0 = fmin(x0, fmax(8 * unit, chart->width - wide));
    chart->unit *= legend->scale;
    for (size_t i = 0; i < legend->shown + (legend->shown < legend->count); i++) {
        size_t column = i % legend->columns;
        x = column ? x + legend->widths[column - 1] : x0;
        double y = y0 + row * ((double)(i / legend->columns) + 0.5);
        char text[40];
        if (i < legend->shown) {
            draw_entry(chart, legend, &legend->entries[i], x, y,
                       legend->widths[column]);
            continue;
        }
        snprintf(text, sizeof text, "%zu more", legend->count - legend->shown);
        chart_text(chart, x + legend->sample * chart->unit, y, CHART_SMALL, 0, text);
    }
    chart->unit = unit;
}
