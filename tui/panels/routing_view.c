#include <math.h>
#include <string.h>

#include "panels/views.h"

/* Without room for the whole name, "block 3 mlp" is "3 mlp". */
static const char *short_name(const char *name, bool narrow) {
    return narrow && !strncmp(name, "block ", 6) ? name + 6 : name;
}

/* Weights by depth (rows) and expert (columns): a number, and where there is room
 * a bar from zero on one scale for all. */
static void draw_row(const struct view *view, const struct explorer *explorer, int y,
                     size_t module, int name, bool narrow, int column, float high) {
    const struct marks *marks = view->canvas->marks;
    const float *weights = explorer->routing + module * explorer->tasks;
    view_text(view, 1, y, name, INK_TEXT, LOOK_PLAIN,
              short_name(explorer->module_names[module], narrow));
    for (size_t t = 0; t < explorer->tasks; t++) {
        int x = 2 + name + (int)t * column, bar = column - 8;
        if (x + 6 > view->width)
            break;
        view_right(view, x, y, 6, look_task(t), LOOK_PLAIN, "%.3f", (double)weights[t]);
        if (bar < 3)
            continue;
        int length = (int)lroundf(weights[t] / high * (float)bar);
        if (length > 0)
            view_fill(view, x + 7, y, length, marks->utf8 ? L'▬' : L'=', look_task(t),
                      LOOK_PLAIN);
    }
}

void routing_view_draw(const struct view *view, const struct explorer *explorer,
                       bool focused) {
    view_heading(view, "Routing weights, by depth", focused);
    if (!explorer->modules || !explorer->routing_serial) {
        view_text(view, 1, 1, view->width - 1, INK_FAINT, LOOK_PLAIN,
                  explorer->missing[0] ? "needs the checkpoints"
                  : !explorer->routers ? "no routers are trained yet; run pwemoe train"
                  : explorer->routers == CATALOG_CLOSED_FORM
                      ? "no routers are trained yet; run pwemoe train"
                  : explorer_has_correction(explorer) ? "a correction has none"
                                                      : "still being read");
        return;
    }
    int name = 6;
    for (size_t m = 0; m < explorer->modules; m++) {
        int columns = text_columns(view->canvas->marks, explorer->module_names[m]);
        name = columns > name ? columns : name;
    }
    int most_name = view->width - 2 - 7 * (int)explorer->tasks;
    bool narrow = name > most_name;
    if (narrow)
        name = most_name < 8 ? 8 : most_name;
    int column = (view->width - 2 - name) / (int)explorer->tasks;
    column = column < 7 ? 7 : column > 24 ? 24 : column;
    float high = 1e-6f;
    for (size_t i = 0; i < explorer->modules * explorer->tasks; i++)
        high = fmaxf(high, explorer->routing[i]);
    for (size_t t = 0; t < explorer->tasks; t++)
        view_text(view, 3 + name + (int)t * column, 1, column - 1, look_task(t),
                  LOOK_BOLD, explorer_task_name(explorer, t));
    int rows = view->height - 2, first = explorer->scroll[PANEL_ROUTING];
    int most = (int)explorer->modules - rows;
    first = first > most ? most : first;
    first = first < 0 ? 0 : first;
    for (int i = 0; i < rows && first + i < (int)explorer->modules; i++)
        draw_row(view, explorer, 2 + i, (size_t)(first + i), name, narrow, column,
                 high);
    if (most > first && rows > 0)
        view_right(view, view->width - 12, view->height - 1, 12, INK_FAINT, LOOK_PLAIN,
                   " %d below", most - first);
}
