/* Keys for the table of solutions: shown, filtered, sorted, its columns, its rows. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "panels/views.h"
#include "results/filter_offer.h"
#include "state/solution_table.h"
#include "terminal/keys.h"

static void show(struct app *app) {
    struct arrangement_wish *wish = &app->explorer.wish;
    if (!app->arrangement.compact)
        wish->table = true;
    wish->focus = PANEL_TABLE;
}

static void toggle_table(struct app *app) {
    struct arrangement_wish *wish = &app->explorer.wish;
    if (!app->arrangement.shown[PANEL_TABLE]) {
        show(app);
        return;
    }
    wish->table = false;
    if (wish->focus == PANEL_TABLE)
        wish->focus = PANEL_SIMPLEX;
}

/* --- the filter ------------------------------------------------------------------- */

static void take_filter(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    struct error error;
    size_t at = 0;
    if (solution_table_filter(explorer, dialog->text, &at, &error)) {
        dialog_refuse(dialog, "%s", TEXT_CUT(error.text, 500));
        dialog->error_at = at;
        dialog->cursor = at < strlen(dialog->text) ? at : strlen(dialog->text);
        return;
    }
    dialog_close(dialog);
    show(app);
}

/* The words that may stand here, below the line, as many as there is room for. */
static void offer_words(struct dialog *dialog, const struct filter_offer *offer) {
    size_t used = 0;
    dialog->remark[0] = '\0';
    for (size_t i = 0; i < offer->count && used + 80 < sizeof dialog->remark; i++)
        used += (size_t)snprintf(dialog->remark + used, sizeof dialog->remark - used,
                                 "%s%s", i ? "  " : "", TEXT_CUT(offer->words[i], 70));
}

static void type_filter(struct app *app) {
    struct dialog *dialog = &app->explorer.dialog;
    struct filter_offer offer;
    if (filter_offer_make(dialog->text, dialog->cursor, app->explorer.catalog, &offer))
        return;
    offer_words(dialog, &offer);
    filter_offer_free(&offer);
}

/* As far as all words agree; a blank behind one that none goes on from. */
static void complete_filter(struct app *app) {
    struct dialog *dialog = &app->explorer.dialog;
    const struct catalog *catalog = app->explorer.catalog;
    struct filter_offer offer;
    if (filter_offer_make(dialog->text, dialog->cursor, catalog, &offer))
        return;
    dialog->error[0] = '\0';
    if (offer.count)
        dialog_replace(dialog, offer.begin, offer.common);
    bool one = offer.count == 1;
    filter_offer_free(&offer);
    if (one && !filter_offer_make(dialog->text, dialog->cursor, catalog, &offer)) {
        if (offer.count == 1 && dialog->text[dialog->cursor - 1] != '.')
            dialog_replace(dialog, dialog->cursor, " ");
        filter_offer_free(&offer);
    }
    type_filter(app);
}

static const struct question filter_question = {.kind = DIALOG_LINE,
                                                .title = "Filter the solutions",
                                                .width = 76,
                                                .accept = take_filter,
                                                .typed = type_filter,
                                                .completes = complete_filter};

static void ask_filter(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    const struct store_objective *objective =
        &explorer->catalog->recipe->tasks[0].objective;
    dialog_open(dialog, &filter_question);
    snprintf(dialog->prompt, sizeof dialog->prompt,
             "as %s %s && method == ls || knee; an empty line shows all",
             TEXT_CUT(explorer_task_name(explorer, 0), 40),
             objective->maximise ? ">= 80" : "<= 0.5");
    dialog_text(dialog, explorer->table.expression);
    type_filter(app);
}

/* --- order and columns ------------------------------------------------------------ */

static void turn_round(struct app *app) {
    solution_table_sort(&app->explorer, app->explorer.table.sort);
}

static void take_column(struct app *app) {
    struct dialog *dialog = &app->explorer.dialog;
    const struct dialog_item *item = &dialog->items[dialog->chosen];
    app->explorer.table.off[item->value] = !item->on;
}

static const struct question columns_question = {.kind = DIALOG_LIST,
                                                 .title = "Columns of the table",
                                                 .switches = true,
                                                 .switched = take_column};

static void ask_columns(struct app *app) {
    struct explorer *explorer = &app->explorer;
    dialog_open(&explorer->dialog, &columns_question);
    for (size_t column = 0; column < TABLE_TASK + explorer->tasks; column++)
        dialog_add(&explorer->dialog, (int64_t)column, 0, INK_TEXT,
                   !explorer->table.off[column], solution_table_name(explorer, column));
}

/* --- rows ------------------------------------------------------------------------- */

void app_move_in_table(struct app *app, int dx, int dy, bool far) {
    struct explorer *explorer = &app->explorer;
    if (dx)
        solution_table_sort_beside(explorer, dx);
    else
        solution_table_step(explorer, far ? 10 * dy : dy);
}

static void go_to_end(struct app *app) {
    struct explorer *explorer = &app->explorer;
    long all = (long)explorer->table.count;
    if (explorer_steps_rows(explorer))
        solution_table_step(explorer, app->nth ? all : -all);
}

void app_click_table(struct app *app, int x, int y) {
    struct explorer *explorer = &app->explorer;
    struct view view = view_rect(&app->canvas, app->arrangement.rect[PANEL_TABLE]);
    size_t row = table_view_row(&view, explorer, y - view.y);
    size_t column = table_view_column(&view, explorer, x - view.x);
    if (row != SIZE_MAX)
        explorer_point(explorer, row);
    else if (y - view.y == 1 && column != SIZE_MAX)
        solution_table_sort(explorer, column);
}

/* clang-format off */
const struct action table_actions[] = {
    {{'T'}, "Table", "T", "show the table of solutions, or hide it", .run = toggle_table, .waits = true,
     .hint = {[HINTS_TABLE] = {5, "hide"}}},
    {{'/'}, "Table", "/", "filter it by an expression", .run = ask_filter, .waits = true,
     .hint = {[HINTS_TABLE] = {2, "filter"}}},
    {{'i'}, "Table", "i", "turn its order round; Left and Right choose by what", .run = turn_round, .waits = true,
     .hint = {[HINTS_TABLE] = {4, "turn round"}}},
    {{'C'}, "Table", "C", "choose its columns", .run = ask_columns, .waits = true,
     .hint = {[HINTS_TABLE] = {7, "columns"}}},
    {{KEYS_HOME, KEYS_END}, "Table", "Home, End", "its first row, its last", .run = go_to_end},
    {.run = NULL},
};
