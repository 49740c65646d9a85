/* A table of cells whose colours say their values. */
#include <math.h>
#include <stdio.h>

#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "results/ticks.h"

enum { NAME_MAX_WIDTH = 200 };

struct heat {
    struct chart *chart;
    const struct plot_cells *cells;
    struct axes_range range[2];      /* of the rows, and of those that are apart */
    bool apart;                      /* there are any */
    double left, top, width, height; /* of the table */
    bool turned;
};

static double widest(struct chart *chart, const char *const *names, size_t count) {
    double width = 0;
    for (size_t i = 0; i < count; i++)
        width = fmax(width, chart_text_width(chart, CHART_SMALL, names[i]));
    return fmin(width, NAME_MAX_WIDTH * chart->unit);
}

static double share(const struct axes_range *range, double value) {
    return (value - range->low) / (range->high - range->low);
}

static bool is_apart(const struct plot_cells *cells, size_t row) {
    return cells->apart && cells->apart[row];
}

static void draw_cell(const struct heat *h, size_t row, size_t column) {
    const struct plot_cells *cells = h->cells;
    struct chart *chart = h->chart;
    double value = cells->values[row * cells->column_count + column];
    double width = h->width / (double)cells->column_count;
    double height = h->height / (double)cells->row_count;
    double x = h->left + width * (double)column, y = h->top + height * (double)row;
    char text[32];
    if (!isfinite(value))
        return;
    double at = share(&h->range[is_apart(cells, row)], ticks_clamp(value));
    chart_scale_colour(chart, at);
    chart_fill_cell(chart, x, y, width, height);
    snprintf(text, sizeof text, "%.*f", cells->decimals, value);
    if (chart_text_width(chart, CHART_SMALL, text) > 0.95 * width ||
        height < CHART_SMALL * chart->unit)
        return;
    cairo_save(chart->cr);
    cairo_set_source_rgb(chart->cr, 1, 1, 1);
    if (chart_scale_is_light(at))
        cairo_set_source_rgb(chart->cr, 0, 0, 0);
    chart_text_plain(chart, x + width / 2, y + height / 2, CHART_SMALL, 0.5, text);
    cairo_restore(chart->cr);
}

static void draw_names(const struct heat *h) {
    const struct plot_cells *cells = h->cells;
    struct chart *chart = h->chart;
    double unit = chart->unit, width = h->width / (double)cells->column_count;
    char text[256];
    /* Where rows are lower than letters, as many names as stand below each other. */
    double letters = CHART_SMALL * unit * (double)cells->row_count / h->height;
    size_t step = letters > 1 ? (size_t)ceil(letters) : 1;
    for (size_t i = 0; i < cells->row_count; i += step)
        chart_text(chart, h->left - 8 * unit,
                   h->top + h->height * ((double)i + 0.5) / (double)cells->row_count,
                   CHART_SMALL, 1,
                   chart_text_fit(chart, CHART_SMALL, NAME_MAX_WIDTH * unit,
                                  cells->rows[i], text, sizeof text));
    for (size_t k = 0; k < cells->column_count; k++) {
        double x = h->left + width * ((double)k + 0.5);
        chart_text_fit(chart, CHART_SMALL, NAME_MAX_WIDTH * unit, cells->columns[k],
                       text, sizeof text);
        if (h->turned)
            chart_text_turned(chart, x, h->top - 8 * unit, -M_PI / 6, CHART_SMALL, 0,
                              text);
        else
            chart_text(chart, x, h->top - 12 * unit, CHART_SMALL, 0.5, text);
    }
    if (cells->row_label)
        chart_text(chart, h->left + h->width / 2, h->top + h->height + 20 * unit,
                   CHART_SMALL, 0.5, cells->row_label);
}

enum { BAR_ROOM = 90 }; /* from one bar to the next, and the last one's numbers */

static void draw_bar(const struct heat *h, size_t bar, const char *label) {
    struct chart *chart = h->chart;
    const struct axes_range *range = &h->range[bar];
    double unit = chart->unit, wide = 0;
    double x = h->left + h->width + (24 + BAR_ROOM * (double)bar) * unit;
    struct ticks ticks =
        ticks_of(range->low, range->high, (size_t)fmax(3, h->height / (45 * unit)));
    char text[40];
    chart_scale_bar(chart, x, h->top, 16 * unit, h->height);
    for (size_t i = 0; i < ticks.count; i++) {
        ticks_text(&ticks, i, text, sizeof text);
        wide = fmax(wide, chart_text_width(chart, CHART_SMALL, text));
        chart_text(chart, x + 22 * unit,
                   h->top + h->height * (1 - share(range, ticks_at(&ticks, i))),
                   CHART_SMALL, 0, text);
    }
    chart_text_turned(chart, x + 38 * unit + wide, h->top + h->height / 2, -M_PI / 2,
                      CHART_SMALL, 0.5, label);
}

static void draw(struct heat *h, const struct plot_page *page) {
    const struct plot_cells *cells = h->cells;
    double unit = h->chart->unit;
    double top = axes_title(h->chart, 0, page->width, page->title) + 12 * unit;
    double names = widest(h->chart, cells->columns, cells->column_count);
    h->left = widest(h->chart, cells->rows, cells->row_count) + 20 * unit;
    h->width = page->width - h->left - (h->apart ? 110 + BAR_ROOM : 110) * unit;
    h->turned = names + 8 * unit > h->width / (double)cells->column_count;
    h->top = top + (h->turned ? names * sin(M_PI / 6) + 16 * unit : 24 * unit);
    h->height = page->height - h->top - (cells->row_label ? 38 : 16) * unit;
    for (size_t i = 0; i < cells->row_count; i++)
        for (size_t k = 0; k < cells->column_count; k++)
            draw_cell(h, i, k);
    draw_names(h);
    draw_bar(h, 0, cells->value_label);
    if (h->apart)
        draw_bar(h, 1, cells->apart_label);
}

int plot_heat(const struct plot_page *page, const struct plot_cells *cells,
              struct error *error) {
    struct heat h = {.cells = cells};
    axes_range_begin(&h.range[0]);
    axes_range_begin(&h.range[1]);
    for (size_t i = 0; i < cells->row_count; i++) {
        bool apart = is_apart(cells, i);
        h.apart = h.apart || apart;
        for (size_t k = 0; k < cells->column_count; k++)
            axes_range_add(&h.range[apart], cells->values[i * cells->column_count + k]);
    }
    for (size_t i = 0; i < 2; i++)
        if (!(h.range[i].low < h.range[i].high))
            axes_range_end(&h.range[i]);
    if (chart_open(page, &h.chart, error))
        return -1;
    draw(&h, page);
    return chart_close(h.chart, error);
}
