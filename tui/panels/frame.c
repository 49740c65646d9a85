#include <string.h>

#include "base/memory.h"
#include "panels/places.h"
#include "panels/simplex_view.h"
#include "panels/views.h"
#include "pareto/simplex.h"
#include "state/filling.h"
#include "state/selection.h"

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

/* How many solutions are selected, so that it ends at a column; the columns it takes.
 */
static int draw_selected(const struct view *view, const struct explorer *explorer,
                         int end) {
    char text[64];
    if (!selection_count(explorer))
        return 0;
    snprintf(text, sizeof text, "%zu selected", selection_count(explorer));
    int columns = text_columns(view->canvas->marks, text);
    if (end - columns < view->width / 3)
        return 0;
    view_text(view, end - columns, 0, columns, INK_NOW, LOOK_BOLD, text);
    return columns + 2;
}

/* What is going on, at the right end; returns the columns it takes. */
static int draw_state(const struct view *view, const struct explorer *explorer) {
    char text[128] = "";
    enum ink ink = INK_FAINT;
    uint64_t done = 0, total = 0;
    for (size_t t = 0; t < explorer->tasks; t++) {
        done += explorer->running[t].examples;
        total += explorer->examples[t];
    }
    if (explorer->catalog->reading) {
        explorer_why_empty(explorer, text, sizeof text);
    } else if (explorer->doing[0]) {
        if (explorer->total)
            snprintf(text, sizeof text, "%s %.0f %%", TEXT_CUT(explorer->doing, 60),
                     100.0 * (double)explorer->done / (double)explorer->total);
        else
            snprintf(text, sizeof text, "%s", TEXT_CUT(explorer->doing, 60));
    } else if (explorer->figures == FIGURES_COMPLETE &&
               filling_text(explorer, text, sizeof text)) {
        ink = INK_NOW;
    } else if (explorer->figures == FIGURES_COMPLETE) {
        snprintf(text, sizeof text, "measured");
        ink = INK_GOOD;
    } else if (explorer->figures == FIGURES_RUNNING && total) {
        if (done >= total && explorer->limited)
            snprintf(text, sizeof text, "measured in part");
        else
            snprintf(text, sizeof text, "evaluating %.0f %%",
                     100.0 * (double)done / (double)total);
        ink = INK_NOW;
    } else if (explorer->figures == FIGURES_ESTIMATE) {
        snprintf(text, sizeof text, "estimate");
        ink = INK_ESTIMATE;
    }
    int columns = text_columns(view->canvas->marks, text);
    if (columns + 1 > view->width / 2)
        return 0;
    view_text(view, view->width - columns - 1, 0, columns, ink, LOOK_PLAIN, text);
    return columns + 2 + draw_selected(view, explorer, view->width - columns - 3);
}

/* Keys worth knowing, as many as there is room for. */
static void draw_hints(const struct view *view, const struct explorer *explorer,
                       int room) {
    const struct hint *hints =
        explorer->hints[explorer_steps_points(explorer) ? HINTS_POINTING
                        : explorer_steps_rows(explorer) ? HINTS_TABLE
                                                        : HINTS_MOVING];
    int x = 1;
    for (size_t i = 0; i < HINTS_MOST && hints[i].text; i++) {
        int columns = (int)(strlen(hints[i].keys) + strlen(hints[i].text)) + 1;
        if (x + columns > room)
            return;
        x += view_text(view, x, 0, room, INK_TEXT, LOOK_BOLD, hints[i].keys) + 1;
        x += view_text(view, x, 0, room, INK_FAINT, LOOK_PLAIN, hints[i].text) + 2;
    }
}

