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
    if (CATALOG_CLOSED_FORM == explorer->routers)
        dialog->chosen = dialog->count;
    snprintf(text, sizeof text, "closed form %s, of the checkpoints alone",
             store_role_name(STORE_ROLE_CLOSED_FORM));
    dialog_add(dialog, CATALOG_CLOSED_FORM, 0, INK_TEXT, false, text);
}

/* clang-format off */
const struct action routers_actions[] = {
    {{'r'}, "Models", "r", "choose the routers", .run = ask_routers,
     .hint = {[HINTS_MOVING] = {12, "routers"}}},
    {.run = NULL},
};
