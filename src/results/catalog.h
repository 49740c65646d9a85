/* What the store held at one moment, with what the panels show worked out once: series,
 * the front, knees, baselines. A catalog does not change after it was made, so it may
 * be handed from thread to thread. */
#ifndef PWEMOE_RESULTS_CATALOG_H
#define PWEMOE_RESULTS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "results/series.h"
#include "store/store.h"

struct routers; /* of moe/ */

struct solution {
    size_t series;
    bool whole; /* every objective has its complete value */
    bool front; /* whole and merged, and no other such one dominates it */
    bool knee;
    bool stale;   /* an expert has changed since */
    bool fp8;     /* some of it was measured in fp8 */
    double scale; /* scaling coefficient of a merge, or NaN */
};
/* Whether it need not be measured again by who measures in fp8, or not. */
static inline bool solution_holds(const struct solution *solution, bool fp8) {
    return solution->whole && !solution->stale && (fp8 || !solution->fp8);
}

/* Where to look for the row of a preference: by what makes models of preferences, then
 * by a sum of the weights (catalog.c), then by row. */
struct catalog_answer {
    int64_t answerer;
    double key;
    size_t row;
};

struct catalog {
    struct store_recipe *recipe;
    size_t tasks;
    bool fits_heads;        /* there are examples that heads can be fitted on */
    struct store_row *rows; /* [count]; they and what they point to are the batches' */
    struct row_batch **batches;
    size_t batch_count;
    struct solution *solutions; /* [count] */
    double *values;             /* [count][tasks] in the objectives' units, or NaN */
    size_t count;
    struct catalog_answer *answers; /* [answer_count] in order */
    size_t answer_count;
    /* [count], as the file had them. The only member that may change later, by the one
     * owner of the catalog. */
    bool *selected;
    size_t selected_count;
    size_t reading; /* an outline: this many solutions are in the file, their rows come
                       with the next catalog; 0: all rows are here */
    struct series *series;
    size_t series_count;
    size_t *besides; /* [beside_count]: rows that answer no preference, in order: few,
                        where there are many rows */
    size_t beside_count;
    size_t knee;    /* its row, or SIZE_MAX */
    bool dominated; /* some answer to a preference is not of the front */
    struct store_run *runs;
    size_t run_count;
    int64_t *run_routers;            /* [run_count]: the last saved routers, or 0 */
    struct routers **run_networks;   /* [run_count]: the same read; NULL: no such */
    struct store_curve_point *curve; /* of the newest run */
    size_t curve_count;
    int64_t curve_run;
    struct store_bookmark *bookmarks;
    size_t bookmark_count;
    struct store_log_line *lines; /* the oldest first */
    size_t line_count;
    double *stl, *pretrained, *best; /* [tasks], settled ones; NaN where unknown */
    size_t *best_row;                /* [tasks], SIZE_MAX where unknown */
    int64_t version;                 /* store_version */
    uint64_t serial;                 /* different for every catalog of a process */
};

/* Reads everything. On failure *catalog is untouched. */
int catalog_read(struct store *store, struct catalog **catalog, struct error *error);
/* Recipe and solutions alone, with their figures on this split. */
int catalog_read_solutions(struct store *store, const char *split,
                           struct catalog **catalog, struct error *error);

/* One catalog after the other from a file that grows: a read after the first takes in
 * the rows that are new, and shares the others with the catalogs before it. */
struct catalog_source;
/* The store stays the caller's. NULL when memory is out. */
struct catalog_source *catalog_source_new(struct store *store);
void catalog_source_free(struct catalog_source *source); /* NULL is fine */
/* whole: every row is read again, which also finds what store_rows_since does not, and
 * the whole training curve. */
int catalog_source_read(struct catalog_source *source, bool whole,
                        struct catalog **catalog, struct error *error);
/* What there is to see of a large file before its solutions are read, in the time that
 * a small one takes: a catalog without rows whose `reading` tells of how many it is.
 * NULL where there are too few to wait for. */
int catalog_source_outline(struct catalog_source *source, struct catalog **catalog,
                           struct error *error);
/* After a read, when there is time: notes how far it went. Without it the next read
 * is a whole one. */
void catalog_source_settle(struct catalog_source *source);
/* Do the rows at hand come from more than one read? */
bool catalog_source_pieced(const struct catalog_source *source);

/* Fills in what follows from recipe, tasks and rows. known [count]: the solutions of an
 * earlier catalog of the same rows, whose front and knees are taken over; or NULL. What
 * was filled in before a failure is freed with the catalog. */
int catalog_derive(struct catalog *catalog, const struct solution *known,
                   struct error *error);
void catalog_free(struct catalog *catalog); /* NULL is fine */
/* Fills in `answers` from the rows: catalog_derive does. -1: memory is out. */
int catalog_index(struct catalog *catalog);

static inline double catalog_value(const struct catalog *catalog, size_t row,
                                   size_t objective) {
    return catalog->values[row * catalog->tasks + objective];
}

/* Is the value there, and final: the whole split, or a published figure? */
static inline bool catalog_settled(const struct catalog *catalog, size_t row,
                                   size_t objective) {
    const struct store_evaluation *evaluation =
        &catalog->rows[row].evaluations[objective];
    return evaluation->present && (evaluation->complete || evaluation->imported);
}

static inline const struct series *catalog_series(const struct catalog *catalog,
                                                  size_t row) {
    return &catalog->series[catalog->solutions[row].series];
}

/* In place of routers: the closed form that answers preferences where nothing is
 * trained, a merge by STORE_ROLE_CLOSED_FORM with the tasks' own heads, and with heads
 * fitted to the merged model (merge/head_fit.h), which takes examples. */
enum { CATALOG_CLOSED_FORM = -1, CATALOG_CLOSED_FITTED = -2 };
static inline bool catalog_is_closed(int64_t answerer) {
    return answerer < 0;
}
/* Its parameters, as the store writes them (a test holds them to the method's
 * defaults); "{}" for routers. */
const char *catalog_parameters(int64_t answerer);

/* What makes a solution from its preference: routers, the closed form, or 0: it has no
 * preference, or another method's. */
int64_t catalog_answerer(const struct store_solution *solution);

/* The newest row of a preference with these routers (to 1e-9), or SIZE_MAX. Takes the
 * logarithm of how many rows there are. */
size_t catalog_find(const struct catalog *catalog, const double *preference,
                    int64_t routers);
/* The stored row with these routers nearest to preference, or SIZE_MAX;
 * front_only: among those of the front. */
size_t catalog_nearest(const struct catalog *catalog, const double *preference,
                       int64_t routers, bool front_only);
/* The run that made these routers, or NULL. */
const struct store_run *catalog_run_of(const struct catalog *catalog, int64_t routers);
/* Those routers themselves, or NULL where they are of an earlier step or cannot be
 * read. */
const struct routers *catalog_network_of(const struct catalog *catalog,
                                         int64_t routers);
/* The run whose curve this is; NULL: there is none. */
const struct store_run *catalog_curve_run(const struct catalog *catalog);
/* Has any run left routers or a correction? */
bool catalog_any_trained(const struct catalog *catalog);
/* "ls mlp, 400 steps" */
char *catalog_routers_text(const struct catalog *catalog, int64_t routers, char *out,
                           size_t size);
/* What a row is called in one line: its label, or method and parameters; of a model
 * that was trained whole its method, with its folder where there are several. */
char *catalog_row_text(const struct catalog *catalog, size_t row, char *out,
                       size_t size);

#endif
