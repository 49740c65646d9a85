/* results.db, the project's memory. The only code that speaks SQL is in store/.
 *
 * One struct store is used by one thread at a time; several processes and several
 * stores may have one file open (WAL; a reader never blocks a writer; a writer
 * waits up to 10 s, then says "is locked by another process"; on network file systems a
 * rollback journal, where readers and writers wait for each other: journals.h). Every
 * write is a transaction of its own unless it is between store_begin and store_commit.
 * A function that fails inside store_begin and store_commit leaves nothing of its
 * own behind; what was done before it stays until store_commit or store_rollback.
 * Strings and arrays given to a function stay the caller's; those that come back
 * in a struct belong to it and are freed by the function named beside it. A
 * function that fails leaves its results empty (NULL, 0), nothing to free.
 * Whatever is read is checked: a row that this program cannot have written is an
 * error that says so. A commit is on the disk (synchronous=FULL) when the function
 * returns: neither kill -9 nor a power cut loses it.
 *
 * Tasks are known by their position 0..T-1 in the recipe, which never changes.
 * Objectives likewise: one a task, "accuracy" in percent, maximised. */
#ifndef PWEMOE_STORE_STORE_H
#define PWEMOE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/work.h"

enum { STORE_TASKS_MAX = 64, STORE_FORMAT = 8 /* user_version */ };

struct store;

/* The folder that the paths in a results.db are relative to: that of the file itself
 * where path is a link to it. Freed with free(); NULL where memory is out. */
char *store_folder(const char *path);

enum store_mode { STORE_READ_ONLY, STORE_READ_WRITE };

/* A file that is missing, no database, no results.db of ours (application_id),
 * of a newer format or corrupt is an error that says which. An older format is
 * migrated when opened to write. Read-only works on a read-only file system. */
int store_open(const char *path, enum store_mode mode, struct store **store,
               struct error *error);
void store_close(struct store *store); /* NULL is fine */
const char *store_path(const struct store *store);
/* How long a write waits for another process's; 10,000 ms when opened. */
void store_set_timeout(struct store *store, int milliseconds);

/* Not nested. A commit that fails has undone the transaction. */
int store_begin(struct store *store, struct error *error);
int store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);

/* Grows whenever anyone changes the file: for a viewer that polls. A few
 * microseconds; no statement of it waits for a lock. */
int store_version(struct store *store, int64_t *version, struct error *error);

/* --- the recipe ------------------------------------------------------------ */

struct store_checkpoint { /* empty path: there is none */
    char *path;           /* absolute, or relative to the folder of results.db */
    unsigned long long size;
    char sha256[SHA256_HEX];
    char stamp[SHA256_HEX]; /* of its files when sha256 was taken (base/file_stamp.h);
                               "": not known */
};

struct store_objective {
    char *name;   /* "mnist", the task's when NULL at store_create */
    char *metric; /* "accuracy" */
    char *unit;   /* "%" */
    bool maximise;
    double reference; /* component of the hypervolume's reference point */
};

/* Are its figures percentages, from 0 to 100? */
bool store_objective_percent(const struct store_objective *objective);
/* Can figures of both stand on one axis: one metric, one unit, one direction? */
bool store_objective_alike(const struct store_objective *a,
                           const struct store_objective *b);

struct store_task {
    char *name;
    struct store_checkpoint expert;
    char *train_path, *test_path; /* "" where there is none */
    char *unlabelled_path;        /* examples for what learns without labels, or "" */
    char *head;                   /* "" (the expert's own), "zero-shot", or a path */
    char *classnames_path, *templates_path; /* "" where there is none */
    /* How its files are read, "" as their names say: columns of a table; "csv" or
     * "none"; "nested" (class folders one folder deeper). */
    char *text, *pair, *label, *quoting, *classes;
    struct store_objective objective;
};

/* Is this split the training examples, rather than the held-out ones ("test")? */
bool store_split_trains(const char *split);
/* Where the task's examples of a split are; "" where it has none. */
const char *store_task_data(const struct store_task *task, const char *split);

struct store_recipe {
    char *name;
    char *model; /* "clip-vision", "clip" (both towers), "vit", "gpt2-classifier" */
    struct store_checkpoint pretrained;
    char *text; /* the recipe as it was read */
    size_t task_count;
    struct store_task *tasks;
};
/* Does a mean over all its tasks say anything: have they one unit and one direction? */
bool store_recipe_averages(const struct store_recipe *recipe);

/* Has each task of such models a classifier that was trained with it, rather than one
 * made of its class names, as CLIP's have? */
