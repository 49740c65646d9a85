/* Line charts in panels side by side: training, scaling, routing, similarity. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plot/axes.h"
#include "plot/chart.h"
#include "plot/kinds.h"
#include "plot/legend.h"

struct lines {
    struct chart *chart;
    const struct plot_grid *grid;
    size_t columns, rows;
    struct axes_range x, *y; /* y [panel_count], by number of scale */
    struct legend_entry *entries;
    size_t entry_count;
};

static void fill_polygon(struct chart *chart, const struct axes *axes,
                         const struct plot_line *line) {
    for (size_t i = 0; i < line->count; i++)
        if (isfinite(line->x[i]) && isfinite(line->y[i]))
            cairo_line_to(chart->cr, axes_x(axes, line->x[i]),
                          axes_y(axes, line->y[i]));
    chart_colour(chart, line->ink, 0.2);
    cairo_fill(chart->cr);
}

/* The path of a line of more points than pixels can show, which cairo would take a time
 * for that grows with their square: of those that follow each other in one column of
 * pixels the first, the lowest, the highest and the last, which look the same (Jugel
 * and others 2014, "M4"). */
struct pen {
    cairo_t *cr;
    bool open, thin;
    double column;
    struct pen_point {
        double x, y;
        size_t at; /* its number among those of the column */
    } low, high, last;
};

static void pen_end_column(struct pen *pen) {
    if (!pen->open || !pen->thin)
        return;
    const struct pen_point *middle[2] = {&pen->low, &pen->high};
    if (pen->low.at > pen->high.at) {
        middle[0] = &pen->high;
        middle[1] = &pen->low;
    }
    for (size_t i = 0; i < 2; i++)
        if (middle[i]->at != 0 && middle[i]->at != pen->last.at)
            cairo_line_to(pen->cr, middle[i]->x, middle[i]->y);
    if (pen->last.at != 0)
        cairo_line_to(pen->cr, pen->last.x, pen->last.y);
}

static void pen_to(struct pen *pen, double x, double y) {
    double column = x, unused = y;
    cairo_user_to_device(pen->cr, &column, &unused);
    column = floor(column);
    if (pen->thin && pen->open && column == pen->column) {
        pen->last = (struct pen_point){x, y, pen->last.at + 1};
        if (y < pen->low.y)
            pen->low = pen->last;
        if (y > pen->high.y)
            pen->high = pen->last;
        return;
    }
    pen_end_column(pen);
    if (pen->open)
        cairo_line_to(pen->cr, x, y);
    else
        cairo_move_to(pen->cr, x, y);
    pen->open = true;
    pen->column = column;
    pen->low = pen->high = pen->last = (struct pen_point){x, y, 0};
}

static void pen_lift(struct pen *pen) {
    pen_end_column(pen);
    pen->open = false;
}

static void draw_line(struct chart *chart, const struct axes *axes,
                      const struct plot_line *line) {
    cairo_t *cr = chart->cr;
    double width = axes->width, height = axes->height;
    cairo_user_to_device_distance(cr, &width, &height);
    struct pen pen = {.cr = cr, .thin = (double)line->count > 4 * width};
    chart_colour(chart, line->ink, line->thin ? 0.35 : 1);
    chart_width(chart, line->thin ? 1 : 2.2);
    chart_dash(chart, line->dash);
    for (size_t i = 0; i < line->count; i++)
        if (isfinite(line->x[i]) && isfinite(line->y[i]))
            pen_to(&pen, axes_x(axes, line->x[i]), axes_y(axes, line->y[i]));
        else
            pen_lift(&pen);
    pen_lift(&pen);
    cairo_stroke(cr);
    chart_dash(chart, 0);
    for (size_t i = 0; line->marks && i < line->count; i++)
        if (isfinite(line->x[i]) && isfinite(line->y[i]))
            chart_mark(chart, axes_x(axes, line->x[i]), axes_y(axes, line->y[i]),
                       line->mark, 4);
}

/* --- legend ----------------------------------------------------------------------- */

static void add_entry(struct lines *l, const struct plot_line *line) {
    for (size_t i = 0; i < l->entry_count; i++)
        if (!line->name || strcmp(l->entries[i].name, line->name) == 0)
            return;
    if (line->name)
        l->entries[l->entry_count++] = (struct legend_entry){.name = line->name,
                                                             .ink = line->ink,
                                                             .mark = line->mark,
                                                             .line = true,
                                                             .dash = line->dash,
                                                             .marks = line->marks};
}

static int fill_legend(struct lines *l, struct error *error) {
    const struct plot_grid *grid = l->grid;
    size_t most = grid->key_count;
    for (size_t p = 0; p < grid->panel_count; p++)
        most += grid->panels[p].count;
    l->entries = array_new(most, sizeof *l->entries);
    if (!l->entries)
        return error_memory(error);
    for (size_t i = 0; i < grid->key_count; i++)
        add_entry(l, &grid->keys[i]);
    for (size_t p = 0; !grid->key_count && p < grid->panel_count; p++)
        for (size_t i = 0; i < grid->panels[p].count; i++)
            add_entry(l, &grid->panels[p].lines[i]);
    return 0;
}

/* --- panels ----------------------------------------------------------------------- */

