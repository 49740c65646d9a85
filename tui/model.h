/* The explorer's state: what is looked at, and what is known of it. No terminal,
 * no thread and no store in here; panels read it, actions change it. */
#ifndef PWEMOE_TUI_MODEL_H
#define PWEMOE_TUI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog.h"
#include "dialog.h"
#include "estimate.h"
#include "eval/evaluator.h"
#include "layout.h"

/* Where the figures of the present preference come from. */
enum figures {
    FIGURES_NONE,
    FIGURES_ESTIMATE, /* interpolated; running shows no examples yet */
    FIGURES_RUNNING,  /* some batches are back */
    FIGURES_COMPLETE  /* the whole of every split */
};

struct history {
    double (*items)[STORE_TASKS_MAX];
    size_t count, capacity, at; /* items[at] is the present one */
};

/* The 2-D front of a pair, kept until the catalog or the legend changes. */
struct pair_cache {
    uint64_t catalog, hidden;
    size_t a, b, count, capacity;
    size_t *rows;
};

struct compared { /* one side of the comparison */
    char name[128];
    double preference[STORE_TASKS_MAX];
    bool has_preference;
    size_t row; /* of the catalog, or SIZE_MAX: not measured */
    int64_t solution;
};

struct meant { /* the bookmark that a question is about */
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
    SPACE_PARALLEL /* a vertical axis an objective */
};

/* Rows that no other visible one dominates in three objectives, kept until the
 * catalog or the legend changes. */
struct triple_cache {
    uint64_t catalog, hidden;
    size_t triple[3], capacity;
    bool *front; /* [rows of the catalog] */
};

/* How many solutions' lines pass each dot of the parallel coordinates (parallel_view.c
 * fills it), kept until what it was made of changes. */
struct density {
    uint64_t catalog, hidden;
    size_t first, axes, lines;
    int width, height; /* dots */
    double low[STORE_TASKS_MAX], high[STORE_TASKS_MAX];
    uint32_t *front, *rest; /* [width][height] */
};

struct front_volume; /* of volume.h */

struct model {
    struct catalog *catalog; /* NULL until the first is read */
    size_t tasks;
    struct samples samples;
    struct front_volume *volume; /* NULL: nothing is known of it */

    double preference[STORE_TASKS_MAX];
    struct history history;
    bool locked[STORE_TASKS_MAX];
    size_t slider; /* the task that keys act on where there are sliders */

    int64_t routers;
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

    /* What is shown. */
    struct layout_wish wish;
    enum space space;
    size_t pair_a, pair_b;
    size_t triple[3];  /* of the box: to the right, backwards, upwards */
    double turn, tilt; /* of the box, in radians */
    struct triple_cache triple_front;
    struct density density;
    char hidden[HIDDEN_MAX][96]; /* keys of series switched off */
    size_t hidden_count;
    uint64_t hidden_serial;
    struct pair_cache pairs[3];
    int scroll[PANEL_COUNT];
    bool mouse, mouse_wanted;
    char message[1024];
    bool message_bad;
    bool message_waits; /* it is true until the solutions are read */
    struct dialog dialog;
    struct meant bookmark;
    struct compared compared[2];
    struct paired paired[STORE_TASKS_MAX];
    bool comparing;
    const char *file; /* shown in the title */
    bool dragging;
    double drag_from[STORE_TASKS_MAX];
};

int model_init(struct model *model, const char *file);
void model_free(struct model *model);

/* Takes the catalog over and frees the one before. The first decides where one
 * starts: at the stored solution nearest to the centre, else the centre. */
int model_take_catalog(struct model *model, struct catalog *catalog);

/* Goes to a preference (projected onto the simplex), remembered for undo unless
 * quiet; figures become the stored ones, or an estimate. */
void model_go(struct model *model, const double *preference, bool quiet);
/* Remembers where a drag began, once it is over. */
void model_remember(struct model *model, const double *before);
bool model_undo(struct model *model);
bool model_redo(struct model *model);
/* Sets task's share to value; the shares of the others that are not locked keep
 * their proportions. */
void model_set_share(struct model *model, size_t task, double value, bool quiet);
void model_use_routers(struct model *model, int64_t routers);

/* Does the present preference still need the evaluation thread? */
bool model_needs_evaluation(const struct model *model);

/* Goes to a preference as far as the locks allow: locked shares stay, the others keep
 * their proportions among each other. */
void model_go_around_locks(struct model *model, const double *preference, bool quiet);

/* Sliders or a polygon, rather than a segment or a triangle. */
bool model_has_sliders(const struct model *model);

bool model_series_visible(const struct model *model, size_t series);
void model_series_toggle(struct model *model, size_t series);
/* The rows of the front of objectives a and b, cached. */
const size_t *model_pair_front(struct model *model, size_t a, size_t b, size_t *count);

/* The value to show of objective t with its interval; false: none. estimated and
 * complete say what kind it is. */
struct figure {
    double value, low, high;
    uint64_t examples, population;
    bool estimated, complete;
};
bool model_figure(const struct model *model, size_t task, struct figure *figure);

/* Is this side of the comparison the present preference, not yet stored? */
bool model_is_here(const struct model *model, const struct compared *side);
/* While the present preference is compared with a stored model: the tasks whose
 * interval so far still holds the other's figure, a bit each. Batches of these decide.
 */
uint64_t model_undecided(const struct model *model);

void model_say(struct model *model, bool bad, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a panel without figures says instead. */
const char *model_why_empty(const struct model *model, char *out, size_t size);
/* Are the solutions not read yet? Then it says so. */
bool model_must_wait(struct model *model);

const char *model_task_name(const struct model *model, size_t task);

#endif
