/* Training every parameter of a model, as `finetune` does it: one task's expert, or
 * one model for all tasks. Models from the store to what trains (training.h), and from
 * there to a directory; the state is a file beside that. */
#ifndef PWEMOE_COMMAND_WORK_TUNING_H
#define PWEMOE_COMMAND_WORK_TUNING_H

#include <stddef.h>

#include "base/error.h"
#include "command/work/training.h"
#include "model/feed.h"
#include "store/store.h"
#include "train/finetuning.h"

struct finetune_session {
    /* What is asked for, as typed; a run that goes on by its number fills it in. */
    const char *task;   /* whose expert is made; NULL: one model for all tasks */
    const char *method; /* "stl", "ls", ...; NULL: whatever the run's is */
    const char *asked_preference, *asked_out; /* or NULL */

    struct training training;           /* of one task, or of all */
    char *out;                          /* the directory to write, owned */
    double preference[STORE_TASKS_MAX]; /* [tasks], sums to 1 */
    struct finetuning_options how;

    struct model_directory *pretrained;
    struct layout *layout;
    struct example_form form;
    struct head *heads;            /* [tasks] where they start */
    float *weights;                /* (layout size) on the host */
    struct finetuning *finetuning; /* the trainer's */
};

/* The tasks to train on, and the preference. */
int tuning_choose_tasks(struct finetune_session *tuning, struct error *error);
/* Where the directory is written: where tuning->out says already, else as asked, else
 * folder/name beside the store, whose folder is then made. Whether it can be written is
 * checked now. Sets the state's path too. */
int tuning_place(struct finetune_session *tuning, const char *folder, const char *name,
                 struct error *error);

/* The run to go on with: that whose state lies at training.state; or that of --run,
 * which says itself its task or method, and where its directory is. */
int tuning_find_by_state(struct finetune_session *tuning, struct error *error);
int tuning_find_by_number(struct finetune_session *tuning, struct error *error);
/* The preference among its parameters. */
int tuning_stored_preference(struct finetune_session *tuning, const json_t *parameters,
                             struct error *error);

/* Loads models and data and makes what trains, with the state of a run that goes on. */
int tuning_load(struct finetune_session *tuning, struct error *error);
/* Writes the directory and closes the run. */
int tuning_write(struct finetune_session *tuning, struct error *error);
/* Frees everything but the structure itself. */
void tuning_end(struct finetune_session *tuning);

#endif
