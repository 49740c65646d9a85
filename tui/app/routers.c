/* The key that chooses what answers preferences: routers of a run, a correction, or the
 * closed form. */
#include <stdio.h>

#include "app/actions.h"

static void take_routers(struct app *app) {
    struct explorer *explorer = &app->explorer;
    explorer_use_routers(explorer,
                         explorer->dialog.items[explorer->dialog.chosen].value);
    dialog_close(&explorer->dialog);
}

static const struct question routers_question = {
    .kind = DIALOG_LIST, .title = "Routers", .accept = take_routers};

static void add_closed(struct explorer *explorer, int64_t closed, const char *what) {
    struct dialog *dialog = &explorer->dialog;
    char text[160];
    if (closed == explorer->routers)
        dialog->chosen = dialog->count;
    snprintf(text, sizeof text, "closed form %s, %s",
             store_role_name(STORE_ROLE_CLOSED_FORM), what);
    dialog_add(dialog, closed, 0, INK_TEXT, false, text);
}

static void ask_routers(struct app *app) {
    struct explorer *explorer = &app->explorer;
    struct dialog *dialog = &explorer->dialog;
    const struct catalog *catalog = explorer->catalog;
    char text[160];
    dialog_open(dialog, &routers_question);
    for (size_t i = catalog->run_count; i-- > 0;) {
        char name[120];
        int64_t routers = catalog->run_routers[i];
        if (!routers)
            continue;
        snprintf(text, sizeof text, "run %lld: %s", (long long)catalog->runs[i].id,
                 catalog_routers_text(catalog, routers, name, sizeof name));
        if (routers == explorer->routers)
            dialog->chosen = dialog->count;
        dialog_add(dialog, routers, 0, INK_TEXT, false, text);
    }
    if (catalog->fits_heads)
        add_closed(explorer, CATALOG_CLOSED_FITTED, "heads fitted to it");
    add_closed(explorer, CATALOG_CLOSED_FORM, "of the checkpoints alone");
}

/* clang-format off */
const struct action routers_actions[] = {
    {{'r'}, "Models", "r", "choose the routers", .run = ask_routers,
     .hint = {[HINTS_MOVING] = {12, "routers"}}},
    {.run = NULL},
};
