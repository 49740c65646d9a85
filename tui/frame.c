#include <string.h>

#include "pareto/simplex.h"
#include "simplex_view.h"
#include "views.h"

static void draw_title(const struct view *view, const struct model *model) {
    const struct catalog *catalog = model->catalog;
    char text[256], routers[128];
    const char *file = strrchr(model->file, '/');
    int x = 1 + view_text(view, 1, 0, view->width - 1, INK_TITLE, LOOK_BOLD, "pwemoe");
    x += 2;
    snprintf(text, sizeof text, "%.80s", file ? file + 1 : model->file);
    x += 2 + view_text(view, x, 0, view->width - x, INK_TEXT, LOOK_PLAIN, text);
    if (!catalog)
        return;
    if (catalog->recipe->name[0])
        x += 2 + view_text(view, x, 0, view->width - x, INK_FAINT, LOOK_PLAIN,
                           catalog->recipe->name);
    snprintf(text, sizeof text, "routers: %s",
             catalog_routers_text(catalog, model->routers, routers, sizeof routers));
    if (x + text_columns(view->canvas->marks, text) < view->width)
        x += 2 + view_text(view, x, 0, view->width - x, INK_FAINT, LOOK_PLAIN, text);
    const char *right = model->missing[0] ? "look only" : model->device;
    int columns = text_columns(view->canvas->marks, right);
    if (x + columns + 1 < view->width)
        view_right(view, view->width - columns - 1, 0, columns,
                   model->missing[0] ? INK_WARNING : INK_FAINT, LOOK_PLAIN, "%s",
                   right);
}

/* What is going on, at the right end; returns the columns it takes. */
static int draw_state(const struct view *view, const struct model *model) {
    char text[128] = "";
    enum ink ink = INK_FAINT;
    uint64_t done = 0, total = 0;
    for (size_t t = 0; t < model->tasks; t++) {
        done += model->running[t].examples;
        total += model->examples[t];
    }
    if (model->catalog->reading) {
        model_why_empty(model, text, sizeof text);
    } else if (model->doing[0]) {
        if (model->total)
            snprintf(text, sizeof text, "%.60s %.0f %%", model->doing,
                     100.0 * (double)model->done / (double)model->total);
        else
            snprintf(text, sizeof text, "%.60s", model->doing);
    } else if (model->figures == FIGURES_COMPLETE) {
        snprintf(text, sizeof text, "measured");
        ink = INK_GOOD;
    } else if (model->figures == FIGURES_RUNNING && total) {
        if (done >= total && model->limited)
            snprintf(text, sizeof text, "measured in part");
        else
            snprintf(text, sizeof text, "evaluating %.0f %%",
                     100.0 * (double)done / (double)total);
        ink = INK_NOW;
    } else if (model->figures == FIGURES_ESTIMATE) {
        snprintf(text, sizeof text, "estimate");
        ink = INK_ESTIMATE;
    }
    int columns = text_columns(view->canvas->marks, text);
    if (columns + 1 > view->width / 2)
        return 0;
    view_text(view, view->width - columns - 1, 0, columns, ink, LOOK_PLAIN, text);
    return columns + 2;
}

/* Keys worth knowing, as many as there is room for. */
static void draw_hints(const struct view *view, int room) {
    static const char *const hints[][2] = {
        {"?", "help"},     {"q", "quit"},    {"arrows", "move"}, {"e", "export"},
        {"b", "bookmark"}, {"t", "legend"},  {"x", "view"},      {"a", "ask"},
        {"w", "weights"},  {"c", "compare"}, {"f", "front"},     {"r", "routers"},
        {"u", "undo"},     {"Tab", "panel"}, {"z", "zoom"}};
    int x = 1;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        int columns = (int)(strlen(hints[i][0]) + strlen(hints[i][1])) + 1;
        if (x + columns > room)
            return;
        x += view_text(view, x, 0, room, INK_TEXT, LOOK_BOLD, hints[i][0]) + 1;
        x += view_text(view, x, 0, room, INK_FAINT, LOOK_PLAIN, hints[i][1]) + 2;
    }
}

