/* The explorer's state: what is looked at, and what is known of it. No
 * ncurses, no thread and no store in here; panels read it, actions change it. */
#ifndef PWEMOE_TUI_STATE_EXPLORER_H
#define PWEMOE_TUI_STATE_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "eval/evaluator.h"
#include "eval/similarity.h"
#include "results/catalog.h"
#include "results/estimate.h"
#include "results/price.h"
#include "state/arrangement.h"
#include "state/dialog.h"
#include "state/history.h"
#include "state/range.h"

/* Where the figures of the present preference come from. */
enum figures {
    FIGURES_NONE,
    FIGURES_ESTIMATE, /* interpolated; running shows no examples yet */
    FIGURES_RUNNING,  /* some batches are back */
    FIGURES_COMPLETE  /* the whole of every split */
};

/* What a scatter draws of its points (scatter_points.c fills it). */
struct scatter_points {
    uint64_t catalog, hidden, selection;
    size_t a, b;
    struct range x, y;
    int width, height; /* dots */
    uint32_t *counts;  /* [height][width]: points without a mark */
    uint32_t most;     /* at one dot */
    size_t points;     /* counted */
    size_t *marked;    /* [marked_count] rows with a mark, one a cell */
    size_t marked_count;
    size_t beyond[4]; /* visible points beyond each side, by enum graph_side */
};

/* The 2-D front of a pair, kept until the catalog or the legend changes. */
struct pair_cache {
    uint64_t catalog, hidden;
    size_t a, b, count, capacity;
    size_t *rows;
};

/* What is estimated of both tasks along the segment between them, kept until another
 * catalog or other routers (simplex_view.c fills it). */
enum { PROFILE_STEPS = 60 };
struct profile {
    uint64_t catalog; /* 0: not made */
    int64_t routers;
    double values[PROFILE_STEPS + 1][2]; /* NaN: no estimate */
};

/* Which stored preference is seen in each cell of a panel, kept until the solutions,
 * the routers or the panel change (simplex_view.c fills it). */
struct stored_places {
    uint64_t catalog; /* 0: not made */
    int64_t routers;
    int width, height;
    double corners[STORE_TASKS_MAX][2];
    size_t *rows, capacity; /* [height][width] of the catalog; SIZE_MAX: none */
};

/* What is known of the places one has been at, kept until another catalog or other
 * routers (scatter_view.c fills it). */
enum { TRAIL_STOPS = 25 };
struct trail {
    uint64_t catalog; /* 0: not made */
    int64_t routers;
    size_t first, count; /* of the history */
    struct trail_stop {
        bool made;
        double preference[STORE_TASKS_MAX], values[STORE_TASKS_MAX]; /* NaN: unknown */
    } stops[TRAIL_STOPS]; /* by their place in the history, around and around */
};

struct compared { /* one side of the comparison */
    char name[128];
    double preference[STORE_TASKS_MAX];
    bool has_preference;
    size_t row; /* of the catalog, or SIZE_MAX: not measured */
    int64_t solution;
};

enum { ASKED_MOST = 32 };

struct asked { /* figures to be reached, until they are measured */
    bool waits;
    uint64_t serial; /* of the preference that was found for them */
    bool met;        /* by the estimate */
    unsigned tries;  /* preferences measured for it */
    struct target target;
    char texts[ASKED_MOST][512]; /* what was asked before, the last first */
    size_t count, recalled;      /* recalled: from 1; 0: the line is its own */
};

/* A step along the front, until it is measured. */
struct stepped {
    bool waits, expected;
    uint64_t serial; /* of the preference it led to */
    size_t task;
    double before[STORE_TASKS_MAX]; /* measured */
    double change[STORE_TASKS_MAX]; /* expected */
};

struct bookmark_meant { /* the one that a question is about */
    int64_t id;
    char name[512];
};

struct paired { /* of one objective, over the same examples */
    bool known;
    double p;
    uint64_t only_a, only_b;
};

enum { HIDDEN_MAX = 64 };

/* How the objective space is shown. */
enum space {
    SPACE_PAIRS,   /* scatters of two objectives */
    SPACE_SOLID,   /* three objectives as a box that turns */
    SPACE_PARALLEL /* one vertical axis for each objective */
};

/* What the axes reach over while they are not zoomed. */
enum fit {
    FIT_NEAR, /* the routers' points and what lies around them */
    FIT_ALL,
    FIT_FRONT,
    FIT_SELECTION,
    FIT_COUNT
};

/* Rows that no other visible one dominates in three objectives, kept until the
 * catalog or the legend changes. */
struct triple_cache {
    uint64_t catalog, hidden;
    size_t triple[3], capacity;
    bool *front; /* [rows of the catalog] */
};

