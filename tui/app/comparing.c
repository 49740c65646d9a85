/* The key that puts two models side by side: which two, then the page. */
#include <stdio.h>
#include <string.h>

#include "app/actions.h"
#include "panels/views.h"

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

static void add_sides(struct explorer *explorer, const struct question *question) {
    dialog_open(&explorer->dialog, question);
    dialog_add(&explorer->dialog, -1, 0, INK_TEXT, false, "where you are now");
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
    {{'c'}, "Models", "c", "compare two bookmarks or baselines side by side", .run = ask_sides, .waits = true},
    {.run = NULL},
};