static void draw_status(const struct view *view, const struct model *model,
                        bool compact) {
    if (!model->catalog) {
        view_text(view, 1, 0, view->width - 1,
                  model->message_bad ? INK_WARNING : INK_FAINT, LOOK_PLAIN,
                  model->message[0] ? model->message : "reading the results");
        return;
    }
    int room = view->width - 1 - draw_state(view, model);
    char text[256];
    if (model->message[0]) {
        view_fill(view, 0, 0, view->width, L' ', INK_TEXT, LOOK_PLAIN);
        view_text(view, 1, 0, view->width - 2,
                  model->message_bad ? INK_WARNING : INK_TEXT, LOOK_BOLD,
                  model->message);
    } else if (compact && view->width < 64) {
        view_text(view, 1, 0, room, INK_NOW, LOOK_PLAIN,
                  simplex_text(model->preference, model->tasks, text, sizeof text));
    } else {
        draw_hints(view, room);
    }
}

/* One panel for the whole objective space, or one of its pairs. */
static void draw_space(const struct view *view, struct model *model,
                       const struct layout *layout, enum panel panel, bool focused) {
    static const size_t pairs[3][2] = {{0, 1}, {0, 2}, {1, 2}};
    bool three = panel != PANEL_SCATTER || layout->shown[PANEL_SCATTER_2];
    if (model->space == SPACE_SOLID)
        solid_view_draw(view, model, focused);
    else if (model->space == SPACE_PARALLEL)
        parallel_view_draw(view, model, focused);
    else
        scatter_view_draw(
            view, model, three ? pairs[panel - PANEL_SCATTER][0] : model->pair_a,
            three ? pairs[panel - PANEL_SCATTER][1] : model->pair_b, focused);
}

static void draw_panel(struct canvas *canvas, struct model *model,
                       const struct layout *layout, enum panel panel) {
    struct view view = view_rect(canvas, layout->rect[panel]);
    bool focused = model->wish.focus == panel;
    switch (panel) {
    case PANEL_SIMPLEX:
        simplex_view_draw(&view, model, focused);
        break;
    case PANEL_SCATTER:
    case PANEL_SCATTER_2:
    case PANEL_SCATTER_3:
        draw_space(&view, model, layout, panel, focused);
        break;
    case PANEL_LEGEND:
        legend_view_draw(&view, model, focused);
        break;
    case PANEL_OBJECTIVES:
        objectives_view_draw(&view, model, focused);
        break;
    case PANEL_ROUTING:
        routing_view_draw(&view, model, focused);
        break;
    case PANEL_SCALING:
        scaling_view_draw(&view, model, focused);
        break;
    case PANEL_TRAINING:
        training_view_draw(&view, model, focused);
        break;
    case PANEL_LOG:
        log_view_draw(&view, model, focused);
        break;
    default:
        break;
    }
}

static void draw_page(const struct view *whole, struct model *model) {
    struct dialog *dialog = &model->dialog;
    /* Drawn twice where its length is not known yet. */
    for (int pass = 0; pass < 2; pass++) {
        struct view page = dialog_page(dialog, whole);
        int lines = dialog->purpose == FOR_HELP
                        ? help_view_draw(&page, dialog->scroll)
                        : compare_view_draw(&page, model, dialog->scroll);
        int most = lines > page.height ? lines - page.height : 0;
        if (dialog->lines == lines && dialog->scroll <= most)
            return;
        dialog->lines = lines;
        if (dialog->scroll > most)
            dialog->scroll = most;
        view_clear(&page);
    }
    struct view page = dialog_page(dialog, whole);
    if (dialog->purpose == FOR_HELP)
        help_view_draw(&page, dialog->scroll);
    else
        compare_view_draw(&page, model, dialog->scroll);
}

void frame_draw(struct canvas *canvas, struct model *model, struct layout *layout) {
    struct view whole = view_whole(canvas);
    canvas_clear(canvas);
    model->wish.width = canvas->width;
    model->wish.height = canvas->height;
    *layout = layout_make(&model->wish);
    if (layout->too_small) {
        char text[64];
        snprintf(text, sizeof text, "terminal too small: %dx%d, 20x5 at least",
                 canvas->width, canvas->height);
        view_text(&whole, 0, 0, canvas->width, INK_TEXT, LOOK_PLAIN, text);
        return;
    }
    if (layout->shown[PANEL_TITLE]) {
        struct view title = view_rect(canvas, layout->rect[PANEL_TITLE]);
        draw_title(&title, model);
    }
    struct view status = view_rect(canvas, layout->rect[PANEL_STATUS]);
    draw_status(&status, model, layout->compact);
    if (!model->catalog)
        return;
    for (enum panel panel = PANEL_SIMPLEX; panel < PANEL_COUNT; panel++)
        if (layout->shown[panel])
            draw_panel(canvas, model, layout, panel);
    if (model->dialog.kind == DIALOG_PAGE)
        draw_page(&whole, model);
    else
        dialog_draw(&model->dialog, &whole);
}
