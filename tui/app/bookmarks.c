/* Bookmarks: made, gone to, renamed, deleted and brought back. The evaluation thread
 * writes them; what is shown is what came back from the file. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "pareto/simplex.h"

static void change(struct app *app, const struct bookmark_change *change) {
    struct file_change whole = {.kind = CHANGE_BOOKMARK, .bookmark = *change};
    if (app->evaluation)
        evaluation_change(app->evaluation, &whole);
}

static void set_name(char out[512], const char *name) {
    snprintf(out, 512, "%s", name);
}

static const struct store_bookmark *find(const struct explorer *explorer,
                                         const char *name) {
    const struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; i < catalog->bookmark_count; i++)
        if (!strcmp(catalog->bookmarks[i].name, name))
            return &catalog->bookmarks[i];
    return NULL;
}

/* --- a new one ----------------------------------------------------------------- */

/* Of the solution pointed at, else of the present preference. */
static void save(struct app *app, enum bookmark_change_kind kind, const char *name) {
    const struct explorer *explorer = &app->explorer;
    size_t row = explorer->pointed != SIZE_MAX ? explorer->pointed : explorer->row;
    const double *preference = explorer->preference;
    struct bookmark_change made = {.kind = kind};
    set_name(made.name, name);
    if (row != SIZE_MAX)
        made.solution = explorer->catalog->rows[row].solution.id;
    if (explorer->pointed != SIZE_MAX)
        preference = explorer->catalog->rows[row].solution.preference;
    made.has_preference = preference != NULL;
    if (preference)
        memcpy(made.preference, preference, explorer->tasks * sizeof *preference);
    change(app, &made);
}

static void take_name(struct app *app);
static void take_replace(struct app *app);
static void back_to_name(struct app *app);

static const struct question name_question = {.kind = DIALOG_LINE,
                                              .title = "Bookmark",
                                              .prompt = "a name for this preference",
                                              .accept = take_name};

enum { KEEP_IT, CHANGE_IT };
static const struct question replace_question = {.kind = DIALOG_LIST,
                                                 .title = "Replace this bookmark?",
                                                 .accept = take_replace,
                                                 .cancel = back_to_name};

static void ask_name(struct app *app) {
    struct explorer *explorer = &app->explorer;
    char text[64];
    size_t number = explorer->catalog->bookmark_count;
    dialog_open(&explorer->dialog, &name_question);
    if (explorer->pointed != SIZE_MAX)
        snprintf(explorer->dialog.prompt, sizeof explorer->dialog.prompt,
                 "a name for the solution pointed at");
    /* As many names as there are bookmarks may be taken, not one more. */
    do
        snprintf(text, sizeof text, "point %zu", ++number);
    while (find(explorer, text));
    dialog_text(&explorer->dialog, text);
}

static void take_name(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    if (!dialog->text[0]) {
        dialog_refuse(dialog, "type a name");
    } else if (!find(explorer, dialog->text)) {
        save(app, BOOKMARK_ADD, dialog->text);
        dialog_close(dialog);
    } else {
        set_name(explorer->meant.name, dialog->text);
        dialog_open(dialog, &replace_question);
        snprintf(dialog->prompt, sizeof dialog->prompt, "%s",
                 TEXT_CUT(explorer->meant.name, 200));
        dialog_add(dialog, KEEP_IT, 0, INK_TEXT, false, "keep the old one");
        dialog_add(dialog, CHANGE_IT, 0, INK_WARNING, false, "replace it");
    }
}

static void back_to_name(struct app *app) {
    struct explorer *explorer = &app->explorer;
    dialog_open(&explorer->dialog, &name_question);
    dialog_text(&explorer->dialog, explorer->meant.name);
}

static void take_replace(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    if (dialog->items[dialog->chosen].value == KEEP_IT) {
        back_to_name(app);
        return;
    }
    save(app, BOOKMARK_REPLACE, explorer->meant.name);
    dialog_close(dialog);
}

/* --- the list ------------------------------------------------------------------- */

static void go_to_chosen(struct app *app);
static void ask_rename(struct app *app);
static void ask_delete(struct app *app);
static void ask_note(struct app *app);

static const struct question list_question = {
    .kind = DIALOG_LIST,
    .title = "Bookmarks",
    .hint = "Enter goes, n renames, N notes, d deletes, Esc closes",
    .width = 72,
    .accept = go_to_chosen,
    .renames = ask_rename,
    .notes = ask_note,
    .deletes = ask_delete};

void app_add_bookmarks(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    for (size_t i = 0; i < catalog->bookmark_count; i++) {
        const struct store_bookmark *bookmark = &catalog->bookmarks[i];
        char where[128] = "", text[256];
        if (bookmark->preference)
            simplex_text(bookmark->preference, catalog->tasks, where, sizeof where);
        snprintf(text, sizeof text, "%s  %s%s%s", TEXT_CUT(bookmark->name, 60),
                 TEXT_CUT(where, 50), bookmark->note[0] ? "  " : "",
                 TEXT_CUT(bookmark->note, 100));
        dialog_add(&explorer->dialog, (int64_t)i, 0, INK_TEXT, false, text);
    }
}

static void show_list(struct app *app) {
    struct explorer *explorer = &app->explorer;
    if (!explorer->catalog->bookmark_count) {
        dialog_close(&explorer->dialog);
        explorer_say(explorer, false, "there are no bookmarks yet; b makes one");
        return;
    }
    dialog_open(&explorer->dialog, &list_question);
    app_add_bookmarks(explorer);
}

