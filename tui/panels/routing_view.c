#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/heat.h"
#include "panels/views.h"
#include "results/look.h"

/* What the shades of the map reach to. */
struct scales {
    float others, norms;   /* the greatest absolute weight, above 0 */
    bool any_norms, signs; /* signs: some weights are below 0 */
};

static struct scales find_scales(const struct explorer *explorer) {
    struct scales scales = {.others = 1e-6f, .norms = 1e-6f};
    for (size_t m = 0; m < explorer->modules; m++) {
        bool norm = look_is_norm(explorer->module_names[m]);
        float *most = norm ? &scales.norms : &scales.others;
        scales.any_norms = scales.any_norms || norm;
        for (size_t t = 0; t < explorer->tasks; t++) {
            float weight = explorer->routing[m * explorer->tasks + t];
            *most = fmaxf(*most, fabsf(weight));
            scales.signs = scales.signs || weight < 0;
        }
    }
    return scales;
}

/* Where the columns of the map stand. */
struct routing_map {
    int name, column; /* columns of the names, and from one expert to the next */
    size_t shown;     /* experts that there is room for */
    bool numbers;     /* beside the shades */
};

static struct routing_map place_map(const struct view *view,
                                    const struct explorer *explorer) {
    enum { LEAST = 3, NUMBER = 9, WIDEST = 20 };
    struct routing_map map = {0};
    int tasks = (int)explorer->tasks, room, longest = 6;
    for (size_t m = 0; m < explorer->modules; m++) {
        int columns = text_columns(view->canvas->marks, explorer->module_names[m]);
        longest = columns > longest ? columns : longest;
    }
    map.name = heat_name_width(view, longest, tasks, NUMBER, LEAST);
    room = view->width - 2 - map.name;
    map.column = room / tasks;
    map.column = map.column < LEAST ? LEAST : map.column > WIDEST ? WIDEST : map.column;
    map.shown = (size_t)(room < LEAST ? 0 : room / map.column);
    map.shown = map.shown > explorer->tasks ? explorer->tasks : map.shown;
    map.numbers = map.column >= NUMBER;
    return map;
}

/* One module: of each expert a shade, the darker the more, and where there is room its
 * number. */
static void draw_row(const struct view *view, const struct explorer *explorer, int y,
                     size_t module, const struct routing_map *map, size_t first,
                     const struct scales *scales) {
    const char *name = explorer->module_names[module];
    float most = look_is_norm(name) ? scales->norms : scales->others;
    view_text(view, 1, y, map->name, INK_TEXT, LOOK_PLAIN,
              heat_module(view, name, map->name));
    for (size_t i = 0; i < map->shown; i++) {
        size_t t = first + i;
        float weight = explorer->routing[module * explorer->tasks + t];
        int x = 2 + map->name + (int)i * map->column, width = map->column - 1;
        if (map->numbers) {
            view_right(view, x, y, 6, look_task(t), LOOK_PLAIN, "%.3f", (double)weight);
            x += 7;
            width -= 7;
        } else if (scales->signs) {
            view_put(view, x++, y, weight < 0 ? L'-' : L'+', look_task(t), LOOK_PLAIN);
            width--;
        }
        view_fill(view, x, y, width, heat_shade(view, fabsf(weight) / most),
                  look_task(t), LOOK_PLAIN);
    }
}

/* What the shades mean, and what is not on the screen. */
static void draw_key(const struct view *view, const struct scales *scales, int y,
                     int below, size_t beside) {
    char norms[48] = "", rest[64] = "";
    if (scales->any_norms)
        snprintf(norms, sizeof norms, ", norms to %.2f", (double)scales->norms);
    if (below > 0)
        snprintf(rest, sizeof rest, ", %d below", below);
    if (beside)
        snprintf(rest + strlen(rest), sizeof rest - strlen(rest), ", %zu beside",
                 beside);
    int x = 1 + view_text(view, 1, y, view->width - 1, INK_FAINT, LOOK_PLAIN, "0 ");
    x += heat_scale(view, x, y, view->width - x, false, INK_TEXT);
    view_printf(view, x + 1, y, view->width - x - 1, INK_FAINT, LOOK_PLAIN,
                "%s%.2f%s%s", scales->signs ? "-/+ " : "", (double)scales->others, rest,
                norms);
}

void routing_view_draw(const struct view *view, const struct explorer *explorer,
                       bool focused) {
    view_heading(view, "Routing weights, by depth", focused);
    if (!explorer->modules || !explorer->routing_serial) {
        view_note(view, INK_FAINT,
                  explorer->missing[0] ? "needs the checkpoints"
                  : !explorer->routers || (catalog_is_closed(explorer->routers) &&
                                           !catalog_any_trained(explorer->catalog))
                      ? "no routers are trained yet; run pwemoe train"
                  : catalog_is_closed(explorer->routers)
                      ? "the closed form has none; r chooses trained ones"
                  : explorer_has_correction(explorer) ? "what was trained has none"
                                                      : "still being read");
        return;
    }
    struct routing_map map = place_map(view, explorer);
    struct scales scales = find_scales(explorer);
    /* The chosen task is in sight, where not all are. */
    size_t first = explorer->slider >= map.shown ? explorer->slider + 1 - map.shown : 0;
    if (first + map.shown > explorer->tasks)
        first = explorer->tasks - map.shown;
    for (size_t i = 0; i < map.shown; i++) {
        char name[64];
        int x = 2 + map.name + (int)i * map.column + (map.numbers ? 1 : 0);
        explorer_short_name(explorer, first + i, map.column - 1, name, sizeof name);
        view_text(view, x, 1, map.column - 1, look_task(first + i), LOOK_BOLD, name);
    }
    int rows = view->height - 3, top = explorer->scroll[PANEL_ROUTING];
    int most = (int)explorer->modules - rows;
    top = top > most ? most : top;
    top = top < 0 ? 0 : top;
    for (int i = 0; i < rows && top + i < (int)explorer->modules; i++)
        draw_row(view, explorer, 2 + i, (size_t)(top + i), &map, first, &scales);
    if (view->height >= 3)
        draw_key(view, &scales, view->height - 1, most - top,
                 explorer->tasks - map.shown);
}
