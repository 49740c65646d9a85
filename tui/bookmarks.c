/* Bookmarks: made, gone to, renamed and deleted. The worker writes them; what is shown
 * is what came back from the file. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "pareto/simplex.h"

void app_ask_bookmark(struct model *model) {
    char text[64];
    dialog_open(&model->dialog, DIALOG_LINE, FOR_BOOKMARK, "Bookmark",
                "a name; one that exists is replaced");
    snprintf(text, sizeof text, "point %zu", model->catalog->bookmark_count + 1);
    dialog_text(&model->dialog, text);
}

void app_answer_bookmark(struct app *app) {
    struct model *model = &app->model;
    if (!model->dialog.text[0]) {
        snprintf(model->dialog.error, sizeof model->dialog.error, "write a name");
        return;
    }
    int64_t solution =
        model->row != SIZE_MAX ? model->catalog->rows[model->row].solution.id : 0;
    if (app->worker)
        worker_bookmark(app->worker, model->dialog.text, model->preference, solution);
    dialog_close(&model->dialog);
}

void app_add_bookmarks(struct model *model) {
    const struct catalog *catalog = model->catalog;
    for (size_t i = 0; i < catalog->bookmark_count; i++) {
        const struct store_bookmark *bookmark = &catalog->bookmarks[i];
        char where[128] = "", text[256];
        if (bookmark->preference)
            simplex_text(bookmark->preference, catalog->tasks, where, sizeof where);
        snprintf(text, sizeof text, "%.60s  %.50s", bookmark->name, where);
        dialog_add(&model->dialog, (int64_t)i, 0, INK_TEXT, false, text);
    }
}

void app_ask_bookmarks(struct model *model) {
    if (!model->catalog->bookmark_count) {
        dialog_close(&model->dialog);
        model_say(model, false, "there are no bookmarks yet; b makes one");
        return;
    }
    dialog_open(&model->dialog, DIALOG_LIST, FOR_GOTO_BOOKMARK, "Bookmarks", "");
    app_add_bookmarks(model);
}

/* Keeps in mind which one of the list is meant, for the question that follows. */
static void mean_chosen(struct model *model) {
    const struct dialog *dialog = &model->dialog;
    const struct store_bookmark *bookmark =
        &model->catalog->bookmarks[dialog->items[dialog->chosen].value];
    model->bookmark.id = bookmark->id;
    snprintf(model->bookmark.name, sizeof model->bookmark.name, "%s", bookmark->name);
}

/* The list again, at the one that was meant. */
static void back_to_list(struct model *model) {
    app_ask_bookmarks(model);
    for (size_t i = 0; i < model->dialog.count; i++)
        if (model->catalog->bookmarks[i].id == model->bookmark.id)
            model->dialog.chosen = i;
}

void app_ask_rename(struct model *model) {
    mean_chosen(model);
    dialog_open(&model->dialog, DIALOG_LINE, FOR_RENAME, "Rename a bookmark",
                "its new name");
    dialog_text(&model->dialog, model->bookmark.name);
}

void app_answer_rename(struct app *app) {
    struct model *model = &app->model;
    struct dialog *dialog = &model->dialog;
    const struct catalog *catalog = model->catalog;
    if (!dialog->text[0]) {
        snprintf(dialog->error, sizeof dialog->error, "write a name");
        return;
    }
    for (size_t i = 0; i < catalog->bookmark_count; i++)
        if (!strcmp(catalog->bookmarks[i].name, dialog->text) &&
            catalog->bookmarks[i].id != model->bookmark.id) {
            snprintf(dialog->error, sizeof dialog->error,
                     "another bookmark is called so");
            return;
        }
    if (app->worker && strcmp(model->bookmark.name, dialog->text))
        worker_bookmark_rename(app->worker, model->bookmark.id, model->bookmark.name,
                               dialog->text);
    dialog_close(dialog);
}

enum { KEEP_IT, DELETE_IT };

void app_ask_delete(struct model *model) {
    char prompt[sizeof model->dialog.prompt];
    mean_chosen(model);
    snprintf(prompt, sizeof prompt, "%.200s", model->bookmark.name);
    dialog_open(&model->dialog, DIALOG_LIST, FOR_DELETE, "Delete this bookmark?",
                prompt);
    dialog_add(&model->dialog, KEEP_IT, 0, INK_TEXT, false, "keep it");
    dialog_add(&model->dialog, DELETE_IT, 0, INK_WARNING, false, "delete it, for good");
}

void app_answer_delete(struct app *app, int64_t answer) {
    struct model *model = &app->model;
    if (answer != DELETE_IT) {
        back_to_list(model);
        return;
    }
    if (app->worker)
        worker_bookmark_delete(app->worker, model->bookmark.id, model->bookmark.name);
    dialog_close(&model->dialog);
}

void app_leave_bookmark(struct model *model) {
    if (model->dialog.purpose == FOR_DELETE || model->dialog.purpose == FOR_RENAME)
        back_to_list(model);
    else
        dialog_close(&model->dialog);
}