static const struct store_bookmark *chosen(const struct explorer *explorer) {
    const struct dialog *dialog = &explorer->dialog;
    return &explorer->catalog->bookmarks[dialog->items[dialog->chosen].value];
}

static void go_to_chosen(struct app *app) {
    struct explorer *explorer = &app->explorer;
    const struct catalog *catalog = explorer->catalog;
    const struct store_bookmark *bookmark = chosen(explorer);
    const struct store_row *row =
        store_row_find(catalog->rows, catalog->count, bookmark->solution);
    dialog_close(&explorer->dialog);
    if (bookmark->preference) {
        app_fly_to(app, bookmark->preference);
    } else if (row) {
        explorer_point(explorer, (size_t)(row - catalog->rows));
        explorer_say(explorer, false,
                     "%s has no preference to go to; its model is pointed at",
                     TEXT_CUT(bookmark->name, 60));
    }
}

/* Keeps in mind which one of the list is meant, for the question that follows. */
static void mean_chosen(struct explorer *explorer) {
    explorer->meant.id = chosen(explorer)->id;
    set_name(explorer->meant.name, chosen(explorer)->name);
}

/* The list again, at the one that was meant. */
static void back_to_list(struct app *app) {
    struct explorer *explorer = &app->explorer;
    show_list(app);
    for (size_t i = 0; i < explorer->dialog.count; i++)
        if (explorer->catalog->bookmarks[i].id == explorer->meant.id)
            explorer->dialog.chosen = i;
}

/* --- renaming ------------------------------------------------------------------- */

static void take_rename(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct bookmark_change renamed = {.kind = BOOKMARK_RENAME,
                                      .id = explorer->meant.id};
    const struct store_bookmark *other = find(explorer, dialog->text);
    if (!dialog->text[0]) {
        dialog_refuse(dialog, "type a name");
        return;
    }
    if (other && other->id != explorer->meant.id) {
        dialog_refuse(dialog, "another bookmark has this name");
        return;
    }
    set_name(renamed.name, explorer->meant.name);
    set_name(renamed.to, dialog->text);
    if (strcmp(renamed.name, renamed.to))
        change(app, &renamed);
    dialog_close(dialog);
}

static const struct question rename_question = {.kind = DIALOG_LINE,
                                                .title = "Rename a bookmark",
                                                .prompt = "its new name",
                                                .accept = take_rename,
                                                .cancel = back_to_list};

static void ask_rename(struct app *app) {
    struct explorer *explorer = &app->explorer;
    mean_chosen(explorer);
    dialog_open(&explorer->dialog, &rename_question);
    dialog_text(&explorer->dialog, explorer->meant.name);
}

/* --- notes ----------------------------------------------------------------------- */

static void take_note(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct bookmark_change noted = {.kind = BOOKMARK_NOTE, .id = explorer->meant.id};
    set_name(noted.name, explorer->meant.name);
    set_name(noted.to, explorer->dialog.text);
    change(app, &noted);
    dialog_close(&explorer->dialog);
}

static const struct question note_question = {.kind = DIALOG_LINE,
                                              .title = "Note",
                                              .width = 76,
                                              .accept = take_note,
                                              .cancel = back_to_list};

static void ask_note(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    char note[512];
    snprintf(note, sizeof note, "%s", chosen(explorer)->note);
    mean_chosen(explorer);
    dialog_open(dialog, &note_question);
    snprintf(dialog->prompt, sizeof dialog->prompt, "what is to be said of %s",
             TEXT_CUT(explorer->meant.name, 200));
    dialog_text(dialog, note);
}

/* --- deleting, and bringing back ------------------------------------------------- */

static void take_delete(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct bookmark_change deleted = {.kind = BOOKMARK_DELETE,
                                      .id = explorer->meant.id};
    if (dialog->items[dialog->chosen].value == KEEP_IT) {
        back_to_list(app);
        return;
    }
    set_name(deleted.name, explorer->meant.name);
    change(app, &deleted);
    dialog_close(dialog);
}

static const struct question delete_question = {.kind = DIALOG_LIST,
                                                .title = "Delete this bookmark?",
                                                .accept = take_delete,
                                                .cancel = back_to_list};

static void ask_delete(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    mean_chosen(explorer);
    dialog_open(dialog, &delete_question);
    snprintf(dialog->prompt, sizeof dialog->prompt, "%s",
             TEXT_CUT(explorer->meant.name, 200));
    dialog_add(dialog, KEEP_IT, 0, INK_TEXT, false, "keep it");
    dialog_add(dialog, CHANGE_IT, 0, INK_WARNING, false, "delete it");
}

static void bring_back(struct app *app) {
    change(app, &(struct bookmark_change){.kind = BOOKMARK_RESTORE});
}

/* clang-format off */
const struct action bookmark_actions[] = {
    {{'b'}, "Models", "b", "bookmark this preference, or the solution pointed at", .run = ask_name,
     .hint = {[HINTS_MOVING] = {5, "bookmark"}, [HINTS_TABLE] = {10, "bookmark"}}},
    {{'B'}, "Models", "B", "bookmarks: go, rename (n), note (N), delete (d)", .run = show_list},
    {{'D'}, "Models", "D", "bring back the bookmark that was deleted last", .run = bring_back},
    {.run = NULL},
};