/* The stored solutions in the box of three objectives, with its ground, kept until what
 * they were made of changes (solid_view.c fills it). */
struct solid_item;
struct solid_rows {
    uint64_t catalog, hidden, selection; /* catalog 0: not made */
    size_t triple[3];
    double turn, tilt;
    struct range range[3];
    int width, height;        /* cells */
    bool fine;                /* braille */
    uint8_t *dots, *inks;     /* [height][width], of a raster */
    struct solid_item *items; /* [count] those with a mark, the farthest first */
    size_t count;
};

/* How many solutions' lines pass each dot of the parallel coordinates (parallel_view.c
 * fills it), kept until what it was made of changes. */
struct density {
    uint64_t catalog, hidden, selection, wanted;
    size_t first, axes, lines;
    int width, height;                                          /* dots */
    double low[STORE_TASKS_MAX + 1], high[STORE_TASKS_MAX + 1]; /* the mean's last */
    uint32_t *front, *rest; /* [width][height + 1] */
    uint8_t *dots;          /* [width][height]: which of both is seen, DENSITY_ */
};
enum { DENSITY_REST = 1, DENSITY_FRONT = 2 };

/* The axes of the parallel coordinates (axes.h). */
struct axis_state {
    bool ordered; /* by `order`, not as the tasks are */
    size_t order[STORE_TASKS_MAX];
    bool hidden[STORE_TASKS_MAX], turned[STORE_TASKS_MAX]; /* by objective */
    uint64_t serial;                                       /* of its changes */
};

struct front_volume; /* of hypervolume.h */
struct filter;

/* What the table of solutions says of each; from TABLE_TASK on, task after task. */
enum table_column {
    TABLE_ID,
    TABLE_SOLUTION,
    TABLE_MEAN,
    TABLE_STANDING,
    TABLE_PREFERENCE,
    TABLE_SCALE,
    TABLE_STEP,
    TABLE_SECONDS,
    TABLE_TASK
};
enum { TABLE_COLUMNS_MOST = TABLE_TASK + STORE_TASKS_MAX };

/* What the status line says of a key. Which keys it names depends on what has the
 * focus. */
struct hint {
    const char *keys, *text;
};
enum hint_set {
    HINTS_MOVING, /* the preference */
    HINTS_POINTING,
    HINTS_TABLE,
    HINT_SETS
};
enum { HINTS_MOST = 20 };

/* A tour in steps (app/touring.c): which one, and how things were when it began. */
struct tour {
    size_t step; /* from 1; 0: none */
    uint64_t serial;
    size_t asked, bookmarks, selected;
    char text[256], longest[256]; /* of this step, and that of the most words */
};

/* A box that is being drawn in a scatter, or a range on an axis of the parallel
 * coordinates: from the cell where it began to the opposite one, in a panel's cells. */
struct box {
    bool open;
    bool keys; /* arrows move its corner, not the mouse */
    enum panel panel;
    int from_x, from_y, to_x, to_y;
};

/* Which solutions the table has, in which order, and what of them (solution_table.h);
 * kept until what they were made of changes. */
struct solution_table {
    size_t *rows;  /* [count] of the catalog, in order */
    size_t *place; /* [catalog->count]: of each row among them; SIZE_MAX: none */
    size_t count, capacity, places;
    bool made;
    uint64_t catalog, hidden;
    size_t sort; /* enum table_column */
    bool descending;
    bool off[TABLE_COLUMNS_MOST]; /* columns that are not shown */
    size_t top;                   /* the first row on the screen, of rows */
    int height;                   /* rows that were on the screen last */
    int64_t followed; /* the solution that was pointed at when top was chosen */
    char expression[512];
    struct filter *filter; /* NULL: all */
};

/* What fills the front (filling.h). */
enum fill_kind {
    FILL_NONE,
    FILL_GAPS, /* where the front is measured least, so many times */
    FILL_GRID, /* the preferences of a grid that are not measured yet */
    FILL_UNTIL /* gaps, until models in a row add little hypervolume */
};

struct filling {
    enum fill_kind kind;
    bool paused;
    bool asked; /* a model is being measured */
    bool judged;
    int64_t routers;
    size_t done, total; /* models; total is the most of FILL_UNTIL */
    size_t edge, at;    /* points along an edge of the grid; the next of them */
    double growth;      /* per cent of the hypervolume */
    size_t small;       /* models in a row that added less */
    double volume, volume_before, spent; /* seconds */
    uint64_t serial;                     /* of what is measured */
    double preference[STORE_TASKS_MAX];
    /* The price of one model in seconds, by what was measured last with these routers.
     */
    double seconds;
    int64_t seconds_of;
    bool pricing; /* it is being found out */
    char ended[256];
};

