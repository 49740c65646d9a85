/* Questions put over the frame: a line of text, a list, a page to read, a file to
 * write with one thing to choose about it. A dialog holds what was typed and chosen;
 * its question says how it looks and what the answers do (app/). */
#ifndef PWEMOE_TUI_STATE_DIALOG_H
#define PWEMOE_TUI_STATE_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "terminal/canvas.h"

struct app;
struct explorer;

enum dialog_kind { DIALOG_NONE, DIALOG_LINE, DIALOG_LIST, DIALOG_PAGE, DIALOG_WRITE };

/* What a dialog is opened with; one constant a question, beside the functions it names.
 * A key whose function is NULL does nothing, except that accept and cancel then close
 * the dialog. A function that is called closes the dialog when it is finished. */
struct question {
    enum dialog_kind kind;
    const char *title, *prompt; /* prompt may be NULL, or set later */
    const char *hint; /* of a list: which keys it takes; NULL: the usual ones */
    int width;        /* of the box in columns; 0: the usual */
    bool switches;    /* a list whose items Space switches; Enter closes */
    bool finds;       /* a list in which one types to find: typed shows what matches */
    bool compares;    /* two models: measuring what tells them apart comes first */
    /* To write: what is chosen (choice_name) of the items; choice_none is one more, of
     * number -1, where it is not NULL. busy is shown while it writes, NULL: a bar. */
    const char *choice_name, *choice_none, *busy;

    void (*accept)(struct app *app);           /* Enter, or a click on an item */
    void (*cancel)(struct app *app);           /* Escape, q */
    void (*switched)(struct app *app);         /* items[chosen].on was turned */
    void (*chosen)(struct app *app);           /* another choice of what is written */
    void (*typed)(struct app *app);            /* the line is another one now */
    void (*completes)(struct app *app);        /* Tab */
    void (*recalls)(struct app *app, int way); /* Up (1) and Down (-1): lines before */
    void (*notes)(struct app *app);            /* N on items[chosen] */
    void (*renames)(struct app *app);          /* n on items[chosen] */
    void (*deletes)(struct app *app);          /* d or Delete on it */
    /* Draws a page from a line on; how many lines there are in all. */
    int (*page)(const struct view *view, const struct explorer *explorer, int scroll);
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
    enum dialog_kind kind; /* the question's; DIALOG_NONE where there is none */
    const struct question *question;
    char prompt[256];
    char text[512]; /* the line being typed, UTF-8 */
    size_t cursor;  /* a byte of text, at a character's start */
    bool proposed;  /* text is a proposal: the first character typed takes its place */
    bool gap;       /* a line's end was pasted: a blank, should more follow */
    char error[512];
    size_t error_at;  /* the byte of text that the error is about; SIZE_MAX: none */
    char remark[512]; /* below the line, where there is no error */
    struct dialog_item *items;
    size_t count;
    size_t chosen;
    int scroll;  /* of a page or a list */
    int lines;   /* of the page when it was last drawn */
    int choice;  /* of what is written */
    bool edited; /* the line has been */
    enum write_state state;
    size_t done, total; /* of what is written; total 0: not known yet */
};

/* Takes the place of one that is open. */
void dialog_open(struct dialog *dialog, const struct question *question);
/* -1 when memory is out. */
int dialog_add(struct dialog *dialog, int64_t value, wchar_t mark, enum ink ink,
               bool on, const char *text);
void dialog_text(struct dialog *dialog, const char *text);
/* Takes the items out, of a list in which one types to find; the prompt tells what was
 * typed. */
void dialog_clear(struct dialog *dialog);
/* Has this text every word that was typed, whatever the case? */
bool dialog_found(const struct dialog *dialog, const char *text);
/* Replaces the text between `begin` and the cursor by a word. */
void dialog_replace(struct dialog *dialog, size_t begin, const char *word);
/* The answer will not do: it stays open and says why. */
void dialog_refuse(struct dialog *dialog, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void dialog_close(struct dialog *dialog);

enum dialog_answer {
    DIALOG_OPEN, /* goes on */
    DIALOG_CANCEL,
    DIALOG_ACCEPT,
    DIALOG_SWITCHED,
    DIALOG_CHOSEN,
    DIALOG_TYPED,
    DIALOG_COMPLETES,
    DIALOG_EARLIER,
    DIALOG_LATER,
    DIALOG_NOTES,
    DIALOG_RENAMES,
    DIALOG_DELETES
};
/* One key: a character (> 0) or one of enum key's. */
enum dialog_answer dialog_key(struct dialog *dialog, int key);
/* One character of pasted text, which never acts as a key. false: no input line is
 * open. */
bool dialog_paste(struct dialog *dialog, int key);
/* A click at a place of the whole view it was drawn into. */
enum dialog_answer dialog_click(struct dialog *dialog, const struct view *whole, int x,
                                int y);

/* Line, list and writing; a page is drawn by its question into dialog_page. */
void dialog_draw(struct dialog *dialog, const struct view *whole);
struct view dialog_page(const struct dialog *dialog, const struct view *whole);

#endif
