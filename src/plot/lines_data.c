#include "plot/lines_data.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/attainment.h"

enum { LINES_MAX = 512, KEYS_MAX = 80 }; /* a panel; a legend */

/* Room for `count` points, and a copy of name (may be NULL). */
static struct owned_line *new_line(struct lines_data *data, const char *name,
                                   size_t count) {
    struct owned_line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    line->next = data->owned;
    data->owned = line;
    line->x = array_new(count, sizeof *line->x);
    line->y = array_new(count, sizeof *line->y);
    if (name)
        line->name = strdup(name);
    return line->x && line->y && (line->name || !name) ? line : NULL;
}

int lines_data_begin(struct lines_data *data, size_t count) {
    memset(data, 0, sizeof *data);
    data->panels = array_new(count, sizeof *data->panels);
    data->keys = array_new(KEYS_MAX, sizeof *data->keys);
    if (!data->panels || !data->keys)
        return -1;
    data->grid.panels = data->panels;
    data->grid.panel_count = count;
    data->grid.keys = data->keys;
    for (size_t p = 0; p < count; p++) {
        data->panels[p].lines = array_new(LINES_MAX, sizeof *data->panels[p].lines);
        if (!data->panels[p].lines)
            return -1;
    }
    return 0;
}

struct owned_line *lines_data_add(struct lines_data *data, size_t panel,
                                  struct plot_line style, const char *name,
                                  size_t count) {
    struct owned_line *line = new_line(data, name, count);
    if (!line)
        return NULL;
    struct plot_panel *p = &data->panels[panel];
    if (p->count == LINES_MAX)
        p->count--;
    style.name = line->name;
    style.x = line->x;
    style.y = line->y;
    style.count = count;
    ((struct plot_line *)(uintptr_t)p->lines)[p->count++] = style;
    return line;
}

int lines_data_key(struct lines_data *data, struct plot_line style, const char *name) {
    struct owned_line *line = new_line(data, name, 0);
    if (!line)
        return -1;
    style.name = line->name;
    if (data->grid.key_count < KEYS_MAX)
        data->keys[data->grid.key_count++] = style;
    return 0;
}

void lines_data_clear(struct lines_data *data) {
    while (data->owned) {
        struct owned_line *line = data->owned;
        data->owned = line->next;
        free(line->name);
        free(line->x);
        free(line->y);
        free(line);
    }
    for (size_t p = 0; data->panels && p < data->grid.panel_count; p++) {
        free((void *)(uintptr_t)data->panels[p].lines);
        free((char *)(uintptr_t)data->panels[p].title);
    }
    free(data->panels);
    free(data->keys);
    memset(data, 0, sizeof *data);
}

int lines_data_fail(struct lines_data *data, struct error *error) {
    lines_data_clear(data);
    return error_memory(error);
}

/* --- what several sets attain ----------------------------------------------------- */

enum { LEVELS = 3 }; /* median, best, worst */

/* One step of the border after the other, from its corners; beyond the first and the
 * last it goes on to the worst of all, since what is worse is attained, too. x and
 * y have room for stairs_size points. */
static void stairs(const double *corners, size_t count, const double worst[2],
                   const double sign[2], double *x, double *y) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            x[n] = sign[0] * corners[0];
            y[n++] = sign[1] * worst[1];
        }
        x[n] = sign[0] * corners[2 * i];
        y[n++] = sign[1] * corners[2 * i + 1];
        x[n] = sign[0] * (i + 1 < count ? corners[2 * (i + 1)] : worst[0]);
        y[n++] = sign[1] * corners[2 * i + 1];
    }
}

static size_t stairs_size(size_t corners) {
    return corners ? 2 * corners + 1 : 0;
}

static void turn_round(double *values, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        double value = values[i];
        values[i] = values[count - 1 - i];
        values[count - 1 - i] = value;
    }
}

int lines_data_band(struct lines_data *data, const double *points, const size_t *set_of,
                    size_t count, size_t sets, const double sign[2],
                    struct plot_line style, const char *name, struct error *error) {
    const size_t levels[LEVELS] = {attainment_median(sets), 1, sets};
    double *corners[LEVELS] = {0};
    size_t counts[LEVELS] = {0};
    int result = 0;
    for (size_t l = 0; result == 0 && l < LEVELS; l++)
        result = attainment_surface(points, set_of, count, sets, levels[l], &corners[l],
                                    &counts[l], error);
    struct plot_line inside = style;
    inside.filled = true;
    size_t best = stairs_size(counts[1]), all = stairs_size(counts[2]);
    double worst[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < 2; t++)
            worst[t] = fmax(worst[t], points[2 * i + t]);
    struct owned_line *line =
        result ? NULL : lines_data_add(data, 0, style, name, stairs_size(counts[0]));
    struct owned_line *band =
        line ? lines_data_add(data, 0, inside, NULL, best + all) : NULL;
    if (result == 0 && !band)
        result = error_memory(error);
    if (band) {
        stairs(corners[0], counts[0], worst, sign, line->x, line->y);
        stairs(corners[1], counts[1], worst, sign, band->x, band->y);
        stairs(corners[2], counts[2], worst, sign, band->x + best, band->y + best);
        turn_round(band->x + best, all);
        turn_round(band->y + best, all);
    }
    for (size_t l = 0; l < LEVELS; l++)
        free(corners[l]);
    return result;
}
