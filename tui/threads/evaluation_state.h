/* What the files of the evaluation thread share. But for evaluation_post all of it is
 * for that thread. */
#ifndef PWEMOE_TUI_THREADS_EVALUATION_STATE_H
#define PWEMOE_TUI_THREADS_EVALUATION_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "threads/evaluation.h"

/* A solution in the file whose model's hash is still to be computed. */
struct unhashed {
    int64_t solution, routers;
    double preference[STORE_TASKS_MAX];
};

enum { UNHASHED_MAX = 64 };

struct evaluation {
    pthread_t thread;
    pthread_mutex_t lock; /* over the next block */
    pthread_cond_t changed;
    bool has_wish, has_export, has_fill;
    struct evaluation_fill fill;
    struct evaluation_wish wish;
    struct evaluation_export export;
    struct file_change *changes; /* of the file, in the order asked for */

    atomic_bool stop, stop_export;
    atomic_bool ended; /* the thread has nothing more to do with the store */
    atomic_uint_fast64_t preferred;
    atomic_bool hurry;                /* something is wanted: what can wait does */
    atomic_uint_fast64_t fill_wanted; /* its serial; 0: none */
    struct evaluation_options options;
    struct mailbox *mailbox;

    /* The thread's own. */
    struct store *store;
    bool writes; /* the store was opened to write */
    struct store_recipe *recipe;
    struct evaluator *evaluator;
    int64_t routers, run;
    char method[64]; /* of the run that made the routers */
    struct evaluation_wish now;
    bool evaluating;
    bool filling; /* now is not what is looked at */
    struct evaluation_fill filled;
    double began, made; /* of now: when its model was begun, and was there; seconds */
    /* On a device that answers within a frame, hashes wait for a pause. */
    struct unhashed unhashed[UNHASHED_MAX];
    size_t unhashed_count;
    struct file_changed changed_file;
};

/* Tells the loop. */
void evaluation_post(struct evaluation *evaluation, enum event_kind kind,
                     const char *text);
/* As the function of a struct work: EVENT_PROGRESS. */
void evaluation_progress(void *self, const char *what, size_t done, size_t total);

/* Opens store and recipe, to read only where it must be; -1 has been told. */
int evaluation_open_store(struct evaluation *evaluation);
/* Opens the evaluator, or tells why there is none: EVENT_READY or EVENT_LOOK_ONLY. */
void evaluation_open_evaluator(struct evaluation *evaluation);
/* After a failure: where the device is lost, the CPU takes its place. true: try again.
 */
bool evaluation_replace_device(struct evaluation *evaluation, const struct error *why);

/* Begins with evaluation->now: routing weights, and the model if it is to be
 * evaluated. */
void evaluation_begin(struct evaluation *evaluation);
/* One batch of the model that is being evaluated; its figures are stored when they are
 * complete. */
void evaluation_step(struct evaluation *evaluation);
/* Routers by their number in the store, or a closed form: EVENT_MODULES. */
int evaluation_use_routers(struct evaluation *evaluation, int64_t id,
                           struct error *error);
/* Makes the model at a preference, by what was chosen with evaluation_use_routers. */
int evaluation_make_model(struct evaluation *evaluation, const double *preference,
                          const struct work *work, struct error *error);
/* Figures of that very model which are stored: commands are not run for them. */
int evaluation_take_known(struct evaluation *evaluation, struct error *error);
/* What is complete goes to the file, with the hash of the model that was scored; on a
 * device the hash follows in a pause. */
int evaluation_keep(struct evaluation *evaluation, struct error *error);

/* Begins with evaluation->filled; one batch of it; and leaves it, to be begun again
 * when there is time, unless it has been dropped. */
void evaluation_begin_fill(struct evaluation *evaluation);
void evaluation_step_fill(struct evaluation *evaluation);
void evaluation_put_fill_back(struct evaluation *evaluation);
/* The hash of the last stored solution that waits for one. */
void evaluation_hash_one(struct evaluation *evaluation);
void evaluation_export_now(struct evaluation *evaluation,
                           struct evaluation_export *request);

#endif
