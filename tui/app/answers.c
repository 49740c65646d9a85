#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/app.h"
#include "panels/space.h"
#include "pareto/simplex.h"

/* --- opening ------------------------------------------------------------------- */

static void ask_vector(struct explorer *explorer) {
    char text[512];
    dialog_open(&explorer->dialog, DIALOG_LINE, FOR_VECTOR, "Preference vector",
                "one share a task, in the recipe's order; their sum is 1");
    simplex_text(explorer->preference, explorer->tasks, text, sizeof text);
    dialog_text(&explorer->dialog, text);
}

static void ask_target(struct explorer *explorer) {
    char prompt[256], example[128];
    bool more = false, less = false;
    if (!explorer->samples.count) {
        explorer_say(explorer, true,
                     "nothing is stored with these routers to search in");
        return;
    }
    for (size_t t = 0; t < explorer->tasks; t++) {
        less = less || explorer->samples.less[t];
        more = more || !explorer->samples.less[t];
    }
    snprintf(prompt, sizeof prompt, "%s, then the best of the rest: %s",
             !less  ? "at least"
             : more ? "at least or at most"
                    : "at most",
             target_example(explorer->catalog->recipe, example, sizeof example));
    dialog_open(&explorer->dialog, DIALOG_LINE, FOR_TARGET, "Ask for figures", prompt);
}

/* What may be compared besides bookmarks: stored models that are no routers'. */
enum { BASELINE = 1 << 24, BASELINES_MOST = 200 };

static void add_baselines(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    size_t added = 0;
    for (size_t i = 0; i < catalog->count && added < BASELINES_MOST; i++) {
        char text[160];
        if (catalog->series[catalog->solutions[i].series].routers)
            continue;
        dialog_add(&explorer->dialog, (int64_t)(BASELINE + i), 0, INK_TEXT, false,
                   catalog_row_text(catalog, i, text, sizeof text));
        added++;
    }
}

static void ask_side(struct explorer *explorer, enum dialog_purpose purpose,
                     const char *title) {
    size_t kept = purpose == FOR_COMPARE_SECOND ? explorer->dialog.chosen : 0;
    dialog_open(&explorer->dialog, DIALOG_LIST, purpose, title, "");
    dialog_add(&explorer->dialog, -1, 0, INK_TEXT, false, "where you are now");
    app_add_bookmarks(explorer);
    add_baselines(explorer);
    /* The second side starts at the next one. */
    if (purpose == FOR_COMPARE_SECOND && kept + 1 < explorer->dialog.count)
        explorer->dialog.chosen = kept + 1;
}

static void ask_series(struct explorer *explorer, const struct marks *marks) {
    const struct catalog *catalog = explorer->catalog;
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_SERIES, "Shown solutions", "");
    explorer->dialog.switches = true;
    for (size_t s = 0; s < catalog->series_count; s++) {
        char text[160];
        snprintf(text, sizeof text, "%s (%zu)", catalog->series[s].name,
                 catalog->series[s].count);
        dialog_add(&explorer->dialog, (int64_t)s, marks->mark[catalog->series[s].mark],
                   catalog->series[s].ink, explorer_series_visible(explorer, s), text);
    }
    if (!catalog->series_count) {
        dialog_close(&explorer->dialog);
        explorer_say(explorer, false, "nothing is stored yet");
    }
}

static void ask_pair(struct explorer *explorer) {
    if (explorer->tasks < 3) {
        explorer_say(explorer, false, "two tasks make one pair");
        return;
    }
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_PAIR, "Pair of objectives", "");
    for (size_t a = 0; a < explorer->tasks; a++)
        for (size_t b = a + 1; b < explorer->tasks; b++) {
            char text[160];
            snprintf(text, sizeof text, "%.50s over %.50s",
                     explorer_task_name(explorer, b), explorer_task_name(explorer, a));
            if (a == explorer->pair_a && b == explorer->pair_b)
                explorer->dialog.chosen = explorer->dialog.count;
            dialog_add(&explorer->dialog, (int64_t)(a * STORE_TASKS_MAX + b), 0,
                       INK_TEXT, false, text);
        }
}

static void ask_triple(struct explorer *explorer) {
    if (explorer->tasks == 3) {
        explorer_say(explorer, false, "three tasks: the 3-D view shows all of them");
        return;
    }
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_TRIPLE,
                "Objectives of the 3-D view",
                "one more takes the place of the first chosen");
    explorer->dialog.switches = true;
    for (size_t t = 0; t < explorer->tasks; t++)
        dialog_add(&explorer->dialog, (int64_t)t, 0, INK_TEXT, space_has(explorer, t),
                   explorer_task_name(explorer, t));
}

