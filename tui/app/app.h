/* The explorer as a whole: its state, the threads, and what keys, the mouse and
 * events do to them. main.c owns the loop. */
#ifndef PWEMOE_TUI_APP_APP_H
#define PWEMOE_TUI_APP_APP_H

#include "state/arrangement.h"
#include "state/explorer.h"
#include "terminal/canvas.h"
#include "threads/chart_writer.h"
#include "threads/evaluation.h"
#include "threads/mailbox.h"
#include "threads/similarity_reader.h"
#include "threads/watcher.h"

enum { KEY_MAP_MOST = 64 };

/* Keys that do what other keys usually do. */
struct key_map {
    int from[KEY_MAP_MOST], to[KEY_MAP_MOST];
    size_t count;
};

/* The way to a preference, seen. */
struct flight {
    bool on;
    double began; /* seconds of a clock that only rises; 0: not yet */
    double from[STORE_TASKS_MAX], to[STORE_TASKS_MAX];
};

struct app {
    struct explorer explorer;
    struct key_map keys;
    struct canvas canvas;
    struct arrangement arrangement; /* of the frame that is on the screen */
    struct mailbox *mailbox;
    struct watcher *watcher;
    struct chart_writer chart_writer;
    struct similarity_reader similarity_reader;
    struct evaluation *evaluation; /* NULL: nothing is evaluated (a snapshot) */
    struct catalog
        *waiting;   /* newer than explorer.catalog: an open list points into that */
    uint64_t asked; /* the serial that the evaluation thread was last told of */
    uint64_t selection_sent; /* the number of the one that it was last given to keep */
    uint64_t visits_sent;    /* likewise of the history */
    int nth;                 /* which of its action's keys was pressed, from 0 */
    int early[64];           /* keys pressed before there was anything to act on */
    size_t early_count;
    bool quit, redraw;
    struct flight flight;
    enum panel dragged; /* PANEL_COUNT: nothing is */
    int drag_x,
        drag_y;        /* where the pointer was, while the objective space is dragged */
    bool drag_moved;   /* it is a drag, not a click */
    bool axis_dragged; /* of the parallel coordinates, by its name */
};

/* One key, as screen_event gives it (actions.c). */
void app_key(struct app *app, int key);
/* A key that was pressed before the first catalog came, once that is on the screen;
 * false where none is left. */
bool app_take_early(struct app *app);
/* One character that was pasted: text for a dialog's line, never a key. */
void app_paste(struct app *app, int key);
enum mouse_kind {
    POINTER_PRESS,
    POINTER_DRAG,
    POINTER_RELEASE,
    POINTER_UP,
    POINTER_DOWN,
    /* The same with the right button, or with Control. */
    POINTER_BRUSH,
    POINTER_BRUSH_DRAG,
    POINTER_BRUSH_RELEASE
};
void app_mouse(struct app *app, enum mouse_kind kind, int x, int y); /* pointer.c */
/* A key or a click for the dialog that is open: what its question does then. */
void app_dialog_key(struct app *app, int key);
void app_dialog_click(struct app *app, int x, int y);

/* Goes on with the tour where its step is done; ends it. */
void app_tour(struct app *app);
void app_leave_tour(struct app *app);
/* Writes the visited preferences into the file, where they have changed. */
void app_keep_visits(struct app *app);

/* What several actions share. */
void app_quit(struct app *app);
void app_back(struct app *app);
void app_scroll(struct app *app, enum panel panel, int lines);
/* Points at what is at a place of the screen in a panel, or at nothing. */
void app_point_at(struct app *app, enum panel panel, int x, int y);
/* The row there, at most `reach` rows away, or SIZE_MAX. */
size_t app_row_at(struct app *app, enum panel panel, int x, int y, double reach);
/* Goes to the preference of what is pointed at; false, and says why, where it has none.
 */
bool app_go_to_pointed(struct app *app);
/* From what is pointed at to the next in a direction (dx, dy in -1, 0, 1). */
void app_step_point(struct app *app, int dx, int dy);
/* A box of the selection, drawn by the mouse (selecting.c). */
void app_brush(struct app *app, enum mouse_kind kind, int x, int y);
/* A key while a box is drawn by keys. */
void app_box_key(struct app *app, int key);
/* Marks what is pointed at, or takes its mark away. */
void app_mark_pointed(struct app *app);
/* In the table of solutions: to another row (far: ten rows), or the order to another
 * column; and what a click does there. */
void app_move_in_table(struct app *app, int dx, int dy, bool far);
void app_click_table(struct app *app, int x, int y);
/* Moves what the focused scatter shows by a step in a direction. */
void app_pan(struct app *app, int dx, int dy);
/* Zooms the scatter in a panel around a place of the screen. */
void app_zoom_at(struct app *app, enum panel panel, int x, int y, double factor);
/* The preference's panel as it is, or as it would be where it is not shown. */
struct simplex_geometry app_simplex(const struct app *app);
/* Says whether figures that were asked for are reached, once they are measured. */
void app_answer_asked(struct explorer *explorer);
/* Bookmarks of the catalog, in its order, as items of a list. */
void app_add_bookmarks(struct explorer *explorer);
/* Asks for the paired comparison of the two sides, where both are stored. */
void app_compare_again(struct app *app);
/* A name for a file, made of the recipe's, without what a path gives a meaning to; its
 * length. */
size_t app_propose_name(const struct explorer *explorer, char *out, size_t size);
/* ~ and what follows at the start of the line as the home directory; the dialog's text
 * is then the whole path. */
void app_expand_home(struct app *app);
/* What is written in a thread, to tell its end to. */
extern const struct question export_question, chart_question;

/* The mouse on the name of an axis of the parallel coordinates, in the panel that is
 * dragged: app->axis_dragged. */
void app_press_axis(struct app *app, int x, int y);
void app_drag_axis(struct app *app, int x);
void app_release_axis(struct app *app, int x, int y);

/* Goes to a preference so that the way is seen; at once where there is no screen. */
void app_fly_to(struct app *app, const double *preference);
/* The next place on the way, at this time in seconds. true: one has moved. */
bool app_fly(struct app *app, double now);
/* Whatever is left of the way is skipped. */
void app_land(struct app *app);
/* Once a step along the front is measured: what it changed. */
void app_answer_stepped(struct explorer *explorer);
/* Measures the next of what fills the front, where nothing else is to be done for it.
 */
void app_fill(struct app *app);
void app_take_filled(struct app *app, const struct event *event);

/* Has the task vectors compared, once that panel is on the screen. */
void app_similarity(struct app *app);

/* Takes everything out of the mailbox; true where anything has changed. */
bool app_events(struct app *app);
/* Tells the evaluation thread what is wanted now, where that has changed. */
void app_tell_evaluation(struct app *app);

#endif
