/* One batch of every task, side by side, on the device: what a training step
 * reads, and the numbers that it returns. Examples of a task come in shuffled
 * passes without end (dataset.h).
 *
 * On a device with transfers beside what runs, a step waits for it once:
 *
 *     task_batch_next      the batch at hand, drawn during the last step
 *     task_batch_embed, task_batch_weigh, forward and backward: queued
 *     task_batch_fetch     the numbers set off when all of that is done
 *     task_batch_ahead     the next batch is drawn and sent while the device works
 *     task_batch_collect   waits for the numbers
 *     task_batch_done
 *
 * There are then two batches in pinned memory and on the device. Elsewhere, as on the
 * CPU, there is one, nothing is drawn ahead, and the numbers are the same. */
#ifndef PWEMOE_TRAIN_TASK_BATCH_H
#define PWEMOE_TRAIN_TASK_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "model/feed.h"

struct task_batch {
    struct backend *backend;
    size_t tasks, batch; /* examples of each task that are fed */
    size_t drawn, first; /* those that are drawn, of which the fed are first, ... */
    size_t examples;     /* of each task in the batch at hand */
    size_t whole;        /* of each task in that and its other parts */
    const struct dataset *const *datasets; /* [tasks], the caller's */
    struct batches *draws;                 /* [tasks] */
    const uint32_t **chosen; /* [tasks] of task_batch_choose; NULL: all examples */
    uint64_t
        *seen; /* [tasks] examples that steps which are done have drawn: the state */
    struct feed *feeds[2]; /* (tasks, batch); the second is NULL where one will do */
    bool text;
    size_t at;  /* the feed of the batch at hand */
    bool ahead; /* the other one has the next batch */

    /* On the device, of the batch at hand: labels, and of each example its loss and
     * the scale of its gradient, (tasks, examples). */
    const int32_t *labels;
    float *loss, *scale;
    float *more;            /* (more) on the device, what else is brought back */
    const float *host_more; /* (more) as the last step that was collected left them */

    size_t numbers;                   /* more + tasks batch */
    float *host_numbers, *host_scale; /* pinned where there are two feeds */
    backend_ticket fetched, weighed;

    struct repeated *repeated; /* what task_batch_run has recorded */
};

/* more: how many f32 numbers a step brings back beside the losses. */
int task_batch_new(struct backend *backend, const struct layout *layout,
                   const struct dataset *const *datasets, size_t tasks, size_t batch,
                   size_t more, uint64_t seed, struct task_batch **out,
                   struct error *error);
void task_batch_free(struct task_batch *batch); /* NULL is fine */

/* Draws these examples [count] of a task alone from now on, by their numbers, the
 * caller's until task_batch_free. Before the first batch. */
int task_batch_choose(struct task_batch *batch, size_t task, const uint32_t *numbers,
                      size_t count, struct error *error);

/* A part of a larger batch, whose other parts other processes have: `drawn` examples of
 * each task are drawn, and those from `first` on are this one's batch. Scales and
 * losses are then parts of those of the whole. Before the first batch. */
void task_batch_share(struct task_batch *batch, size_t drawn, size_t first);

/* A transformer with room for such a batch. preprocess is of images. */
int task_batch_transformer(const struct task_batch *batch,
                           const struct preprocess *preprocess,
                           struct transformer **transformer, struct error *error);

/* The next examples of every task become the batch at hand: those drawn ahead, or they
 * are drawn now. The last step, if there was one, has been collected. */
void task_batch_next(struct task_batch *batch);
/* Draws the batch after this one and sends it, where the device takes it beside what is
 * queued; nothing otherwise. What is saved does not change: one that is never used is
 * drawn again. */
void task_batch_ahead(struct task_batch *batch);
/* The step that drew them is done; and goes on where `seen` of a task was as given. */
void task_batch_done(struct task_batch *batch);
void task_batch_resume(struct task_batch *batch, size_t task, uint64_t seen);
/* Examples 0 to n - 1 of each dataset become the batch at hand, n at most `batch`; what
 * was drawn ahead stays so. */
void task_batch_given(struct task_batch *batch, const struct dataset *const *datasets,
                      size_t n);

/* Runs what a step does on the device with the batch at hand, from task_batch_embed on:
 * operations over the same memory and of the same settings whenever `kind` and the
 * number of examples are the same. The second time for each feed it is recorded where
 * the backend can, and replayed from then on. Not so with texts, whose batches differ
 * in length. Before it task_batch_weigh, where that is needed. What it names must live
 * until task_batch_free. */
void task_batch_run(struct task_batch *batch, unsigned kind, void (*run)(void *self),
                    void *self);

/* The examples as the input of the transformer's first block. */
void task_batch_embed(struct task_batch *batch, struct transformer *transformer,
                      const real *weights);
/* Row scales of each task: weights[t] / whole on the device, so that gradients are
 * those of sum_t weights[t] * mean loss of t, or this part's share of them. */
void task_batch_weigh(struct task_batch *batch, const double *weights);

/* Starts the transfer to the host of the losses and `more`, as they will be after what
 * is queued now. */
void task_batch_fetch(struct task_batch *batch);
/* Waits for them: the mean loss of each task (of a part: its share of the sum, over
 * `whole`), and host_more. */
int task_batch_collect(struct task_batch *batch, double *losses, struct error *error);

#endif
