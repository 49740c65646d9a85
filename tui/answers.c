#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app.h"
#include "pareto/simplex.h"
#include "space.h"

/* --- opening ------------------------------------------------------------------- */

static void ask_vector(struct model *model) {
    char text[512];
    dialog_open(&model->dialog, DIALOG_LINE, FOR_VECTOR, "Preference vector",
                "one share a task, in the recipe's order; their sum is 1");
    simplex_text(model->preference, model->tasks, text, sizeof text);
    dialog_text(&model->dialog, text);
}

static void ask_target(struct model *model) {
    char prompt[256], example[128];
    bool more = false, less = false;
    if (!model->samples.count) {
        model_say(model, true, "nothing is stored with these routers to search in");
        return;
    }
    for (size_t t = 0; t < model->tasks; t++) {
        less = less || model->samples.less[t];
        more = more || !model->samples.less[t];
    }
    snprintf(prompt, sizeof prompt, "%s, then the best of the rest: %s",
             !less  ? "at least"
             : more ? "at least or at most"
                    : "at most",
             target_example(model->catalog->recipe, example, sizeof example));
    dialog_open(&model->dialog, DIALOG_LINE, FOR_TARGET, "Ask for figures", prompt);
}

/* What may be compared besides bookmarks: stored models that are no routers'. */
enum { BASELINE = 1 << 24, BASELINES_MOST = 200 };

static void add_baselines(struct model *model) {
    const struct catalog *catalog = model->catalog;
    size_t added = 0;
    for (size_t i = 0; i < catalog->count && added < BASELINES_MOST; i++) {
        char text[160];
        if (catalog->series[catalog->solutions[i].series].routers)
            continue;
        dialog_add(&model->dialog, (int64_t)(BASELINE + i), 0, INK_TEXT, false,
                   catalog_row_text(catalog, i, text, sizeof text));
        added++;
    }
}

static void ask_side(struct model *model, enum dialog_purpose purpose,
                     const char *title) {
    size_t kept = purpose == FOR_COMPARE_SECOND ? model->dialog.chosen : 0;
    dialog_open(&model->dialog, DIALOG_LIST, purpose, title, "");
    dialog_add(&model->dialog, -1, 0, INK_TEXT, false, "where you are now");
    app_add_bookmarks(model);
    add_baselines(model);
    /* The second side starts at the next one. */
    if (purpose == FOR_COMPARE_SECOND && kept + 1 < model->dialog.count)
        model->dialog.chosen = kept + 1;
}

static void ask_series(struct model *model, const struct marks *marks) {
    const struct catalog *catalog = model->catalog;
    dialog_open(&model->dialog, DIALOG_LIST, FOR_SERIES, "Shown solutions", "");
    model->dialog.switches = true;
    for (size_t s = 0; s < catalog->series_count; s++) {
        char text[160];
        snprintf(text, sizeof text, "%s (%zu)", catalog->series[s].name,
                 catalog->series[s].count);
        dialog_add(&model->dialog, (int64_t)s, marks->mark[catalog->series[s].mark],
                   catalog->series[s].ink, model_series_visible(model, s), text);
    }
    if (!catalog->series_count) {
        dialog_close(&model->dialog);
        model_say(model, false, "nothing is stored yet");
    }
}

static void ask_pair(struct model *model) {
    if (model->tasks < 3) {
        model_say(model, false, "two tasks make one pair");
        return;
    }
    dialog_open(&model->dialog, DIALOG_LIST, FOR_PAIR, "Pair of objectives", "");
    for (size_t a = 0; a < model->tasks; a++)
        for (size_t b = a + 1; b < model->tasks; b++) {
            char text[160];
            snprintf(text, sizeof text, "%.50s over %.50s", model_task_name(model, b),
                     model_task_name(model, a));
            if (a == model->pair_a && b == model->pair_b)
                model->dialog.chosen = model->dialog.count;
            dialog_add(&model->dialog, (int64_t)(a * STORE_TASKS_MAX + b), 0, INK_TEXT,
                       false, text);
        }
}

static void ask_triple(struct model *model) {
    if (model->tasks == 3) {
        model_say(model, false, "three tasks: the 3-D view shows all of them");
        return;
    }
    dialog_open(&model->dialog, DIALOG_LIST, FOR_TRIPLE, "Objectives of the 3-D view",
                "one more takes the place of the first chosen");
    model->dialog.switches = true;
    for (size_t t = 0; t < model->tasks; t++)
        dialog_add(&model->dialog, (int64_t)t, 0, INK_TEXT, space_has(model, t),
                   model_task_name(model, t));
}

/* What can be chosen depends on what is shown. */
static void ask_objectives(struct model *model) {
    if (model->space == SPACE_SOLID)
        ask_triple(model);
    else if (model->space == SPACE_PARALLEL)
        model_say(model, false,
                  "parallel coordinates show every objective; x changes the view");
    else
        ask_pair(model);
}

