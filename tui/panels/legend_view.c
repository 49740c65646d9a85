/* panel: the marks and what they stand for. */
#include "panels/views.h"
#include "state/space.h"

struct legend_line {
    wchar_t mark;
    enum ink ink;
    const char *name;
    size_t series; /* or SIZE_MAX */
    bool hidden;
};

enum { LEGEND_MOST = 40, LEGEND_COLUMN = 22 };

static size_t legend_entries(const struct explorer *explorer, const struct marks *marks,
                             struct legend_line *entries) {
    const struct catalog *catalog = explorer->catalog;
    size_t count = 0;
    bool estimate = explorer->figures < FIGURES_RUNNING;
    entries[count++] =
        (struct legend_line){marks->mark[estimate ? MARK_ESTIMATE : MARK_NOW], INK_NOW,
                             explorer->figures == FIGURES_NONE       ? "here"
                             : estimate                              ? "here, estimated"
                             : explorer->figures == FIGURES_COMPLETE ? "here, measured"
                                                                     : "here, so far",
                             SIZE_MAX, false};
    for (size_t s = 0; s < catalog->series_count && count < LEGEND_MOST - 3; s++) {
        const struct series *series = &catalog->series[s];
        entries[count++] =
            (struct legend_line){marks->mark[series->mark], series->ink, series->name,
                                 s, !explorer_series_visible(explorer, s)};
    }
    if (catalog->dominated)
        entries[count++] = (struct legend_line){
            marks->mark[MARK_DOMINATED], INK_DOMINATED, "dominated", SIZE_MAX, false};
    if (catalog->knee != SIZE_MAX)
        entries[count++] = (struct legend_line){marks->mark[MARK_KNEE], INK_FRONT,
                                                "knee of the front", SIZE_MAX, false};
    return count;
}

static int legend_columns(const struct view *view) {
    int columns = (view->width + 1) / (LEGEND_COLUMN + 1);
    return columns < 1 ? 1 : columns;
}

int legend_view_list(const struct view *view, const struct explorer *explorer, int y) {
    const struct marks *marks = view->canvas->marks;
    struct legend_line entries[LEGEND_MOST];
    size_t count = legend_entries(explorer, marks, entries);
    if (explorer->catalog->bookmark_count)
        entries[count++] = (struct legend_line){marks->mark[MARK_BOOKMARK], INK_TEXT,
                                                "bookmark", SIZE_MAX, false};
    for (size_t i = 0; i < count; i++) {
        int row = y + (int)i;
        if (row < 0 || row >= view->height)
            continue;
        int used = view_text(view, 3, row, view->width - 3, INK_TEXT, LOOK_PLAIN,
                             entries[i].name);
        view_put(view, 1, row, entries[i].mark, entries[i].ink, LOOK_PLAIN);
        if (entries[i].hidden)
            view_text(view, 4 + used, row, view->width - 4 - used, INK_FAINT,
                      LOOK_PLAIN, "switched off (t)");
    }
    return y + (int)count;
}

void legend_view_draw(const struct view *view, const struct explorer *explorer,
                      bool focused) {
    struct legend_line entries[LEGEND_MOST];
    size_t count = legend_entries(explorer, view->canvas->marks, entries);
    int columns = legend_columns(view), rows = view->height - 1;
    int width = view->width / columns;
    view_heading(view, "Legend", focused);
    for (size_t i = 0; i < count && rows > 0; i++) {
        int row = (int)i % rows, column = (int)i / rows;
        if (column >= columns)
            break;
        const struct legend_line *entry = &entries[i];
        int x = column * width;
        bool last = column == columns - 1 && row == rows - 1 && i + 1 < count;
        if (last) {
            view_printf(view, x + 1, row + 1, width - 2, INK_FAINT, LOOK_PLAIN,
                        "and %zu more (t)", count - i);
            break;
        }
        enum ink ink = entry->hidden ? INK_FAINT : INK_TEXT;
        view_put(view, x + 1, row + 1, entry->mark,
                 entry->hidden ? INK_FAINT : entry->ink,
                 i == 0 ? LOOK_BOLD : LOOK_PLAIN);
        int used =
            view_text(view, x + 3, row + 1, width - 4, ink, LOOK_PLAIN, entry->name);
        if (entry->hidden)
            view_text(view, x + 4 + used, row + 1, width - 5 - used, INK_FAINT,
                      LOOK_PLAIN, "off");
    }
}

size_t legend_view_at(const struct view *view, const struct explorer *explorer, int x,
                      int y) {
    struct legend_line entries[LEGEND_MOST];
    size_t count = legend_entries(explorer, view->canvas->marks, entries);
    int columns = legend_columns(view), rows = view->height - 1;
    if (rows < 1 || y < 1 || x < 0 || x >= view->width)
        return SIZE_MAX;
    int column = x / (view->width / columns);
    size_t at = (size_t)(column * rows + y - 1);
    return column < columns && y <= rows && at < count ? entries[at].series : SIZE_MAX;
}