static void draw_status(const struct view *view, const struct explorer *explorer,
                        bool compact) {
    if (!explorer->catalog) {
        view_text(view, 1, 0, view->width - 1,
                  explorer->message_bad ? INK_WARNING : INK_FAINT, LOOK_PLAIN,
                  explorer->message[0] ? explorer->message : "reading the results");
        return;
    }
    int room = view->width - 1 - draw_state(view, explorer);
    char text[256];
    if (explorer->message[0]) {
        view_fill(view, 0, 0, view->width, L' ', INK_TEXT, LOOK_PLAIN);
        view_text(view, 1, 0, view->width - 2,
                  explorer->message_bad ? INK_WARNING : INK_TEXT, LOOK_BOLD,
                  explorer->message);
    } else if (compact && view->width < 64) {
        view_text(
            view, 1, 0, room, INK_NOW, LOOK_PLAIN,
            simplex_text(explorer->preference, explorer->tasks, text, sizeof text));
    } else {
        draw_hints(view, explorer, room);
    }
}

/* Text in as many lines as it takes, at most a few, over what stands in the lines above
 * `bottom`; nothing where it takes fewer than `least`. */
static void draw_lines(const struct view *whole, int bottom, int least, enum ink ink,
                       unsigned look, const char *text) {
    enum { LINES = 4 };
    int width = whole->width - 2, most = whole->height / 3;
    int lines = text_lines(whole->canvas->marks, text, width);
    most = most < LINES ? most : LINES;
    lines = lines > most ? most : lines;
    if (lines < least)
        return;
    for (int y = bottom - lines; y < bottom; y++)
        view_fill(whole, 0, y, whole->width, L' ', INK_TEXT, look & LOOK_REVERSE);
    view_wrapped(whole, 1, bottom - lines, width, lines, ink, look, text);
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
                       const struct arrangement *arrangement) {
    const char *name = strrchr(explorer->file, '/');
    if (arrangement->shown[PANEL_TITLE])
        canvas_link(canvas, arrangement->rect[PANEL_TITLE].y,
                    name ? name + 1 : explorer->file, explorer->file);
    if (explorer->message[0] && explorer->message_path[0])
        canvas_link(canvas, arrangement->rect[PANEL_STATUS].y, explorer->message_path,
                    explorer->message_path);
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

/* false: it is to be drawn again. */
static bool draw_all(struct canvas *canvas, struct explorer *explorer,
                     struct arrangement *arrangement) {
    struct view whole = view_whole(canvas);
    bool known = true;
    canvas_clear(canvas);
    explorer->wish.width = canvas->width;
    explorer->wish.height = canvas->height;
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
    struct view status = view_rect(canvas, arrangement->rect[PANEL_STATUS]);
    draw_status(&status, explorer, arrangement->compact);
    if (!explorer->catalog)
        return true;
    for (enum panel panel = PANEL_SIMPLEX; panel < PANEL_COUNT; panel++)
        if (arrangement->shown[panel])
            draw_panel(canvas, explorer, arrangement, panel);
    draw_box(canvas, explorer, arrangement);
    /* The table says it in the row. */
    if (explorer->pointed != SIZE_MAX && !explorer->message[0] &&
        !(explorer_steps_rows(explorer) && arrangement->shown[PANEL_TABLE]))
        pointed_line_draw(&whole, explorer);
    if (explorer->tour.step) /* above the last line */
        draw_lines(&whole, whole.height - 1, 1, INK_TEXT, LOOK_REVERSE,
                   explorer->tour.text);
    /* A message that is longer than the last line takes lines above it as well. */
    draw_lines(&whole, whole.height, 2, explorer->message_bad ? INK_WARNING : INK_TEXT,
               LOOK_BOLD, explorer->message);
    if (explorer->dialog.kind == DIALOG_PAGE)
        known = draw_page(&whole, explorer);
    else
        dialog_draw(&explorer->dialog, &whole);
    make_links(canvas, explorer, arrangement);
    return known;
}

void frame_draw(struct canvas *canvas, struct explorer *explorer,
                struct arrangement *arrangement) {
    enum { PASSES = 3 };
    for (int pass = 0; pass < PASSES && !draw_all(canvas, explorer, arrangement);
         pass++)
        continue;
}
