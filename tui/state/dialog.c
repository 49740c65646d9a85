#include "state/dialog.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "terminal/keys.h"

void dialog_open(struct dialog *dialog, const struct question *question) {
    dialog_close(dialog);
    dialog->kind = question->kind;
    dialog->question = question;
    dialog->choice = -1;
    dialog->error_at = SIZE_MAX;
    if (question->prompt)
        snprintf(dialog->prompt, sizeof dialog->prompt, "%s", question->prompt);
}

int dialog_add(struct dialog *dialog, int64_t value, wchar_t mark, enum ink ink,
               bool on, const char *text) {
    struct dialog_item *items =
        realloc(dialog->items, (dialog->count + 1) * sizeof *items);
    if (!items)
        return -1;
    dialog->items = items;
    items[dialog->count] =
        (struct dialog_item){.value = value, .mark = mark, .ink = ink, .on = on};
    text_escape(items[dialog->count].text, sizeof items->text, text);
    dialog->count++;
    return 0;
}

void dialog_text(struct dialog *dialog, const char *text) {
    snprintf(dialog->text, sizeof dialog->text, "%s", text);
    dialog->cursor = strlen(dialog->text);
}

void dialog_replace(struct dialog *dialog, size_t begin, const char *word) {
    char rest[sizeof dialog->text];
    snprintf(rest, sizeof rest, "%s", dialog->text + dialog->cursor);
    size_t room = sizeof dialog->text - begin;
    if (strlen(word) + strlen(rest) >= room)
        return;
    snprintf(dialog->text + begin, room, "%s%s", word, rest);
    dialog->cursor = begin + strlen(word);
    dialog->edited = true;
}

void dialog_refuse(struct dialog *dialog, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(dialog->error, sizeof dialog->error, format, arguments);
    va_end(arguments);
    dialog->error_at = SIZE_MAX;
}

void dialog_close(struct dialog *dialog) {
    free(dialog->items);
    *dialog = (struct dialog){0};
}

/* --- editing a line ------------------------------------------------------------ */

