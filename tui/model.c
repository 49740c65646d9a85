#include "model.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "space.h"
#include "volume.h"

int model_init(struct model *model, const char *file) {
    *model = (struct model){.file = file, .row = SIZE_MAX, .pair_b = 1};
    model->compared[0].row = model->compared[1].row = SIZE_MAX;
    model->wish.focus = PANEL_SIMPLEX;
    model->wish.open = 1u << PANEL_ROUTING | 1u << PANEL_SCALING | 1u << PANEL_TRAINING;
    model->wish.instead = PANEL_TITLE;
    return 0;
}

void model_free(struct model *model) {
    catalog_free(model->catalog);
    front_volume_free(model->volume);
    samples_free(&model->samples);
    dialog_close(&model->dialog);
    for (size_t i = 0; i < 3; i++)
        free(model->pairs[i].rows);
    free(model->triple_front.front);
    free(model->density.front);
    free(model->density.rest);
    free(model->history.items);
    free(model->module_names);
    free(model->routing);
    *model = (struct model){0};
}

/* Figures of the present preference from what is at hand without computing: the
 * store's, where the same model was measured, or an estimate. */
static void look_up(struct model *model) {
    const struct catalog *catalog = model->catalog;
    size_t tasks = model->tasks;
    model->have_estimate =
        estimate_at(&model->samples, model->preference, model->estimate);
    model->figures = model->have_estimate ? FIGURES_ESTIMATE : FIGURES_NONE;
    /* A straight line may leave what a percentage can be. */
    for (size_t t = 0; model->have_estimate && t < tasks; t++)
        if (!strcmp(catalog->recipe->tasks[t].objective.unit, "%"))
            model->estimate[t] = fmin(100, fmax(0, model->estimate[t]));
    memset(model->running, 0, sizeof model->running);
    model->row = model->routers
                     ? catalog_find(catalog, model->preference, model->routers)
                     : SIZE_MAX;
    if (model->row == SIZE_MAX || !catalog->solutions[model->row].whole ||
        catalog->solutions[model->row].stale)
        return;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *stored =
            &catalog->rows[model->row].evaluations[t];
        model->running[t] = (struct running){.examples = stored->examples,
                                             .value = stored->value,
                                             .low = stored->low,
                                             .high = stored->high,
                                             .loss = stored->loss,
                                             .complete = true};
    }
    model->figures = FIGURES_COMPLETE;
}

static int remember(struct history *history, const double *preference) {
    if (history->count)
        history->at++;
    if (array_reserve((void **)&history->items, &history->capacity, history->at + 1,
                      sizeof *history->items))
        return -1;
    memcpy(history->items[history->at], preference, sizeof *history->items);
    history->count = history->at + 1;
    return 0;
}

void model_go(struct model *model, const double *preference, bool quiet) {
    double target[STORE_TASKS_MAX] = {0};
    memcpy(target, preference, model->tasks * sizeof *target);
    simplex_project(target, model->tasks);
    if (!memcmp(target, model->preference, model->tasks * sizeof *target) &&
        model->serial)
        return;
    memcpy(model->preference, target, sizeof target);
    model->serial++;
    if (!quiet)
        remember(&model->history, target);
    look_up(model);
}

void model_remember(struct model *model, const double *before) {
    if (memcmp(before, model->preference, model->tasks * sizeof *before))
        remember(&model->history, model->preference);
}

static void step_history(struct model *model, size_t at) {
    double there[STORE_TASKS_MAX];
    memcpy(there, model->history.items[at], sizeof there);
    model->history.at = at;
    model_go(model, there, true);
}

bool model_undo(struct model *model) {
    if (model->history.at == 0)
        return false;
    step_history(model, model->history.at - 1);
    return true;
}

bool model_redo(struct model *model) {
    if (model->history.at + 1 >= model->history.count)
        return false;
    step_history(model, model->history.at + 1);
    return true;
}

void model_set_share(struct model *model, size_t task, double value, bool quiet) {
    double target[STORE_TASKS_MAX] = {0}, held = 0, others = 0;
    size_t loose = 0;
    memcpy(target, model->preference, model->tasks * sizeof *target);
    for (size_t t = 0; t < model->tasks; t++) {
        if (t == task)
            continue;
        if (model->locked[t]) {
            held += target[t];
        } else {
            others += target[t];
            loose++;
        }
    }
    if (model->locked[task] || !loose)
        return;
    double room = fmax(0, 1 - held);
    value = fmin(fmax(value, 0), room);
    for (size_t t = 0; t < model->tasks; t++)
        if (t != task && !model->locked[t])
            target[t] = others > 1e-12 ? target[t] / others * (room - value)
                                       : (room - value) / (double)loose;
    target[task] = value;
    model_go(model, target, quiet);
}

