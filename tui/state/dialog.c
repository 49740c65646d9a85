#define _GNU_SOURCE
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

void dialog_clear(struct dialog *dialog) {
    dialog->count = dialog->chosen = 0;
    dialog->scroll = 0;
    snprintf(dialog->prompt, sizeof dialog->prompt, "%s%s",
             dialog->text[0] ? "find: " : "type to find", TEXT_CUT(dialog->text, 200));
}

bool dialog_found(const struct dialog *dialog, const char *text) {
    const char *typed = dialog->text;
    char word[sizeof dialog->text];
    while (*(typed += strspn(typed, " "))) {
        size_t length = strcspn(typed, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, typed);
        if (!strcasestr(text, word))
            return false;
        typed += length;
    }
    return true;
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
    text_print(dialog->error, sizeof dialog->error, format, arguments);
    va_end(arguments);
    dialog->error_at = SIZE_MAX;
}

void dialog_close(struct dialog *dialog) {
    free(dialog->items);
    *dialog = (struct dialog){0};
}

/* --- editing a line ------------------------------------------------------------ */

static void move_left(struct dialog *dialog) {
    if (dialog->cursor)
        do
            dialog->cursor--;
        while (dialog->cursor && text_continues(dialog->text[dialog->cursor]));
}

static void move_right(struct dialog *dialog) {
    if (dialog->text[dialog->cursor])
        do
            dialog->cursor++;
        while (text_continues(dialog->text[dialog->cursor]));
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
    bool text = (key >= 0x20 && key != 0x7f && key < KEYS_FIRST) ||
                key == KEYS_BACKSPACE || key == KEYS_CONTROL_U;
    if (key == KEYS_ENTER)
        return question->switches ? DIALOG_CANCEL : DIALOG_ACCEPT;
    if (question->finds && text && !(key == ' ' && question->switches)) {
        edit(dialog, key);
        return DIALOG_TYPED;
    }
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
