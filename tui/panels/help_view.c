#include <string.h>

#include "panels/views.h"
#include "state/keys.h"

/* A line of help is a heading (no keys) or a key with what it does. */
static int add(const struct view *view, int scroll, int line, const char *keys,
               const char *text) {
    int y = line - scroll;
    if (y >= 0 && y < view->height) {
        if (keys) {
            view_text(view, 1, y, 15, INK_NOW, LOOK_PLAIN, keys);
            view_text(view, 17, y, view->width - 17, INK_TEXT, LOOK_PLAIN, text);
        } else {
            view_text(view, 0, y, view->width, INK_TITLE, LOOK_BOLD, text);
        }
    }
    return line + 1;
}

int help_view_draw(const struct view *view, int scroll) {
    const char *group = "";
    int line = 0;
    for (const struct key_binding *binding = key_bindings; binding->action; binding++) {
        if (strcmp(group, binding->group)) {
            if (line)
                line = add(view, scroll, line, NULL, "");
            group = binding->group;
            line = add(view, scroll, line, NULL, group);
        }
        line = add(view, scroll, line, binding->keys, binding->help);
    }
    static const char *const notes[] = {
        "Mouse",
        "Drag the point, a slider or the 3-D view; click a line of the legend to",
        "switch it, a panel to focus it; the wheel scrolls. Shift selects text.",
        "",
        "Figures",
        "est: interpolated from stored points, nobody has measured it.",
        "low-high: 95 % interval of what is measured so far.",
        "complete: the whole held-out split, stored in the file.",
        "STL: each task by its own expert. best: the best stored merge.",
        "An arrow at the edge of a scatter is a baseline that lies beyond it.",
        "A dim baseline is measured in part, or stale: an expert has changed since.",
    };
    line = add(view, scroll, line, NULL, "");
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        bool heading = i == 0 || i == 4;
        int y = line - scroll;
        if (y >= 0 && y < view->height)
            view_text(view, heading ? 0 : 1, y, view->width,
                      heading ? INK_TITLE : INK_TEXT, heading ? LOOK_BOLD : LOOK_PLAIN,
                      notes[i]);
        line++;
    }
    return line;
}
