#include "train/task_batch.h"

#include <stdlib.h>

#include "base/memory.h"

int task_batch_new(struct backend *b, const struct layout *layout,
                   const struct dataset *const *datasets, size_t tasks, size_t batch,
                   uint64_t seed, struct task_batch **out, struct error *error) {
    struct task_batch *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    size_t rows = tasks * batch;
    t->backend = b;
    t->tasks = tasks;
    t->batch = batch;
    t->datasets = datasets;
    t->draws = array_new(tasks, sizeof *t->draws);
    t->host_labels = array_new(rows, sizeof *t->host_labels);
    t->host_values = array_new(rows, sizeof *t->host_values);
    t->seen = array_new(tasks, sizeof *t->seen);
    if (!t->draws || !t->seen || !t->host_labels || !t->host_values) {
        error_memory(error);
        goto failed;
    }
    for (size_t i = 0; i < tasks; i++)
        if (batches_begin(&t->draws[i], datasets[i]->count, seed, i, error))
            goto failed;
    if (feed_new(b, layout, datasets, tasks, rows, &t->feed, error) ||
        b->allocate(b, rows * sizeof(int32_t), (void **)&t->labels, error) ||
        b->allocate(b, rows * sizeof(float), (void **)&t->loss, error) ||
        b->allocate(b, rows * sizeof(float), (void **)&t->scale, error))
        goto failed;
    *out = t;
    return 0;
failed:
    task_batch_free(t);
    return -1;
}

void task_batch_free(struct task_batch *t) {
    if (!t)
        return;
    struct backend *b = t->backend;
    feed_free(t->feed);
    b->release(b, t->labels);
    b->release(b, t->loss);
    b->release(b, t->scale);
    for (size_t i = 0; t->draws && i < t->tasks; i++)
        batches_end(&t->draws[i]);
    free(t->draws);
    free(t->seen);
    free(t->host_labels);
    free(t->host_values);
    free(t);
}

static void put(struct task_batch *t, size_t row, const struct dataset *data,
                size_t index) {
    feed_put(t->feed, row, data, index);
    t->host_labels[row] = data->labels[index];
}

static void send_labels(struct task_batch *t) {
    t->backend->upload(t->backend, t->labels, t->host_labels,
                       t->tasks * t->batch * sizeof(int32_t));
}

void task_batch_next(struct task_batch *t) {
    for (size_t i = 0; i < t->tasks; i++) {
        for (size_t j = 0; j < t->batch; j++) {
            uint32_t index;
            batches_next(&t->draws[i], 1, &index);
            put(t, i * t->batch + j, t->datasets[i], index);
        }
    }
    send_labels(t);
}

void task_batch_done(struct task_batch *t) {
    for (size_t i = 0; i < t->tasks; i++)
        t->seen[i] = t->draws[i].drawn;
}

void task_batch_resume(struct task_batch *t, size_t task, uint64_t seen) {
    t->seen[task] = t->draws[task].drawn = seen;
}

void task_batch_given(struct task_batch *t, const struct dataset *const *datasets,
                      size_t n) {
    t->batch = n;
    for (size_t i = 0; i < t->tasks; i++)
        for (size_t j = 0; j < n; j++)
            put(t, i * n + j, datasets[i], j);
    send_labels(t);
}

void task_batch_embed(struct task_batch *t, struct transformer *transformer,
                      const real *weights) {
    feed_embed(t->feed, transformer, weights, t->tasks * t->batch);
}

void task_batch_weigh(struct task_batch *t, const double *weights) {
    size_t rows = t->tasks * t->batch;
    for (size_t i = 0; i < rows; i++)
        t->host_values[i] = (float)(weights[i / t->batch] / (double)t->batch);
    t->backend->upload(t->backend, t->scale, t->host_values, rows * sizeof(float));
}

int task_batch_losses(struct task_batch *t, double *losses, struct error *error) {
    size_t rows = t->tasks * t->batch;
    if (t->backend->download(t->backend, t->host_values, t->loss, rows * sizeof(float),
                             error))
        return -1;
    for (size_t i = 0; i < t->tasks; i++) {
        losses[i] = 0;
        for (size_t j = 0; j < t->batch; j++)
            losses[i] += t->host_values[i * t->batch + j];
        losses[i] /= (double)t->batch;
    }
    return 0;
}
