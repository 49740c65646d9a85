#include "panels/heat.h"

#include <math.h>
#include <string.h>

wchar_t heat_shade(const struct view *view, float share) {
    static const wchar_t fine[HEAT_SHADES] = L" ░▒▓█", coarse[HEAT_SHADES] = L" .:+#";
    int at = (int)lroundf(share * (HEAT_SHADES - 1));
    at = at < 0 ? 0 : at > HEAT_SHADES - 1 ? HEAT_SHADES - 1 : at;
    return view->canvas->marks->utf8 ? fine[at] : coarse[at];
}

int heat_scale(const struct view *view, int x, int y, int room, bool falling,
               enum ink ink) {
    int i = 0;
    for (; i < HEAT_SHADES && i < room; i++) {
        int at = falling ? HEAT_SHADES - 1 - i : i;
        view_put(view, x + i, y, heat_shade(view, (float)at / (HEAT_SHADES - 1)), ink,
                 LOOK_PLAIN);
    }
    return i;
}

const char *heat_module(const struct view *view, const char *name, int width) {
    bool narrow = text_columns(view->canvas->marks, name) > width;
    return narrow && !strncmp(name, "block ", 6) ? name + 6 : name;
}

int heat_name_width(const struct view *view, int longest, int columns, int width,
                    int least) {
    enum { SHORTEST = 8 };
    int most = view->width - 2 - width * columns;
    most = most < SHORTEST ? view->width - 2 - least * columns : most;
    return longest <= most ? longest : most < SHORTEST ? SHORTEST : most;
}
