#include "state/explorer.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "results/answerer.h"
#include "results/filter.h"
#include "results/front.h"
#include "results/volume.h"

int explorer_init(struct explorer *explorer, const char *file) {
    *explorer = (struct explorer){
        .file = file, .row = SIZE_MAX, .pair_b = 1, .pointed = SIZE_MAX};
    explorer->reaches = array_new(STORE_TASKS_MAX + 1, sizeof *explorer->reaches);
    explorer->compared[0].row = explorer->compared[1].row = SIZE_MAX;
    explorer->wish.focus = PANEL_SIMPLEX;
    explorer->wish.open =
        1u << PANEL_ROUTING | 1u << PANEL_SCALING | 1u << PANEL_TRAINING;
    explorer->wish.instead = PANEL_TITLE;
    for (size_t t = 0; t < STORE_TASKS_MAX; t++)
        explorer->brush[t] = range_empty();
    explorer->table.sort = TABLE_MEAN;
    explorer->table.off[TABLE_PREFERENCE] = explorer->table.off[TABLE_SCALE] =
        explorer->table.off[TABLE_STEP] = explorer->table.off[TABLE_SECONDS] = true;
    return 0;
}

void explorer_free(struct explorer *explorer) {
    catalog_free(explorer->catalog);
    front_volume_free(explorer->volume);
    samples_free(&explorer->samples);
    dialog_close(&explorer->dialog);
    for (size_t i = 0; i < 3; i++) {
        free(explorer->pairs[i].rows);
        free(explorer->points[i].counts);
        free(explorer->points[i].marked);
    }
    free(explorer->triple_front.front);
    free(explorer->reaches);
    free(explorer->stored.rows);
    free(explorer->solid_rows.dots);
    free(explorer->solid_rows.inks);
    free(explorer->solid_rows.items);
    free(explorer->density.front);
    free(explorer->density.rest);
    free(explorer->density.dots);
    free(explorer->table.rows);
    free(explorer->table.place);
    filter_free(explorer->table.filter);
    history_clear(&explorer->history);
    store_visits_clear(&explorer->visits);
    free(explorer->module_names);
    free(explorer->routing);
    if (explorer->similarity)
        similarity_clear(explorer->similarity);
    free(explorer->similarity);
    *explorer = (struct explorer){0};
}

/* Figures of the present preference from what is at hand without computing: the
 * store's, where the same model was measured, or an estimate. */
static void look_up(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    size_t tasks = explorer->tasks;
    explorer->have_estimate =
        estimate_at(&explorer->samples, explorer->preference, explorer->estimate);
    explorer->figures = explorer->have_estimate ? FIGURES_ESTIMATE : FIGURES_NONE;
    /* A straight line may leave what a percentage can be. */
    for (size_t t = 0; explorer->have_estimate && t < tasks; t++)
        if (store_objective_percent(&catalog->recipe->tasks[t].objective))
            explorer->estimate[t] = fmin(100, fmax(0, explorer->estimate[t]));
    memset(explorer->running, 0, sizeof explorer->running);
    explorer->row = explorer->routers
                        ? catalog_find(catalog, explorer->preference, explorer->routers)
                        : SIZE_MAX;
    if (explorer->row == SIZE_MAX ||
        !solution_holds(&catalog->solutions[explorer->row], explorer->fp8))
        return;
    for (size_t t = 0; t < tasks; t++) {
        const struct store_evaluation *stored =
            &catalog->rows[explorer->row].evaluations[t];
        explorer->running[t] = (struct running){.examples = stored->examples,
                                                .value = stored->value,
                                                .low = stored->low,
                                                .high = stored->high,
                                                .loss = stored->loss,
                                                .complete = true};
    }
    explorer->figures = FIGURES_COMPLETE;
}

void explorer_go(struct explorer *explorer, const double *preference, bool quiet) {
    double target[STORE_TASKS_MAX] = {0};
    memcpy(target, preference, explorer->tasks * sizeof *target);
    simplex_project(target, explorer->tasks);
    if (!memcmp(target, explorer->preference, explorer->tasks * sizeof *target) &&
        explorer->serial)
        return;
    memcpy(explorer->preference, target, sizeof target);
    explorer->serial++;
    if (!quiet)
        history_add(&explorer->history, target);
    look_up(explorer);
}

