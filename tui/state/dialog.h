/* Questions put over the frame: a line of text, a list, a page to read, a file to
 * write with one thing to choose about it. A dialog holds its own text and items; what
 * an answer means is for app/answers.c. */
#ifndef PWEMOE_TUI_STATE_DIALOG_H
#define PWEMOE_TUI_STATE_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal/canvas.h"

enum dialog_kind { DIALOG_NONE, DIALOG_LINE, DIALOG_LIST, DIALOG_PAGE, DIALOG_WRITE };

/* What the dialog was opened for. */
enum dialog_purpose {
    FOR_NOTHING,
    FOR_VECTOR,
    FOR_BOOKMARK,
    FOR_TARGET,
    FOR_SERIES,
    FOR_PAIR,
    FOR_TRIPLE,
    FOR_ROUTERS,
    FOR_GOTO_BOOKMARK,
    FOR_RENAME,
    FOR_DELETE,
    FOR_COMPARE_FIRST,
    FOR_COMPARE_SECOND,
    FOR_COMPARISON,
    FOR_HELP,
    FOR_EXPORT,
    FOR_PLOT
};

struct dialog_item {
    char text[120];
    bool on; /* where items are switched */
    wchar_t mark;
    enum ink ink;
    int64_t value;
};

enum write_state { WRITE_ASKING, WRITE_BUSY, WRITE_DONE };

struct dialog {
    enum dialog_kind kind;
    enum dialog_purpose purpose;
    char title[96];
    char prompt[256];
    char text[512]; /* the line being typed, UTF-8 */
    size_t cursor;  /* a byte of text, at a character's start */
    char error[512];
    struct dialog_item *items;
    size_t count;
    size_t chosen;
    bool switches; /* space switches items; Enter closes */
    int scroll;    /* of a page */
    int lines;     /* of the page when it was last drawn */
    /* To write: what is chosen (choice_name) of the items, -1: choice_none, which is
     * NULL where one must be chosen. The texts outlive the dialog. */
    int choice;
    const char *choice_name, *choice_none;
    bool edited; /* the line has been */
    enum write_state state;
    size_t done, total; /* total 0: nobody knows how long it takes */
};

void dialog_open(struct dialog *dialog, enum dialog_kind kind,
                 enum dialog_purpose purpose, const char *title, const char *prompt);
/* -1 when memory is out. */
int dialog_add(struct dialog *dialog, int64_t value, wchar_t mark, enum ink ink,
               bool on, const char *text);
void dialog_text(struct dialog *dialog, const char *text);
void dialog_close(struct dialog *dialog);

enum dialog_answer {
    DIALOG_OPEN,     /* goes on */
    DIALOG_CANCEL,   /* Escape, q */
    DIALOG_ACCEPT,   /* Enter */
    DIALOG_SWITCHED, /* items[chosen].on was turned */
    DIALOG_CHOSEN,   /* another choice of what is written */
    DIALOG_RENAME,   /* items[chosen], of bookmarks */
    DIALOG_DELETE
};
/* One key: a character (> 0) or one of enum key's. */
enum dialog_answer dialog_key(struct dialog *dialog, int key);
/* A click at a place of the whole view it was drawn into. */
enum dialog_answer dialog_click(struct dialog *dialog, const struct view *whole, int x,
                                int y);

/* Line, list and writing; a page is drawn by its owner into dialog_page. */
void dialog_draw(struct dialog *dialog, const struct view *whole);
struct view dialog_page(const struct dialog *dialog, const struct view *whole);

#endif
