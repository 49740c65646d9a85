/* Cosines of the task vectors as a map in cells: a row for each module, a column for
 * each pair of tasks; of many tasks only the pairs of the chosen one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/heat.h"
#include "panels/views.h"
#include "results/look.h"

static const char WHOLE[] = "the whole model";

/* Which pairs there are, and where they stand. */
struct similarity_map {
    int name, column;
    size_t pairs[STORE_TASKS_MAX * 2], count, shown;
    bool numbers, one;  /* one: pairs of the chosen task, which is not named in each */
    double most, norms; /* what shades reach to, above 0; those of norms */
    bool any_norms;
};

enum { LEAST = 4, NUMBER = 7, WIDEST = 14 };

/* All pairs where each has its columns, else those of the chosen task. */
static void choose_pairs(const struct view *view, const struct explorer *explorer,
                         struct similarity_map *map) {
    const struct similarity *s = explorer->similarity;
    size_t most = sizeof map->pairs / sizeof *map->pairs;
    int room = view->width - 2 - 8;
    map->one = s->tasks > 2 && (s->pairs > most || (int)s->pairs * LEAST > room);
    for (size_t p = 0; p < s->pairs && map->count < most; p++)
        if (!map->one || s->pair[p][0] == explorer->slider ||
            s->pair[p][1] == explorer->slider)
            map->pairs[map->count++] = p;
}

static struct similarity_map place_map(const struct view *view,
                                       const struct explorer *explorer) {
    const struct similarity *s = explorer->similarity;
    const struct marks *marks = view->canvas->marks;
    struct similarity_map map = {.most = 1e-6, .norms = 1e-6};
    int longest = text_columns(marks, WHOLE);
    choose_pairs(view, explorer, &map);
    for (size_t m = 0; m < s->modules; m++) {
        int columns = text_columns(marks, s->module[m].name);
        longest = columns > longest ? columns : longest;
    }
    for (size_t p = 0; p < s->pairs; p++) {
        map.most = fmax(map.most, fabs(s->whole[p])); /* fmax passes over NaN */
        for (size_t m = 0; m < s->modules; m++) {
            bool norm = look_is_norm(s->module[m].name);
            double *most = norm ? &map.norms : &map.most;
            *most = fmax(*most, fabs(s->cosine[m * s->pairs + p]));
            map.any_norms = map.any_norms || norm;
        }
    }
    int count = (int)map.count;
    map.name = heat_name_width(view, longest, count, NUMBER, LEAST);
    int room = view->width - 2 - map.name;
    map.column = count ? room / count : LEAST;
    map.column = map.column < LEAST ? LEAST : map.column > WIDEST ? WIDEST : map.column;
    map.shown = room < LEAST ? 0 : (size_t)(room / map.column);
    map.shown = map.shown > map.count ? map.count : map.shown;
    map.numbers = map.column >= NUMBER;
    return map;
}

static enum ink ink_of(double cosine) {
    return cosine < 0 ? INK_WARNING : INK_FRONT;
}

/* A sign, so that colour alone tells nothing, and a shade, the darker the farther from
 * 0; where there is room the number between. */
static void draw_cell(const struct view *view, const struct similarity_map *map, int x,
                      int y, double cosine, double most) {
    int width = map->column - 1;
    if (isnan(cosine)) {
        view_text(view, x, y, width, INK_FAINT, LOOK_PLAIN,
                  map->numbers ? " none" : "no");
        return;
    }
    if (map->numbers) {
        view_right(view, x, y, 5, ink_of(cosine), LOOK_PLAIN, "%+.2f", cosine);
        x += 5;
        width -= 5;
    } else {
        view_put(view, x++, y, cosine < 0 ? L'-' : L'+', ink_of(cosine), LOOK_PLAIN);
        width--;
    }
    view_fill(view, x, y, width, heat_shade(view, (float)(fabs(cosine) / most)),
              ink_of(cosine), LOOK_PLAIN);
}

static void draw_row(const struct view *view, const struct similarity_map *map, int y,
                     const char *name, unsigned look, const double *cosines) {
    view_text(view, 1, y, map->name, INK_TEXT, look,
              heat_module(view, name, map->name));
    double most = look_is_norm(name) ? map->norms : map->most;
    for (size_t i = 0; i < map->shown; i++)
        draw_cell(view, map, 2 + map->name + (int)i * map->column, y,
                  cosines[map->pairs[i]], most);
}

