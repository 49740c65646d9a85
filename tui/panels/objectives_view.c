#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "panels/views.h"
#include "results/oriented.h"
#include "results/price.h"
#include "results/row.h"
#include "results/volume.h"

/* Columns of the table, from the left; a narrow screen drops them from the end. */
struct columns {
    int name, now, interval, examples, stl, difference, pretrained, best, best_name,
        gauge;
    int gauge_width;
};

static struct columns place_columns(const struct view *view,
                                    const struct explorer *explorer) {
    struct columns c = {0};
    int x = 1, name = 6;
    for (size_t t = 0; t < explorer->tasks; t++) {
        int columns =
            text_columns(view->canvas->marks, explorer_task_name(explorer, t));
        name = columns > name ? columns : name;
    }
    int most = view->width >= 60 ? 16 : view->width >= 40 ? 10 : 8;
    c.name = name > most ? most : name;
    x += c.name + 1;
    struct {
        int *at, width;
    } wanted[] = {{&c.now, 7},   {&c.interval, 12},  {&c.examples, 12},
                  {&c.stl, 8},   {&c.difference, 8}, {&c.pretrained, 11},
                  {&c.best, 11}, {&c.best_name, 21}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (x + wanted[i].width > view->width)
            return c;
        *wanted[i].at = x;
        x += wanted[i].width;
    }
    if (view->width - x >= 16) {
        c.gauge = x + 2;
        c.gauge_width = view->width - x - 4 < 60 ? view->width - x - 4 : 60;
    }
    return c;
}

static void draw_names(const struct view *view, const struct columns *c, int y) {
    const struct {
        int at, width;
        const char *text;
    } names[] = {{c->now, 7, "here"},           {c->interval, 12, "95 %"},
                 {c->examples, 12, "examples"}, {c->stl, 8, "STL"},
                 {c->difference, 8, "to STL"},  {c->pretrained, 11, "pretrained"},
                 {c->best, 11, "best merge"}};
    view_text(view, 1, y, c->name, INK_FAINT, LOOK_PLAIN, "task");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].at)
            view_right(view, names[i].at, y, names[i].width, INK_FAINT, LOOK_PLAIN,
                       "%s", names[i].text);
    if (c->best_name)
        view_text(view, c->best_name + 1, y, 20, INK_FAINT, LOOK_PLAIN, "which one");
    if (c->gauge)
        view_text(view, c->gauge, y, c->gauge_width, INK_FAINT, LOOK_PLAIN,
                  c->gauge_width >= 26 ? "from pretrained to STL" : "");
}

/* Is a better than b in this task? */
static bool better(const struct catalog *catalog, size_t t, double a, double b) {
    const struct store_objective *objective = &catalog->recipe->tasks[t].objective;
    return oriented_turn(objective, a) < oriented_turn(objective, b);
}

/* Decimals of a row with this figure and the experts'; NaN where one is not known. */
static int digits_of(const struct catalog *catalog, size_t t, double value,
                     double stl) {
    return row_digits(&catalog->recipe->tasks[t].objective,
                      fmax(fabs(value), fabs(stl)));
}

/* How far it is from the experts', in the colour of what is good where it is no worse.
 */
static void draw_difference(const struct view *view, const struct columns *c, int y,
                            const struct catalog *catalog, size_t t, double value,
                            double stl) {
    if (c->difference && !isnan(stl))
        view_right(view, c->difference, y, 8,
                   better(catalog, t, stl, value) ? INK_TEXT : INK_GOOD, LOOK_PLAIN,
                   "%s", TEXT_SIGNED(value - stl, digits_of(catalog, t, value, stl)));
}

static void draw_number(const struct view *view, int x, int width, int y, double value,
                        int digits, enum ink ink) {
    if (!x)
        return;
    if (isnan(value))
        view_right(view, x, y, width, INK_FAINT, LOOK_PLAIN, "%s",
                   view->canvas->marks->utf8 ? "–" : "-");
    else
        view_right(view, x, y, width, ink, LOOK_PLAIN, "%s",
                   TEXT_NUMBER(value, digits));
}

