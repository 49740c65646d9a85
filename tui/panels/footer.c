#include "panels/footer.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "pareto/simplex.h"
#include "state/filling.h"
#include "state/selection.h"

enum { LINES_MOST = 4 }; /* of a message, and of the tour */

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
    } else if (explorer->ready) {
        snprintf(text, sizeof text, "merging");
        ink = INK_NOW;
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

static int fewer(int a, int b) {
    return a < b ? a : b;
}

/* How many lines text takes in so many columns, at most a few; 0: more than those. */
static int lines_within(const struct view *whole, const char *text, int width) {
    int lines = text_lines(whole->canvas->marks, text, width);
    return lines <= fewer(LINES_MOST, whole->height / 3) ? lines : 0;
}

int footer_tour(const struct canvas *canvas, const struct explorer *explorer) {
    const struct tour *tour = &explorer->tour;
    const int most = fewer(LINES_MOST, canvas->height / 3), width = canvas->width - 2;
    if (!tour->step || width < 1)
        return 0;
    int now = text_lines(canvas->marks, tour->text, width);
    int longest = text_lines(canvas->marks, tour->longest, width);
    return fewer(now > longest ? now : longest, most);
}

void footer_make(const struct view *whole, const struct explorer *explorer,
                 const struct arrangement *arrangement, struct footer *footer) {
    *footer = (struct footer){.bottom = whole->height};
    if (!explorer->catalog)
        return;
    if (explorer->message[0]) {
        struct view status = view_rect(whole->canvas, arrangement->rect[PANEL_STATUS]);
        footer->width = whole->width - 2 - draw_state(&status, explorer);
        footer->message = lines_within(whole, explorer->message, footer->width);
        if (!footer->message) { /* it is longer: nothing stands beside it */
            footer->width = whole->width - 2;
            footer->message = lines_within(whole, explorer->message, footer->width);
        }
        if (!footer->message)
            footer->message = fewer(LINES_MOST, whole->height / 3);
        footer->message += !footer->message;
    }
    footer->above = footer->message ? footer->message - 1 : 0;
    /* The table says it in the row. */
    footer->points =
        explorer->pointed != SIZE_MAX && !explorer->message[0] &&
        !(explorer_steps_rows(explorer) && arrangement->shown[PANEL_TABLE]);
    if (!footer->points)
        return;
    pointed_line_make(whole, explorer, &footer->pointed);
    if (arrangement->compact)
        return; /* over the status line as well */
    footer->bottom = whole->height - 1 - explorer->wish.below;
    footer->above = footer->pointed.lines;
}

/* Text in lines up to `bottom`. The last of them leaves alone what stands to its right
 * where width does not reach there. */
static void draw_lines(const struct view *whole, int bottom, int lines, int width,
                       enum ink ink, unsigned look, const char *text) {
    for (int y = bottom - lines; y < bottom; y++)
        view_fill(whole, 0, y, y + 1 < bottom ? whole->width : width + 2, L' ',
                  INK_TEXT, look & LOOK_REVERSE);
    view_wrapped(whole, 1, bottom - lines, width, lines, ink, look, text);
}

static void draw_status(const struct view *view, const struct explorer *explorer,
                        bool compact) {
    char text[256];
    if (!explorer->catalog) {
        view_text(view, 1, 0, view->width - 1,
                  explorer->message_bad ? INK_WARNING : INK_FAINT, LOOK_PLAIN,
                  explorer->message[0] ? explorer->message : "reading the results");
        return;
    }
    int room = view->width - 1 - draw_state(view, explorer);
    if (explorer->message[0])
        return;
    if (compact && view->width < 64)
        view_text(
            view, 1, 0, room, INK_NOW, LOOK_PLAIN,
            simplex_text(explorer->preference, explorer->tasks, text, sizeof text));
    else
        draw_hints(view, explorer, room);
}

void footer_draw(const struct view *whole, const struct explorer *explorer,
                 const struct arrangement *arrangement, const struct footer *footer) {
    struct view status = view_rect(whole->canvas, arrangement->rect[PANEL_STATUS]);
    view_fill(&status, 0, 0, status.width, L' ', INK_TEXT, LOOK_PLAIN);
    draw_status(&status, explorer, arrangement->compact);
    if (!explorer->catalog)
        return;
    if (footer->points)
        pointed_line_draw(whole, &footer->pointed, footer->bottom);
    int tour = footer_tour(whole->canvas, explorer);
    if (tour)
        draw_lines(whole, whole->height - 1, tour, whole->width - 2, INK_TEXT,
                   LOOK_REVERSE, explorer->tour.text);
    if (footer->message)
        draw_lines(whole, whole->height, footer->message, footer->width,
                   explorer->message_bad ? INK_WARNING : INK_TEXT, LOOK_BOLD,
                   explorer->message);
}