void model_use_routers(struct model *model, int64_t routers) {
    model->routers = routers;
    samples_free(&model->samples);
    model->samples.tasks = model->tasks;
    samples_make(&model->samples, model->catalog, routers);
    model->serial++;
    look_up(model);
}

/* Where one starts: where something is known already. */
static void start(struct model *model) {
    double centre[STORE_TASKS_MAX] = {0};
    size_t tasks = model->tasks;
    for (size_t t = 0; t < tasks; t++)
        centre[t] = 1.0 / (double)tasks;
    model_use_routers(model, catalog_default_routers(model->catalog));
    size_t near = catalog_nearest(model->catalog, centre, model->routers, false);
    const double *from = centre;
    if (near != SIZE_MAX) {
        const double *stored = model->catalog->rows[near].solution.preference;
        double distance = 0;
        for (size_t t = 0; t < tasks; t++)
            distance += (stored[t] - centre[t]) * (stored[t] - centre[t]);
        if (distance < 0.02)
            from = stored;
    }
    /* That is a move, wherever one was. */
    memset(model->preference, 0, sizeof model->preference);
    model->history.count = model->history.at = 0;
    model_go(model, from, false);
}

int model_take_catalog(struct model *model, struct catalog *catalog) {
    struct catalog *before = model->catalog;
    struct samples samples;
    int64_t routers = before ? model->routers : catalog_default_routers(catalog);
    if (samples_make(&samples, catalog, routers)) {
        catalog_free(catalog);
        return -1;
    }
    if (model->message_waits && !catalog->reading)
        model_say(model, false, "%s", "");
    model->catalog = catalog;
    model->tasks = model->wish.tasks = catalog->tasks;
    for (size_t i = 0; i < 2; i++)
        if (model->compared[i].row != SIZE_MAX) {
            model->compared[i].row = SIZE_MAX;
            for (size_t row = 0; row < catalog->count; row++)
                if (catalog->rows[row].solution.id == model->compared[i].solution)
                    model->compared[i].row = row;
        } else if (model->compared[i].has_preference) {
            /* Measured meanwhile. */
            size_t row = catalog_find(catalog, model->compared[i].preference, routers);
            if (row != SIZE_MAX && catalog->solutions[row].whole) {
                model->compared[i].row = row;
                model->compared[i].solution = catalog->rows[row].solution.id;
            }
        }
    samples_free(&model->samples);
    model->samples = samples;
    if (!before) {
        model->pair_b = model->tasks > 1;
        space_begin(model);
    }
    /* Who has not moved since the outline begins where the first catalog with rows
     * has him begin. */
    if (!before || (before->reading && model->history.count < 2 && !model->dragging &&
                    routers == catalog_default_routers(before))) {
        start(model);
        catalog_free(before);
        return 0;
    }
    catalog_free(before);
    /* Routers trained while we look are taken up only where there were none. */
    if (!model->routers && catalog_default_routers(catalog)) {
        model_use_routers(model, catalog_default_routers(catalog));
        return 0;
    }
    enum figures figures = model->figures;
    struct running running[STORE_TASKS_MAX];
    memcpy(running, model->running, sizeof running);
    look_up(model);
    /* What is measured already is not thrown away for an estimate. */
    if (model->figures != FIGURES_COMPLETE && figures >= FIGURES_RUNNING) {
        model->figures = figures;
        memcpy(model->running, running, sizeof running);
    }
    return 0;
}

bool model_needs_evaluation(const struct model *model) {
    return model->figures != FIGURES_COMPLETE;
}

void model_go_around_locks(struct model *model, const double *preference, bool quiet) {
    double target[STORE_TASKS_MAX] = {0}, held = 0, wanted = 0, had = 0;
    for (size_t t = 0; t < model->tasks; t++) {
        target[t] = model->locked[t] ? model->preference[t] : preference[t];
        held += model->locked[t] ? model->preference[t] : 0;
        wanted += model->locked[t] ? 0 : preference[t];
        had += model->locked[t] ? 0 : model->preference[t];
    }
    /* Nothing wanted of those that are free: they stay as they are. */
    for (size_t t = 0; t < model->tasks; t++)
        if (!model->locked[t])
            target[t] = wanted > 1e-9 ? preference[t] * (1 - held) / wanted
                        : had > 0     ? model->preference[t]
                                      : 0;
    model_go(model, target, quiet);
}

