#include "command/work/lines_data.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

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