/* What a trade costs here, kept until the preference, the rows or the pair change. */
struct kept_price {
    uint64_t catalog, serial;
    size_t gain, loss;
    bool known;
    struct price price;
};

/* What an axis reaches over, kept until what it was made of changes (space.c). */
struct reach {
    bool made;
    uint64_t catalog, hidden, selection;
    enum fit fit;
    struct range rows;  /* of the rows that count whatever else is there */
    struct range still; /* what is shown for them alone */
    struct range core;  /* they and the present figure, where that lies beyond */
    struct range all;   /* what is shown for that */
};

struct explorer {
    struct catalog *catalog; /* NULL until the first is read */
    size_t tasks;
    struct samples samples;
    struct front_volume *volume; /* NULL: not known */

    double preference[STORE_TASKS_MAX];
    struct history history;
    struct store_visits visits; /* of an earlier time, to be taken up at the start */
    bool locked[STORE_TASKS_MAX];
    struct kept_price price;
    bool trail; /* where one has been is drawn */
    struct trail trailed;
    struct stored_places stored;
    size_t edge;   /* the one whose middle was gone to last, from 1 */
    size_t slider; /* the task that keys act on where there are sliders */

    int64_t routers;
    bool closed_form_wanted; /* though there is something trained */
    bool fp8;                /* figures in fp8 need not be measured again */
    uint64_t serial; /* of the present preference; answers to older ones are late */
    enum figures figures;
    struct running running[STORE_TASKS_MAX];
    double estimate[STORE_TASKS_MAX];
    bool have_estimate;
    size_t row; /* where the figures are stored, or SIZE_MAX */

    /* From the evaluation thread. */
    bool ready;         /* evaluates */
    char device[256];   /* "cpu (2 threads, AVX2)" */
    char missing[1024]; /* why it only looks; "" otherwise */
    char doing[128];    /* "reading", and how far, while it loads or exports */
    size_t done, total;
    uint64_t examples[STORE_TASKS_MAX]; /* held-out, of each task */
    bool limited;                       /* --limit: these are not the whole split */
    size_t modules;
    char (*module_names)[64];
    float *routing; /* [modules][tasks] at the preference numbered routing_serial */
    uint64_t routing_serial;

    /* How alike the task vectors are, read once it is looked at. */
    struct similarity *similarity;            /* NULL: not read */
    size_t similarity_done, similarity_total; /* models */
    char similarity_missing[1024];            /* why there is none; "": it is read */

    /* What is shown. */
    struct arrangement_wish wish;
    enum space space;
    bool space_free; /* nobody has asked for one: what suits the tasks */
    size_t pair_a, pair_b;
    size_t triple[3];  /* of the box: to the right, backwards, upwards */
    double turn, tilt; /* of the box, in radians */
    struct triple_cache triple_front;
    struct solid_rows solid_rows;
    struct density density;
    char hidden[HIDDEN_MAX][96]; /* keys of series switched off */
    size_t hidden_count;
    uint64_t hidden_serial;
    struct pair_cache pairs[3];
    struct profile profile;
    struct scatter_points points[3];
    int scroll[PANEL_COUNT];
    bool mouse, mouse_wanted;
    char message[1024];
    bool message_bad;
    char message_path[512]; /* a file that the message names; "": none */
    bool message_waits;     /* it is true until the solutions are read */
    /* The solution pointed at: its row in the catalog, SIZE_MAX: none. */
    size_t pointed;
    int64_t pointed_solution;
    /* The selection is in the catalog. Numbers of changes made here, of those that the
     * file has, and of what is seen; how many catalogs more are not believed. */
    uint64_t selection_serial, selection_kept, selection_shown;
    unsigned selection_ours;
    struct range brush[STORE_TASKS_MAX]; /* ranges on axes; empty: none */
    struct box box;
    struct tour tour;
    /* By the tables of actions (action_hints); a set ends where there is no text. */
    struct hint hints[HINT_SETS][HINTS_MOST];
    struct axis_state axes;
    size_t pointed_axis; /* of the parallel coordinates: where keys step */
    struct range window[STORE_TASKS_MAX]; /* of scatters that are zoomed; else low is
                                             not below high */
    enum fit fit;
    struct reach *reaches; /* [STORE_TASKS_MAX + 1]; NULL: nothing is kept */
    struct solution_table table;
    struct dialog dialog;
    struct asked asked;
    struct stepped stepped;
    struct filling filling;
    struct bookmark_meant meant;
    struct compared compared[2];
    struct paired paired[STORE_TASKS_MAX];
    const char *file; /* shown in the title */
    bool dragging;
    double drag_from[STORE_TASKS_MAX];
};

