/* What `merge`, `front`, `eval` and `export` share: a store, its recipe and an
 * evaluator over them, and one solution after another measured and stored. */
#ifndef PWEMOE_COMMAND_WORK_MEASURE_H
#define PWEMOE_COMMAND_WORK_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "command/command.h"
#include "eval/evaluator.h"
#include "merge/layers_share.h"
#include "store/store.h"

struct measure_options {
    unsigned split; /* 0 test, 1 train */
    uint64_t limit, batch, jobs;
    const char *job_devices;
    bool allow_commands, makes_only;
};

/* Rows of an option table whose structure has a struct measure_options `member`: on
 * which split, and the others. */
#define MEASURE_OPTIONS(owner, member)                          \
    SPLIT_OPTION("Measure on this split", owner, member.split), \
        MEASURE_HOW_OPTIONS(owner, member)
#define MEASURE_HOW_OPTIONS(owner, member)                                            \
    {.name = "limit",                                                                 \
     .type = OPTION_UNSIGNED,                                                         \
     .value = "N",                                                                    \
     .initial = "0",                                                                  \
     .maximum = 1000000000,                                                           \
     .help = "At most N examples of each task, the same for every model; 0 is all. "  \
             "The figures are then marked partial",                                   \
     .offset = offsetof(owner, member.limit)},                                        \
        {.name = "allow-commands",                                                    \
         .type = OPTION_FLAG,                                                         \
         .help = "Run the commands of FILE that measure its tasks; they are shown",   \
         .offset = offsetof(owner, member.allow_commands)},                           \
        {.name = "jobs",                                                              \
         .type = OPTION_UNSIGNED,                                                     \
         .value = "N",                                                                \
         .minimum = 1,                                                                \
         .maximum = 1024,                                                             \
         .help = "At most N of these commands at a time (default one, or one for "    \
                 "each of --job-devices)",                                            \
         .offset = offsetof(owner, member.jobs)},                                     \
        {.name = "job-devices",                                                       \
         .type = OPTION_TEXT,                                                         \
         .value = "D[,...]",                                                          \
         .help = "What each of them sees of the GPUs (CUDA_VISIBLE_DEVICES): 0,1 is " \
                 "one for each of two, 0+1,2+3 two for each",                         \
         .offset = offsetof(owner, member.job_devices)},                              \
    {                                                                                 \
        .name = "batch", .type = OPTION_UNSIGNED, .value = "N", .initial = "0",       \
        .maximum = 65536, .help = "Examples in a batch; 0 lets the program choose",   \
        .offset = offsetof(owner, member.batch)                                       \
    }

struct measure {
    const struct invocation *invocation;
    const struct measure_options *options;
    const char *path;
    struct store *store;
    struct store_recipe *recipe;
    struct evaluator *evaluator;
    const char *split;
    size_t examples;         /* of all tasks together */
    size_t taken;            /* figures of models that were measured before */
    size_t done, total;      /* solutions, for progress; set by the caller */
    struct handout *handout; /* where other ranks measure, too; NULL: none does now */
    struct merge_share
        share; /* and where they make layers, meanwhile; zeros: nowhere */
    size_t layers_here, layers_elsewhere; /* made so by this rank, and by others */
    char ended[256]; /* what was said of ranks that ended meanwhile */
    int64_t *ids;    /* [id_count] of the solutions measured, owned */
    size_t id_count, id_capacity;
};

/* Refuses the split train of an option where commands measure: they measure on what
 * they like, and the figure would be called what it is not. */
int measure_check_split(const struct store_recipe *recipe, const char *option,
                        bool train, struct error *error);

/* Opens the store (to write; on ranks other than 0 to read) and the recipe. */
int measure_open(const struct invocation *invocation, const char *path,
                 const struct measure_options *options, struct measure *measure,
                 struct error *error);
/* Loads models and data, and tells the backend's note: the slow part, for when
 * there is something to measure. */
int measure_load(struct measure *measure, struct error *error);
void measure_close(struct measure *measure);

/* Runs the evaluation that has begun to its end and stores solution with its
 * figures; solution->id is set and added to ids. Returns 1 when that is done, 0
 * when it was stopped (nothing of this solution is stored), -1. what names the
 * progress bar. */
int measure_finish(struct measure *measure, const char *what,
                   struct store_solution *solution, struct error *error);

/* 1 where the store has this solution with complete figures of the present models: its
 * id is then added to ids. 0 where it does not, -1 on failure. */
int measure_known(struct measure *measure, const struct store_solution *wanted,
                  struct error *error);

/* Begins the evaluation of a stored solution, whatever its kind. */
int measure_begin(struct measure *measure, const struct store_solution *solution,
                  struct error *error);
/* The same of one after the other: routers are read once for all their preferences.
 * *used, at first 0, is what the one before had. */
int measure_begin_next(struct measure *measure, const struct store_solution *solution,
                       int64_t *used, struct error *error);

/* After a begin: figures that the store has of the same model, made another way, are
 * taken (keeping_take_known). */
int measure_take_known(struct measure *measure, struct error *error);

/* Whether no other model is begun: someone stopped it, or a budget of the commands that
 * measure is used up. */
bool measure_ends(const struct measure *measure);

/* The two parts of measure_finish: steps to the end (1, 0 stopped, -1), and one more of
 * ids. */
int measure_steps(struct measure *measure, const char *what, struct error *error);
int measure_add_id(struct measure *measure, int64_t id, struct error *error);

/* After a failure of measuring: where the device is the reason, adds to its line how
 * much is kept and how to go on. */
void measure_explain(struct measure *measure, struct error *error);

/* Prints the measured solutions; with `stopped` an error that says why and how to go on
 * is made of it all. */
enum exit_status measure_report(struct measure *measure, bool stopped,
                                const char *go_on, struct error *error);

#endif
