#include <string.h>

#include "base/memory.h"
#include "panels/footer.h"
#include "panels/places.h"
#include "panels/simplex_view.h"
#include "panels/views.h"

static void draw_title(const struct view *view, const struct explorer *explorer) {
    const struct catalog *catalog = explorer->catalog;
    char text[256], routers[128];
    const char *file = strrchr(explorer->file, '/');
    int x = 1 + view_text(view, 1, 0, view->width - 1, INK_TITLE, LOOK_BOLD, "pwemoe");
    x += 2;
    snprintf(text, sizeof text, "%s", TEXT_CUT(file ? file + 1 : explorer->file, 80));
    x += 2 + view_text(view, x, 0, view->width - x, INK_TEXT, LOOK_PLAIN, text);
    if (!catalog)
        return;
    if (catalog->recipe->name[0])
        x += 2 + view_text(view, x, 0, view->width - x, INK_FAINT, LOOK_PLAIN,
                           catalog->recipe->name);
    snprintf(text, sizeof text, "merge: %s",
             catalog_routers_text(catalog, explorer->routers, routers, sizeof routers));
    if (x + text_columns(view->canvas->marks, text) < view->width)
        x += 2 + view_text(view, x, 0, view->width - x, INK_FAINT, LOOK_PLAIN, text);
    const char *right = explorer->missing[0] ? "look only" : explorer->device;
    int columns = text_columns(view->canvas->marks, right);
    if (x + columns + 1 < view->width)
        view_right(view, view->width - columns - 1, 0, columns,
                   explorer->missing[0] ? INK_WARNING : INK_FAINT, LOOK_PLAIN, "%s",
                   right);
}

/* One panel for the whole objective space, or one of its pairs. */
static void draw_space(const struct view *view, struct explorer *explorer,
                       const struct arrangement *arrangement, enum panel panel,
                       bool focused) {
    size_t a, b;
    places_pair(explorer, arrangement, panel, &a, &b);
    if (explorer->space == SPACE_SOLID)
        solid_view_draw(view, explorer, focused);
    else if (explorer->space == SPACE_PARALLEL)
        parallel_view_draw(view, explorer, focused);
    else
        scatter_view_draw(view, explorer, a, b, focused);
}

static void draw_panel(struct canvas *canvas, struct explorer *explorer,
                       const struct arrangement *arrangement, enum panel panel) {
    struct view view = view_rect(canvas, arrangement->rect[panel]);
    bool focused = explorer->wish.focus == panel;
    switch (panel) {
    case PANEL_SIMPLEX:
        simplex_view_draw(&view, explorer, focused);
        break;
    case PANEL_SCATTER:
    case PANEL_SCATTER_2:
    case PANEL_SCATTER_3:
        draw_space(&view, explorer, arrangement, panel, focused);
        break;
    case PANEL_LEGEND:
        legend_view_draw(&view, explorer, focused);
        break;
    case PANEL_OBJECTIVES:
        objectives_view_draw(&view, explorer, focused);
        break;
    case PANEL_TABLE:
        table_view_draw(&view, explorer, focused);
        break;
    case PANEL_ROUTING:
        routing_view_draw(&view, explorer, focused);
        break;
    case PANEL_SIMILARITY:
        similarity_view_draw(&view, explorer, focused);
        break;
    case PANEL_SCALING:
        scaling_view_draw(&view, explorer, focused);
        break;
    case PANEL_TRAINING:
        training_view_draw(&view, explorer, focused);
        break;
    case PANEL_LOG:
        log_view_draw(&view, explorer, focused);
        break;
    default:
        break;
    }
}

/* The box that the selection is drawn by. */
static void draw_box(struct canvas *canvas, const struct explorer *explorer,
                     const struct arrangement *arrangement) {
    const struct box *box = &explorer->box;
    if (!box->open || explorer->space != SPACE_PAIRS || !arrangement->shown[box->panel])
        return;
    struct view view = view_rect(canvas, arrangement->rect[box->panel]);
    const struct marks *marks = canvas->marks;
    int left = box->from_x < box->to_x ? box->from_x : box->to_x;
    int right = box->from_x + box->to_x - left;
    int top = box->from_y < box->to_y ? box->from_y : box->to_y;
    int bottom = box->from_y + box->to_y - top;
    for (int x = left; x <= right; x++) {
        view_put(&view, x, top, marks->horizontal, INK_NOW, LOOK_BOLD);
        view_put(&view, x, bottom, marks->horizontal, INK_NOW, LOOK_BOLD);
    }
    for (int y = top; y <= bottom; y++) {
        view_put(&view, left, y, marks->vertical, INK_NOW, LOOK_BOLD);
        view_put(&view, right, y, marks->vertical, INK_NOW, LOOK_BOLD);
    }
    static const wchar_t corners[2][4] = {{L'+', L'+', L'+', L'+'},
                                          {L'┌', L'┐', L'└', L'┘'}};
    const wchar_t *corner = corners[marks->utf8];
    view_put(&view, right, bottom, corner[3], INK_NOW, LOOK_BOLD);
    view_put(&view, left, bottom, corner[2], INK_NOW, LOOK_BOLD);
    view_put(&view, right, top, corner[1], INK_NOW, LOOK_BOLD);
    view_put(&view, left, top, corner[0], INK_NOW, LOOK_BOLD);
    /* The corner that moves. */
    view_look(&view, box->to_x, box->to_y, 1, LOOK_REVERSE);
}

