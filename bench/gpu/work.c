#include "work.h"

#include <stdlib.h>

#include "../synthetic.h"
#include "base/memory.h"
#include "train/router_training.h"

struct step {
    struct dataset *data;
    const struct dataset *train[POOL_TASKS_MAX];
    struct router_training *training;
    double losses[POOL_TASKS_MAX];
};

int step_run(void *self, struct error *error) {
    struct step *step = self;
    return router_training_trainer(step->training)
        .kind->step(step->training, step->losses, error);
}

void step_free(struct step *step) {
    if (!step)
        return;
    router_training_free(step->training);
    dataset_close(step->data);
    free(step);
}

int step_new(struct bench *s, enum combine method, enum granularity granularity,
             struct step **out, struct error *error) {
    struct step *step = array_new(1, sizeof *step);
    struct router_training_options options =
        router_training_defaults(MODEL_CLIP_VISION);
    if (!step)
        return error_memory(error);
    step->data = synthetic_dataset(s->shape->config.image_size, 4 * s->batch);
    if (!step->data) {
        free(step);
        return error_memory(error);
    }
    for (size_t t = 0; t < s->tasks; t++)
        step->train[t] = step->data;
    options.method = method;
    options.upscale = granularity;
    options.batch = s->batch;
    if (router_training_new(s->pool, step->train, &options, &step->training, error)) {
        step_free(step);
        return -1;
    }
    *out = step;
    return 0;
}

void work_close(struct bench *s) {
    pool_close(s->pool);
    s->pool = NULL;
    if (s->backend)
        backend_close(s->backend);
    s->backend = NULL;
}

int work_open(struct bench *s, const char *tune, struct error *error) {
    work_close(s);
    if (setenv("PWEMOE_CUDA_TUNE", tune, 1) != 0)
        return error_memory(error);
    return backend_open(s->device, s->precision, s->threads, &s->backend, NULL,
                        error) ||
                   synthetic_pool(s->backend, s->shape, s->tasks, &s->pool, error)
               ? -1
               : 0;
}
