/* What other threads tell the loop that owns the screen: one queue, and a file
 * descriptor that poll() wakes on. */
#ifndef PWEMOE_TUI_THREADS_MAILBOX_H
#define PWEMOE_TUI_THREADS_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "eval/evaluator.h"
#include "eval/similarity.h"
#include "results/catalog.h"

enum event_kind {
    EVENT_CATALOG,   /* catalog: the receiver's from now on */
    EVENT_FAILED,    /* text: the file could not be read */
    EVENT_PROGRESS,  /* text, done, total */
    EVENT_READY,     /* text: the device; examples [tasks] */
    EVENT_LOOK_ONLY, /* text: what is missing */
    EVENT_MODULES,   /* names, modules */
    EVENT_ROUTING,   /* serial, weights [modules][tasks], modules */
    EVENT_RUNNING,   /* serial, running [tasks] */
    EVENT_STORED,    /* serial: the evaluation is in the file */
    EVENT_FILLED,  /* serial, routers: measured and stored in so many seconds, or would
                      be; text: "", else why not */
    EVENT_TROUBLE, /* text: something was tried and failed */
    EVENT_DONE,    /* text: something that was asked for is done */
    EVENT_KEPT,    /* serial: that selection is in the file */
    EVENT_EXPORTING,  /* done, total */
    EVENT_EXPORTED,   /* text: "" written, else why not */
    EVENT_PLOTTED,    /* text: "" written, else why not */
    EVENT_SIMILARITY, /* similarity: the receiver's from now on; NULL: so far of so many
                         models, or with a text why there is none */
    EVENT_VOLUME,     /* volume: the receiver's from now on */
    EVENT_PAIRED      /* paired [tasks], solutions a and b */
};

struct event_paired {
    bool known;
    double p;
    uint64_t only_a, only_b;
};

struct event {
    enum event_kind kind;
    uint64_t serial;
    char text[1024];
    size_t done, total;
    struct catalog *catalog;
    struct front_volume *volume;
    struct similarity *similarity;
    struct running running[STORE_TASKS_MAX];
    struct event_paired paired[STORE_TASKS_MAX];
    uint64_t examples[STORE_TASKS_MAX];
    int64_t a, b, routers;
    double seconds;
    size_t modules;
    char (*names)[64];
    float *weights;
    struct event *next;
};

struct mailbox;

struct mailbox *mailbox_new(struct error *error);
void mailbox_free(struct mailbox *mailbox);
int mailbox_fd(const struct mailbox *mailbox);
/* Never waits. latest: an event of this kind that nobody has read yet is replaced.
 * event->names, weights, volume, similarity and catalog become the mailbox's. Where
 * memory is out the event is dropped. */
void mailbox_post(struct mailbox *mailbox, const struct event *event, bool latest);
/* The oldest event, or NULL; ended by event_free (what was taken of these is set to
 * NULL first). */
struct event *mailbox_next(struct mailbox *mailbox);
void event_free(struct event *event);

#endif