/* Where files are named: the results' own in the title, and what was just written. */
static void make_links(struct canvas *canvas, const struct explorer *explorer,
                       const struct arrangement *arrangement, int message) {
    const char *name = strrchr(explorer->file, '/');
    if (arrangement->shown[PANEL_TITLE])
        canvas_link(canvas, arrangement->rect[PANEL_TITLE].y,
                    name ? name + 1 : explorer->file, explorer->file);
    for (int i = 0; i < message && explorer->message_path[0]; i++)
        canvas_link(canvas, arrangement->rect[PANEL_STATUS].y - i,
                    explorer->message_path, explorer->message_path);
}

/* false: its length was not known; it is now, and the frame is to be drawn again. */
static bool draw_page(const struct view *whole, struct explorer *explorer) {
    struct dialog *dialog = &explorer->dialog;
    struct view page = dialog_page(dialog, whole);
    int lines = dialog->question->page(&page, explorer, dialog->scroll);
    int most = lines > page.height ? lines - page.height : 0;
    bool known = dialog->lines == lines && dialog->scroll <= most;
    dialog->lines = lines;
    if (dialog->scroll > most)
        dialog->scroll = most;
    return known;
}

/* The table at the lower edge gives up rows to what stands there for a while, so that
 * the mean stays in sight; no other panel moves. */
static void make_room(struct arrangement *arrangement, int below, int rows) {
    enum { LEAST = 4 };
    static const enum panel tables[] = {PANEL_OBJECTIVES, PANEL_TABLE};
    const struct rect *status = &arrangement->rect[PANEL_STATUS];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct rect *rect = &arrangement->rect[tables[i]];
        if (arrangement->shown[tables[i]] &&
            rect->y + rect->height + below == status->y && rect->height - rows >= LEAST)
            rect->height -= rows;
    }
}

/* false: it is to be drawn again. */
static bool draw_all(struct canvas *canvas, struct explorer *explorer,
                     struct arrangement *arrangement) {
    struct view whole = view_whole(canvas);
    bool known = true;
    canvas_clear(canvas);
    explorer->wish.width = canvas->width;
    explorer->wish.height = canvas->height;
    explorer->wish.below = footer_tour(canvas, explorer);
    *arrangement = arrangement_make(&explorer->wish);
    if (arrangement->too_small) {
        char text[64];
        snprintf(text, sizeof text, "terminal too small: %dx%d, 20x5 at least",
                 canvas->width, canvas->height);
        view_text(&whole, 0, 0, canvas->width, INK_TEXT, LOOK_PLAIN, text);
        return true;
    }
    if (arrangement->shown[PANEL_TITLE]) {
        struct view title = view_rect(canvas, arrangement->rect[PANEL_TITLE]);
        draw_title(&title, explorer);
    }
    struct footer footer;
    footer_make(&whole, explorer, arrangement, &footer);
    if (!explorer->catalog) {
        footer_draw(&whole, explorer, arrangement, &footer);
        return true;
    }
    make_room(arrangement, explorer->wish.below, footer.above);
    for (enum panel panel = PANEL_SIMPLEX; panel < PANEL_COUNT; panel++)
        if (arrangement->shown[panel])
            draw_panel(canvas, explorer, arrangement, panel);
    draw_box(canvas, explorer, arrangement);
    footer_draw(&whole, explorer, arrangement, &footer);
    if (explorer->dialog.kind == DIALOG_PAGE)
        known = draw_page(&whole, explorer);
    else
        dialog_draw(&explorer->dialog, &whole);
    make_links(canvas, explorer, arrangement, footer.message);
    return known;
}

void frame_draw(struct canvas *canvas, struct explorer *explorer,
                struct arrangement *arrangement) {
    enum { PASSES = 3 };
    for (int pass = 0; pass < PASSES && !draw_all(canvas, explorer, arrangement);
         pass++)
        continue;
}
