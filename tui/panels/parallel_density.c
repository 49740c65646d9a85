/* The lines of parallel coordinates as densities, of parallel.h.
 *
 * Ten thousand lines are a grey block. So lines are counted, not drawn: for each dot
 * how many pass it, and dots are set the more closely the more there are. Counting
 * costs two additions for each line and column and is kept until the catalog, the
 * legend or the axes change, and so is which dots are set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/parallel.h"
#include "state/selection.h"
#include "state/space.h"

/* Of more rows every second, third ... is counted: the picture is the same, and the
 * time has an end. Few lines are drawn whole. */
enum { ROWS_MOST = 20000, WHOLE_MOST = 30 };

/* A line from one axis to the next as the dots it covers in each column between them:
 * one more from the first, one fewer after the last. */
static void count_line(uint32_t *column, int height, int columns, int from, int to) {
    int before = from;
    for (int x = 0; x < columns; x++) {
        int at = from + (int)lround((double)(to - from) * (x + 1) / columns);
        int low = before < at ? before : at, high = before < at ? at : before;
        uint32_t *here = column + (size_t)x * (size_t)(height + 1);
        here[low]++;
        here[high + 1]--;
        before = at;
    }
}

static void count_rows(const struct explorer *explorer,
                       const struct parallel_axes *axes, int dots_x,
                       struct density *density) {
    const struct catalog *catalog = explorer->catalog;
    size_t stride = (catalog->count + ROWS_MOST - 1) / ROWS_MOST;
    int columns = axes->gap * dots_x;
    for (size_t i = 0; i < catalog->count; i += stride ? stride : 1) {
        const struct solution *solution = &catalog->solutions[i];
        if (!space_is_ours(catalog, i) ||
            !explorer_series_visible(explorer, solution->series))
            continue;
        density->lines++;
        bool above =
            selection_count(explorer) ? selection_has(explorer, i) : solution->front;
        uint32_t *layer = above ? density->front : density->rest;
        int before = -1;
        for (size_t k = 0; k < axes->count; k++) {
            double value = space_value(catalog, i, axes->axis[k]);
            int at = isfinite(value)
                         ? parallel_axis_dot(axes, k, value, density->height)
                         : -1;
            if (before >= 0 && at >= 0)
                count_line(layer + (k - 1) * (size_t)columns *
                                       (size_t)(density->height + 1),
                           density->height, columns, before, at);
            before = at;
        }
    }
}

/* From differences down each column to numbers. */
static void sum_columns(uint32_t *layer, int width, int height) {
    for (int x = 0; x < width; x++) {
        uint32_t *column = layer + (size_t)x * (size_t)(height + 1);
        for (int y = 1; y < height; y++)
            column[y] += column[y - 1];
    }
}

/* Which dots are set: once, not in each frame. */
static void find_dots(struct density *density) {
    size_t height = (size_t)density->height;
    uint32_t most = 0;
    for (size_t x = 0; x < (size_t)density->width; x++)
        for (size_t y = 0; y < height; y++) {
            size_t at = x * (height + 1) + y;
            most = density->front[at] > most ? density->front[at] : most;
            most = density->rest[at] > most ? density->rest[at] : most;
        }
    for (int layer = 0; layer < 2; layer++) {
        const uint32_t *lines = layer ? density->front : density->rest;
        for (int x = 0; x < density->width; x++)
            for (int y = 0; y < density->height; y++) {
                uint32_t passing = lines[(size_t)x * (height + 1) + (size_t)y];
                if (density->lines <= WHOLE_MOST ? passing > 0
                                                 : raster_shade(passing, most, x, y))
                    density->dots[(size_t)x * height + (size_t)y] |=
                        layer ? DENSITY_FRONT : DENSITY_REST;
            }
    }
}

static bool is_same(const struct density *density, const struct explorer *explorer,
                    const struct parallel_axes *axes, int width, int height) {
    return density->front && density->catalog == explorer->catalog->serial &&
           density->hidden == explorer->hidden_serial &&
           density->selection == explorer->selection_shown &&
           density->wanted == explorer->axes.serial && density->first == axes->first &&
           density->axes == axes->count && density->width == width &&
           density->height == height &&
           !memcmp(density->low, axes->low, sizeof axes->low) &&
           !memcmp(density->high, axes->high, sizeof axes->high);
}

static void density_free(struct density *density) {
    free(density->front);
    free(density->rest);
    free(density->dots);
    *density = (struct density){0};
}

int parallel_density_make(struct explorer *explorer, const struct parallel_axes *axes,
                          const struct raster *raster) {
    struct density *density = &explorer->density;
    int width = axes->gap * raster->dots_x * ((int)axes->count - 1);
    int height = raster_height(raster);
    if (is_same(density, explorer, axes, width, height))
        return 0;
    density_free(density);
    *density = (struct density){.catalog = explorer->catalog->serial,
                                .hidden = explorer->hidden_serial,
                                .selection = explorer->selection_shown,
                                .wanted = explorer->axes.serial,
                                .first = axes->first,
                                .axes = axes->count,
                                .width = width,
                                .height = height};
    memcpy(density->low, axes->low, sizeof axes->low);
    memcpy(density->high, axes->high, sizeof axes->high);
    size_t cells = (size_t)width * (size_t)(height + 1);
    density->front = array_new(cells, sizeof *density->front);
    density->rest = array_new(cells, sizeof *density->rest);
    density->dots = array_new((size_t)width * (size_t)height, 1);
    if (!density->front || !density->rest || !density->dots) {
        density_free(density);
        return -1;
    }
    count_rows(explorer, axes, raster->dots_x, density);
    sum_columns(density->front, width, height);
    sum_columns(density->rest, width, height);
    find_dots(density);
    return 0;
}

void parallel_density_draw(const struct parallel_axes *axes,
                           const struct density *density, struct raster *raster) {
    int left = parallel_axis_column(axes, 0) * raster->dots_x + raster->dots_x / 2;
    for (uint8_t layer = DENSITY_REST; layer <= DENSITY_FRONT; layer++)
        for (int x = 0; x < density->width; x++) {
            const uint8_t *dots = density->dots + (size_t)x * (size_t)density->height;
            for (int y = 0; y < density->height; y++)
                if (dots[y] & layer)
                    raster_dot(raster, left + x, y,
                               layer == DENSITY_FRONT ? INK_FAR : INK_DOMINATED);
        }
}
