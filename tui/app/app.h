/* The explorer as a whole: the model, the threads, and what keys, the mouse and
 * events do to them. main.c owns the loop. */
#ifndef PWEMOE_TUI_APP_APP_H
#define PWEMOE_TUI_APP_APP_H

#include "state/arrangement.h"
#include "state/explorer.h"
#include "state/keys.h"
#include "terminal/canvas.h"
#include "threads/chart_writer.h"
#include "threads/evaluation.h"
#include "threads/mailbox.h"
#include "threads/watcher.h"

struct app {
    struct explorer explorer;
    struct canvas canvas;
    struct arrangement arrangement; /* of the frame that is on the screen */
    struct mailbox *mailbox;
    struct watcher *watcher;
    struct chart_writer chart_writer;
    struct evaluation *evaluation; /* NULL: nothing is evaluated (a snapshot) */
    struct catalog *waiting; /* newer than the model's: an open list points into that */
    uint64_t asked;          /* the serial that the worker was last told of */
    bool quit, redraw;
    enum panel dragged; /* PANEL_COUNT: nothing is */
    int drag_x, drag_y; /* where the pointer was, while the 3-D view is turned */
};

/* One key, as screen_event gives it (actions.c). */
void app_key(struct app *app, int key);
enum mouse_kind {
    POINTER_PRESS,
    POINTER_DRAG,
    POINTER_RELEASE,
    POINTER_UP,
    POINTER_DOWN
};
void app_mouse(struct app *app, enum mouse_kind kind, int x, int y);
/* What an answered dialog means (answers.c). */
void app_dialog_key(struct app *app, int key);
void app_dialog_click(struct app *app, int x, int y);
/* Opens the dialog of an action; false where the action has none (answers.c). */
bool app_ask(struct app *app, enum action action);

/* Bookmarks (bookmarks.c): the dialogs, their answers, and what Escape goes back to.
 * The list's are those of the catalog, in its order. */
void app_ask_bookmark(struct explorer *explorer);
void app_answer_bookmark(struct app *app);
void app_ask_bookmarks(struct explorer *explorer);
void app_add_bookmarks(struct explorer *explorer);
void app_ask_rename(struct explorer *explorer);
void app_answer_rename(struct app *app);
void app_ask_delete(struct explorer *explorer);
void app_answer_delete(struct app *app, int64_t answer);
void app_leave_bookmark(struct explorer *explorer);

/* A name for a file, made of the recipe's, without what a path gives a meaning to;
 * its length (answers.c). */
size_t app_propose_name(const struct explorer *explorer, char *out, size_t size);
/* A chart of what is on the screen (plotting.c): the dialog, another choice in it, and
 * its answer. */
void app_ask_plot(struct explorer *explorer);
void app_choose_plot(struct explorer *explorer);
void app_answer_plot(struct app *app);

/* Takes everything out of the mailbox; true where anything has changed. */
bool app_events(struct app *app);
/* Tells the worker what is wanted now, where that has changed. */
void app_tell_worker(struct app *app);

#endif
