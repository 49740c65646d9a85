/* How a question is drawn over the frame, and what a click on it means. */
#include "state/dialog.h"

#include <string.h>

#include "base/memory.h"
#include "terminal/keys.h"

static struct view box_of(const struct dialog *dialog, const struct view *whole) {
    const struct question *question = dialog->question;
    int width = 64, height = 8;
    if (dialog->kind == DIALOG_LIST) {
        width = 56;
        height = (int)(dialog->count < 1000 ? dialog->count : 1000) + 6;
    } else if (dialog->kind == DIALOG_PAGE) {
        width = 84;
        height = dialog->lines ? dialog->lines + 4 : whole->height;
    } else if (dialog->kind == DIALOG_WRITE) {
        width = 70;
        height = dialog->count ? 11 : 9;
    }
    if (question->width)
        width = question->width;
    if (question->typed || question->completes)
        height += 2;
    if (height > whole->height - 2 && whole->height > 10)
        height = whole->height - 2;
    if (width > whole->width - 4 && whole->width > 40)
        width = whole->width - 4;
    return view_box(whole, width, height, question->title);
}

static void draw_hint(const struct view *inside, const char *text) {
    view_text(inside, 0, inside->height - 1, inside->width, INK_FAINT, LOOK_PLAIN,
              text);
}

/* The typed line with its cursor; a long one shows the part around it. The column of
 * what an error is about, or -1. */
static int draw_line(const struct dialog *dialog, const struct view *inside, int y) {
    char before[sizeof dialog->text];
    memcpy(before, dialog->text, dialog->cursor);
    before[dialog->cursor] = '\0';
    const struct marks *marks = inside->canvas->marks;
    int column = text_columns(marks, before);
    const char *text = dialog->text;
    while (column > inside->width - 2 && *text) {
        text++;
        while (text_continues(*text))
            text++;
        size_t skipped = (size_t)(text - dialog->text);
        column = text_columns(
            marks, before + (skipped < dialog->cursor ? skipped : dialog->cursor));
    }
    view_fill(inside, 0, y, inside->width, L' ', INK_TEXT, LOOK_UNDERLINE);
    view_text(inside, 0, y, inside->width, INK_TEXT, LOOK_UNDERLINE, text);
    view_look(inside, column, y, 1, LOOK_REVERSE);
    if (dialog->proposed)
        view_look(inside, 0, y, column, LOOK_REVERSE);
    size_t skipped = (size_t)(text - dialog->text), at = dialog->error_at;
    if (!dialog->error[0] || at > strlen(dialog->text) || at < skipped)
        return -1;
    memcpy(before, dialog->text, at);
    before[at] = '\0';
    column = text_columns(marks, before + skipped);
    return column < inside->width ? column : -1;
}

/* What is wrong with a line, under the place of it, or what is to be said of it. */
static void draw_remark(const struct dialog *dialog, const struct view *inside, int y,
                        int column) {
    bool error = dialog->error[0] != '\0';
    int lines = inside->height - y - 1;
    if (lines < 1) {
        y = inside->height - 1;
        lines = 1;
    } else if (column >= 0 && lines > 1) {
        view_put(inside, column, y++, L'^', INK_WARNING, LOOK_BOLD);
        lines--;
    }
    view_wrapped(inside, 0, y, inside->width, lines, error ? INK_WARNING : INK_FAINT,
                 error ? LOOK_BOLD : LOOK_PLAIN,
                 error ? dialog->error : dialog->remark);
}

static void draw_list(struct dialog *dialog, const struct view *inside) {
    int top = dialog->prompt[0] ? 2 : 0, rows = inside->height - top - 2;
    if (rows < 1) {
        top = 0;
        rows = inside->height;
    }
    if (top)
        view_text(inside, 0, 0, inside->width, INK_FAINT, LOOK_PLAIN, dialog->prompt);
    int first = (int)dialog->chosen - rows + 1;
    if (first < dialog->scroll)
        first =
            dialog->scroll < (int)dialog->chosen ? dialog->scroll : (int)dialog->chosen;
    first = first < 0 ? 0 : first;
    dialog->scroll = first;
    const struct marks *marks = inside->canvas->marks;
    for (int i = 0; i < rows && first + i < (int)dialog->count; i++) {
        const struct dialog_item *item = &dialog->items[first + i];
        bool chosen = first + i == (int)dialog->chosen;
        int x = 0;
        view_put(inside, x, top + i, chosen ? marks->chosen : L' ', INK_NOW, LOOK_BOLD);
        x += 2;
        if (dialog->question->switches) {
            view_put(inside, x, top + i, L'[', INK_FAINT, 0);
            view_put(inside, x + 1, top + i, item->on ? L'x' : L' ', INK_TEXT,
                     LOOK_BOLD);
            view_put(inside, x + 2, top + i, L']', INK_FAINT, 0);
            x += 4;
        }
        if (item->mark) {
            view_put(inside, x, top + i, item->mark, item->ink, 0);
            x += 2;
        }
        view_text(inside, x, top + i, inside->width - x, INK_TEXT,
                  chosen ? LOOK_BOLD : LOOK_PLAIN, item->text);
        if (chosen)
            view_look(inside, 0, top + i, inside->width, LOOK_REVERSE);
    }
    if (inside->height > top + rows)
        draw_hint(inside, dialog->question->hint       ? dialog->question->hint
                          : dialog->question->switches ? "Space switches, Enter closes"
                                                       : "Enter chooses, Esc cancels");
}

