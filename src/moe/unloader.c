#include "moe/unloader.h"

#include <stdlib.h>

#include "base/memory.h"

struct unloader {
    struct pool *pool;
    size_t rows, modules, segment_count;
    struct merge_segment *segments; /* on the device, as is all that follows */
    float *weights;                 /* (rows, tasks) */
    struct route route;
    float *parameters, *preference; /* of the routers; (tasks) */

    real *out; /* of the last merge at a preference */
    struct recording *recording;
    bool records;
};

int unloader_new(struct pool *pool, const struct upscaling *upscaling,
                 struct unloader **out, struct error *error) {
    struct backend *b = pool->backend;
    struct unloader *u = array_new(1, sizeof *u);
    if (!u)
        return error_memory(error);
    u->pool = pool;
    u->rows = upscaling->rows;
    u->modules = upscaling->modules;
    u->segment_count = upscaling->segment_count;
    u->records = b->record_begin != NULL;
    size_t bytes = u->segment_count * sizeof *u->segments;
    if (b->allocate(b, bytes, (void **)&u->segments, error) ||
        b->allocate(b, u->rows * pool->tasks * sizeof(float), (void **)&u->weights,
                    error)) {
        unloader_free(u);
        return -1;
    }
    b->upload(b, u->segments, upscaling->segments, bytes);
    *out = u;
    return 0;
}

void unloader_free(struct unloader *u) {
    if (!u)
        return;
    struct backend *b = u->pool->backend;
    if (u->recording)
        b->recording_free(b, u->recording);
    b->release(b, u->segments);
    b->release(b, u->weights);
    b->release(b, u->parameters);
    b->release(b, u->preference);
    free(u);
}

void unloader_merge_put(struct unloader *u, real *out) {
    struct pool *pool = u->pool;
    struct backend *b = pool->backend;
    b->merge(b, out, pool->base, pool->vectors, pool->layout->size, pool->tasks,
             u->segments, u->segment_count, u->weights);
}

void unloader_put(struct unloader *u, const float *weights) {
    struct backend *b = u->pool->backend;
    b->upload(b, u->weights, weights, u->rows * u->pool->tasks * sizeof *weights);
}

void unloader_merge(struct unloader *u, const float *weights, real *out) {
    unloader_put(u, weights);
    unloader_merge_put(u, out);
}

int unloader_place(struct unloader *u, const struct routers *routers,
                   struct error *error) {
    struct backend *b = u->pool->backend;
    size_t bytes = routers->count * sizeof *routers->parameters;
    if (b->allocate(b, bytes, (void **)&u->parameters, error) ||
        b->allocate(b, routers->tasks * sizeof(float), (void **)&u->preference, error))
        return -1;
    b->upload(b, u->parameters, routers->parameters, bytes);
    u->route = routers_route(routers);
    u->route.parameters = u->parameters;
    return 0;
}

static void route_and_merge(struct unloader *u, real *out) {
    struct backend *b = u->pool->backend;
    b->route(b, u->weights, &u->route, u->preference);
    unloader_merge_put(u, out);
}

/* Where none can be had the operations were not run, and none is tried again. */
static void record(struct unloader *u, real *out) {
    struct backend *b = u->pool->backend;
    u->records = false;
    if (b->record_begin(b, NULL))
        return;
    route_and_merge(u, out);
    u->records = b->record_end(b, &u->recording, NULL) == 0;
}

void unloader_merge_at(struct unloader *u, const double *preference, real *out) {
    struct backend *b = u->pool->backend;
    float given[ROUTE_TASKS_MAX];
    for (size_t t = 0; t < u->route.tasks; t++)
        given[t] = (float)preference[t];
    b->upload(b, u->preference, given, u->route.tasks * sizeof *given);
    if (u->rows > u->modules + 1) /* the text tower's, which no router writes */
        b->upload(b, u->weights + (u->modules + 1) * u->route.tasks, given,
                  u->route.tasks * sizeof *given);
    if (u->records && u->recording && u->out != out) {
        b->recording_free(b, u->recording);
        u->recording = NULL;
    }
    if (u->records && !u->recording && u->out == out)
        record(u, out);
    u->out = out;
    if (u->recording)
        b->replay(b, u->recording);
    else
        route_and_merge(u, out);
}
