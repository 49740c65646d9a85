#define _GNU_SOURCE
#include <time.h>

#include "panels/views.h"

void log_view_draw(const struct view *view, const struct explorer *explorer,
                   bool focused) {
    const struct catalog *catalog = explorer->catalog;
    view_heading(view, "Log", focused);
    int rows = view->height - 1, count = (int)catalog->line_count;
    if (!count) {
        view_note(view, INK_FAINT, "nothing yet");
        return;
    }
    /* The newest line is the lowest; scrolling up goes back in time. */
    int back = -explorer->scroll[PANEL_LOG];
    int most = count - rows;
    back = back > most ? most : back;
    back = back < 0 ? 0 : back;
    int first = count - rows - back < 0 ? 0 : count - rows - back;
    for (int i = 0; i < rows && first + i < count; i++) {
        const struct store_log_line *line = &catalog->lines[first + i];
        time_t at = (time_t)line->time;
        struct tm tm;
        char text[32] = "";
        if (localtime_r(&at, &tm))
            strftime(text, sizeof text, "%d %b %H:%M", &tm);
        int used = view_text(view, 1, 1 + i, 13, INK_FAINT, LOOK_PLAIN, text);
        view_text(view, used + 2, 1 + i, view->width - used - 2, INK_TEXT, LOOK_PLAIN,
                  line->text);
    }
}
