/* The key that puts two models side by side: which two, then the page. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "base/memory.h"
#include "panels/views.h"
#include "pareto/simplex.h"
#include "state/selection.h"

/* What may be compared besides bookmarks: stored models that are no routers'. */
enum { BASELINE = 1 << 24, BASELINES_MOST = 200 };

/* What is selected, whatever made it. */
static void add_selected(struct explorer *explorer) {
    enum { MOST = 50 };
    const struct catalog *catalog = explorer->catalog;
    size_t added = 0;
    for (size_t i = 0; i < catalog->count && added < MOST; i++) {
        char text[200], where[64] = "", name[96];
        if (!selection_has(explorer, i))
            continue;
        if (catalog->rows[i].solution.preference)
            simplex_text(catalog->rows[i].solution.preference, catalog->tasks, where,
                         sizeof where);
        snprintf(text, sizeof text, "selected: %s %s",
                 catalog_row_text(catalog, i, name, sizeof name), where);
        dialog_add(&explorer->dialog, (int64_t)(BASELINE + i), 0, INK_TEXT, false,
                   text);
        added++;
    }
}

static void add_baselines(struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    size_t added = 0;
    for (size_t i = 0; i < catalog->count && added < BASELINES_MOST; i++) {
        char text[160];
        if (catalog->series[catalog->solutions[i].series].answers)
            continue;
        dialog_add(&explorer->dialog, (int64_t)(BASELINE + i), 0, INK_TEXT, false,
                   catalog_row_text(catalog, i, text, sizeof text));
        added++;
    }
}

/* Items that are neither: where one is, and what one points at. */
enum { HERE = -1, POINTED = -2 };

static void choose_side(struct explorer *explorer, struct compared *side,
                        int64_t value) {
    const struct catalog *catalog = explorer->catalog;
    *side = (struct compared){.row = SIZE_MAX};
    if (value == HERE) {
        snprintf(side->name, sizeof side->name, "where you are now");
        memcpy(side->preference, explorer->preference, sizeof side->preference);
        side->has_preference = true;
        side->row = explorer->row;
    } else if (value >= BASELINE || value == POINTED) {
        side->row = value == POINTED ? explorer->pointed : (size_t)(value - BASELINE);
        catalog_row_text(catalog, side->row, side->name, sizeof side->name);
        const double *preference = catalog->rows[side->row].solution.preference;
        if (preference) {
            memcpy(side->preference, preference, catalog->tasks * sizeof *preference);
            side->has_preference = true;
        }
    } else {
        const struct store_bookmark *bookmark = &catalog->bookmarks[value];
        snprintf(side->name, sizeof side->name, "%s", TEXT_CUT(bookmark->name, 120));
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

static const struct question comparison = {.kind = DIALOG_PAGE,
                                           .title = "Side by side",
                                           .width = 104,
                                           .compares = true,
                                           .page = compare_view_draw};

void app_compare_again(struct app *app) {
    const struct explorer *explorer = &app->explorer;
    if (app->watcher && explorer->compared[0].solution &&
        explorer->compared[1].solution)
        watcher_compare(app->watcher, explorer->compared[0].solution,
                        explorer->compared[1].solution);
}

/* A row in a line of a list, with its preference where it has one. */
static const char *solution_text(const struct explorer *explorer, size_t row, char *out,
                                 size_t size) {
    const double *preference = explorer->catalog->rows[row].solution.preference;
    char name[96], where[64] = "";
    if (preference)
        simplex_text(preference, explorer->tasks, where, sizeof where);
    snprintf(out, size, "pointed at: %s %s",
             catalog_row_text(explorer->catalog, row, name, sizeof name), where);
    return out;
}

static void add_sides(struct explorer *explorer, const struct question *question) {
    dialog_open(&explorer->dialog, question);
    dialog_add(&explorer->dialog, HERE, 0, INK_TEXT, false, "where you are now");
    if (explorer->pointed != SIZE_MAX) {
        char text[160];
        dialog_add(&explorer->dialog, POINTED, 0, INK_TEXT, false,
                   solution_text(explorer, explorer->pointed, text, sizeof text));
    }
    add_selected(explorer);
    app_add_bookmarks(explorer);
    add_baselines(explorer);
}

static void take_second(struct app *app) {
    struct explorer *explorer = &app->explorer;
    choose_side(explorer, &explorer->compared[1],
                explorer->dialog.items[explorer->dialog.chosen].value);
    memset(explorer->paired, 0, sizeof explorer->paired);
    dialog_open(&explorer->dialog, &comparison);
    app_compare_again(app);
}

static const struct question second_side = {
    .kind = DIALOG_LIST, .title = "Compare with: B", .accept = take_second};

static void take_first(struct app *app) {
    struct explorer *explorer = &app->explorer;
    size_t first = explorer->dialog.chosen;
    choose_side(explorer, &explorer->compared[0], explorer->dialog.items[first].value);
    add_sides(explorer, &second_side);
    if (first + 1 < explorer->dialog.count)
        explorer->dialog.chosen = first + 1;
}

static const struct question first_side = {
    .kind = DIALOG_LIST, .title = "Compare: A", .accept = take_first};

static void ask_sides(struct app *app) {
    add_sides(&app->explorer, &first_side);
}

/* clang-format off */
const struct action compare_actions[] = {
    {{'c'}, "Models", "c", "compare the selected, the pointed at, bookmarks, others", .run = ask_sides, .waits = true,
     .hint = {[HINTS_MOVING] = {10, "compare"}, [HINTS_TABLE] = {9, "compare"}}},
    {.run = NULL},
};