int explorer_init(struct explorer *explorer, const char *file);
void explorer_free(struct explorer *explorer);

/* Takes the catalog over and frees the one before. The first decides where one
 * starts: at the stored solution nearest to the centre, else the centre. */
int explorer_take_catalog(struct explorer *explorer, struct catalog *catalog);

/* Goes to a preference (projected onto the simplex), remembered for undo unless
 * quiet; figures become the stored ones, or an estimate. */
void explorer_go(struct explorer *explorer, const double *preference, bool quiet);
/* Remembers where a drag began, once it is over. */
void explorer_remember(struct explorer *explorer, const double *before);
bool explorer_undo(struct explorer *explorer);
bool explorer_redo(struct explorer *explorer);
/* Sets task's share to value; the shares of the others that are not locked keep
 * their proportions. */
void explorer_set_share(struct explorer *explorer, size_t task, double value,
                        bool quiet);
void explorer_use_routers(struct explorer *explorer, int64_t routers);
/* Whether those are a correction, which has no routing weights. */
bool explorer_has_correction(const struct explorer *explorer);

/* Does the present preference still need the evaluation thread? */
bool explorer_needs_evaluation(const struct explorer *explorer);

/* Goes to a preference as far as the locks allow: locked shares stay, the others keep
 * their proportions among each other. */
void explorer_go_around_locks(struct explorer *explorer, const double *preference,
                              bool quiet);

/* Why locks let a task's share not change, to be read after its name; NULL: they do. */
const char *explorer_why_held(const struct explorer *explorer, size_t task);

/* Sliders or a polygon, rather than a segment or a triangle. */
bool explorer_has_sliders(const struct explorer *explorer);

/* Another way to show the objective space; false where the tasks are too few (three for
 * the box, two for parallel coordinates). */
bool explorer_show_space(struct explorer *explorer, enum space space);

bool explorer_series_visible(const struct explorer *explorer, size_t series);
/* Of every series; free(). NULL where memory is out. */
bool *explorer_visible(const struct explorer *explorer);
void explorer_series_toggle(struct explorer *explorer, size_t series);
/* Points at a row of the catalog, or at none (SIZE_MAX). */
void explorer_point(struct explorer *explorer, size_t row);
/* Do arrows step from point to point, rather than move the preference? They do where
 * the objective space has the focus. */
bool explorer_steps_points(const struct explorer *explorer);
/* Do they step from row to row of the table? */
bool explorer_steps_rows(const struct explorer *explorer);
/* How many measured models are as good as a row's in every objective and better in
 * one; *first is the first of them. */
size_t explorer_dominators(const struct explorer *explorer, size_t row, size_t *first);
/* The rows of the front of objectives a and b, cached. */
const size_t *explorer_pair_front(struct explorer *explorer, size_t a, size_t b,
                                  size_t *count);

/* The value to show of objective t with its interval; false: none. estimated and
 * complete say what kind it is. */
struct figure {
    double value, low, high;
    uint64_t examples, population;
    bool estimated, complete;
};
bool explorer_figure(const struct explorer *explorer, size_t task,
                     struct figure *figure);

/* Is more of a column of the table (enum table_column) the better, so that one wants it
 * on top? */
bool explorer_wants_most(const struct explorer *explorer, size_t column);

/* What a trade between two objectives costs here (price_at); NULL: not known. */
const struct price *explorer_price(struct explorer *explorer, size_t gain, size_t loss);

/* Is this side of the comparison the present preference, not yet stored? */
bool explorer_is_here(const struct explorer *explorer, const struct compared *side);
/* While the present preference is compared with a stored model: the tasks whose
 * interval so far still holds the other's figure, a bit each. Batches of these decide.
 */
uint64_t explorer_undecided(const struct explorer *explorer);

void explorer_say(struct explorer *explorer, bool bad, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The message just said names this file. */
void explorer_say_path(struct explorer *explorer, const char *path);

/* What a panel without figures says instead. */
const char *explorer_why_empty(const struct explorer *explorer, char *out, size_t size);
/* Are the solutions not read yet? Then it says so. */
bool explorer_must_wait(struct explorer *explorer);

const char *explorer_task_name(const struct explorer *explorer, size_t task);
/* That name in at most so many columns. Where it is cut and another comes to the same,
 * its last characters tell them apart, numbers whole (ta10 and ta11), else its number.
 */
void explorer_short_name(const struct explorer *explorer, size_t task, int most,
                         char *out, size_t size);

#endif