static void ask_routers(struct model *model) {
    const struct catalog *catalog = model->catalog;
    dialog_open(&model->dialog, DIALOG_LIST, FOR_ROUTERS, "Routers", "");
    for (size_t i = catalog->run_count; i-- > 0;) {
        char text[160], name[120];
        if (!catalog->run_routers[i])
            continue;
        snprintf(
            text, sizeof text, "run %lld: %s", (long long)catalog->runs[i].id,
            catalog_routers_text(catalog, catalog->run_routers[i], name, sizeof name));
        if (catalog->run_routers[i] == model->routers)
            model->dialog.chosen = model->dialog.count;
        dialog_add(&model->dialog, catalog->run_routers[i], 0, INK_TEXT, false, text);
    }
    if (!model->dialog.count) {
        dialog_close(&model->dialog);
        model_say(model, false, "no routers are trained yet: pwemoe train");
    }
}

size_t app_propose_name(const struct model *model, char *out, size_t size) {
    const char *name = model->catalog->recipe->name;
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
static void propose_path(const struct model *model, char *out, size_t size) {
    size_t used = app_propose_name(model, out, size);
    for (size_t t = 0; t < model->tasks && t < 8 && used < size; t++)
        used +=
            (size_t)snprintf(out + used, size - used, "-%.2f", model->preference[t]);
}

static void ask_export(struct model *model) {
    char path[256];
    if (!model->ready) {
        model_say(model, true, "%s",
                  model->missing[0] ? model->missing
                                    : "checkpoints are still being read");
        return;
    }
    if (!model->routers) {
        model_say(model, true, "no routers are trained yet: pwemoe train");
        return;
    }
    dialog_open(&model->dialog, DIALOG_WRITE, FOR_EXPORT, "Export",
                "a new directory for the model of this preference");
    model->dialog.choice_name = "classifier head";
    model->dialog.choice_none = "the pretrained model's";
    /* Only classifiers with heads of their own have one to choose. */
    if (strcmp(model->catalog->recipe->model, "clip-vision"))
        for (size_t t = 0; t < model->tasks; t++)
            dialog_add(&model->dialog, (int64_t)t, 0, INK_TEXT, false,
                       model_task_name(model, t));
    propose_path(model, path, sizeof path);
    dialog_text(&model->dialog, path);
}

/* Does the answer depend on what is stored? */
static bool is_about_solutions(enum action action) {
    return action == ACTION_TARGET || action == ACTION_COMPARE ||
           action == ACTION_SERIES || action == ACTION_EXPORT || action == ACTION_PLOT;
}

bool app_ask(struct app *app, enum action action) {
    struct model *model = &app->model;
    if (is_about_solutions(action) && model_must_wait(model))
        return true;
    switch (action) {
    case ACTION_VECTOR:
        ask_vector(model);
        return true;
    case ACTION_TARGET:
        ask_target(model);
        return true;
    case ACTION_BOOKMARK:
        app_ask_bookmark(model);
        return true;
    case ACTION_GOTO_BOOKMARK:
        app_ask_bookmarks(model);
        return true;
    case ACTION_COMPARE:
        ask_side(model, FOR_COMPARE_FIRST, "Compare: A");
        return true;
    case ACTION_SERIES:
        ask_series(model, app->canvas.marks);
        return true;
    case ACTION_PAIR:
        ask_objectives(model);
        return true;
    case ACTION_ROUTERS:
        ask_routers(model);
        return true;
    case ACTION_EXPORT:
        ask_export(model);
        return true;
    case ACTION_PLOT:
        app_ask_plot(model);
        return true;
    case ACTION_HELP:
        dialog_open(&model->dialog, DIALOG_PAGE, FOR_HELP, "Help", "");
        return true;
    default:
        return false;
    }
}

/* --- answering ----------------------------------------------------------------- */

static void answer_vector(struct model *model) {
    double preference[STORE_TASKS_MAX] = {0};
    struct error error;
    if (simplex_parse(model->dialog.text, model->tasks, preference, &error)) {
        snprintf(model->dialog.error, sizeof model->dialog.error, "%.500s", error.text);
        return;
    }
    dialog_close(&model->dialog);
    model_go(model, preference, false);
}

/* On which side of what was asked for the closest is. */
static const char *missed_how(const struct model *model, const double *bounds) {
    bool more = false, less = false;
    for (size_t t = 0; t < model->tasks; t++)
        if (!isnan(bounds[t])) {
            less = less || model->samples.less[t];
            more = more || !model->samples.less[t];
        }
    return !less ? "short" : more ? "off" : "too much";
}

static void answer_target(struct model *model) {
    double bounds[STORE_TASKS_MAX];
    struct target_answer answer = {0};
    struct error error;
    if (target_parse(model->dialog.text, model->catalog->recipe, bounds, &error)) {
        snprintf(model->dialog.error, sizeof model->dialog.error, "%.500s", error.text);
        return;
    }
    dialog_close(&model->dialog);
    if (!estimate_target(&model->samples, bounds, &answer))
        return;
    model_go(model, answer.preference, false);
    if (answer.met)
        model_say(model, false, "here it is met%s",
                  answer.stored ? ", and measured"
                                : ", by estimate; wait for the figures");
    else
        model_say(model, true, "not to be had; closest is here, %.2f %s%s",
                  answer.shortfall, missed_how(model, bounds),
                  answer.stored ? "" : " by estimate");
}

static void choose_side(struct model *model, struct compared *side, int64_t value) {
    const struct catalog *catalog = model->catalog;
    *side = (struct compared){.row = SIZE_MAX};
    if (value < 0) {
        snprintf(side->name, sizeof side->name, "where you are now");
        memcpy(side->preference, model->preference, sizeof side->preference);
        side->has_preference = true;
        side->row = model->row;
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
            side->row = catalog_find(catalog, bookmark->preference, model->routers);
        }
        for (size_t i = 0; i < catalog->count && bookmark->solution; i++)
            if (catalog->rows[i].solution.id == bookmark->solution)
                side->row = i;
    }
    if (side->row != SIZE_MAX)
        side->solution = catalog->rows[side->row].solution.id;
}