bool store_model_classifies(const char *model);

/* A new file with this recipe. path must not exist. It appears whole. Strings of
 * the recipe that are NULL are taken as "". */
int store_create(const char *path, const struct store_recipe *recipe,
                 struct store **store, struct error *error);
/* A copy of the file as it is now, also while others write it, in one file without
 * journals; path must not exist, and appears whole. Left out are leases, and without
 * `states` what training runs go on from, which is the greater part of many a file.
 * Stopped is an error that says so. */
int store_copy(struct store *from, const char *path, bool states,
               const struct work *work, struct error *error);
int store_recipe(struct store *store, struct store_recipe **recipe,
                 struct error *error);
void store_recipe_free(struct store_recipe *recipe);
/* The position of the task of this name; the error names the nearest. */
int store_task_find(const struct store_recipe *recipe, const char *name, size_t *task,
                    struct error *error);
/* Updates a task's expert after `pwemoe finetune`. Evaluations that used the old
 * expert stay, marked stale (see below): all of merges and routers, the task's own
 * objective of single and trained models, none of imported ones. The same sha256
 * as before marks nothing. */
int store_set_expert(struct store *store, size_t task,
                     const struct store_checkpoint *expert, struct error *error);
/* Keeps the stamp of a checkpoint with this path and sha256, so that it need not be
 * read again; "" keeps nothing. */
int store_stamp_put(struct store *store, const struct store_checkpoint *checkpoint,
                    struct error *error);
/* Paths of the recipe, its tasks and their present experts that are `from`, or begin
 * with it and a slash, begin with `to` from then on. *changed: how many. */
int store_move_paths(struct store *store, const char *from, const char *to,
                     size_t *changed, struct error *error);
/* Changes the reference point; it is kept with the time of the change. */
int store_set_reference(struct store *store, const double *reference /* [tasks] */,
                        struct error *error);
struct store_reference {
    double since;   /* Unix time */
    double *values; /* [tasks] */
};
/* All reference points the file has had, the present one last. */
int store_references(struct store *store, struct store_reference **references,
                     size_t *count, struct error *error);
void store_references_free(struct store_reference *references, size_t count);

/* --- routers ---------------------------------------------------------------- */

struct store_routers {
    int64_t id;  /* 0 before it is stored */
    int64_t run; /* the training run it belongs to */
    unsigned step;
    void *blob; /* safetensors bytes: weights, and in metadata how it was trained */
    size_t size;
};

/* The granularity of a correction (moe/correction.h), which has no modules. Its bytes
 * are kept as routers are. */
#define STORE_CORRECTION "correction"

/* The granularity of a surrogate (moe/surrogate.h), which is fitted to figures and kept
 * as routers are. */
#define STORE_SURROGATE "surrogate"

/* What is trained, by the granularity that a run or a row has. */
enum store_training {
    STORE_TRAINS_MODEL, /* every parameter of a model */
    STORE_TRAINS_ROUTERS,
    STORE_TRAINS_CORRECTION,
    STORE_TRAINS_SURROGATE
};
enum store_training store_trains(const char *upscale);

struct store_run { /* a training run of routers, or of a full model */
    int64_t id;
    char *method;  /* "ls", "epo", "mgda" */
    char *upscale; /* "mlp", "attn+mlp", "all"; STORE_CORRECTION; "" for a full model */
    char *parameters; /* JSON object: lambda, alpha, lr, steps, seed, ... */
    unsigned steps_done, steps;
    double seconds; /* of training so far */
    double started; /* Unix time */
    bool complete;
    uint64_t trainable;  /* numbers that learn; 0: not known */
    uint64_t peak_bytes; /* of memory, as backend_peak has it; 0: not known */
};

/* Is this a run of the method and granularity that were asked for? NULL asks for any.
 */
bool store_run_is(const struct store_run *run, const char *method, const char *upscale);

/* id is set, and started (to now) where it is 0. parameters is put in canonical
 * form in the file. */
int store_run_begin(struct store *store, struct store_run *run, struct error *error);
/* Saves a step: all of the run that changes as it goes (steps, steps_done, seconds,
 * complete, trainable, peak_bytes), routers, the state to resume from (any bytes), and
 * the curve points since the last save, in one transaction. The earlier resume state of
 * the run is replaced (kept where state is NULL), routers of earlier steps are kept.
 * Curve points of a step that is there already are replaced; so are routers, unless a
 * solution uses them and they differ, which is an error; so is a run that another
 * process trains (lease.h). */
