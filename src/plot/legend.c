#include "plot/legend.h"

#include <math.h>
#include <stdio.h>

/* In units: of a row, of the sample before a name, of the gap after one, of the widest
 * name; and the width of a page that is narrow. */
enum { ROW = 22, SAMPLE = 38, GAP = 18, NAME_MAX_WIDTH = 260, NARROW = 620 };

static size_t at_least_one(double number) {
    return number > 1 ? (size_t)number : 1;
}

struct legend legend_plan(struct chart *chart, const struct legend_entry *entries,
                          size_t count, double top) {
    struct legend plan = {.entries = entries, .count = count, .shown = count};
    double widest = 0, unit = chart->unit;
    for (size_t i = 0; i < count; i++)
        widest = fmax(widest, chart_text_width(chart, CHART_SMALL, entries[i].name));
    plan.columns = 1;
    plan.column = fmin(widest, NAME_MAX_WIDTH * unit) + (SAMPLE + GAP) * unit;
    if (!count)
        return plan;
    plan.below = chart->width < NARROW * unit || plan.column > 0.4 * chart->width;
    double room = chart->height - top - 10 * unit;
    if (plan.below) {
        plan.columns = at_least_one((chart->width - 30 * unit) / plan.column);
        room = 0.35 * chart->height;
    }
    size_t rows = at_least_one(room / (ROW * unit));
    if (plan.columns * rows < count)
        plan.shown = plan.columns * rows - 1;
    if (plan.below) {
        size_t used =
            (plan.shown + (plan.shown < count) + plan.columns - 1) / plan.columns;
        plan.bottom = (ROW * (double)used + 8) * unit;
    } else {
        plan.right = plan.column + 8 * unit;
    }
    return plan;
}

static void draw_entry(struct chart *chart, const struct legend_entry *entry, double x,
                       double y, double width) {
    double unit = chart->unit;
    char name[256];
    cairo_save(chart->cr);
    chart_colour(chart, entry->ink, 1);
    if (entry->line) {
        chart_width(chart, 2.2);
        chart_dash(chart, entry->dash);
        chart_line(chart, x, y, x + 30 * unit, y);
    }
    if (entry->marks)
        chart_mark(chart, x + 15 * unit, y, entry->mark, 5.5);
    cairo_restore(chart->cr);
    chart_text_fit(chart, CHART_SMALL, width, entry->name, name, sizeof name);
    chart_text(chart, x + SAMPLE * unit, y, CHART_SMALL, 0, name);
}

void legend_draw(struct chart *chart, const struct legend *legend, double left,
                 double top) {
    double unit = chart->unit, row = ROW * unit;
    double x0 = legend->below ? left : chart->width - legend->right + 8 * unit;
    double y0 = legend->below ? chart->height - legend->bottom + 6 * unit : top;
    double name = legend->column - (SAMPLE + GAP) * unit;
    size_t columns = legend->columns;
    for (size_t i = 0; i < legend->shown; i++)
        draw_entry(chart, &legend->entries[i],
                   x0 + legend->column * (double)(i % columns),
                   y0 + row * ((double)(i / columns) + 0.5), name + 1);
    if (legend->shown < legend->count) {
        char text[40];
        size_t i = legend->shown;
        snprintf(text, sizeof text, "%zu more", legend->count - legend->shown);
        chart_text(chart, x0 + legend->column * (double)(i % columns) + SAMPLE * unit,
                   y0 + row * ((double)(i / columns) + 0.5), CHART_SMALL, 0, text);
    }
}
