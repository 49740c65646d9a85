/* The key that exports the model of this preference to a directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/actions.h"

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

/* What is known of the present model goes along, so that it can be checked. */
static void add_measured(const struct explorer *explorer,
                         struct evaluation_export *request) {
    if (explorer->row == SIZE_MAX ||
        !explorer->catalog->solutions[explorer->row].whole ||
        explorer->catalog->solutions[explorer->row].stale)
        return;
    const struct store_row *row = &explorer->catalog->rows[explorer->row];
    request->measured = true;
    memcpy(request->model_sha256, row->solution.model_sha256,
           sizeof request->model_sha256);
    for (size_t t = 0; t < explorer->tasks; t++) {
        request->figures[t] = row->evaluations[t];
        /* What these point to is the catalog's, which may be gone by then. */
        request->figures[t].split = NULL;
        request->figures[t].correct = NULL;
        request->figures[t].correct_size = 0;
    }
}

static void begin_export(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct evaluation_export request = {.routers = explorer->routers,
                                        .head = dialog->choice};
    struct stat status;
    app_expand_home(app);
    if (!dialog->text[0]) {
        dialog_refuse(dialog, "type a path");
        return;
    }
    if (lstat(dialog->text, &status) == 0) {
        dialog_refuse(dialog, "this path exists and is not overwritten; "
                              "choose another name");
        return;
    }
    snprintf(request.path, sizeof request.path, "%s", dialog->text);
    memcpy(request.preference, explorer->preference, sizeof request.preference);
    add_measured(explorer, &request);
    dialog->error[0] = '\0';
    dialog->done = dialog->total = 0;
    if (evaluation_export_begin(app->evaluation, &request))
        dialog->state = WRITE_BUSY;
    else
        dialog_refuse(dialog, "another export is still running");
}

void app_expand_home(struct app *app) {
    struct dialog *dialog = &app->explorer.dialog;
    const char *home = getenv("HOME");
    char path[sizeof dialog->text];
    if (dialog->text[0] != '~' || (dialog->text[1] && dialog->text[1] != '/') || !home)
        return;
    if (snprintf(path, sizeof path, "%s%s", home, dialog->text + 1) < (int)sizeof path)
        dialog_text(dialog, path);
}

static void leave_export(struct app *app) {
    if (app->explorer.dialog.state == WRITE_BUSY)
        evaluation_export_stop(app->evaluation);
    else
        dialog_close(&app->explorer.dialog);
}

const struct question export_question = {
    .kind = DIALOG_WRITE,
    .title = "Export",
    .prompt = "a new directory for the model of this preference",
    .choice_name = "classifier head",
    .choice_none = "the pretrained model's",
    .accept = begin_export,
    .cancel = leave_export};

static void ask_export(struct app *app) {
    struct explorer *explorer = &app->explorer;
    char path[256];
    /* What is pointed at is exported from where it is. */
    if (explorer->pointed != SIZE_MAX && !app_go_to_pointed(app))
        return;
    if (!explorer->ready) {
        explorer_say(explorer, true, "%s",
                     explorer->missing[0] ? explorer->missing
                                          : "the checkpoints are still being read");
        return;
    }
    if (!explorer->routers) {
        explorer_say(explorer, true, "no routers are trained yet; run pwemoe train");
        return;
    }
    dialog_open(&explorer->dialog, &export_question);
    /* Only classifiers with heads of their own have one to choose. */
    if (store_model_classifies(explorer->catalog->recipe->model))
        for (size_t t = 0; t < explorer->tasks; t++)
            dialog_add(&explorer->dialog, (int64_t)t, 0, INK_TEXT, false,
                       explorer_task_name(explorer, t));
    propose_path(explorer, path, sizeof path);
    dialog_text(&explorer->dialog, path);
}

/* clang-format off */
const struct action export_actions[] = {
    {{'e'}, "Models", "e", "export this model to a directory", .run = ask_export, .waits = true,
     .hint = {[HINTS_MOVING] = {4, "export"}}},
    {.run = NULL},
};