static bool continues(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void move_left(struct dialog *dialog) {
    if (dialog->cursor)
        do
            dialog->cursor--;
        while (dialog->cursor && continues(dialog->text[dialog->cursor]));
}

static void move_right(struct dialog *dialog) {
    if (dialog->text[dialog->cursor])
        do
            dialog->cursor++;
        while (continues(dialog->text[dialog->cursor]));
}

static void delete_at(struct dialog *dialog) {
    size_t from = dialog->cursor;
    move_right(dialog);
    memmove(dialog->text + from, dialog->text + dialog->cursor,
            strlen(dialog->text + dialog->cursor) + 1);
    dialog->cursor = from;
}

static void insert(struct dialog *dialog, int key) {
    char bytes[4];
    size_t count = 0, length = strlen(dialog->text);
    unsigned u = (unsigned)key;
    if (u < 0x80) {
        bytes[count++] = (char)u;
    } else {
        unsigned more = u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
        static const unsigned first[] = {0, 0xc0, 0xe0, 0xf0};
        bytes[count++] = (char)(first[more] | u >> 6 * more);
        while (more--)
            bytes[count++] = (char)(0x80 | (u >> 6 * more & 0x3f));
    }
    if (length + count >= sizeof dialog->text)
        return;
    memmove(dialog->text + dialog->cursor + count, dialog->text + dialog->cursor,
            length - dialog->cursor + 1);
    memcpy(dialog->text + dialog->cursor, bytes, count);
    dialog->cursor += count;
}

static void edit(struct dialog *dialog, int key) {
    if (dialog->proposed && key >= 0x20 && key != 0x7f && key < KEYS_FIRST)
        dialog_text(dialog, "");
    dialog->proposed = false;
    if (key == KEYS_BACKSPACE || key == KEYS_DELETE || key == KEYS_CONTROL_U ||
        (key >= 0x20 && key < KEYS_FIRST)) {
        dialog->edited = true;
        dialog->error[0] = '\0';
    }
    switch (key) {
    case KEYS_LEFT:
        move_left(dialog);
        break;
    case KEYS_RIGHT:
        move_right(dialog);
        break;
    case KEYS_HOME:
        dialog->cursor = 0;
        break;
    case KEYS_END:
        dialog->cursor = strlen(dialog->text);
        break;
    case KEYS_BACKSPACE:
        if (dialog->cursor) {
            move_left(dialog);
            delete_at(dialog);
        }
        break;
    case KEYS_DELETE:
        if (dialog->text[dialog->cursor])
            delete_at(dialog);
        break;
    case KEYS_CONTROL_U:
        dialog_text(dialog, "");
        break;
    default:
        if (key >= 0x20 && key != 0x7f && key < KEYS_FIRST)
            insert(dialog, key);
    }
}

static void choose(struct dialog *dialog, int key) {
    size_t last = dialog->count ? dialog->count - 1 : 0;
    if (key == KEYS_UP || key == 'k')
        dialog->chosen -= dialog->chosen > 0;
    else if (key == KEYS_DOWN || key == 'j')
        dialog->chosen += dialog->chosen < last;
    else if (key == KEYS_PAGE_UP)
        dialog->chosen = dialog->chosen > 10 ? dialog->chosen - 10 : 0;
    else if (key == KEYS_PAGE_DOWN)
        dialog->chosen = dialog->chosen + 10 < last ? dialog->chosen + 10 : last;
    else if (key == KEYS_HOME)
        dialog->chosen = 0;
    else if (key == KEYS_END)
        dialog->chosen = last;
}

static enum dialog_answer key_in_list(struct dialog *dialog, int key) {
    const struct question *question = dialog->question;
    if (key == KEYS_ENTER)
        return question->switches ? DIALOG_CANCEL : DIALOG_ACCEPT;
    if (key == 'q')
        return DIALOG_CANCEL;
    if (key == 'N' && question->notes && dialog->count)
        return DIALOG_NOTES;
    if (key == 'n' && question->renames && dialog->count)
        return DIALOG_RENAMES;
    if ((key == 'd' || key == KEYS_DELETE) && question->deletes && dialog->count)
        return DIALOG_DELETES;
    if (key == ' ' && question->switches && dialog->count) {
        dialog->items[dialog->chosen].on = !dialog->items[dialog->chosen].on;
        return DIALOG_SWITCHED;
    }
    choose(dialog, key);
    return DIALOG_OPEN;
}

static enum dialog_answer key_in_page(struct dialog *dialog, int key) {
    switch (key) {
    case KEYS_UP:
    case 'k':
        dialog->scroll--;
        break;
    case KEYS_DOWN:
    case 'j':
        dialog->scroll++;
        break;
    case KEYS_PAGE_UP:
        dialog->scroll -= 10;
        break;
    case KEYS_PAGE_DOWN:
    case ' ':
        dialog->scroll += 10;
        break;
    case KEYS_HOME:
        dialog->scroll = 0;
        break;
    case KEYS_END:
        dialog->scroll = dialog->lines;
        break;
    case KEYS_ENTER:
    case 'q':
    case '?':
        return DIALOG_CANCEL;
    default:
        break;
    }
    if (dialog->scroll < 0)
        dialog->scroll = 0;
    return DIALOG_OPEN;
}

/* The next choice of what is written, around the end. */
static void choose_one(struct dialog *dialog, int step) {
    int least = dialog->question->choice_none ? -1 : 0,
        choices = (int)dialog->count - least;
    if (dialog->count)
        dialog->choice = (dialog->choice - least + step + choices) % choices + least;
}

enum dialog_answer dialog_key(struct dialog *dialog, int key) {
    dialog->gap = false;
    if (key == KEYS_ESCAPE)
        return DIALOG_CANCEL;
    switch (dialog->kind) {
    case DIALOG_LIST:
        return key_in_list(dialog, key);
    case DIALOG_PAGE:
        return key_in_page(dialog, key);
    case DIALOG_WRITE:
        if (dialog->state == WRITE_DONE)
            return key == KEYS_ENTER || key == 'q' ? DIALOG_CANCEL : DIALOG_OPEN;
        if (dialog->state == WRITE_BUSY)
            return DIALOG_OPEN;
        if (key == KEYS_UP || key == KEYS_DOWN) {
            choose_one(dialog, key == KEYS_UP ? -1 : 1);
            return DIALOG_CHOSEN;
        }
        /* fall through */
    case DIALOG_LINE:
        if (key == KEYS_ENTER)
            return DIALOG_ACCEPT;
        if ((key == KEYS_UP || key == KEYS_DOWN) && dialog->question->recalls)
            return key == KEYS_UP ? DIALOG_EARLIER : DIALOG_LATER;
        if (key == KEYS_TAB)
            return dialog->question->completes ? DIALOG_COMPLETES : DIALOG_OPEN;
        edit(dialog, key);
        return dialog->question->typed ? DIALOG_TYPED : DIALOG_OPEN;
    default:
        return DIALOG_CANCEL;
    }
}

/* Of several lines one is made: blanks stand for their ends, none for the last. */
bool dialog_paste(struct dialog *dialog, int key) {
    if (dialog->kind != DIALOG_LINE &&
        (dialog->kind != DIALOG_WRITE || dialog->state != WRITE_ASKING))
        return false;
    if (key == KEYS_ENTER || key == KEYS_TAB) {
        dialog->gap = true;
    } else if (key >= 0x20 && key < KEYS_FIRST) {
        if (dialog->gap && dialog->cursor)
            edit(dialog, ' ');
        dialog->gap = false;
        edit(dialog, key);
    }
    return true;
}

/* --- drawing ------------------------------------------------------------------- */

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
        while (continues(*text))
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