/* Where the figure stands between the pretrained model's and the expert's. */
static void draw_gauge(const struct view *view, const struct columns *c, int y,
                       const struct explorer *explorer, size_t t, double now,
                       bool estimated) {
    const struct marks *marks = view->canvas->marks;
    const struct catalog *catalog = explorer->catalog;
    double low = catalog->pretrained[t], high = catalog->stl[t];
    if (!c->gauge || !better(catalog, t, high, low))
        return;
    view_put(view, c->gauge, y, marks->tick_left, INK_FRAME, LOOK_PLAIN);
    view_fill(view, c->gauge + 1, y, c->gauge_width - 2, marks->track, INK_FRAME,
              LOOK_PLAIN);
    view_put(view, c->gauge + c->gauge_width - 1, y, marks->tick_right, INK_FRAME,
             LOOK_PLAIN);
    for (int i = 0; i < 2; i++) {
        double value = i ? now : catalog->best[t];
        if (isnan(value))
            continue;
        double at = (value - low) / (high - low);
        int x = (int)lround(fmin(1, fmax(0, at)) * (c->gauge_width - 1));
        if (i)
            view_put(view, c->gauge + x, y,
                     marks->mark[estimated ? MARK_ESTIMATE : MARK_NOW], INK_NOW,
                     LOOK_BOLD);
        else
            view_put(
                view, c->gauge + x, y,
                marks
                    ->mark[catalog
                               ->series[catalog->solutions[catalog->best_row[t]].series]
                               .mark],
                INK_FAINT, LOOK_PLAIN);
    }
}

static void draw_task(const struct view *view, const struct columns *c, int y,
                      const struct explorer *explorer, size_t t) {
    const struct catalog *catalog = explorer->catalog;
    const char *dash = view->canvas->marks->utf8 ? "–" : "-";
    struct figure figure;
    bool known = explorer_figure(explorer, t, &figure);
    enum ink ink = known && figure.estimated ? INK_ESTIMATE : INK_NOW;
    view_text(view, 1, y, c->name, look_task(t), LOOK_PLAIN,
              explorer_task_name(explorer, t));
    int digits = digits_of(catalog, t, known ? figure.value : NAN, catalog->stl[t]);
    draw_number(view, c->now, 7, y, known ? figure.value : NAN, digits, ink);
    if (known && c->interval) {
        if (figure.estimated)
            view_right(view, c->interval, y, 12, INK_ESTIMATE, LOOK_PLAIN, "est");
        else if (figure.complete)
            view_right(view, c->interval, y, 12, INK_FAINT, LOOK_PLAIN, "complete");
        else
            view_right(view, c->interval, y, 12, INK_TEXT, LOOK_PLAIN, "%s%s%s",
                       TEXT_NUMBER(figure.low, digits - 1), dash,
                       TEXT_NUMBER(figure.high, digits - 1));
    } else if (known && figure.estimated && !c->interval) {
        view_put(view, c->now + 7, y, L'?', INK_ESTIMATE, LOOK_PLAIN);
    }
    if (known && c->examples && !figure.estimated) {
        if (figure.population > figure.examples)
            view_right(view, c->examples, y, 12, INK_TEXT, LOOK_PLAIN, "%llu/%llu",
                       (unsigned long long)figure.examples,
                       (unsigned long long)figure.population);
        else if (figure.examples)
            view_right(view, c->examples, y, 12, INK_FAINT, LOOK_PLAIN, "%llu",
                       (unsigned long long)figure.examples);
    }
    draw_number(view, c->stl, 8, y, catalog->stl[t], digits, INK_TEXT);
    if (known)
        draw_difference(view, c, y, catalog, t, figure.value, catalog->stl[t]);
    draw_number(view, c->pretrained, 11, y, catalog->pretrained[t], digits, INK_TEXT);
    draw_number(view, c->best, 11, y, catalog->best[t], digits, INK_TEXT);
    if (c->best_name && catalog->best_row[t] != SIZE_MAX) {
        char text[128];
        view_text(view, c->best_name + 1, y, 20, INK_FAINT, LOOK_PLAIN,
                  catalog_row_text(catalog, catalog->best_row[t], text, sizeof text));
    }
    draw_gauge(view, c, y, explorer, t, known ? figure.value : NAN,
               known && figure.estimated);
}

