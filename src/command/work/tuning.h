/* Training every parameter of a model, as `finetune` does it: one task's expert, or
 * one model for all tasks. Models and data from the store, a run in the store, the
 * state in a file beside the directory that is to be written. */
#ifndef PWEMOE_COMMAND_WORK_TUNING_H
#define PWEMOE_COMMAND_WORK_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "command/command.h"
#include "command/work/runs.h"
#include "model/feed.h"
#include "store/store.h"
#include "train/finetuning.h"

struct tuning {
    const struct invocation *invocation;
    struct store *store;
    struct store_recipe *recipe;
    char *folder;        /* of the store */
    char *out, *state;   /* the directory to write; its state while it is made */
    size_t first, tasks; /* the tasks that are trained on: first, first + 1, ... */
    bool several;        /* one expert of several that are made one after another */
    double preference[STORE_TASKS_MAX]; /* [tasks], sums to 1 */
    struct finetuning_options how;
    size_t limit;         /* training examples a task */
    struct store_run run; /* method "stl" for one task; its strings are owned */

    struct backend *backend;
    struct model_directory *pretrained;
    struct layout *layout;
    struct example_form form;
    struct dataset **train; /* [tasks] */
    struct head *heads;     /* [tasks] where they start */
    float *weights;         /* (layout size) on the host */
    struct finetuning *finetuning;
    struct curve curve;
    double began, before; /* the clock at the start; seconds of earlier sessions */
};

/* Puts the newest unfinished run of this kind whose state is at `state`, and its
 * settings, into place. */
int tuning_find_run(struct tuning *tuning, struct error *error);
/* Loads models and data and makes what trains. */
int tuning_load(struct tuning *tuning, struct error *error);
/* A new run in the store. */
int tuning_begin(struct tuning *tuning, struct error *error);
/* Trains to the end, saving every save_interval steps. 1 all steps are done, 0
 * stopped (and saved), -1. */
int tuning_train(struct tuning *tuning, size_t save_interval, struct error *error);
/* Writes the directory and closes the run. */
int tuning_write(struct tuning *tuning, struct error *error);
/* After a failure of that: saves what was trained and adds to its line how to go on.
 * Where it cannot be saved, its line stays. */
void tuning_keep(struct tuning *tuning, struct error *error);
/* After a failure of either: where the device is the reason, adds to its line what is
 * kept and how to go on. */
void tuning_explain(struct tuning *tuning, struct error *error);
/* Frees everything but the structure itself. */
void tuning_end(struct tuning *tuning);

#endif
