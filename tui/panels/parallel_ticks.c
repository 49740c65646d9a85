/* The numbers of parallel coordinates' axes, of parallel.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/parallel.h"

/* ".7": in two columns more is told by it than by "1". */
static void drop_zero(char *text) {
    char *zero = strstr(text, "0.");
    if (zero && (zero == text || (zero == text + 1 && *text == '-')))
        memmove(zero, zero + 1, strlen(zero));
}

const char *parallel_number(double value, int most, char *out, size_t size) {
    value = fabs(value) < 0.05 ? 0.0 : value;
    for (int form = 0; form < 3; form++) {
        snprintf(out, size, "%s", TEXT_NUMBER(value, form < 2));
        if (form == 1)
            drop_zero(out);
        if ((int)strlen(out) <= most)
            return out;
    }
    snprintf(out, size, "%.0e", value);
    if ((int)strlen(out) > most)
        out[0] = '\0';
    return out;
}

/* May a number stand on these cells? Where `strict` it hides nothing of the lines that
 * are looked at: here, what is compared or pointed at, baselines. */
static bool has_room(const struct view *inside, int x, int y, int from, int columns,
                     bool strict) {
    const struct canvas *canvas = inside->canvas;
    const struct cell *axis = canvas_at(canvas, inside->x + x, inside->y + y);
    if (axis->c != canvas->marks->vertical)
        return false;
    for (int i = 0; i < columns; i++) {
        const struct cell *cell =
            canvas_at(canvas, inside->x + from + i, inside->y + y);
        if (strict && cell->c != L' ' && cell->ink != INK_DOMINATED &&
            cell->ink != INK_FAR)
            return false;
    }
    return true;
}

/* Where the number of a place stands that is `away` rows from the middle; false: there
 * is none. */
static bool draw_at(const struct parallel_axes *axes, size_t place, int away,
                    bool strict) {
    const struct view *inside = &axes->inside;
    int x = parallel_axis_column(axes, place), most = axes->gap - 1;
    int y = (inside->height - 1) / 2 + (away % 2 ? -1 : 1) * ((away + 1) / 2);
    char text[32];
    if (y < 1 || y > inside->height - 2)
        return false;
    /* Where axes are far apart, lines are seen beside the number. */
    most = most > 7 ? most - 3 : most;
    double share = (double)y / (inside->height - 1);
    parallel_number(axes->high[place] + share * (axes->low[place] - axes->high[place]),
                    most, text, sizeof text);
    int columns = text_columns(inside->canvas->marks, text);
    int from = x + 1 + columns > inside->width ? x - columns : x + 1;
    if (!columns || !has_room(inside, x, y, from, columns, strict))
        return false;
    view_put(inside, x, y, inside->canvas->marks->utf8 ? L'┼' : L'+', INK_FRAME,
             LOOK_PLAIN);
    view_text(inside, from, y, columns, INK_FAINT, LOOK_PLAIN, text);
    return true;
}

void parallel_ticks_draw(const struct parallel_axes *axes) {
    int rows = axes->inside.height;
    for (size_t k = 0; k < axes->count; k++) {
        bool drawn = false;
        for (int away = 0; away <= rows / 2 && !drawn; away++)
            drawn = draw_at(axes, k, away, true);
        for (int away = 0; away < rows && !drawn; away++)
            drawn = draw_at(axes, k, away, false);
    }
}