static double mean(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* The mean over tasks of one and the same merge; all tasks have one direction. */
static double best_mean(const struct catalog *catalog, size_t *row) {
    double best = NAN;
    for (size_t b = 0; b < catalog->beside_count; b++) {
        size_t i = catalog->besides[b];
        if (!catalog->solutions[i].whole || catalog->solutions[i].stale ||
            catalog->rows[i].solution.kind != STORE_KIND_MERGE)
            continue;
        double value = mean(catalog->values + i * catalog->tasks, catalog->tasks);
        if (isnan(best) || better(catalog, 0, value, best)) {
            best = value;
            *row = i;
        }
    }
    return best;
}

static void draw_mean(const struct view *view, const struct columns *c, int y,
                      const struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    double sum = 0;
    bool known = true, estimated = false, complete = true;
    if (!store_recipe_averages(catalog->recipe)) {
        view_text(view, 1, y, view->width - 1, INK_FAINT, LOOK_PLAIN,
                  "no mean: the tasks have different units");
        return;
    }
    for (size_t t = 0; t < explorer->tasks; t++) {
        struct figure figure;
        known = known && explorer_figure(explorer, t, &figure);
        if (!known)
            break;
        sum += figure.value;
        estimated = estimated || figure.estimated;
        complete = complete && figure.complete;
    }
    double now = known ? sum / (double)explorer->tasks : NAN;
    double stl = mean(catalog->stl, explorer->tasks);
    size_t row = SIZE_MAX;
    double best = best_mean(catalog, &row);
    view_text(view, 1, y, c->name, INK_TEXT, LOOK_BOLD, "mean");
    int digits = digits_of(catalog, 0, now, stl);
    draw_number(view, c->now, 7, y, now, digits, estimated ? INK_ESTIMATE : INK_NOW);
    if (c->interval && known && (estimated || complete))
        view_right(view, c->interval, y, 12, estimated ? INK_ESTIMATE : INK_FAINT,
                   LOOK_PLAIN, estimated ? "est" : "complete");
    draw_number(view, c->stl, 8, y, stl, digits, INK_TEXT);
    if (known)
        draw_difference(view, c, y, catalog, 0, now, stl);
    draw_number(view, c->pretrained, 11, y, mean(catalog->pretrained, explorer->tasks),
                digits, INK_TEXT);
    draw_number(view, c->best, 11, y, best, digits, INK_TEXT);
    if (c->best_name && row != SIZE_MAX) {
        char text[128];
        view_text(view, c->best_name + 1, y, 20, INK_FAINT, LOOK_PLAIN,
                  catalog_row_text(catalog, row, text, sizeof text));
    }
}

/* What the trade between the objectives of the shown pair costs here. The other way
 * round it is one over that. */
static void draw_price(const struct view *view, struct explorer *explorer, int y) {
    size_t a = explorer->pair_a, b = explorer->pair_b;
    const struct price *price = explorer_price(explorer, a, b);
    if (!price)
        return;
    int x = 1;
    for (int way = 0; way < 2; way++) {
        double cost = way ? 1 / price->cost : price->cost;
        char text[256];
        const struct store_task *tasks = explorer->catalog->recipe->tasks;
        const struct store_objective *gain = &tasks[way ? b : a].objective,
                                     *loss = &tasks[way ? a : b].objective;
        snprintf(text, sizeof text, "%sone%s %s of %s costs %s%s%s %sof %s",
                 way ? "; " : "here ", store_objective_percent(gain) ? " point" : "",
                 gain->maximise ? "more" : "less",
                 TEXT_CUT(explorer_task_name(explorer, way ? b : a), 30),
                 TEXT_NUMBER(cost, 2), view->canvas->marks->utf8 ? " ± " : " +- ",
                 TEXT_NUMBER(cost * price->error / price->cost, 2),
                 loss->maximise ? "" : "more ",
                 TEXT_CUT(explorer_task_name(explorer, way ? a : b), 30));
        if (way && x + text_columns(view->canvas->marks, text) + 12 > view->width)
            break;
        x += view_text(view, x, y, view->width - x, INK_FAINT, LOOK_PLAIN, text);
    }
    view_text(view, x, y, view->width - x, INK_ESTIMATE, LOOK_PLAIN, " (est)");
}

/* "(0, 0, 0)", or "0 in all" where that is shorter. */
static void reference_text(const struct front_volume *volume, char *out, size_t size) {
    bool same = true;
    size_t used = 0;
    for (size_t t = 1; t < volume->tasks; t++)
        same = same && volume->reference[t] == volume->reference[0];
    if (same && volume->tasks > 3) {
        snprintf(out, size, "%.4g in all", volume->reference[0]);
        return;
    }
    for (size_t t = 0; t < volume->tasks && used < size; t++)
        used += (size_t)snprintf(out + used, size - used, "%s%.4g", t ? ", " : "(",
                                 volume->reference[t]);
    if (used < size)
        snprintf(out + used, size - used, ")");
}

/* The front's hypervolume as a share of the box between the reference point and each
 * task's own expert, in percent; NaN where an expert's figure is not known, or the box
 * is empty. */
static double share_of_box(const struct explorer *explorer,
                           const struct front_volume *volume) {
    double box = 1;
    for (size_t t = 0; t < volume->tasks && t < explorer->tasks; t++) {
        double side = explorer->catalog->stl[t] - volume->reference[t];
        bool more = explorer->catalog->recipe->tasks[t].objective.maximise;
        box *= more == (side > 0) ? fabs(side) : (double)NAN;
    }
    return 100 * volume->value / box;
}

/* The hypervolume of the front and what the point that is looked at adds to it, at the
 * right end of the heading, as much of it as there is room for. */
static void draw_volume(const struct view *view, const struct explorer *explorer,
                        int from) {
    const struct front_volume *volume = explorer->volume;
    char parts[3][320] = {"", "", ""}, reference[160], within[80] = "";
    double added;
    if (!volume || volume->count == 0)
        return;
    reference_text(volume, reference, sizeof reference);
    double share =
        volume->state == VOLUME_KNOWN ? share_of_box(explorer, volume) : (double)NAN;
    if (volume->within > 0)
        snprintf(within, sizeof within, " (within %g %%)", 100 * volume->within);
    if (volume->fp8 > 0 && volume->fp8 < volume->count) { /* two precisions */
        size_t used = strlen(within);
        snprintf(within + used, sizeof within - used, " (%zu of %zu in fp8)",
                 volume->fp8, volume->count);
    }
    if (isfinite(share)) {
        snprintf(parts[0], sizeof parts[0], "front: %.1f %% of the STL box%s", share,
                 within);
        snprintf(parts[1], sizeof parts[1], ", hypervolume %.6g to %s", volume->value,
                 reference);
    } else if (volume->state == VOLUME_KNOWN)
        snprintf(parts[0], sizeof parts[0], "front: hypervolume %.6g%s to %s",
                 volume->value, within, reference);
    else
        snprintf(parts[0], sizeof parts[0], "front: hypervolume to %s %s", reference,
                 volume->state == VOLUME_WORKING ? "being computed"
                                                 : "not computed: it takes too long");
    if (explorer->row != SIZE_MAX && explorer->figures == FIGURES_COMPLETE &&
        front_volume_contribution(
            volume, explorer->catalog->rows[explorer->row].solution.id, &added))
        snprintf(parts[2], sizeof parts[2], ", this point adds %.4g", added);
    for (int most = 3; most > 0; most--) {
        char text[sizeof parts + 3];
        snprintf(text, sizeof text, " %s%s%s ", parts[0], most > 1 ? parts[1] : "",
                 most > 2 ? parts[2] : "");
        int columns = text_columns(view->canvas->marks, text);
        if (from + columns + 2 > view->width)
            continue;
        view_text(view, view->width - columns - 1, 0, columns, INK_TEXT, LOOK_PLAIN,
                  text);
        return;
    }
}

void objectives_view_draw(const struct view *view, struct explorer *explorer,
                          bool focused) {
    const struct store_objective *objective =
        &explorer->catalog->recipe->tasks[0].objective;
    struct columns c = place_columns(view, explorer);
    char title[160];
    if (*objective->metric == '{') /* a command, and another for each task */
        snprintf(title, sizeof title, "Objectives, as commands measure them");
    else if (!store_recipe_averages(explorer->catalog->recipe))
        snprintf(title, sizeof title, "Objectives, each in its unit, held out");
    else
        snprintf(title, sizeof title, "Objectives: %s in %s, held out",
                 TEXT_CUT(objective->metric, 60), TEXT_CUT(objective->unit, 20));
    int y = 0, last = view->height;
    if (view->height >= (int)explorer->tasks + 2 || view->height >= 5)
        view_heading(view, title, focused), y++;
    if (y)
        draw_volume(view, explorer, 4 + text_columns(view->canvas->marks, title));
    if (view->height >= (int)explorer->tasks + 3 || view->height >= 7)
        draw_names(view, &c, y++);
    /* The mean stays in sight, and how many tasks do not. */
    int tasks = (int)explorer->tasks, rows = last - y - (last - y >= 2);
    bool cut = rows < tasks;
    if (cut && rows >= 3)
        rows--;
    int shown = cut ? rows : tasks, first = explorer->scroll[PANEL_OBJECTIVES];
    if (!cut)
        first = 0;
    else if (first == 0 && (int)explorer->slider >= rows)
        first = (int)explorer->slider - rows + 1;
    first = first > tasks - shown ? tasks - shown : first;
    first = first < 0 ? 0 : first;
    for (int i = 0; i < shown; i++)
        draw_task(view, &c, y++, explorer, (size_t)(first + i));
    if (cut && last - y >= 2)
        view_printf(view, 1, y++, view->width - 1, INK_FAINT, LOOK_PLAIN, "%d more%s",
                    tasks - shown, focused ? ", PgUp and PgDn" : "");
    if (last - y >= 1)
        draw_mean(view, &c, y++, explorer);
    if (last - y >= 1)
        draw_price(view, explorer, y);
}
