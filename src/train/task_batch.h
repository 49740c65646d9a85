/* One batch of every task, side by side, on the device: what a training step
 * reads. Examples of a task come in shuffled passes without end (dataset.h). */
#ifndef PWEMOE_TRAIN_TASK_BATCH_H
#define PWEMOE_TRAIN_TASK_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "model/feed.h"

struct task_batch {
    struct backend *backend;
    size_t tasks, batch;                   /* examples of each task */
    const struct dataset *const *datasets; /* [tasks], the caller's */
    struct batches *draws;                 /* [tasks] */
    uint64_t
        *seen; /* [tasks] examples that steps which are done have drawn: the state */
    struct feed *feed;   /* (tasks, batch) */
    int32_t *labels;     /* (tasks, batch) on the device */
    float *loss, *scale; /* (tasks, batch) on the device */
    int32_t *host_labels;
    float *host_values; /* (tasks, batch) */
};

int task_batch_new(struct backend *backend, const struct layout *layout,
                   const struct dataset *const *datasets, size_t tasks, size_t batch,
                   uint64_t seed, struct task_batch **out, struct error *error);
void task_batch_free(struct task_batch *batch); /* NULL is fine */

/* Draws the next examples of every task; their labels go to the device, and they
 * themselves by task_batch_embed. */
void task_batch_next(struct task_batch *batch);
/* The step that drew them is done; and goes on where `seen` of a task was as given. */
void task_batch_done(struct task_batch *batch);
void task_batch_resume(struct task_batch *batch, size_t task, uint64_t seen);
/* The same with examples 0 to n - 1 of each dataset, n at most `batch`, which becomes n
 * until the caller puts it back. */
void task_batch_given(struct task_batch *batch, const struct dataset *const *datasets,
                      size_t n);
/* The examples as the input of the transformer's first block. */
void task_batch_embed(struct task_batch *batch, struct transformer *transformer,
                      const real *weights);
/* Row scales of each task: weights[t] / batch on the device, so that gradients are
 * those of sum_t weights[t] * mean loss of t. */
void task_batch_weigh(struct task_batch *batch, const double *weights);
/* Mean loss of each task, from the device. */
int task_batch_losses(struct task_batch *batch, double *losses, struct error *error);

#endif
