/* The thread that computes. It owns the evaluator and its own store to write to; the
 * main loop tells it what to evaluate, and results go to the mailbox. A new preference
 * takes the place of the old one between two batches. */
#ifndef PWEMOE_TUI_THREADS_EVALUATION_H
#define PWEMOE_TUI_THREADS_EVALUATION_H

#include "threads/file_change.h"
#include "threads/mailbox.h"

struct evaluation;

struct evaluation_options {
    const char *path; /* of results.db; lives as long as the thread */
    const char *device;
    unsigned precision; /* enum precision of the backend */
    unsigned threads;
    size_t limit;
    bool allow_commands;
    unsigned jobs;           /* commands at a time; 0: one, or one for each device */
    const char *job_devices; /* what each of them sees; NULL: all */
    const char *spill;       /* a folder for the task vectors; NULL: memory */
};

int evaluation_start(const struct evaluation_options *options, struct mailbox *mailbox,
                     struct evaluation **evaluation, struct error *error);
/* Asks for the end at the next safe point. Where that is not reached soon, changes of
 * bookmarks that wait for it are made here: the process may end before. NULL is fine.
 */
void evaluation_end(struct evaluation *evaluation);
/* The same, and waits for the thread however long it takes. */
void evaluation_stop(struct evaluation *evaluation);

struct evaluation_wish {
    uint64_t serial;
    int64_t
        routers; /* or a closed form of catalog.h; 0: none, nothing can be computed */
    double preference[STORE_TASKS_MAX];
    bool evaluate; /* false: routing weights only, the figures are stored */
};
void evaluation_want(struct evaluation *evaluation, const struct evaluation_wish *wish);

/* A preference to be measured while nothing else is wanted: EVENT_FILLED. One at a
 * time; what is wanted meanwhile comes first, and it begins again after that. */
struct evaluation_fill {
    uint64_t serial;
    int64_t routers;
    double preference[STORE_TASKS_MAX];
    bool price; /* only what it would take: measured in part, nothing is stored */
};
void evaluation_fill(struct evaluation *evaluation, const struct evaluation_fill *fill);
/* Drops it, at the next batch. */
void evaluation_fill_stop(struct evaluation *evaluation);

/* Whose batches come first, one bit for each task (evaluator_prefer). */
void evaluation_prefer(struct evaluation *evaluation, uint64_t tasks);

struct evaluation_export {
    char path[512];
    int64_t routers;
    double preference[STORE_TASKS_MAX];
    int head; /* -1: the pretrained model's */
    /* Where this preference was measured: the hash of the model that was, and its
     * figures [tasks]. */
    bool measured;
    char model_sha256[SHA256_HEX];
    struct store_evaluation figures[STORE_TASKS_MAX];
};
/* false where an export is under way already. */
bool evaluation_export_begin(struct evaluation *evaluation,
                             const struct evaluation_export *request);
void evaluation_export_stop(struct evaluation *evaluation);

/* Changes the file, in the order asked for; EVENT_DONE, EVENT_KEPT or EVENT_TROUBLE.
 * What the change holds becomes the thread's. */
void evaluation_change(struct evaluation *evaluation, struct file_change *change);

#endif
