#include "panels/graph_axis.h"

#include <math.h>
#include <stddef.h>

enum { LEAST = 3 };

/* An axis whose numbers are being chosen. */
struct room {
    const struct marks *marks; /* NULL: upright */
    int cells, before, behind;
    size_t most;
};

int graph_axis_cell(struct range range, double value, int cells) {
    double at = (value - range.low) / (range.high - range.low) * (cells - 1);
    if (!(at > -30000))
        return -30000;
    return at > 30000 ? 30000 : (int)lround(at);
}

int graph_axis_text(int cell, int columns, int cells, int behind) {
    int from = cell - columns / 2, last = cells + behind - columns;
    return from > last ? last : from;
}

/* Has each number room of its own? */
static bool all_fit(const struct room *room, struct range range,
                    const struct ticks *ticks) {
    char text[32];
    int end = -room->before, last = -1;
    for (size_t i = 0; i < ticks->count; i++) {
        int cell = graph_axis_cell(range, ticks_at(ticks, i), room->cells);
        if (cell <= last || cell >= room->cells)
            return false;
        last = cell;
        if (!room->marks)
            continue;
        int columns =
            text_columns(room->marks, ticks_text(ticks, i, text, sizeof text));
        int from = graph_axis_text(cell, columns, room->cells, room->behind);
        if (from < end)
            return false;
        end = from + columns + 1;
    }
    return true;
}

static bool is_better(const struct graph_axis *a, const struct graph_axis *than) {
    bool enough = a->ticks.count >= LEAST, was = than->ticks.count >= LEAST;
    double wide = a->range.high - a->range.low,
           wide_than = than->range.high - than->range.low;
    if (enough != was)
        return enough;
    return wide < wide_than ||
           (wide <= wide_than && a->ticks.count > than->ticks.count);
}

/* The range as it is, and grown to the next multiple of a step at one end or both. */
static void try_step(const struct room *room, struct range asked, double step,
                     struct graph_axis *best) {
    static const double most_growth = 1.6;
    struct ticks inside = ticks_at_step(asked.low, asked.high, step, room->most + 1);
    for (int growth = 0; growth < 4; growth++) {
        struct graph_axis axis = {asked, inside};
        if (growth && (inside.count == 0 || inside.count >= LEAST))
            return;
        if (growth & 1)
            axis.range.high = step * (inside.first + (double)inside.count);
        if (growth & 2)
            axis.range.low = step * (inside.first - 1);
        double wide = axis.range.high - axis.range.low;
        if (wide > most_growth * (asked.high - asked.low) ||
            (asked.low >= 0 && axis.range.low < 0))
            continue;
        axis.ticks =
            ticks_at_step(axis.range.low, axis.range.high, step, room->most + 1);
        if (axis.ticks.count && axis.ticks.count <= room->most &&
            all_fit(room, axis.range, &axis.ticks) && is_better(&axis, best))
            *best = axis;
    }
}

static struct graph_axis choose(const struct room *room, struct range range) {
    static const double round[] = {1, 2, 2.5, 5};
    struct graph_axis best = {.range = range, .ticks = {.step = 1}};
    double wide = range.high - range.low;
    if (!(wide > 0) || !isfinite(wide) || room->cells < 2)
        return best;
    double power = pow(10, floor(log10(wide)) - 1);
    for (int decade = 0; decade < 3 && power > 0; decade++, power *= 10)
        for (size_t k = 0; k < sizeof round / sizeof *round; k++)
            try_step(room, range, power * round[k], &best);
    return best;
}

struct graph_axis graph_axis_upright(struct range range, int cells) {
    struct room room = {.cells = cells, .most = cells <= 4 ? 4 : cells >= 9 ? 5 : 4};
    return choose(&room, range);
}

struct graph_axis graph_axis_across(const struct marks *marks, struct range range,
                                    int cells, int before, int behind) {
    struct room room = {
        .marks = marks, .cells = cells, .before = before, .behind = behind, .most = 6};
    return choose(&room, range);
}
