/* The thread that computes. It owns the evaluator and a store of its own to write
 * to; the loop tells it what is wanted, it tells the mailbox what came of it. A
 * new preference takes the place of the old one between two batches. */
#ifndef PWEMOE_TUI_WORKER_H
#define PWEMOE_TUI_WORKER_H

#include "mailbox.h"

struct worker;

struct worker_options {
    const char *path; /* of results.db; lives as long as the worker */
    const char *device;
    unsigned threads;
    size_t limit;
};

int worker_start(const struct worker_options *options, struct mailbox *mailbox,
                 struct worker **worker, struct error *error);
/* Stops what runs at its next safe point and waits for that. NULL is fine. */
void worker_stop(struct worker *worker);

struct worker_wish {
    uint64_t serial;
    int64_t routers; /* 0: none, nothing can be computed */
    double preference[STORE_TASKS_MAX];
    bool evaluate; /* false: routing weights only, the figures are stored */
};
void worker_want(struct worker *worker, const struct worker_wish *wish);

/* Whose batches come first, a bit a task (evaluator_prefer). */
void worker_prefer(struct worker *worker, uint64_t tasks);

struct worker_export {
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
bool worker_export_begin(struct worker *worker, const struct worker_export *request);
void worker_export_stop(struct worker *worker);

/* Stores a bookmark; EVENT_DONE or EVENT_TROUBLE. */
void worker_bookmark(struct worker *worker, const char *name, const double *preference,
                     int64_t solution);
/* The same for one that is there. It is left alone where it has not this name any
 * longer: another process may have changed it. */
void worker_bookmark_rename(struct worker *worker, int64_t id, const char *name,
                            const char *to);
void worker_bookmark_delete(struct worker *worker, int64_t id, const char *name);

#endif
