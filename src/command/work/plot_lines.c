/* Runs and routers as lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/work/plot_data.h"
#include "plot/lines_data.h"

enum { EXPERTS_MAX = 4 }; /* in a panel */

/* --- routing ---------------------------------------------------------------------- */

/* Norms have weights of another size: they are panels of their own. */
static bool is_norm(enum module_kind kind) {
    return kind == MODULE_NORM1 || kind == MODULE_NORM2;
}

static size_t count_kind(const struct routing *r, enum module_kind kind) {
    size_t count = 0;
    for (size_t m = 0; m < r->modules; m++)
        count += r->module[m].block >= 0 && r->module[m].kind == kind;
    return count;
}

/* A colour an expert, a dash a kind of module; first and second kinds look alike in
 * panels of norms and of others. */
static struct plot_line routing_style(size_t expert, size_t kind) {
    return (struct plot_line){.ink = look_task(expert),
                              .mark = look_place(expert),
                              .dash = kind % 2,
                              .marks = kind % 2 == 0};
}

/* Of many experts only the one that has the whole weight stands out. */
static int add_routing(struct lines_data *data, size_t panel, const struct routing *r,
                       size_t preference, size_t kind) {
    size_t count = count_kind(r, lines_data_kinds[kind]);
    for (size_t t = 0; count && t < r->tasks; t++) {
        struct plot_line style = routing_style(t, kind);
        style.thin = r->tasks > EXPERTS_MAX && t != preference;
        style.marks = style.marks && !style.thin;
        struct owned_line *line = lines_data_add(data, panel, style, NULL, count);
        if (!line)
            return -1;
        for (size_t m = 0, i = 0; m < r->modules; m++)
            if (r->module[m].block >= 0 &&
                r->module[m].kind == lines_data_kinds[kind]) {
                line->x[i] = (double)r->module[m].block;
                line->y[i++] = r->weights[(preference * r->modules + m) * r->tasks + t];
            }
    }
    return 0;
}

/* Experts by colour and mark, then what is dashed. */
static int routing_keys(struct lines_data *data, const struct store_recipe *recipe,
                        const struct routing *r, bool norms) {
    for (size_t t = 0; t < r->tasks; t++)
        if (lines_data_key(data, routing_style(t, 0), recipe->tasks[t].name))
            return -1;
    struct plot_line plain = {.ink = INK_TEXT}, dashed = {.ink = INK_TEXT, .dash = 1};
    bool second = count_kind(r, lines_data_kinds[1]) > 0;
    if ((second || norms) && lines_data_key(data, plain, norms ? "mlp, norm 1" : "mlp"))
        return -1;
    if (second || norms)
        return lines_data_key(data, dashed,
                              !norms   ? "attn"
                              : second ? "attn, norm 2"
                                       : "norm 2");
    return 0;
}

/* One panel a unit preference; below it, where there are routers of norms, one of
 * these. */
int lines_data_routing(const struct store_recipe *recipe, const struct routing *r,
                       struct lines_data *data, struct error *error) {
    bool norms = false;
    for (size_t k = 0; k < LINES_KINDS; k++)
        norms = norms ||
                (is_norm(lines_data_kinds[k]) && count_kind(r, lines_data_kinds[k]));
    /* Rows of plain panels and rows of norms take turns. */
    size_t columns = r->tasks <= 4 ? r->tasks : (r->tasks + 1) / 2;
    size_t blocks = (r->tasks + columns - 1) / columns, parts = norms ? 2 : 1;
    if (lines_data_begin(data, blocks * parts * columns))
        return lines_data_fail(data, error);
    data->grid.columns = columns;
    data->grid.whole = true;
    int result = routing_keys(data, recipe, r, norms);
    for (size_t p = 0; result == 0 && p < r->tasks; p++)
        for (size_t part = 0; result == 0 && part < parts; part++) {
            size_t panel = (p / columns * parts + part) * columns + p % columns;
            data->panels[panel].scale = part;
            data->panels[panel].title = text_format(
                part ? "norms, all for %s" : "all for %s", recipe->tasks[p].name);
            result = data->panels[panel].title ? 0 : -1;
            for (size_t k = 0; result == 0 && k < LINES_KINDS; k++)
                if (is_norm(lines_data_kinds[k]) == (part == 1))
                    result = add_routing(data, panel, r, p, k);
        }
    return result ? lines_data_fail(data, error) : 0;
}

/* --- training --------------------------------------------------------------------- */

int lines_data_training(struct store *store, const struct store_recipe *recipe,
                        uint64_t wanted, const char *method, struct lines_data *data,
                        char **name, struct error *error) {
    struct store_run *runs;
    struct store_curve_point *points = NULL;
    size_t run_count, count = 0;
    const struct store_run *run = NULL;
    memset(data, 0, sizeof *data);
    *name = NULL;
    if (store_runs(store, &runs, &run_count, error))
        return -1;
    int result = 0;
    for (size_t i = run_count; i-- > 0 && result == 0 && count == 0;) {
        if (wanted ? runs[i].id != (int64_t)wanted
                   : !store_run_is(&runs[i], method, NULL))
            continue;
        free(points);
        points = NULL;
        run = &runs[i];
        result = store_curve(store, run->id, &points, &count, error);
    }
    if (result == 0 && count > 0 && !(*name = series_run_name(run)))
        result = error_memory(error);
    store_runs_free(runs, run_count);
    if (result == 0 && count == 0)
        result = error_set(error,
                           "%s has no training curve of that run; `pwemoe show "
                           "FILE routers` lists the runs",
                           store_path(store));
    if (result == 0)
        result = lines_data_losses(recipe, points, count, data, error);
    free(points);
    if (result) {
        free(*name);
        *name = NULL;
    }
    return result;
}
