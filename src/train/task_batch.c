#include "train/task_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int task_batch_new(struct backend *b, const struct dataset *const *datasets,
                   size_t tasks, size_t batch, uint64_t seed, struct task_batch **out,
                   struct error *error) {
    struct task_batch *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    size_t size = datasets[0]->size, rows = tasks * batch;
    t->backend = b;
    t->tasks = tasks;
    t->batch = batch;
    t->datasets = datasets;
    t->image = 3 * size * size;
    t->draws = array_new(tasks, sizeof *t->draws);
    t->host_pixels = array_new(rows, t->image);
    t->host_labels = array_new(rows, sizeof *t->host_labels);
    t->host_values = array_new(rows, sizeof *t->host_values);
    if (!t->draws || !t->host_pixels || !t->host_labels || !t->host_values) {
        error_memory(error);
        goto failed;
    }
    for (size_t i = 0; i < tasks; i++)
        if (batches_begin(&t->draws[i], datasets[i]->count, seed, i, error))
            goto failed;
    if (b->allocate(b, rows * t->image, (void **)&t->pixels, error) ||
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
    b->release(b, t->pixels);
    b->release(b, t->labels);
    b->release(b, t->loss);
    b->release(b, t->scale);
    for (size_t i = 0; t->draws && i < t->tasks; i++)
        batches_end(&t->draws[i]);
    free(t->draws);
    free(t->host_pixels);
    free(t->host_labels);
    free(t->host_values);
    free(t);
}

void task_batch_next(struct task_batch *t) {
    struct backend *b = t->backend;
    for (size_t i = 0; i < t->tasks; i++) {
        const struct dataset *data = t->datasets[i];
        for (size_t j = 0; j < t->batch; j++) {
            uint32_t index;
            batches_next(&t->draws[i], 1, &index);
            size_t row = i * t->batch + j;
            memcpy(t->host_pixels + row * t->image, data->pixels + index * t->image,
                   t->image);
            t->host_labels[row] = data->labels[index];
        }
    }
    size_t rows = t->tasks * t->batch;
    b->upload(b, t->pixels, t->host_pixels, rows * t->image);
    b->upload(b, t->labels, t->host_labels, rows * sizeof(int32_t));
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