struct store_curve_point {
    unsigned step;
    size_t task;
    double loss; /* NaN where it was none */
};
int store_run_save(struct store *store, struct store_run *run,
                   struct store_routers *routers /* id is set; may be NULL */,
                   const void *state, size_t state_size,
                   const struct store_curve_point *points, size_t point_count,
                   struct error *error);
int store_runs(struct store *store, struct store_run **runs, size_t *count,
               struct error *error);
void store_runs_free(struct store_run *runs, size_t count);
void store_run_clear(struct store_run *run); /* frees members */
/* NULL and 0 where none was saved. free() */
int store_run_state(struct store *store, int64_t run, void **state, size_t *size,
                    struct error *error);
/* In the order of steps, then tasks. */
int store_curve(struct store *store, int64_t run, struct store_curve_point **points,
                size_t *count, struct error *error); /* free() */
/* Those of the step `from` and later ones. */
int store_curve_since(struct store *store, int64_t run, unsigned from,
                      struct store_curve_point **points, size_t *count,
                      struct error *error); /* free() */
/* Routers that are not there are an error. */
int store_routers_get(struct store *store, int64_t id, struct store_routers *routers,
                      struct error *error);
/* The routers of a run's last saved step; found false where there are none. */
int store_routers_last(struct store *store, int64_t run, bool *found,
                       struct store_routers *routers, struct error *error);
/* The same without their bytes, as store_routers_list has them: id 0 where there are
 * none. */
int store_routers_newest(struct store *store, int64_t run,
                         struct store_routers *routers, struct error *error);
/* The routers of every saved step of a run, by step, without their bytes: blob is
 * NULL, size what store_routers_get would give. free() */
int store_routers_list(struct store *store, int64_t run, struct store_routers **routers,
                       size_t *count, struct error *error);
void store_routers_clear(struct store_routers *routers);

/* --- solutions and evaluations ------------------------------------------------ */

/* How a model came to be. Files and people see the names; they are compared in store/
 * alone. */
enum store_kind {
    STORE_KIND_NONE,   /* not said, which no stored solution is */
    STORE_KIND_PWEMOE, /* "pwemoe": by routers, at a preference */
    STORE_KIND_MERGE,  /* "merge": by a method without routers */
    STORE_KIND_SINGLE, /* "single": not merged: the pretrained model, the experts */
    STORE_KIND_TRAIN,  /* "train": every parameter trained */
    STORE_KIND_IMPORT, /* "import": figures that this program did not measure */
    STORE_KINDS
};
const char *store_kind_name(enum store_kind kind); /* "" for STORE_KIND_NONE */
/* Merged here, with routers or without: these form a front. Models trained whole,
 * single ones and figures of others are shown next to it. */
static inline bool store_kind_merged(enum store_kind kind) {
    return kind == STORE_KIND_PWEMOE || kind == STORE_KIND_MERGE;
}
/* STORE_KIND_NONE where no kind has this name, or it is NULL. */
enum store_kind store_kind_find(const char *name);

/* The role of a method when models are compared. Methods are an open set (an imported
 * table names its own); those without a role of their own are alike. */
enum store_role {
    STORE_ROLE_NONE,
    STORE_ROLE_PRETRAINED, /* "pretrained": what all task vectors start from */
    STORE_ROLE_EXPERTS,    /* "stl": each task by its own expert: no one model */
    STORE_ROLE_CLOSED_FORM /* "wudi": answers preferences where nothing is trained */
};
const char *store_role_name(enum store_role role); /* the method's; "" without one */
enum store_role store_method_role(const char *method);
/* Is this the method that was asked for? NULL asks for any. */
bool store_method_is(const char *method, const char *wanted);
/* The same of a granularity. */
bool store_upscale_is(const char *upscale, const char *wanted);

struct store_solution {
    int64_t id;
    enum store_kind kind;
    char *method;       /* "ls", "task-arithmetic", "ties", "pretrained", "stl", ... */
    char *parameters;   /* JSON object in canonical form (sorted keys, no spaces,
                           shortest numbers): {"scale":0.3}. Any form may be given,
                           NULL or "" for {}; what is read is canonical. */
    double *preference; /* [tasks] or NULL; each in [0, 1], their sum 1 to 1e-6 */
    int64_t routers;    /* 0: none */
    char *label;        /* shown; "" for a default made of the above */
    char model_sha256[SHA256_HEX]; /* of the merged tensors; "" if unknown */
    double created;
    /* Of making the model last, without loading or measuring; 0: not known. */
    double seconds;
    uint64_t peak_bytes; /* of memory, as backend_peak has it */
};