void explorer_remember(struct explorer *explorer, const double *before) {
    if (memcmp(before, explorer->preference, explorer->tasks * sizeof *before))
        history_add(&explorer->history, explorer->preference);
}

static void step_history(struct explorer *explorer, size_t at) {
    double there[STORE_TASKS_MAX];
    memcpy(there, explorer->history.items[at], sizeof there);
    explorer->history.at = at;
    explorer_go(explorer, there, true);
}

bool explorer_undo(struct explorer *explorer) {
    struct history *history = &explorer->history;
    if (history->at == 0 && !history->away)
        return false;
    history->serial++;
    step_history(explorer, history->away ? history->at : history->at - 1);
    history->away = false;
    return true;
}

bool explorer_redo(struct explorer *explorer) {
    if (explorer->history.at + 1 >= explorer->history.count)
        return false;
    explorer->history.serial++;
    explorer->history.away = false;
    step_history(explorer, explorer->history.at + 1);
    return true;
}

void explorer_set_share(struct explorer *explorer, size_t task, double value,
                        bool quiet) {
    double target[STORE_TASKS_MAX] = {0}, held = 0, others = 0;
    size_t loose = 0;
    memcpy(target, explorer->preference, explorer->tasks * sizeof *target);
    for (size_t t = 0; t < explorer->tasks; t++) {
        if (t == task)
            continue;
        if (explorer->locked[t]) {
            held += target[t];
        } else {
            others += target[t];
            loose++;
        }
    }
    if (explorer->locked[task] || !loose)
        return;
    double room = fmax(0, 1 - held);
    value = fmin(fmax(value, 0), room);
    for (size_t t = 0; t < explorer->tasks; t++)
        if (t != task && !explorer->locked[t])
            target[t] = others > 1e-12 ? target[t] / others * (room - value)
                                       : (room - value) / (double)loose;
    target[task] = value;
    explorer_go(explorer, target, quiet);
}

void explorer_use_routers(struct explorer *explorer, int64_t routers) {
    explorer->routers = routers;
    explorer->closed_form_wanted =
        catalog_is_closed(routers) && answerer_default(explorer->catalog) > 0;
    samples_free(&explorer->samples);
    explorer->samples.tasks = explorer->tasks;
    samples_make(&explorer->samples, explorer->catalog, routers);
    explorer->serial++;
    look_up(explorer);
}

bool explorer_has_correction(const struct explorer *explorer) {
    const struct store_run *run = catalog_run_of(explorer->catalog, explorer->routers);
    return run && store_trains(run->upscale) != STORE_TRAINS_ROUTERS;
}

/* Where one starts: where something is known already. */
static void start(struct explorer *explorer) {
    double centre[STORE_TASKS_MAX] = {0};
    size_t tasks = explorer->tasks;
    for (size_t t = 0; t < tasks; t++)
        centre[t] = 1.0 / (double)tasks;
    explorer_use_routers(explorer, answerer_default(explorer->catalog));
    size_t near = catalog_nearest(explorer->catalog, centre, explorer->routers, false);
    const double *from = centre;
    if (near != SIZE_MAX) {
        const double *stored = explorer->catalog->rows[near].solution.preference;
        double distance = 0;
        for (size_t t = 0; t < tasks; t++)
            distance += (stored[t] - centre[t]) * (stored[t] - centre[t]);
        if (distance < 0.02)
            from = stored;
    }
    /* That is a move, wherever one was. */
    memset(explorer->preference, 0, sizeof explorer->preference);
    explorer->history.count = explorer->history.at = 0;
    explorer->history.away = false;
    explorer_go(explorer, from, false);
    history_take_up(&explorer->history, &explorer->visits, explorer->preference, tasks);
    explorer->history.serial = 0;
}