static int find_ranges(struct lines *l, struct error *error) {
    const struct plot_grid *grid = l->grid;
    l->y = array_new(grid->panel_count, sizeof *l->y);
    if (!l->y)
        return error_memory(error);
    axes_range_begin(&l->x);
    for (size_t p = 0; p < grid->panel_count; p++)
        axes_range_begin(&l->y[p]);
    for (size_t p = 0; p < grid->panel_count; p++)
        for (size_t k = 0; k < grid->panels[p].count; k++) {
            const struct plot_line *line = &grid->panels[p].lines[k];
            for (size_t i = 0; i < line->count; i++) {
                axes_range_add(&l->x, line->x[i]);
                axes_range_add(&l->y[grid->panels[p].scale], line->y[i]);
            }
        }
    axes_range_end(&l->x);
    for (size_t p = 0; p < grid->panel_count; p++)
        axes_range_end(&l->y[p]);
    return 0;
}

static void draw_panel(struct lines *l, size_t p, const struct axes *axes) {
    struct chart *chart = l->chart;
    const struct plot_panel *panel = &l->grid->panels[p];
    axes_draw(chart, axes, panel->title, NULL, NULL);
    cairo_save(chart->cr);
    cairo_rectangle(chart->cr, axes->left, axes->top, axes->width, axes->height);
    cairo_clip(chart->cr);
    for (size_t k = 0; k < panel->count; k++)
        if (panel->lines[k].filled)
            fill_polygon(chart, axes, &panel->lines[k]);
    for (int thin = 1; thin >= 0; thin--)
        for (size_t k = 0; k < panel->count; k++)
            if (panel->lines[k].thin == thin && !panel->lines[k].filled)
                draw_line(chart, axes, &panel->lines[k]);
    cairo_restore(chart->cr);
}

/* What the axes of all panels are, once: below them and to their left. */
static void label_all(struct lines *l, double left, double top, double width,
                      double height) {
    struct chart *chart = l->chart;
    char text[256];
    if (l->grid->x_label)
        chart_text(chart, left + width / 2, top + height + 38 * chart->unit, CHART_TEXT,
                   0.5,
                   chart_text_fit(chart, CHART_TEXT, width, l->grid->x_label, text,
                                  sizeof text));
    if (l->grid->y_label)
        chart_text_turned(chart, 14 * chart->unit, top + height / 2, -M_PI / 2,
                          CHART_TEXT, 0.5,
                          chart_text_fit(chart, CHART_TEXT, height, l->grid->y_label,
                                         text, sizeof text));
}

/* Wide enough for the numbers of every row. */
static double left_margin(struct lines *l, double height) {
    double left = 0;
    for (size_t p = 0; p < l->grid->panel_count; p += l->columns) {
        const struct axes_range *range = &l->y[l->grid->panels[p].scale];
        left = fmax(left, axes_margin_left(l->chart, range->low, range->high, height,
                                           l->grid->y_label));
    }
    return left;
}

static void draw(struct lines *l, const struct plot_page *page) {
    const struct plot_grid *grid = l->grid;
    double unit = l->chart->unit, gap = 16 * unit;
    double title = (page->title ? 32 : 6) * unit;
    double above = (grid->panel_count && grid->panels[0].title ? 26 : 8) * unit;
    double below = axes_margin_below(l->chart, grid->x_label);
    struct legend legend =
        legend_plan(l->chart, l->entries, l->entry_count, title + above);
    double step =
        (page->height - title - legend.bottom - (below - 22 * unit)) / (double)l->rows;
    double height = step - above - 22 * unit;
    double left = left_margin(l, height);
    double width = (page->width - left - legend.right - 16 * unit -
                    gap * (double)(l->columns - 1)) /
                   (double)l->columns;
    axes_title(l->chart, left, page->width - left - legend.right, page->title);
    for (size_t p = 0; p < grid->panel_count; p++) {
        size_t row = p / l->columns, column = p % l->columns;
        const struct axes_range *range = &l->y[grid->panels[p].scale];
        bool lowest = p + l->columns >= grid->panel_count;
        struct axes axes = {.left = left + (double)column * (width + gap),
                            .top = title + above + (double)row * step,
                            .width = width,
                            .height = height,
                            .x0 = l->x.low,
                            .x1 = l->x.high,
                            .y0 = range->low,
                            .y1 = range->high,
                            .no_x_numbers = !lowest,
                            .no_y_numbers = column > 0 && grid->panels[p].scale ==
                                                              grid->panels[p - 1].scale,
                            .whole = grid->whole};
        draw_panel(l, p, &axes);
    }
    label_all(l, left, title + above,
              width * (double)l->columns + gap * (double)(l->columns - 1),
              step * (double)l->rows - above - 22 * unit);
    legend_draw(l->chart, &legend, left, title + above);
}

int plot_lines(const struct plot_page *page, const struct plot_grid *grid,
               struct error *error) {
    struct lines l = {.grid = grid, .columns = grid->columns};
    if (!l.columns)
        l.columns = grid->panel_count <= 3
                        ? grid->panel_count
                        : (size_t)ceil(sqrt((double)grid->panel_count));
    l.rows = (grid->panel_count + l.columns - 1) / l.columns;
    int result = fill_legend(&l, error);
    if (result == 0)
        result = find_ranges(&l, error);
    if (result == 0)
        result = chart_open(page, &l.chart, error);
    if (result == 0) {
        draw(&l, page);
        result = chart_close(l.chart, error);
    }
    free(l.entries);
    free(l.y);
    return result;
}