bool model_has_sliders(const struct model *model) {
    return model->tasks != 2 && model->tasks != 3;
}

static bool is_hidden(const struct model *model, const char *key) {
    for (size_t i = 0; i < model->hidden_count; i++)
        if (!strcmp(model->hidden[i], key))
            return true;
    return false;
}

bool model_series_visible(const struct model *model, size_t series) {
    return !is_hidden(model, model->catalog->series[series].key);
}

void model_series_toggle(struct model *model, size_t series) {
    const char *key = model->catalog->series[series].key;
    model->hidden_serial++;
    for (size_t i = 0; i < model->hidden_count; i++)
        if (!strcmp(model->hidden[i], key)) {
            memcpy(model->hidden[i], model->hidden[--model->hidden_count],
                   sizeof model->hidden[i]);
            return;
        }
    if (model->hidden_count < HIDDEN_MAX)
        strcpy(model->hidden[model->hidden_count++], key);
}

const size_t *model_pair_front(struct model *model, size_t a, size_t b, size_t *count) {
    struct catalog *catalog = model->catalog;
    struct pair_cache *cache = &model->pairs[(a + b) % 3];
    if (cache->rows && cache->catalog == catalog->serial &&
        cache->hidden == model->hidden_serial && cache->a == a && cache->b == b) {
        *count = cache->count;
        return cache->rows;
    }
    *count = 0;
    bool *visible = array_new(catalog->series_count, sizeof *visible);
    if (!visible || array_reserve((void **)&cache->rows, &cache->capacity,
                                  catalog->count + 1, sizeof *cache->rows)) {
        free(visible);
        return cache->rows;
    }
    for (size_t s = 0; s < catalog->series_count; s++)
        visible[s] = model_series_visible(model, s);
    cache->count = catalog_pair_front(catalog, visible, a, b, cache->rows);
    cache->catalog = catalog->serial;
    cache->hidden = model->hidden_serial;
    cache->a = a;
    cache->b = b;
    free(visible);
    *count = cache->count;
    return cache->rows;
}

bool model_figure(const struct model *model, size_t task, struct figure *figure) {
    const struct running *running = &model->running[task];
    *figure = (struct figure){.population = model->examples[task]};
    if (model->figures >= FIGURES_RUNNING && (running->examples || running->complete)) {
        figure->value = running->value;
        figure->low = running->low;
        figure->high = running->high;
        figure->examples = running->examples;
        figure->complete = running->complete;
        if (figure->complete)
            figure->population = running->examples;
        return true;
    }
    if (!model->have_estimate)
        return false;
    figure->value = figure->low = figure->high = model->estimate[task];
    figure->estimated = true;
    return true;
}

bool model_is_here(const struct model *model, const struct compared *side) {
    return side->has_preference && side->row == SIZE_MAX &&
           !memcmp(side->preference, model->preference,
                   model->tasks * sizeof *side->preference);
}

uint64_t model_undecided(const struct model *model) {
    uint64_t tasks = 0;
    if (model->dialog.purpose != FOR_COMPARISON || model->figures == FIGURES_COMPLETE)
        return 0;
    for (size_t i = 0; i < 2; i++) {
        size_t other = model->compared[1 - i].row;
        if (!model_is_here(model, &model->compared[i]) || other == SIZE_MAX)
            continue;
        for (size_t t = 0; t < model->tasks; t++) {
            struct figure figure;
            double value = catalog_value(model->catalog, other, t);
            bool known = model_figure(model, t, &figure) && !figure.estimated;
            if (isfinite(value) &&
                (!known ||
                 (!figure.complete && figure.low <= value && value <= figure.high)))
                tasks |= (uint64_t)1 << t;
        }
    }
    return tasks;
}

void model_say(struct model *model, bool bad, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(model->message, sizeof model->message, format, arguments);
    va_end(arguments);
    model->message_bad = bad;
    model->message_waits = false;
}

const char *model_why_empty(const struct model *model, char *out, size_t size) {
    if (model->catalog->reading)
        snprintf(out, size, "reading %zu solutions", model->catalog->reading);
    else
        snprintf(out, size, "nothing is measured yet");
    return out;
}

bool model_must_wait(struct model *model) {
    if (!model->catalog->reading)
        return false;
    model_say(model, false, "%zu solutions are still being read",
              model->catalog->reading);
    model->message_waits = true;
    return true;
}

const char *model_task_name(const struct model *model, size_t task) {
    return model->catalog->recipe->tasks[task].name;
}