static const char *short_name(const struct explorer *explorer, size_t task,
                              const struct similarity_map *map, char *out,
                              size_t size) {
    explorer_short_name(explorer, task, map->column - 1, out, size);
    return out;
}

/* The names of a pair below each other; where all are with one task, the others. */
static void draw_names(const struct view *view, const struct explorer *explorer,
                       const struct similarity_map *map) {
    const struct similarity *s = explorer->similarity;
    for (size_t i = 0; i < map->shown; i++) {
        const size_t *pair = s->pair[map->pairs[i]];
        int x = 2 + map->name + (int)i * map->column;
        size_t upper = pair[0], lower = pair[1];
        if (map->one) {
            lower = upper == explorer->slider ? lower : upper;
            upper = explorer->slider;
        }
        char name[64];
        if (!map->one)
            view_text(view, x, 1, map->column - 1, look_task(upper), LOOK_BOLD,
                      short_name(explorer, upper, map, name, sizeof name));
        view_text(view, x, 2, map->column - 1, look_task(lower), LOOK_BOLD,
                  short_name(explorer, lower, map, name, sizeof name));
    }
    char beside[32] = "";
    if (map->count > map->shown)
        snprintf(beside, sizeof beside, " (%zu beside)", map->count - map->shown);
    if (map->one)
        view_printf(view, 1, 1, view->width - 1, look_task(explorer->slider), LOOK_BOLD,
                    "%s with%s", explorer_task_name(explorer, explorer->slider),
                    beside);
}

/* What the shades mean, and what is not on the screen. */
static void draw_key(const struct view *view, const struct similarity_map *map, int y,
                     int below) {
    char rest[32] = "", norms[32] = "";
    if (below > 0)
        snprintf(rest, sizeof rest, ", %d below", below);
    if (map->any_norms)
        snprintf(norms, sizeof norms, ", norms to %.2f", map->norms);
    int x = 1;
    x += view_printf(view, x, y, view->width - x, INK_FAINT, LOOK_PLAIN, "%.2f ",
                     -map->most);
    x += heat_scale(view, x, y, view->width - x, true, INK_WARNING);
    x += view_text(view, x, y, view->width - x, INK_FAINT, LOOK_PLAIN, "0");
    x += heat_scale(view, x, y, view->width - x, false, INK_FRONT);
    view_printf(view, x, y, view->width - x, INK_FAINT, LOOK_PLAIN, " +%.2f%s%s",
                map->most, rest, norms);
}

static void draw_missing(const struct view *view, const struct explorer *explorer) {
    char text[64] = "the models are being read";
    if (explorer->similarity_total)
        snprintf(text, sizeof text, "the models are being read: %zu of %zu",
                 explorer->similarity_done, explorer->similarity_total);
    bool failed = explorer->similarity_missing[0];
    view_note(view, failed ? INK_WARNING : INK_FAINT,
              failed ? explorer->similarity_missing : text);
}

void similarity_view_draw(const struct view *view, const struct explorer *explorer,
                          bool focused) {
    enum { ABOVE = 4 }; /* heading, two of names, the whole model */
    const struct similarity *s = explorer->similarity;
    view_heading(view, "Similarity of task vectors", focused);
    if (!s) {
        draw_missing(view, explorer);
        return;
    }
    struct similarity_map map = place_map(view, explorer);
    draw_names(view, explorer, &map);
    draw_row(view, &map, 3, WHOLE, LOOK_BOLD, s->whole);
    int rows = view->height - ABOVE - 1, top = explorer->scroll[PANEL_SIMILARITY];
    int most = (int)s->modules - rows;
    top = top > most ? most : top;
    top = top < 0 ? 0 : top;
    for (int i = 0; i < rows && top + i < (int)s->modules; i++)
        draw_row(view, &map, ABOVE + i, s->module[top + i].name, LOOK_PLAIN,
                 s->cosine + (size_t)(top + i) * s->pairs);
    if (view->height > ABOVE)
        draw_key(view, &map, view->height - 1, most - top);
}