/* What can be chosen depends on what is shown. */
static void ask_objectives(struct explorer *explorer) {
    if (explorer->space == SPACE_SOLID)
        ask_triple(explorer);
    else if (explorer->space == SPACE_PARALLEL)
        explorer_say(explorer, false,
                     "parallel coordinates show every objective; x changes the view");
    else
        ask_pair(explorer);
}

static void ask_routers(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_ROUTERS, "Routers", "");
    for (size_t i = catalog->run_count; i-- > 0;) {
        char text[160], name[120];
        if (!catalog->run_routers[i])
            continue;
        snprintf(
            text, sizeof text, "run %lld: %s", (long long)catalog->runs[i].id,
            catalog_routers_text(catalog, catalog->run_routers[i], name, sizeof name));
        if (catalog->run_routers[i] == explorer->routers)
            explorer->dialog.chosen = explorer->dialog.count;
        dialog_add(&explorer->dialog, catalog->run_routers[i], 0, INK_TEXT, false,
                   text);
    }
    if (!explorer->dialog.count) {
        dialog_close(&explorer->dialog);
        explorer_say(explorer, false, "no routers are trained yet: pwemoe train");
    }
}

size_t app_propose_name(const struct explorer *explorer, char *out, size_t size) {
    const char *name = explorer->catalog->recipe->name;
    size_t used = 0;
    for (; *name && used + 1 < size && used < 60; name++) {
        unsigned char c = (unsigned char)*name;
        bool plain = c >= 0x80 || c == '-' || c == '_' || c == '.' ||
                     (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                     (c >= 'a' && c <= 'z');
        char kept = plain && !(used == 0 && c == '.') ? *name : '-';
        if (kept != '-' || (used && out[used - 1] != '-'))
            out[used++] = kept;
    }
    out[used] = '\0';
    return used ? used : (size_t)snprintf(out, size, "merged");
}

/* A path next to where the program was started, made of names and shares. */
static void propose_path(const struct explorer *explorer, char *out, size_t size) {
    size_t used = app_propose_name(explorer, out, size);
    for (size_t t = 0; t < explorer->tasks && t < 8 && used < size; t++)
        used +=
            (size_t)snprintf(out + used, size - used, "-%.2f", explorer->preference[t]);
}

static void ask_export(struct explorer *explorer) {
    char path[256];
    if (!explorer->ready) {
        explorer_say(explorer, true, "%s",
                     explorer->missing[0] ? explorer->missing
                                          : "checkpoints are still being read");
        return;
    }
    if (!explorer->routers) {
        explorer_say(explorer, true, "no routers are trained yet: pwemoe train");
        return;
    }
    dialog_open(&explorer->dialog, DIALOG_WRITE, FOR_EXPORT, "Export",
                "a new directory for the model of this preference");
    explorer->dialog.choice_name = "classifier head";
    explorer->dialog.choice_none = "the pretrained model's";
    /* Only classifiers with heads of their own have one to choose. */
    if (strcmp(explorer->catalog->recipe->model, "clip-vision"))
        for (size_t t = 0; t < explorer->tasks; t++)
            dialog_add(&explorer->dialog, (int64_t)t, 0, INK_TEXT, false,
                       explorer_task_name(explorer, t));
    propose_path(explorer, path, sizeof path);
    dialog_text(&explorer->dialog, path);
}

/* Does the answer depend on what is stored? */
static bool is_about_solutions(enum action action) {
    return action == ACTION_TARGET || action == ACTION_COMPARE ||
           action == ACTION_SERIES || action == ACTION_EXPORT || action == ACTION_PLOT;
}

bool app_ask(struct app *app, enum action action) {
    struct explorer *explorer = &app->explorer;
    if (is_about_solutions(action) && explorer_must_wait(explorer))
        return true;
    switch (action) {
    case ACTION_VECTOR:
        ask_vector(explorer);
        return true;
    case ACTION_TARGET:
        ask_target(explorer);
        return true;
    case ACTION_BOOKMARK:
        app_ask_bookmark(explorer);
        return true;
    case ACTION_GOTO_BOOKMARK:
        app_ask_bookmarks(explorer);
        return true;
    case ACTION_COMPARE:
        ask_side(explorer, FOR_COMPARE_FIRST, "Compare: A");
        return true;
    case ACTION_SERIES:
        ask_series(explorer, app->canvas.marks);
        return true;
    case ACTION_PAIR:
        ask_objectives(explorer);
        return true;
    case ACTION_ROUTERS:
        ask_routers(explorer);
        return true;
    case ACTION_EXPORT:
        ask_export(explorer);
        return true;
    case ACTION_PLOT:
        app_ask_plot(explorer);
        return true;
    case ACTION_HELP:
        dialog_open(&explorer->dialog, DIALOG_PAGE, FOR_HELP, "Help", "");
        return true;
    default:
        return false;
    }
}

/* --- answering ----------------------------------------------------------------- */

static void answer_vector(struct explorer *explorer) {
    double preference[STORE_TASKS_MAX] = {0};
    struct error error;
    if (simplex_parse(explorer->dialog.text, explorer->tasks, preference, &error)) {
        snprintf(explorer->dialog.error, sizeof explorer->dialog.error, "%.500s",
                 error.text);
        return;
    }
    dialog_close(&explorer->dialog);
    explorer_go(explorer, preference, false);
}

/* On which side of what was asked for the closest is. */
static const char *missed_how(const struct explorer *explorer, const double *bounds) {
    bool more = false, less = false;
    for (size_t t = 0; t < explorer->tasks; t++)
        if (!isnan(bounds[t])) {
            less = less || explorer->samples.less[t];
            more = more || !explorer->samples.less[t];
        }
    return !less ? "short" : more ? "off" : "too much";
}

static void answer_target(struct explorer *explorer) {
    double bounds[STORE_TASKS_MAX];
    struct target_answer answer = {0};
    struct error error;
    if (target_parse(explorer->dialog.text, explorer->catalog->recipe, bounds,
                     &error)) {
        snprintf(explorer->dialog.error, sizeof explorer->dialog.error, "%.500s",
                 error.text);
        return;
    }
    dialog_close(&explorer->dialog);
    if (!estimate_target(&explorer->samples, bounds, &answer))
        return;
    explorer_go(explorer, answer.preference, false);
    if (answer.met)
        explorer_say(explorer, false, "here it is met%s",
                     answer.stored ? ", and measured"
                                   : ", by estimate; wait for the figures");
    else
        explorer_say(explorer, true, "not to be had; closest is here, %.2f %s%s",
                     answer.shortfall, missed_how(explorer, bounds),
                     answer.stored ? "" : " by estimate");
}

static void choose_side(struct explorer *explorer, struct compared *side,
                        int64_t value) {
    const struct catalog *catalog = explorer->catalog;
    *side = (struct compared){.row = SIZE_MAX};
    if (value < 0) {
        snprintf(side->name, sizeof side->name, "where you are now");
        memcpy(side->preference, explorer->preference, sizeof side->preference);
        side->has_preference = true;
        side->row = explorer->row;
    } else if (value >= BASELINE) {
        side->row = (size_t)(value - BASELINE);
        catalog_row_text(catalog, side->row, side->name, sizeof side->name);
    } else {
        const struct store_bookmark *bookmark = &catalog->bookmarks[value];
        snprintf(side->name, sizeof side->name, "%.120s", bookmark->name);
        if (bookmark->preference) {
            memcpy(side->preference, bookmark->preference,
                   catalog->tasks * sizeof *side->preference);
            side->has_preference = true;
            side->row = catalog_find(catalog, bookmark->preference, explorer->routers);
        }
        for (size_t i = 0; i < catalog->count && bookmark->solution; i++)
            if (catalog->rows[i].solution.id == bookmark->solution)
                side->row = i;
    }
    if (side->row != SIZE_MAX)
        side->solution = catalog->rows[side->row].solution.id;
}

static void answer_compare(struct app *app) {
    struct explorer *explorer = &app->explorer;
    bool second = explorer->dialog.purpose == FOR_COMPARE_SECOND;
    choose_side(explorer, &explorer->compared[second],
                explorer->dialog.items[explorer->dialog.chosen].value);
    if (!second) {
        ask_side(explorer, FOR_COMPARE_SECOND, "Compare with: B");
        return;
    }
    memset(explorer->paired, 0, sizeof explorer->paired);
    if (explorer->compared[0].solution && explorer->compared[1].solution)
        watcher_compare(app->watcher, explorer->compared[0].solution,
                        explorer->compared[1].solution);
    dialog_open(&explorer->dialog, DIALOG_PAGE, FOR_COMPARISON, "Side by side", "");
}

static void answer_export(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct evaluation_export request = {.routers = explorer->routers,
                                        .head = dialog->choice};
    struct stat status;
    if (!dialog->text[0]) {
        snprintf(dialog->error, sizeof dialog->error, "write a path");
        return;
    }
    if (lstat(dialog->text, &status) == 0) {
        snprintf(dialog->error, sizeof dialog->error,
                 "that exists; nothing is overwritten, choose another name");
        return;
    }
    snprintf(request.path, sizeof request.path, "%s", dialog->text);
    memcpy(request.preference, explorer->preference, sizeof request.preference);
    if (explorer->row != SIZE_MAX &&
        explorer->catalog->solutions[explorer->row].whole &&
        !explorer->catalog->solutions[explorer->row].stale) {
        const struct store_row *row = &explorer->catalog->rows[explorer->row];
        request.measured = true;
        memcpy(request.model_sha256, row->solution.model_sha256,
               sizeof request.model_sha256);
        for (size_t t = 0; t < explorer->tasks; t++) {
            request.figures[t] = row->evaluations[t];
            /* What these point to is the catalog's, which may be gone by then. */
            request.figures[t].split = NULL;
            request.figures[t].correct = NULL;
            request.figures[t].correct_size = 0;
        }
    }
    dialog->error[0] = '\0';
    dialog->done = dialog->total = 0;
    if (evaluation_export_begin(app->evaluation, &request))
        dialog->state = WRITE_BUSY;
    else
        snprintf(dialog->error, sizeof dialog->error, "another export is under way");
}

static void accept(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    int64_t value = dialog->count && dialog->kind == DIALOG_LIST
                        ? dialog->items[dialog->chosen].value
                        : 0;
    switch (dialog->purpose) {
    case FOR_VECTOR:
        answer_vector(explorer);
        return;
    case FOR_TARGET:
        answer_target(explorer);
        return;
    case FOR_BOOKMARK:
        app_answer_bookmark(app);
        return;
    case FOR_RENAME:
        app_answer_rename(app);
        return;
    case FOR_DELETE:
        app_answer_delete(app, value);
        return;
    case FOR_EXPORT:
        answer_export(app);
        return;
    case FOR_PLOT:
        app_answer_plot(app);
        return;
    case FOR_COMPARE_FIRST:
    case FOR_COMPARE_SECOND:
        answer_compare(app);
        return;
    case FOR_PAIR:
        explorer->pair_a = (size_t)value / STORE_TASKS_MAX;
        explorer->pair_b = (size_t)value % STORE_TASKS_MAX;
        break;
    case FOR_ROUTERS:
        explorer_use_routers(explorer, value);
        break;
    case FOR_GOTO_BOOKMARK:
        if (explorer->catalog->bookmarks[value].preference)
            explorer_go(explorer, explorer->catalog->bookmarks[value].preference,
                        false);
        break;
    default:
        break;
    }
    dialog_close(dialog);
}

static void switched(struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    size_t value = (size_t)dialog->items[dialog->chosen].value;
    if (dialog->purpose == FOR_SERIES) {
        explorer_series_toggle(explorer, value);
        return;
    }
    space_choose(explorer, value);
    for (size_t i = 0; i < dialog->count; i++)
        dialog->items[i].on = space_has(explorer, (size_t)dialog->items[i].value);
}

static void answered(struct app *app, enum dialog_answer answer) {
    struct dialog *dialog = &app->explorer.dialog;
    switch (answer) {
    case DIALOG_CANCEL:
        if (dialog->purpose == FOR_EXPORT && dialog->state == WRITE_BUSY)
            evaluation_export_stop(app->evaluation);
        else
            app_leave_bookmark(&app->explorer);
        break;
    case DIALOG_RENAME:
        app_ask_rename(&app->explorer);
        break;
    case DIALOG_DELETE:
        app_ask_delete(&app->explorer);
        break;
    case DIALOG_ACCEPT:
        accept(app);
        break;
    case DIALOG_SWITCHED:
        switched(&app->explorer);
        break;
    case DIALOG_CHOSEN:
        if (dialog->purpose == FOR_PLOT)
            app_choose_plot(&app->explorer);
        break;
    case DIALOG_OPEN:
        break;
    }
}

void app_dialog_key(struct app *app, int key) {
    answered(app, dialog_key(&app->explorer.dialog, key));
}

void app_dialog_click(struct app *app, int x, int y) {
    struct view whole = view_whole(&app->canvas);
    answered(app, dialog_click(&app->explorer.dialog, &whole, x, y));
}
