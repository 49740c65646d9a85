/* Line charts in panels side by side: training, scaling, routing, similarity. */
#include <math.h>

#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"

enum { LEGEND = 210, LEFT = 80, GAP = 24, BETWEEN = 62 };

static void draw_line(struct chart *chart, const struct axes *axes,
                      const struct plot_line *line) {
    cairo_t *cr = chart->cr;
    bool open = false;
    chart_colour(chart, line->ink, line->thin ? 0.35 : 1);
    cairo_set_line_width(cr, line->thin ? 1 : 2.2);
    chart_dash(chart, line->dash);
    for (size_t i = 0; i < line->count; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i])) {
            open = false;
            continue;
        }
        double x = axes_x(axes, line->x[i]), y = axes_y(axes, line->y[i]);
        if (open)
            cairo_line_to(cr, x, y);
        else
            cairo_move_to(cr, x, y);
        open = true;
    }
    cairo_stroke(cr);
    chart_dash(chart, 0);
    for (size_t i = 0; line->marks && i < line->count; i++)
        if (isfinite(line->x[i]) && isfinite(line->y[i]))
            chart_mark(chart, axes_x(axes, line->x[i]), axes_y(axes, line->y[i]),
                       line->mark, 4.5);
}

/* The names of the first panel that has each: all panels share them. */
static void draw_legend(struct chart *chart, double x, double y,
                        const struct plot_panel *panel) {
    for (size_t i = 0; i < panel->count; i++) {
        const struct plot_line *line = &panel->lines[i];
        if (!line->name)
            continue;
        struct legend_entry entry = {.name = line->name,
                                     .ink = line->ink,
                                     .mark = line->mark,
                                     .line = true,
                                     .dash = line->dash,
                                     .marks = line->marks};
        axes_legend(chart, x, y, LEGEND - 30, &entry, 1);
        y += 24;
    }
}

int plot_lines(const struct plot_page *page, const char *x_label, const char *y_label,
               const struct plot_panel *panels, size_t panel_count,
               struct error *error) {
    struct axes_range rx, ry;
    axes_range_begin(&rx);
    axes_range_begin(&ry);
    for (size_t p = 0; p < panel_count; p++)
        for (size_t l = 0; l < panels[p].count; l++)
            for (size_t i = 0; i < panels[p].lines[l].count; i++) {
                axes_range_add(&rx, panels[p].lines[l].x[i]);
                axes_range_add(&ry, panels[p].lines[l].y[i]);
            }
    axes_range_end(&rx);
    axes_range_end(&ry);
    struct chart *chart;
    if (chart_open(page, &chart, error))
        return -1;
    bool titled = panel_count && panels[0].title;
    double top = (page->title ? 30 : 0) + (titled ? 45 : 25);
    size_t columns =
        panel_count <= 3 ? panel_count : (size_t)ceil(sqrt((double)panel_count));
    size_t rows = (panel_count + columns - 1) / columns;
    double width =
        (page->width - LEFT - LEGEND - GAP * (double)(columns - 1)) / (double)columns;
    double step = (page->height - top - 60 + BETWEEN) / (double)rows;
    for (size_t p = 0; p < panel_count; p++) {
        size_t row = p / columns, column = p % columns;
        bool lowest = p + columns >= panel_count;
        struct axes axes = {.left = LEFT + (double)column * (width + GAP),
                            .top = top + (double)row * step,
                            .width = width,
                            .height = step - BETWEEN,
                            .x0 = rx.low,
                            .x1 = rx.high,
                            .y0 = ry.low,
                            .y1 = ry.high,
                            .no_y_numbers = column > 0};
        axes_draw(chart, &axes, panels[p].title, lowest ? x_label : NULL,
                  column == 0 ? y_label : NULL);
        cairo_save(chart->cr);
        cairo_rectangle(chart->cr, axes.left, axes.top, axes.width, axes.height);
        cairo_clip(chart->cr);
        for (int thin = 1; thin >= 0; thin--)
            for (size_t l = 0; l < panels[p].count; l++)
                if (panels[p].lines[l].thin == thin)
                    draw_line(chart, &axes, &panels[p].lines[l]);
        cairo_restore(chart->cr);
    }
    if (page->title)
        chart_text(chart, LEFT + (page->width - LEFT - LEGEND) / 2, 24, CHART_TITLE,
                   0.5, page->title);
    draw_legend(chart, page->width - LEGEND + 20, top + 14, &panels[0]);
    return chart_close(chart, error);
}
