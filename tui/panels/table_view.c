/* The solutions as a table: a heading that says which, the names of the columns, rows.
 * The first columns stay where they are; of the others those are shown that the screen
 * has room for, among them always the one that the rows are sorted by. */
#include <stdio.h>
#include <string.h>

#include "panels/views.h"
#include "state/selection.h"
#include "state/solution_table.h"

enum { MARKS = 4, GAP = 1 };

struct placed_column {
    size_t column;
    int x, width;
};

struct table_layout {
    struct placed_column columns[TABLE_COLUMNS_MOST];
    size_t count;
    size_t before, after; /* columns that there is no room for, on either side */
};

static int width_of(const struct view *view, const struct explorer *explorer,
                    size_t column) {
    static const int fixed[] = {
        [TABLE_ID] = 6,       [TABLE_SOLUTION] = 24, [TABLE_MEAN] = 7,
        [TABLE_STANDING] = 9, [TABLE_SCALE] = 6,     [TABLE_STEP] = 7,
        [TABLE_SECONDS] = 8};
    if (column == TABLE_SOLUTION)
        return view->width >= 100 ? 32 : view->width >= 60 ? 24 : 14;
    if (column == TABLE_PREFERENCE)
        return explorer->tasks * 6 < 30 ? (int)explorer->tasks * 6 : 30;
    if (column < TABLE_TASK)
        return fixed[column];
    int columns =
        text_columns(view->canvas->marks, solution_table_name(explorer, column));
    return (columns < 7 ? 7 : columns > 11 ? 11 : columns) + 1;
}

static bool stays(size_t column) {
    return column == TABLE_ID || column == TABLE_SOLUTION;
}

static bool place_from(const struct view *view, const struct explorer *explorer,
                       const size_t *shown, size_t count, size_t first,
                       struct table_layout *layout) {
    int x = MARKS;
    bool sorted = false;
    *layout = (struct table_layout){0};
    for (size_t i = 0; i < count; i++) {
        int width = width_of(view, explorer, shown[i]);
        if (!stays(shown[i]) && i < first) {
            layout->before++;
            continue;
        }
        if (x + width > view->width && layout->count) {
            layout->after = count - i;
            break;
        }
        layout->columns[layout->count++] = (struct placed_column){
            shown[i], x, x + width > view->width ? view->width - x : width};
        sorted = sorted || shown[i] == explorer->table.sort;
        x += width + GAP;
    }
    return sorted;
}

static void place_columns(const struct view *view, const struct explorer *explorer,
                          struct table_layout *layout) {
    size_t shown[TABLE_COLUMNS_MOST], first = 0;
    size_t count = solution_table_columns(explorer, shown);
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || shown[i] == explorer->table.sort;
    while (first < count && stays(shown[first]))
        first++;
    bool sorted;
    while (!(sorted = place_from(view, explorer, shown, count, first, layout)) && any &&
           first + 1 < count)
        first++;
    /* Too narrow for more: what the rows are sorted by, and what they are. */
    if (!sorted && any && explorer->table.sort != TABLE_SOLUTION)
        place_from(view, explorer, (size_t[]){explorer->table.sort, TABLE_SOLUTION}, 2,
                   0, layout);
}

static bool is_left(size_t column) {
    return column == TABLE_SOLUTION || column == TABLE_STANDING ||
           column == TABLE_PREFERENCE;
}

static void draw_names(const struct view *view, const struct explorer *explorer,
                       const struct table_layout *layout, int y) {
    const struct marks *marks = view->canvas->marks;
    for (size_t i = 0; i < layout->count; i++) {
        const struct placed_column *placed = &layout->columns[i];
        size_t column = placed->column;
        bool sorted = column == explorer->table.sort;
        unsigned look = sorted ? LOOK_BOLD | LOOK_UNDERLINE : LOOK_PLAIN;
        enum ink ink = column >= TABLE_TASK ? look_task(column - TABLE_TASK)
                       : sorted             ? INK_TEXT
                                            : INK_FAINT;
        const char *name = solution_table_name(explorer, column);
        int room = placed->width - sorted, wide = text_columns(marks, name);
        int x = placed->x;
        if (!is_left(column) && wide < room)
            x += room - wide;
        int used = view_text(view, x, y, room, ink, look, name);
        if (sorted)
            view_put(view, x + used, y,
                     explorer->table.descending ? marks->arrow_down : marks->arrow_up,
                     INK_TEXT, LOOK_BOLD);
    }
}