void explorer_point(struct explorer *explorer, size_t row) {
    explorer->pointed = row;
    explorer->pointed_solution =
        row == SIZE_MAX ? 0 : explorer->catalog->rows[row].solution.id;
}

bool explorer_steps_points(const struct explorer *explorer) {
    return explorer->wish.focus >= PANEL_SCATTER &&
           explorer->wish.focus <= PANEL_SCATTER_3;
}

bool explorer_steps_rows(const struct explorer *explorer) {
    return explorer->wish.focus == PANEL_TABLE;
}

size_t explorer_dominators(const struct explorer *explorer, size_t row, size_t *first) {
    const struct catalog *catalog = explorer->catalog;
    size_t count = 0;
    for (size_t i = 0; i < catalog->count; i++) {
        const struct solution *solution = &catalog->solutions[i];
        if (!solution->whole || solution->stale ||
            catalog->series[solution->series].several ||
            !front_dominates(catalog, i, row))
            continue;
        if (!count++)
            *first = i;
    }
    return count;
}

/* After another catalog: the same solution, wherever its row is now. */
static void point_again(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    size_t row = 0;
    if (explorer->pointed == SIZE_MAX)
        return;
    while (row < catalog->count &&
           catalog->rows[row].solution.id != explorer->pointed_solution)
        row++;
    explorer_point(explorer, row < catalog->count ? row : SIZE_MAX);
}

bool explorer_show_space(struct explorer *explorer, enum space space) {
    if (explorer->tasks < (space == SPACE_SOLID ? 3 : space == SPACE_PARALLEL ? 2 : 1))
        return false;
    explorer->space = space;
    explorer->wish.one_space = space != SPACE_PAIRS;
    return true;
}

/* With the first catalog: the box seen from a corner, and the view that was asked for
 * where there are objectives enough. */
static void begin_space(struct explorer *explorer) {
    bool many = explorer->space_free && explorer->tasks >= 4;
    enum space wanted = many ? SPACE_PARALLEL : explorer->space;
    for (size_t i = 0; i < 3; i++)
        explorer->triple[i] = i < explorer->tasks ? i : 0;
    explorer->turn = 0.6;
    explorer->tilt = 0.45;
    explorer->space = SPACE_PAIRS;
    if (!explorer_show_space(explorer, wanted))
        explorer_say(explorer, false, "too few objectives for that view");
}

/* The two compared in a new catalog: their rows, or what was measured meanwhile. */
static void find_compared(struct explorer *explorer, const struct catalog *catalog,
                          int64_t routers) {
    for (size_t i = 0; i < 2; i++) {
        struct compared *side = &explorer->compared[i];
        if (side->row != SIZE_MAX) {
            side->row = SIZE_MAX;
            for (size_t row = 0; row < catalog->count; row++)
                if (catalog->rows[row].solution.id == side->solution)
                    side->row = row;
        } else if (side->has_preference) {
            size_t row = catalog_find(catalog, side->preference, routers);
            if (row != SIZE_MAX && catalog->solutions[row].whole) {
                side->row = row;
                side->solution = catalog->rows[row].solution.id;
            }
        }
    }
}

/* Heads were fitted before, on examples that are not there any more. */
static void say_unfitted(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    if (catalog->fits_heads || explorer->routers != CATALOG_CLOSED_FORM ||
        catalog_nearest(catalog, explorer->preference, CATALOG_CLOSED_FITTED, false) ==
            SIZE_MAX)
        return;
    explorer_say(explorer, true,
                 "the training data that heads were fitted on is not there any more: "
                 "preferences are answered without fitted heads");
}

