#include "moe/correction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoint/safetensors.h"

static const char blob_kind[] = "pwemoe-correction";

/* What SQLite keeps in one place unless it was built otherwise; some for names. */
static const size_t blob_bytes_max = 1000000000 - 1000000;

struct correction {
    struct pool *pool;
    struct merge_segment *segment; /* on the device, as is what follows */
    float *weights;                /* (tasks + 1) */
};

double correction_weight(const double *preference, size_t tasks) {
    double squares = 0;
    for (size_t t = 0; t < tasks; t++)
        squares += preference[t] * preference[t];
    return tasks < 2 ? 0 : (1 - squares) / (1 - 1 / (double)tasks);
}

int correction_new(struct pool *pool, struct correction **out, struct error *error) {
    struct backend *b = pool->backend;
    struct correction *c = array_new(1, sizeof *c);
    if (!c)
        return error_memory(error);
    c->pool = pool;
    struct merge_segment whole = {.count = pool->layout->size};
    if (pool_make_room(pool, error) ||
        b->allocate(b, sizeof whole, (void **)&c->segment, error) ||
        b->allocate(b, (pool->tasks + 1) * sizeof *c->weights, (void **)&c->weights,
                    error)) {
        correction_free(c);
        return -1;
    }
    b->upload(b, c->segment, &whole, sizeof whole);
    *out = c;
    return 0;
}

void correction_free(struct correction *c) {
    if (!c)
        return;
    struct backend *b = c->pool->backend;
    b->release(b, c->segment);
    b->release(b, c->weights);
    free(c);
}

real *correction_vector(const struct correction *c) {
    return backend_at(c->pool->backend, c->pool->vectors,
                      c->pool->tasks * c->pool->layout->size);
}

void correction_merge(struct correction *c, const double *preference, real *out) {
    struct pool *pool = c->pool;
    struct backend *b = pool->backend;
    float weights[POOL_TASKS_MAX + 1];
    for (size_t t = 0; t < pool->tasks; t++)
        weights[t] = (float)preference[t];
    weights[pool->tasks] = (float)correction_weight(preference, pool->tasks);
    b->upload(b, c->weights, weights, (pool->tasks + 1) * sizeof *weights);
    b->merge(b, out, pool->base, pool->vectors, pool->layout->size, pool->tasks + 1,
             c->segment, 1, c->weights);
}

/* --- as bytes -----------------------------------------------------------------------
 */

struct source {
    const struct layout *layout;
    const float *vector;
};

static int read_parameter(void *self, size_t index, uint64_t offset, void *out,
                          size_t room, size_t *got, struct error *error) {
    (void)error;
    const struct source *source = self;
    const struct parameter *p = &source->layout->parameters[index];
    size_t first = (size_t)offset / 2, count = p->count - first;
    if (count > room / 2)
        count = room / 2;
    tensor_from_f32(DTYPE_BF16, source->vector + p->offset + first, count, out);
    *got = 2 * count;
    return 0;
}

int correction_fits(const struct layout *layout, struct error *error) {
    size_t numbers = 0;
    for (size_t i = 0; i < layout->text_parameter; i++)
        numbers += layout->parameters[i].count;
    if (numbers <= blob_bytes_max / 2)
        return 0;
    return error_set(error,
                     "a correction of %zu numbers is larger than results.db can keep "
                     "(%zu at most); train routers: --method ls",
                     numbers, blob_bytes_max / 2);
}

int correction_to_memory(const struct layout *l, size_t tasks, const float *vector,
                         void **bytes, size_t *size, struct error *error) {
    struct tensor_source *sources = array_new(l->text_parameter, sizeof *sources);
    struct source source = {l, vector};
    char count[24];
    if (!sources)
        return error_memory(error);
    for (size_t i = 0; i < l->text_parameter; i++) {
        const struct parameter *p = &l->parameters[i];
        sources[i] = (struct tensor_source){.name = p->name,
                                            .dtype_name = "BF16",
                                            .rank = p->rank,
                                            .bytes = 2 * p->count};
        memcpy(sources[i].shape, p->shape, sizeof p->shape);
    }
    snprintf(count, sizeof count, "%zu", tasks);
    const char *metadata[] = {"format", "pt", "kind", blob_kind, "tasks", count, NULL};
    int result = safetensors_write_memory(sources, l->text_parameter, metadata,
                                          read_parameter, &source, bytes, size, error);
    free(sources);
    return result;
}

bool correction_is(const void *bytes, size_t size) {
    return safetensors_memory_is(bytes, size, blob_kind);
}

static int take(const struct safetensors *file, const char *label,
                const struct layout *l, size_t tasks, float *vector,
                struct error *error) {
    char expected[24];
    snprintf(expected, sizeof expected, "%zu", tasks);
    const char *count = safetensors_metadata(file, "tasks");
    if (!count || strcmp(count, expected) != 0)
        return error_set(error, "%s: is for %s tasks; the pool has %zu", label,
                         count ? count : "no", tasks);
    if (safetensors_count(file) != l->text_parameter)
        return error_set(error, "%s: has %zu tensors; the model has %zu", label,
                         safetensors_count(file), l->text_parameter);
    for (size_t i = 0; i < l->text_parameter; i++) {
        const struct parameter *p = &l->parameters[i];
        const struct tensor *tensor = safetensors_find(file, p->name);
        if (!tensor || tensor->rank != p->rank || tensor->count != p->count ||
            memcmp(tensor->shape, p->shape, p->rank * sizeof *p->shape) != 0)
            return error_set(error, "%s: %s is missing or not of the expected shape",
                             label, p->name);
        if (tensor_to_f32(tensor, label, vector + p->offset, error))
            return -1;
    }
    return 0;
}

int correction_from_memory(const void *bytes, size_t size, const char *label,
                           const struct layout *layout, size_t tasks, float *vector,
                           struct error *error) {
    struct safetensors *file;
    if (safetensors_open_memory(bytes, size, label, &file, error))
        return -1;
    memset(vector, 0, layout->size * sizeof *vector);
    int result = take(file, label, layout, tasks, vector, error);
    safetensors_close(file);
    return result;
}