static void answer_compare(struct app *app) {
    struct model *model = &app->model;
    bool second = model->dialog.purpose == FOR_COMPARE_SECOND;
    choose_side(model, &model->compared[second],
                model->dialog.items[model->dialog.chosen].value);
    if (!second) {
        ask_side(model, FOR_COMPARE_SECOND, "Compare with: B");
        return;
    }
    memset(model->paired, 0, sizeof model->paired);
    if (model->compared[0].solution && model->compared[1].solution)
        reader_compare(app->reader, model->compared[0].solution,
                       model->compared[1].solution);
    dialog_open(&model->dialog, DIALOG_PAGE, FOR_COMPARISON, "Side by side", "");
}

static void answer_export(struct app *app) {
    struct model *model = &app->model;
    struct dialog *dialog = &model->dialog;
    struct worker_export request = {.routers = model->routers, .head = dialog->choice};
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
    memcpy(request.preference, model->preference, sizeof request.preference);
    if (model->row != SIZE_MAX && model->catalog->solutions[model->row].whole &&
        !model->catalog->solutions[model->row].stale) {
        const struct store_row *row = &model->catalog->rows[model->row];
        request.measured = true;
        memcpy(request.model_sha256, row->solution.model_sha256,
               sizeof request.model_sha256);
        for (size_t t = 0; t < model->tasks; t++) {
            request.figures[t] = row->evaluations[t];
            /* What these point to is the catalog's, which may be gone by then. */
            request.figures[t].split = NULL;
            request.figures[t].correct = NULL;
            request.figures[t].correct_size = 0;
        }
    }
    dialog->error[0] = '\0';
    dialog->done = dialog->total = 0;
    if (worker_export_begin(app->worker, &request))
        dialog->state = WRITE_BUSY;
    else
        snprintf(dialog->error, sizeof dialog->error, "another export is under way");
}

static void accept(struct app *app) {
    struct model *model = &app->model;
    struct dialog *dialog = &model->dialog;
    int64_t value = dialog->count && dialog->kind == DIALOG_LIST
                        ? dialog->items[dialog->chosen].value
                        : 0;
    switch (dialog->purpose) {
    case FOR_VECTOR:
        answer_vector(model);
        return;
    case FOR_TARGET:
        answer_target(model);
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
        model->pair_a = (size_t)value / STORE_TASKS_MAX;
        model->pair_b = (size_t)value % STORE_TASKS_MAX;
        break;
    case FOR_ROUTERS:
        model_use_routers(model, value);
        break;
    case FOR_GOTO_BOOKMARK:
        if (model->catalog->bookmarks[value].preference)
            model_go(model, model->catalog->bookmarks[value].preference, false);
        break;
    default:
        break;
    }
    dialog_close(dialog);
}

static void switched(struct model *model) {
    struct dialog *dialog = &model->dialog;
    size_t value = (size_t)dialog->items[dialog->chosen].value;
    if (dialog->purpose == FOR_SERIES) {
        model_series_toggle(model, value);
        return;
    }
    space_choose(model, value);
    for (size_t i = 0; i < dialog->count; i++)
        dialog->items[i].on = space_has(model, (size_t)dialog->items[i].value);
}

static void answered(struct app *app, enum dialog_answer answer) {
    struct dialog *dialog = &app->model.dialog;
    switch (answer) {
    case DIALOG_CANCEL:
        if (dialog->purpose == FOR_EXPORT && dialog->state == WRITE_BUSY)
            worker_export_stop(app->worker);
        else
            app_leave_bookmark(&app->model);
        break;
    case DIALOG_RENAME:
        app_ask_rename(&app->model);
        break;
    case DIALOG_DELETE:
        app_ask_delete(&app->model);
        break;
    case DIALOG_ACCEPT:
        accept(app);
        break;
    case DIALOG_SWITCHED:
        switched(&app->model);
        break;
    case DIALOG_CHOSEN:
        if (dialog->purpose == FOR_PLOT)
            app_choose_plot(&app->model);
        break;
    case DIALOG_OPEN:
        break;
    }
}

void app_dialog_key(struct app *app, int key) {
    answered(app, dialog_key(&app->model.dialog, key));
}

void app_dialog_click(struct app *app, int x, int y) {
    struct view whole = view_whole(&app->canvas);
    answered(app, dialog_click(&app->model.dialog, &whole, x, y));
}
