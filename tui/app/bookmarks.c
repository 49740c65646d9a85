/* Bookmarks: made, gone to, renamed and deleted. The worker writes them; what is shown
 * is what came back from the file. */
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "pareto/simplex.h"

void app_ask_bookmark(struct explorer *explorer) {
    char text[64];
    dialog_open(&explorer->dialog, DIALOG_LINE, FOR_BOOKMARK, "Bookmark",
                "a name; one that exists is replaced");
    snprintf(text, sizeof text, "point %zu", explorer->catalog->bookmark_count + 1);
    dialog_text(&explorer->dialog, text);
}

void app_answer_bookmark(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (!explorer->dialog.text[0]) {
        snprintf(explorer->dialog.error, sizeof explorer->dialog.error, "write a name");
        return;
    }
    int64_t solution = explorer->row != SIZE_MAX
                           ? explorer->catalog->rows[explorer->row].solution.id
                           : 0;
    if (app->evaluation)
        evaluation_bookmark(app->evaluation, explorer->dialog.text,
                            explorer->preference, solution);
    dialog_close(&explorer->dialog);
}

void app_add_bookmarks(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; i < catalog->bookmark_count; i++) {
        const struct store_bookmark *bookmark = &catalog->bookmarks[i];
        char where[128] = "", text[256];
        if (bookmark->preference)
            simplex_text(bookmark->preference, catalog->tasks, where, sizeof where);
        snprintf(text, sizeof text, "%.60s  %.50s", bookmark->name, where);
        dialog_add(&explorer->dialog, (int64_t)i, 0, INK_TEXT, false, text);
    }
}

void app_ask_bookmarks(struct explorer *explorer) {
    if (!explorer->catalog->bookmark_count) {
        dialog_close(&explorer->dialog);
        explorer_say(explorer, false, "there are no bookmarks yet; b makes one");
        return;
    }
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_GOTO_BOOKMARK, "Bookmarks", "");
    app_add_bookmarks(explorer);
}

/* Keeps in mind which one of the list is meant, for the question that follows. */
static void mean_chosen(struct explorer *explorer) {
    const struct dialog *dialog = &explorer->dialog;
    const struct store_bookmark *bookmark =
        &explorer->catalog->bookmarks[dialog->items[dialog->chosen].value];
    explorer->bookmark.id = bookmark->id;
    snprintf(explorer->bookmark.name, sizeof explorer->bookmark.name, "%s",
             bookmark->name);
}

/* The list again, at the one that was meant. */
static void back_to_list(struct explorer *explorer) {
    app_ask_bookmarks(explorer);
    for (size_t i = 0; i < explorer->dialog.count; i++)
        if (explorer->catalog->bookmarks[i].id == explorer->bookmark.id)
            explorer->dialog.chosen = i;
}

void app_ask_rename(struct explorer *explorer) {
    mean_chosen(explorer);
    dialog_open(&explorer->dialog, DIALOG_LINE, FOR_RENAME, "Rename a bookmark",
                "its new name");
    dialog_text(&explorer->dialog, explorer->bookmark.name);
}

void app_answer_rename(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    const struct catalog *catalog = explorer->catalog;
    if (!dialog->text[0]) {
        snprintf(dialog->error, sizeof dialog->error, "write a name");
        return;
    }
    for (size_t i = 0; i < catalog->bookmark_count; i++)
        if (!strcmp(catalog->bookmarks[i].name, dialog->text) &&
            catalog->bookmarks[i].id != explorer->bookmark.id) {
            snprintf(dialog->error, sizeof dialog->error,
                     "another bookmark is called so");
            return;
        }
    if (app->evaluation && strcmp(explorer->bookmark.name, dialog->text))
        evaluation_bookmark_rename(app->evaluation, explorer->bookmark.id,
                                   explorer->bookmark.name, dialog->text);
    dialog_close(dialog);
}

enum { KEEP_IT, DELETE_IT };

void app_ask_delete(struct explorer *explorer) {
    char prompt[sizeof explorer->dialog.prompt];
    mean_chosen(explorer);
    snprintf(prompt, sizeof prompt, "%.200s", explorer->bookmark.name);
    dialog_open(&explorer->dialog, DIALOG_LIST, FOR_DELETE, "Delete this bookmark?",
                prompt);
    dialog_add(&explorer->dialog, KEEP_IT, 0, INK_TEXT, false, "keep it");
    dialog_add(&explorer->dialog, DELETE_IT, 0, INK_WARNING, false,
               "delete it, for good");
}

void app_answer_delete(struct app *app, int64_t answer) {
    struct explorer *explorer = &app->explorer;
    if (answer != DELETE_IT) {
        back_to_list(explorer);
        return;
    }
    if (app->evaluation)
        evaluation_bookmark_delete(app->evaluation, explorer->bookmark.id,
                                   explorer->bookmark.name);
    dialog_close(&explorer->dialog);
}

void app_leave_bookmark(struct explorer *explorer) {
    if (explorer->dialog.purpose == FOR_DELETE ||
        explorer->dialog.purpose == FOR_RENAME)
        back_to_list(explorer);
    else
        dialog_close(&explorer->dialog);
}