/* The solution with this identity (kind, method, parameters, preference, routers) is
 * found or added; solution->id is set. Preferences are equal when each of their numbers
 * agrees to 1e-9. created 0 is taken as now. One that is there takes over seconds and
 * peak_bytes where they are known. */
int store_solution_put(struct store *store, struct store_solution *solution,
                       struct error *error);
/* The stored solution with the identity of this one, whose other members do not
 * matter: its id, or 0 where there is none. One look into an index, however many
 * solutions there are. */
int store_solution_find(struct store *store, const struct store_solution *wanted,
                        int64_t *id, struct error *error);
int store_solution_get(struct store *store, int64_t id, bool *found,
                       struct store_solution *solution, struct error *error);
void store_solution_clear(struct store_solution *solution);

struct store_evaluation {
    bool present; /* in rows: false where there is none; not read when storing */
    int64_t solution;
    size_t objective;
    char *split;       /* "test" */
    double value;      /* in the objective's unit: percent */
    double low, high;  /* 95 % interval; equal to value where it has no meaning */
    uint64_t examples; /* 0 only where imported: not known */
    bool complete;     /* over the whole split */
    bool imported;     /* not measured by this program: solution is an import */
    bool stale;        /* an expert, or the model, has changed since */
    bool fp8;          /* measured with products in fp8; else in bf16 or f32 */
    double loss;       /* mean cross-entropy; NaN where unknown */
    void *correct;     /* one bit for each example in the fixed order, low bit first; or
                          NULL */
    size_t correct_size;
};

/* Stores evaluations of one solution at once and the hash of the model that was
 * scored (NULL or "" where there is no one model). An existing complete evaluation
 * of the same (solution, objective, split) is replaced only by another complete
 * one, a partial one by more examples; a stale one by any; and a complete one in bf16
 * or f32 never by one in fp8. A hash that is not the stored one makes the solution's
 * other evaluations stale: they are of another model. The solution's kind decides
 * whether figures are imported; `imported` must agree with it. */
int store_evaluations_put(struct store *store, int64_t solution,
                          const char *model_sha256,
                          const struct store_evaluation *evaluations, size_t count,
                          struct error *error);

/* How far a solution is measured on a split. */
enum store_state {
    STORE_STATE_NONE,    /* "none": no figures */
    STORE_STATE_PARTIAL, /* "partial": an objective, or part of the split, is missing */
    STORE_STATE_STALE,   /* "stale": a figure is of models that have changed since */
    STORE_STATE_COMPLETE, /* "complete": every objective over the whole split */
    STORE_STATE_FP8,      /* "fp8": the same, some of it measured in fp8 */
    STORE_STATE_IMPORTED, /* "imported": figures of someone else, maybe not all */
    STORE_STATES
};
const char *store_state_name(enum store_state state);
/* Is a figure in this state shown next to others? */
static inline bool store_state_settled(enum store_state state) {
    return state == STORE_STATE_COMPLETE || state == STORE_STATE_FP8 ||
           state == STORE_STATE_IMPORTED;
}
/* The state of one solution, from an index. */
int store_solution_state(struct store *store, int64_t solution, const char *split,
                         enum store_state *state, struct error *error);

/* What is known of the model with this hash, of whichever solutions: evaluations
 * [objectives], present where a figure on this split was measured, is complete and not
 * stale; the newest of several. */
int store_model_figures(struct store *store, const char *model_sha256,
                        const char *split, struct store_evaluation *evaluations,
                        struct error *error);

/* How a split's examples are recognised: digests of their files (eval/data_watch.h). */
struct store_data {
    uint64_t files;
    unsigned long long size; /* bytes */
    char stamp[SHA256_HEX];  /* of names, sizes, times and inodes; "": not known */
    char sha256[SHA256_HEX]; /* of names and contents */
};
int store_data_get(struct store *store, size_t task, const char *split, bool *found,
                   struct store_data *data, struct error *error);
/* Where another sha256 held before, figures of this task on this split are stale from
 * then on, all but imported ones; *changed: there were some. */
int store_data_put(struct store *store, size_t task, const char *split,
                   const struct store_data *data, bool *changed, struct error *error);

/* Everything that a list, a front or the explorer shows, in one query: solutions
 * with their evaluations of one split, ordered by id. */
