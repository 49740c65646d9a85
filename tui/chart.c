#include "chart.h"

#include <math.h>
#include <stdlib.h>

struct range range_empty(void) {
    return (struct range){INFINITY, -INFINITY};
}

void range_add(struct range *range, double value) {
    if (!isfinite(value))
        return;
    if (value < range->low)
        range->low = value;
    if (value > range->high)
        range->high = value;
}

struct range range_widen(struct range range, double least, double margin) {
    if (range.low > range.high)
        range = (struct range){0, least};
    double width = fmax(range.high - range.low, least);
    double middle = (range.low + range.high) / 2;
    return (struct range){middle - width * (0.5 + margin),
                          middle + width * (0.5 + margin)};
}

double range_step(struct range range, int most) {
    double width = range.high - range.low;
    if (!(width > 0) || most < 1)
        return 1;
    double step = pow(10, floor(log10(width / most)));
    static const double rounds[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 4; i++)
        if (width / (step * rounds[i]) <= most)
            return step * rounds[i];
    return step * 20;
}

/* Decimals that a step needs. */
static int decimals(double step) {
    int count = 0;
    while (count < 4 && fabs(step - round(step)) > 1e-9 * step) {
        step *= 10;
        count++;
    }
    return count;
}

struct chart chart_begin(const struct view *view, struct range x, struct range y) {
    enum { LABEL = 5 };
    const struct marks *marks = view->canvas->marks;
    int left = view->width >= 16 ? LABEL + 1 : 1, below = view->height >= 4 ? 2 : 1;
    struct chart chart = {
        view_inside(view, left, 0, view->width - left - 1, view->height - below), x, y};
    int axis = view->height - below;
    for (int row = 0; row < axis; row++)
        view_put(view, left - 1, row, marks->vertical, INK_FRAME, LOOK_PLAIN);
    view_put(view, left - 1, axis, marks->corner, INK_FRAME, LOOK_PLAIN);
    view_fill(view, left, axis, view->width - left - 1, marks->horizontal, INK_FRAME,
              LOOK_PLAIN);
    if (chart.inside.width < 1 || chart.inside.height < 1)
        return chart;
    int most = (chart.inside.height * 2 + 2) / 3;
    double step = range_step(y, most > 5 ? 5 : most < 1 ? 1 : most);
    for (double at = ceil(y.low / step) * step; left > 1 && at <= y.high; at += step) {
        int row = chart_row(&chart, at);
        if (row < 0 || row >= axis)
            continue;
        view_right(view, 0, row, LABEL, INK_FAINT, LOOK_PLAIN, "%.*f", decimals(step),
                   fabs(at) < step / 2 ? 0.0 : at);
        view_put(view, left - 1, row, marks->tick_right, INK_FRAME, LOOK_PLAIN);
    }
    most = chart.inside.width / 6;
    step = range_step(x, most > 6 ? 6 : most < 1 ? 1 : most);
    for (double at = ceil(x.low / step) * step; below > 1 && at <= x.high; at += step) {
        int column = chart_column(&chart, at);
        if (column < 0 || column >= chart.inside.width)
            continue;
        view_put(view, left + column, axis, marks->utf8 ? L'┬' : L'+', INK_FRAME,
                 LOOK_PLAIN);
        char text[32];
        snprintf(text, sizeof text, "%.*f", decimals(step),
                 fabs(at) < step / 2 ? 0.0 : at);
        int columns = text_columns(marks, text), from = left + column - columns / 2;
        if (from + columns > view->width)
            from = view->width - columns;
        view_text(view, from, axis + 1, columns, INK_FAINT, LOOK_PLAIN, text);
    }
    return chart;
}

static int place(double value, struct range range, int cells) {
    double at = (value - range.low) / (range.high - range.low) * (cells - 1);
    if (!(at > -30000))
        return -30000;
    return at > 30000 ? 30000 : (int)lround(at);
}

int chart_column(const struct chart *chart, double x) {
    return place(x, chart->x, chart->inside.width);
}

int chart_row(const struct chart *chart, double y) {
    return chart->inside.height - 1 - place(y, chart->y, chart->inside.height);
}

/* Dots of a cell lie around its middle, so that marks sit on their lines. */
int chart_dot_x(const struct chart *chart, const struct plot *plot, double x) {
    double at = (x - chart->x.low) / (chart->x.high - chart->x.low) *
                    (chart->inside.width - 1) +
                0.5;
    at *= plot->dots_x;
    return at < -30000 ? -30000 : at > 30000 ? 30000 : (int)floor(at);
}

int chart_dot_y(const struct chart *chart, const struct plot *plot, double y) {
    double at = (chart->y.high - y) / (chart->y.high - chart->y.low) *
                    (chart->inside.height - 1) +
                0.5;
    at *= plot->dots_y;
    return at < -30000 ? -30000 : at > 30000 ? 30000 : (int)floor(at);
}

void chart_line(const struct chart *chart, struct plot *plot, double x0, double y0,
                double x1, double y1, int step, enum ink ink) {
    if (!isfinite(x0 + y0 + x1 + y1))
        return;
    plot_line(plot, chart_dot_x(chart, plot, x0), chart_dot_y(chart, plot, y0),
              chart_dot_x(chart, plot, x1), chart_dot_y(chart, plot, y1), step, ink);
}

void chart_point(const struct chart *chart, double x, double y, wchar_t mark,
                 enum ink ink, unsigned look) {
    bool fine = chart->inside.canvas->marks->utf8;
    int column = chart_column(chart, x), row = chart_row(chart, y);
    int right = chart->inside.width - 1, bottom = chart->inside.height - 1;
    if (right < 0 || bottom < 0 || !isfinite(x) || !isfinite(y))
        return;
    if (column < 0) {
        mark = fine ? L'◂' : L'<';
        column = 0;
    } else if (column > right) {
        mark = fine ? L'▸' : L'>';
        column = right;
    }
    if (row > bottom) {
        mark = fine ? L'▾' : L'v';
        row = bottom;
    } else if (row < 0) {
        mark = fine ? L'▴' : L'^';
        row = 0;
    }
    view_put(&chart->inside, column, row, mark, ink, look);
}
