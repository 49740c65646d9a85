/* The one way to train: a run in the store, driven step by step until it is done or
 * stopped, saved on the way and continued later. What trains is a trainer
 * (train/trainer.h); train.c and tuning.c say which, from which models and data, and
 * what becomes of it. Where several processes train together, rank 0 has the run: it
 * alone takes leases, saves and finishes; the others go through the same steps.
 *
 *     training_open
 *     training_find where a run goes on
 *     training_device, training_data, the caller's own models
 *     training_start with the trainer
 *     training_begin where the run is a new one
 *     training_share where several processes train it
 *     training_loop, training_finish
 *     training_close
 */
#ifndef PWEMOE_COMMAND_WORK_TRAINING_H
#define PWEMOE_COMMAND_WORK_TRAINING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "command/command.h"
#include "command/work/curve.h"
#include "data/dataset.h"
#include "moe/pool.h"
#include "store/store.h"
#include "train/trainer.h"

/* What every command that trains is asked. */
struct training_options {
    uint64_t limit, save_interval, run;
    bool resume;
};

/* Rows of an option table whose structure has a struct training_options `member` and a
 * uint64_t `seed_member`; kinds: the kinds of run of the command (option_spec.kept). */
#define TRAINING_OPTIONS(owner, member, seed_member, kinds)                         \
    {.name = "limit",                                                               \
     .type = OPTION_UNSIGNED,                                                       \
     .value = "N",                                                                  \
     .initial = "0",                                                                \
     .maximum = 1000000000,                                                         \
     .help = "At most N training examples of each task; 0 is all",                  \
     .kept = kinds,                                                                 \
     .offset = offsetof(owner, member.limit)},                                      \
        {.name = "seed",                                                            \
         .type = OPTION_UNSIGNED,                                                   \
         .value = "N",                                                              \
         .initial = "0",                                                            \
         .maximum = 9007199254740992.0,                                             \
         .help = "Seed of everything that is drawn at random",                      \
         .kept = kinds,                                                             \
         .offset = offsetof(owner, seed_member)},                                   \
        {.name = "save-interval",                                                   \
         .type = OPTION_UNSIGNED,                                                   \
         .value = "N",                                                              \
         .initial = "500",                                                          \
         .minimum = 1,                                                              \
         .maximum = 10000000,                                                       \
         .help = "Save every N steps",                                              \
         .offset = offsetof(owner, member.save_interval)},                          \
        {.name = "resume",                                                          \
         .type = OPTION_FLAG,                                                       \
         .help =                                                                    \
             "Continue the newest unfinished run of this kind (or that of --run), " \
             "with its own settings",                                               \
         .offset = offsetof(owner, member.resume)},                                 \
    {                                                                               \
        .name = "run", .type = OPTION_UNSIGNED, .value = "ID", .minimum = 1,        \
        .maximum = 9007199254740992.0, .help = "With --resume: this run",           \
        .offset = offsetof(owner, member.run)                                       \
    }

/* The row for what smooth Tchebycheff scalarisation (train/tchebycheff.h) is asked. */
#define SMOOTHING_OPTION(owner, member, kinds)                                        \
    {                                                                                 \
        .name = "smoothing", .type = OPTION_REAL, .value = "MU", .initial = "0.1",    \
        .maximum = 1000, .above_minimum = true,                                       \
        .help = "With --method stch: the smoothing; near 0 a step follows the worst " \
                "of the weighted losses alone, with a large value their sum",         \
        .kept = kinds, .offset = offsetof(owner, member)                              \
    }

struct training {
    const struct invocation *invocation;
    const struct training_options *options;
    struct store *store;
    struct store_recipe *recipe;
    char *folder;         /* of the store */
    size_t first, tasks;  /* those that are trained on: first, first + 1, ... */
    struct store_run run; /* id 0: not begun; its strings are owned */
    char *state;          /* of a trainer with a file: its path, owned */
    struct backend *backend;
    struct pool *pool;      /* of a trainer that merges, else NULL; owned */
    struct dataset **train; /* [tasks] */
    struct trainer trainer;
    struct curve curve;
    double began, before; /* the clock at the start; seconds of earlier sessions */
};

/* Options that do not go together. */
int training_usage(const struct training_options *options, struct error *error);

/* The store, to write, and the recipe; all of its tasks are trained on, unless the
 * caller sets first and tasks before the next call. */
int training_open(struct training *training, const struct invocation *invocation,
                  const struct training_options *options, struct error *error);

/* With --resume: the newest unfinished run that `wanted` takes, with --run that run,
 * which must be such a run. found false where there is none. */
int training_find(struct training *training,
                  bool (*wanted)(void *self, const struct store_run *run), void *self,
                  bool *found, struct error *error);
/* The settings of the run that was found into values, a structure that `specs` is of
 * (settings.h); what was typed for it must agree. parameters receives all of its
 * parameters, for json_decref(), or is NULL. */
int training_settings(const struct training *training, const struct option_spec *specs,
                      void *values, unsigned kind, json_t **parameters,
                      struct error *error);

int training_device(struct training *training, struct error *error);
/* The tasks' training examples; without labels those of the recipe's `unlabelled` where
 * it has such. */
int training_data(struct training *training, const struct example_form *form,
                  bool labels, struct error *error);
/* Of a trainer with a file: where a run's newest state is, as the store has it
 * (relative to its folder, or absolute; free()), "" for a run that has told no place.
 * NULL where that cannot be read. */
char *training_state_place(const struct training *training, int64_t run,
                           struct error *error);
/* The trainer is the training's from now on, whatever comes back. A run that goes on
 * gets its state; one that was stopped before its first save starts again. */
int training_start(struct training *training, struct trainer trainer,
                   struct error *error);
/* Where several processes train together (invocation->ranks): all of them get the state
 * that rank 0's trainer has, which saves it as bytes. Collective; after training_start.
 */
int training_share(struct training *training, struct error *error);
/* A new run in the store; parameters is taken, and may be NULL, without memory. */
int training_begin(struct training *training, const char *method, const char *upscale,
                   unsigned steps, json_t *parameters, struct error *error);

/* Trains to the last step, saving every --save-interval steps. 1 all steps are done,
 * and training_finish is next; 0 stopped, and saved; -1. */
int training_loop(struct training *training, struct error *error);
/* Saves now, as after an interval. */
int training_save(struct training *training, struct error *error);
/* Closes the run. A state's file is left for the caller to remove. */
int training_finish(struct training *training, struct error *error);

/* Frees the trainer, data, models and device, which then are free for what follows; the
 * store and the run stay. */
void training_release(struct training *training);

/* After a stop: the line that says how to go on. Always -1. */
int training_stopped(const struct training *training, struct error *error);
/* After a failure: where the device is the reason, adds to its line what is kept and
 * how to go on. */
void training_explain(const struct training *training, struct error *error);
/* Frees everything but the structure itself. */
void training_close(struct training *training);

#endif
