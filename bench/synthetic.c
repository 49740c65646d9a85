#include "synthetic.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* Numbers that are made once and then repeated; no power of two, so that rows of a
 * matrix differ. */
enum { PERIOD = 1048583 };

float *synthetic_array(size_t count, float scale, uint64_t seed) {
    float *values = array_new(count, sizeof *values);
    struct random random;
    random_seed(&random, seed, 0);
    for (size_t i = 0; values && i < count; i++)
        values[i] = scale * (float)(random_uniform(&random) - 0.5);
    return values;
}

/* Fills device memory of `count` elements by pieces. */
static int fill(struct backend *b, void *memory, size_t count, float scale, bool narrow,
                struct error *error) {
    size_t most = count < PERIOD ? count : PERIOD;
    float *values = synthetic_array(most, scale, count);
    if (!values)
        return error_memory(error);
    for (size_t i = 0; i < count; i += most) {
        size_t n = count - i < most ? count - i : most;
        if (narrow)
            b->upload_real(b, backend_at(b, memory, i), values, n);
        else
            b->upload(b, (float *)memory + i, values, n * sizeof *values);
    }
    int result = b->synchronise(b, error);
    free(values);
    return result;
}

int synthetic_reals(struct backend *b, size_t count, float scale, real **memory,
                    struct error *error) {
    size_t bytes;
    if (!size_multiply(count, b->real_size, &bytes))
        return error_memory(error);
    return b->allocate(b, bytes, (void **)memory, error) ||
                   fill(b, *memory, count, scale, true, error)
               ? -1
               : 0;
}

int synthetic_floats(struct backend *b, size_t count, float scale, float **memory,
                     struct error *error) {
    size_t bytes;
    if (!size_multiply(count, sizeof(float), &bytes))
        return error_memory(error);
    return b->allocate(b, bytes, (void **)memory, error) ||
                   fill(b, *memory, count, scale, false, error)
               ? -1
               : 0;
}

int synthetic_pool(struct backend *b, const struct shape *shape, size_t tasks,
                   struct pool **out, struct error *error) {
    const struct model_config *config = &shape->config;
    struct pool *p = array_new(1, sizeof *p);
    if (!p)
        return error_memory(error);
    p->backend = b;
    p->tasks = tasks;
    p->heads = array_new(tasks, sizeof *p->heads);
    if (!p->heads) {
        error_memory(error);
        goto failed;
    }
    if (preprocess_read(NULL, config->kind == MODEL_CLIP_VISION, config->image_size,
                        &p->form.preprocess, error) ||
        layout_new(config, NULL, &p->layout, error))
        goto failed;
    size_t features = model_config_features(config), count;
    if (!size_multiply(p->layout->size, tasks, &count)) {
        error_memory(error);
        goto failed;
    }
    if (synthetic_reals(b, p->layout->size, 0.05f, &p->base, error) ||
        synthetic_reals(b, count, 0.005f, &p->vectors, error))
        goto failed;
    for (size_t t = 0; t < tasks; t++) {
        struct head *head = &p->heads[t];
        *head = (struct head){.classes = SYNTHETIC_CLASSES, .features = features};
        head->weight = synthetic_array(head->classes * features, 1, t);
        if (!head->weight) {
            error_memory(error);
            goto failed;
        }
    }
    *out = p;
    return 0;
failed:
    pool_close(p);
    return -1;
}

struct dataset *synthetic_dataset(size_t image_size, size_t count) {
    struct dataset *d = array_new(1, sizeof *d);
    if (!d)
        return NULL;
    d->count = count;
    d->classes = SYNTHETIC_CLASSES;
    d->size = image_size;
    d->pixels = array_new(count, 3 * image_size * image_size);
    d->labels = array_new(count, sizeof *d->labels);
    if (!d->pixels || !d->labels) {
        dataset_close(d);
        return NULL;
    }
    struct random random;
    random_seed(&random, count, 1);
    for (size_t i = 0; i < count * 3 * image_size * image_size; i++)
        d->pixels[i] = (uint8_t)(random_next(&random) >> 56);
    for (size_t i = 0; i < count; i++)
        d->labels[i] = (int32_t)random_below(&random, SYNTHETIC_CLASSES);
    return d;
}