static void draw_write(const struct dialog *dialog, const struct view *inside) {
    const struct question *question = dialog->question;
    const struct marks *marks = inside->canvas->marks;
    int y = 0;
    if (inside->height >= 5) {
        view_text(inside, 0, y, inside->width, INK_FAINT, LOOK_PLAIN, dialog->prompt);
        y += 2;
    }
    if (dialog->state == WRITE_ASKING)
        draw_line(dialog, inside, y);
    else
        view_text(inside, 0, y, inside->width, INK_TEXT, LOOK_PLAIN, dialog->text);
    y += 2;
    if (dialog->count && y < inside->height) {
        int used = view_printf(inside, 0, y, inside->width, INK_FAINT, LOOK_PLAIN,
                               "%s: ", question->choice_name);
        view_text(inside, used, y, inside->width - used, INK_TEXT, LOOK_BOLD,
                  dialog->choice < 0 ? question->choice_none
                                     : dialog->items[dialog->choice].text);
        y += 2;
    }
    if (dialog->state == WRITE_BUSY && question->busy) {
        view_text(inside, 0, y, inside->width, INK_TEXT, LOOK_PLAIN, question->busy);
    } else if (dialog->state == WRITE_BUSY) {
        int width = inside->width - 6;
        double share = dialog->total ? (double)dialog->done / (double)dialog->total : 0;
        if (share > 1)
            share = 1;
        view_fill(inside, 0, y, width, marks->track, INK_FRAME, LOOK_PLAIN);
        view_fill(inside, 0, y, (int)(share * width), marks->full, INK_NOW, LOOK_PLAIN);
        view_right(inside, width + 1, y, 5, INK_TEXT, LOOK_PLAIN, "%.0f %%",
                   100 * share);
        draw_hint(inside, "Esc stops it and leaves nothing behind");
    } else if (dialog->error[0]) {
        draw_remark(dialog, inside, y, -1);
    } else if (dialog->state == WRITE_DONE) {
        view_text(inside, 0, y, inside->width, INK_GOOD, LOOK_BOLD, "written");
    }
    if (dialog->state == WRITE_DONE)
        draw_hint(inside, "Enter closes");
    else if (dialog->state == WRITE_ASKING)
        draw_hint(inside, dialog->count
                              ? "Enter writes, Up and Down choose, Esc cancels"
                              : "Enter writes, Esc cancels");
}

void dialog_draw(struct dialog *dialog, const struct view *whole) {
    if (dialog->kind == DIALOG_NONE || dialog->kind == DIALOG_PAGE)
        return;
    struct view inside = box_of(dialog, whole);
    if (dialog->kind == DIALOG_LIST) {
        draw_list(dialog, &inside);
    } else if (dialog->kind == DIALOG_WRITE) {
        draw_write(dialog, &inside);
    } else {
        int y = 0;
        if (inside.height >= 4) {
            view_text(&inside, 0, 0, inside.width, INK_FAINT, LOOK_PLAIN,
                      dialog->prompt);
            y = 2;
        }
        int column = draw_line(dialog, &inside, y);
        if (dialog->error[0] || dialog->remark[0])
            draw_remark(dialog, &inside, y + 1, column);
        if (inside.height >= 5)
            draw_hint(&inside, dialog->question->completes
                                   ? "Enter accepts, Tab completes, Esc cancels"
                               : dialog->question->recalls
                                   ? "Enter accepts, Up brings back, Esc cancels"
                                   : "Enter accepts, Esc cancels");
    }
}

struct view dialog_page(const struct dialog *dialog, const struct view *whole) {
    struct view inside = box_of(dialog, whole);
    if (inside.height >= 4) {
        draw_hint(&inside, dialog->lines > inside.height - 2
                               ? "arrows and PgDn scroll, Esc closes"
                               : "Esc closes");
        return view_inside(&inside, 0, 0, inside.width, inside.height - 2);
    }
    return inside;
}

enum dialog_answer dialog_click(struct dialog *dialog, const struct view *whole, int x,
                                int y) {
    if (dialog->kind != DIALOG_LIST)
        return DIALOG_OPEN;
    struct view inside = box_of(dialog, whole);
    int top = dialog->prompt[0] ? 2 : 0;
    if (inside.height - top - 2 < 1)
        top = 0;
    int row = y - (inside.y - whole->y) - top;
    if (x < inside.x - whole->x || x >= inside.x - whole->x + inside.width || row < 0 ||
        row >= inside.height - top)
        return DIALOG_OPEN;
    size_t item = (size_t)(row + dialog->scroll);
    if (item >= dialog->count)
        return DIALOG_OPEN;
    dialog->chosen = item;
    return dialog_key(dialog, dialog->question->switches ? ' ' : KEYS_ENTER);
}