int explorer_take_catalog(struct explorer *explorer, struct catalog *catalog) {
    struct catalog *before = explorer->catalog;
    struct samples samples;
    int64_t routers = before ? explorer->routers : answerer_default(catalog);
    if (samples_make(&samples, catalog, routers)) {
        catalog_free(catalog);
        return -1;
    }
    if (explorer->message_waits && !catalog->reading)
        explorer_say(explorer, false, "%s", "");
    explorer->catalog = catalog;
    explorer->tasks = explorer->wish.tasks = catalog->tasks;
    point_again(explorer);
    find_compared(explorer, catalog, routers);
    samples_free(&explorer->samples);
    explorer->samples = samples;
    if (!before) {
        explorer->pair_b = explorer->tasks > 1;
        explorer->table.descending =
            explorer_wants_most(explorer, explorer->table.sort);
        begin_space(explorer);
    }
    /* Who has not moved since the outline begins where the first catalog with rows
     * has him begin. */
    if (!before ||
        (before->reading && (explorer->history.count < 2 || explorer->history.away) &&
         !explorer->dragging && routers == answerer_default(before))) {
        start(explorer);
        say_unfitted(explorer);
        catalog_free(before);
        return 0;
    }
    catalog_free(before);
    /* Routers trained while we look are taken up only where there were none. */
    if (explorer->routers <= 0 && answerer_default(catalog) > 0 &&
        !explorer->closed_form_wanted) {
        explorer_use_routers(explorer, answerer_default(catalog));
        return 0;
    }
    enum figures figures = explorer->figures;
    struct running running[STORE_TASKS_MAX];
    memcpy(running, explorer->running, sizeof running);
    look_up(explorer);
    /* What is measured already is not thrown away for an estimate. */
    if (explorer->figures != FIGURES_COMPLETE && figures >= FIGURES_RUNNING) {
        explorer->figures = figures;
        memcpy(explorer->running, running, sizeof running);
    }
    return 0;
}

bool explorer_needs_evaluation(const struct explorer *explorer) {
    return explorer->figures != FIGURES_COMPLETE;
}

void explorer_go_around_locks(struct explorer *explorer, const double *preference,
                              bool quiet) {
    double target[STORE_TASKS_MAX] = {0}, held = 0, wanted = 0, had = 0;
    for (size_t t = 0; t < explorer->tasks; t++) {
        target[t] = explorer->locked[t] ? explorer->preference[t] : preference[t];
        held += explorer->locked[t] ? explorer->preference[t] : 0;
        wanted += explorer->locked[t] ? 0 : preference[t];
        had += explorer->locked[t] ? 0 : explorer->preference[t];
    }
    /* Nothing wanted of those that are free: they stay as they are. */
    for (size_t t = 0; t < explorer->tasks; t++)
        if (!explorer->locked[t])
            target[t] = wanted > 1e-9 ? preference[t] * (1 - held) / wanted
                        : had > 0     ? explorer->preference[t]
                                      : 0;
    explorer_go(explorer, target, quiet);
}

const char *explorer_why_held(const struct explorer *explorer, size_t task) {
    if (explorer->locked[task])
        return "is locked; Space unlocks it";
    for (size_t t = 0; t < explorer->tasks; t++)
        if (t != task && !explorer->locked[t])
            return NULL;
    return "has what the others leave, which are locked";
}

bool explorer_has_sliders(const struct explorer *explorer) {
    return explorer->tasks != 2 && explorer->tasks != 3;
}

void explorer_say(struct explorer *explorer, bool bad, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_print(explorer->message, sizeof explorer->message, format, arguments);
    va_end(arguments);
    explorer->message_bad = bad;
    explorer->message_waits = false;
    explorer->message_path[0] = '\0';
}

void explorer_say_path(struct explorer *explorer, const char *path) {
    /* Half a path is another file's. */
    if (strlen(path) < sizeof explorer->message_path)
        strcpy(explorer->message_path, path);
}

const char *explorer_why_empty(const struct explorer *explorer, char *out,
                               size_t size) {
    if (explorer->catalog->reading)
        snprintf(out, size, "reading %zu solutions", explorer->catalog->reading);
    else
        snprintf(out, size, "nothing is measured yet");
    return out;
}

bool explorer_must_wait(struct explorer *explorer) {
    if (!explorer->catalog->reading)
        return false;
    explorer_say(explorer, false, "%zu solutions are still being read",
                 explorer->catalog->reading);
    explorer->message_waits = true;
    return true;
}

const char *explorer_task_name(const struct explorer *explorer, size_t task) {
    return explorer->catalog->recipe->tasks[task].name;
}