static void draw_row(const struct view *view, const struct explorer *explorer,
                     const struct table_layout *layout, int y, size_t row) {
    const struct catalog *catalog = explorer->catalog;
    const struct marks *marks = view->canvas->marks;
    const struct series *series = catalog_series(catalog, row);
    const struct solution *solution = &catalog->solutions[row];
    bool pointed = row == explorer->pointed;
    bool faint =
        solution->stale || !solution->whole || selection_outside(explorer, row);
    enum ink ink = faint ? INK_FAINT : INK_TEXT;
    view_put(view, 0, y, pointed ? marks->chosen : L' ', INK_NOW, LOOK_BOLD);
    if (selection_has(explorer, row))
        view_put(view, 0, y, L'+', INK_NOW, LOOK_BOLD);
    if (row == explorer->row)
        view_put(view, 1, y, marks->mark[MARK_NOW], INK_NOW, LOOK_BOLD);
    view_put(view, 2, y, marks->mark[solution->knee ? MARK_KNEE : series->mark],
             solution->knee ? INK_FRONT : series->ink, LOOK_PLAIN);
    for (size_t i = 0; i < layout->count; i++) {
        const struct placed_column *placed = &layout->columns[i];
        char text[192];
        solution_table_text(explorer, row, placed->column, text, sizeof text);
        unsigned look = placed->column == explorer->table.sort ? LOOK_BOLD : LOOK_PLAIN;
        if (is_left(placed->column))
            view_text(view, placed->x, y, placed->width, ink, look, text);
        else
            view_right(view, placed->x, y, placed->width, ink, look, "%s", text);
    }
    if (pointed)
        view_look(view, 0, y, view->width, LOOK_REVERSE);
}

static void draw_heading(const struct view *view, const struct explorer *explorer,
                         const struct table_layout *layout, bool focused) {
    const struct solution_table *table = &explorer->table;
    char title[700];
    int used = snprintf(title, sizeof title, "Solutions: %zu", table->count);
    if (table->count < explorer->catalog->count)
        used += snprintf(title + used, sizeof title - (size_t)used, " of %zu",
                         explorer->catalog->count);
    if (table->filter)
        snprintf(title + used, sizeof title - (size_t)used, ", %s", table->expression);
    view_heading(view, title, focused);
    char more[64] = "";
    if (layout->before + layout->after)
        snprintf(more, sizeof more, " %zu more column%s ",
                 layout->before + layout->after,
                 layout->before + layout->after > 1 ? "s" : "");
    int columns = (int)strlen(more);
    if (columns && text_columns(view->canvas->marks, title) + columns + 6 < view->width)
        view_text(view, view->width - columns - 1, 0, columns, INK_FAINT, LOOK_PLAIN,
                  more);
}

void table_view_draw(const struct view *view, struct explorer *explorer, bool focused) {
    struct table_layout layout;
    char why[64];
    int rows = view->height - 2;
    place_columns(view, explorer, &layout);
    if (solution_table_update(explorer, rows > 0 ? rows : 0)) {
        view_heading(view, "Solutions: out of memory", focused);
        return;
    }
    const struct solution_table *table = &explorer->table;
    draw_heading(view, explorer, &layout, focused);
    if (!table->count) {
        view_note(view, INK_FAINT,
                  explorer->catalog->count
                      ? "no solution is left; / changes the filter, t shows series"
                      : explorer_why_empty(explorer, why, sizeof why));
        return;
    }
    draw_names(view, explorer, &layout, 1);
    for (int i = 0; i < rows && table->top + (size_t)i < table->count; i++)
        draw_row(view, explorer, &layout, 2 + i, table->rows[table->top + (size_t)i]);
}

size_t table_view_row(const struct view *view, const struct explorer *explorer, int y) {
    const struct solution_table *table = &explorer->table;
    if (y < 2 || y >= view->height || table->top + (size_t)(y - 2) >= table->count)
        return SIZE_MAX;
    return table->rows[table->top + (size_t)(y - 2)];
}

size_t table_view_column(const struct view *view, const struct explorer *explorer,
                         int x) {
    struct table_layout layout;
    place_columns(view, explorer, &layout);
    for (size_t i = 0; i < layout.count; i++)
        if (x >= layout.columns[i].x &&
            x < layout.columns[i].x + layout.columns[i].width)
            return layout.columns[i].column;
    return SIZE_MAX;
}