struct store_row {
    struct store_solution solution;
    enum store_state state;
    bool whole; /* every objective has a figure that is complete and not stale */
    /* [objectives]: present is false where there is none. correct is not loaded. */
    struct store_evaluation *evaluations;
    char *upscale; /* of the routers' run; "" where there are none */
    char *base; /* the method whose coefficients that run's surrogate chooses; "" where
                   it is none */
    unsigned step; /* of the routers */
    int64_t run;   /* that made the routers; 0: there are none */
};
int store_rows(struct store *store, const char *split, struct store_row **rows,
               size_t *count, struct error *error);
/* The row of this solution among those of one store_rows, or NULL. */
const struct store_row *store_row_find(const struct store_row *rows, size_t count,
                                       int64_t solution);
/* How many rows that would be, without reading them. */
int store_solutions_count(struct store *store, size_t *count, struct error *error);
/* What the rows of one store_rows point to is theirs together: no member is freed or
 * kept alone. */
void store_rows_free(struct store_row *rows, size_t count);

/* How far a viewer of a growing file has read. */
struct store_mark {
    int64_t solution, expert; /* the highest of each */
    int64_t solutions;        /* how many there are */
    double time;              /* of the newest evaluation */
};
/* The mark of the file as it is now. It is that of rows read before where
 * store_version is still what it was before them. */
int store_mark(struct store *store, struct store_mark *mark, struct error *error);
/* The rows of solutions that were added since the mark or have an evaluation that was
 * stored since (those at the mark's very time come again), ordered by id; the mark is
 * moved. *whole: they are all rows there are, because an expert has changed, solutions
 * were deleted, or too much has changed. A new label, and what making a model took,
 * alone are not seen: read all rows now and then. On failure the mark stays. */
int store_rows_since(struct store *store, const char *split, struct store_mark *mark,
                     bool *whole, struct store_row **rows, size_t *count,
                     struct error *error);
/* The bits of one evaluation, (examples + 7) / 8 bytes (free()); found false where
 * they were not kept. */
int store_correct(struct store *store, int64_t solution, size_t objective,
                  const char *split, bool *found, void **bits, uint64_t *examples,
                  struct error *error);

/* --- bookmarks, log ------------------------------------------------------------ */

struct store_bookmark {
    int64_t id;
    char *name;
    double *preference; /* [tasks], or NULL where it marks a solution only */
    int64_t solution;   /* or 0 */
    double created;
    char *note; /* "" for none */
};
/* A name that exists is replaced; its note stays where the new one's is NULL. */
int store_bookmark_put(struct store *store, struct store_bookmark *bookmark,
                       struct error *error);
/* "" or NULL takes the note away. */
int store_bookmark_note(struct store *store, int64_t id, const char *note,
                        struct error *error);
/* A name that another has is an error. */
int store_bookmark_rename(struct store *store, int64_t id, const char *name,
                          struct error *error);
int store_bookmark_delete(struct store *store, int64_t id, struct error *error);
int store_bookmarks(struct store *store, struct store_bookmark **bookmarks,
                    size_t *count, struct error *error);
void store_bookmarks_free(struct store_bookmark *bookmarks, size_t count);

/* --- what the explorer keeps; nothing in a file of an older format ---------------- */

/* The ids of the selected solutions, ascending (free()). */
int store_selection(struct store *store, int64_t **ids, size_t *count,
                    struct error *error);
/* Replaces the selection by these, less those that another process has deleted. */
int store_selection_put(struct store *store, const int64_t *ids, size_t count,
                        struct error *error);

/* Preferences that were looked at, the oldest first, and which of them was the last. */
struct store_visits {
    double *preferences; /* [count][tasks] */
    size_t count, here;
};
int store_visits(struct store *store, struct store_visits *visits, struct error *error);
void store_visits_clear(struct store_visits *visits);

/* What one of several explorers of a file knows of its visits. Zeroed to begin with. */
struct store_visits_seen {
    struct store_visits file;   /* what it held when this one last read or wrote it */
    struct store_visits others; /* what others have added meanwhile */
};
/* These in place of those that are; but what others have added since `seen` stays, in
 * front of what is new here. Of all that, the newest `most`. seen NULL: nobody else
 * writes. */
int store_visits_put(struct store *store, const struct store_visits *visits,
                     size_t most, struct store_visits_seen *seen, struct error *error);
void store_visits_seen_clear(struct store_visits_seen *seen);

struct store_log_line {
    int64_t id;
    double time; /* Unix time */
    char *text;
};
int store_log(struct store *store, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The newest `count` lines, oldest first. */
int store_log_lines(struct store *store, size_t newest, struct store_log_line **lines,
                    size_t *count, struct error *error);
void store_log_lines_free(struct store_log_line *lines, size_t count);

#endif
