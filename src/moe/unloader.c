#include "moe/unloader.h"

#include <stdlib.h>

#include "base/memory.h"

/* Marks of the device around a merge at a preference. */
enum { MARK_BEGUN = BACKEND_MARKS_KEPT, MARK_MADE };

struct unloader {
    struct pool *pool;
    size_t rows, modules, segment_count;
    size_t parts;
    size_t *first; /* [parts + 1] the segment that each begins with; the count */
    /* On the device, as is all that follows; of factors those of task_factors.h. */
    struct merge_segment *segments;
    float *weights; /* (rows, tasks) */
    struct route route;
    float *parameters, *preference; /* of the routers; (tasks) */

    real *out; /* of the last merge at a preference */
    struct recording *recording;
    bool records;
    bool timed; /* the merge that is being queued */
};

/* --- parts ------------------------------------------------------------------------ */
/* What lies before the blocks, each block, what lies behind them. */

static size_t part_end(const struct layout *l, size_t part) {
    size_t layers = l->config.layers;
    return part < layers    ? l->blocks[part].norm1_gamma
           : part == layers ? l->post_gamma
                            : l->size;
}

/* The upscaling's segments cut where parts end, in fresh memory; NULL where there is
 * none. */
static struct merge_segment *cut(struct unloader *u,
                                 const struct upscaling *upscaling) {
    const struct layout *l = upscaling->layout;
    size_t part = 0, count = 0;
    struct merge_segment *made =
        array_new(upscaling->segment_count + u->parts, sizeof *made);
    for (size_t i = 0; made && i < upscaling->segment_count; i++) {
        struct merge_segment rest = upscaling->segments[i];
        while (rest.count > 0) {
            while (rest.begin >= part_end(l, part))
                u->first[++part] = count;
            uint64_t most = part_end(l, part) - rest.begin;
            made[count] = rest;
            made[count].count = rest.count < most ? rest.count : most;
            rest.begin += made[count].count;
            rest.count -= made[count].count;
            count++;
        }
    }
    while (part < u->parts)
        u->first[++part] = count;
    u->segment_count = count;
    return made;
}

int unloader_new(struct pool *pool, const struct upscaling *upscaling,
                 struct unloader **out, struct error *error) {
    struct backend *b = pool->backend;
    struct unloader *u = array_new(1, sizeof *u);
    if (!u)
        return error_memory(error);
    u->pool = pool;
    u->rows = upscaling->rows;
    u->modules = upscaling->modules;
    u->parts = pool->layout->config.layers + 2;
    u->first = array_new(u->parts + 1, sizeof *u->first);
    struct merge_segment *segments = NULL;
    if (!u->first)
        error_memory(error);
    else if (pool->factors)
        segments =
            task_factors_segments(pool->factors, upscaling, &u->segment_count, error);
    else if (!(segments = cut(u, upscaling)))
        error_memory(error);
    if (!segments) {
        unloader_free(u);
        return -1;
    }
    u->records = b->record_begin != NULL;
    size_t bytes = u->segment_count * sizeof *u->segments;
    if (b->allocate(b, bytes, (void **)&u->segments, error) ||
        b->allocate(b, u->rows * pool->tasks * sizeof(float), (void **)&u->weights,
                    error)) {
        free(segments);
        unloader_free(u);
        return -1;
    }
    b->upload(b, u->segments, segments, bytes);
    free(segments);
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
    free(u->first);
    free(u);
}

static void merge_segments(struct unloader *u, real *out, size_t first, size_t end) {
    struct pool *pool = u->pool;
    struct backend *b = pool->backend;
    b->merge(b, out, pool->base, pool->vectors, pool->layout->size, pool->tasks,
             u->segments + first, end - first, u->weights);
}

void unloader_merge_put(struct unloader *u, real *out) {
    const struct pool *pool = u->pool;
    if (pool->factors)
        task_factors_merge(pool->factors, pool->layout, u->segments, u->segment_count,
                           u->weights, pool->base, out);
    else
        merge_segments(u, out, 0, u->segment_count);
}

/* By factors at once: a product a matrix is soon done. */
void unloader_merge_ahead(struct unloader *u, real *out, unsigned *ready) {
    struct backend *b = u->pool->backend;
    if (u->pool->factors || !b->merges_ahead) {
        unloader_merge_put(u, out);
        for (size_t i = 0; i < u->parts; i++)
            ready[i] = 0;
        if (u->timed)
            b->mark(b, MARK_MADE);
        return;
    }
    for (size_t i = 0; i < u->parts; i++) {
        b->aside(b);
        merge_segments(u, out, u->first[i], u->first[i + 1]);
        if (u->timed && i + 1 == u->parts)
            b->mark(b, MARK_MADE);
        ready[i] = b->back(b);
    }
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

void unloader_aim(struct unloader *u, const double *preference) {
    struct backend *b = u->pool->backend;
    float given[ROUTE_TASKS_MAX];
    for (size_t t = 0; t < u->route.tasks; t++)
        given[t] = (float)preference[t];
    b->upload(b, u->preference, given, u->route.tasks * sizeof *given);
    if (u->rows > u->modules + 1) /* the text tower's, which no router writes */
        b->upload(b, u->weights + (u->modules + 1) * u->route.tasks, given,
                  u->route.tasks * sizeof *given);
}

void unloader_merge_aimed(struct unloader *u, real *out) {
    struct backend *b = u->pool->backend;
    if (u->records && u->recording && u->out != out) {
        b->recording_free(b, u->recording);
        u->recording = NULL;
    }
    if (u->records && !u->recording && u->out == out)
        record(u, out);
    u->out = out;
    bool timed = b->merges_ahead && b->mark;
    if (timed)
        b->mark(b, MARK_BEGUN);
    if (u->recording)
        b->replay(b, u->recording);
    else
        route_and_merge(u, out);
    if (timed)
        b->mark(b, MARK_MADE);
}

void unloader_merge_aimed_ahead(struct unloader *u, real *out, unsigned *ready) {
    struct backend *b = u->pool->backend;
    u->timed = b->mark != NULL;
    if (u->timed)
        b->mark(b, MARK_BEGUN);
    b->route(b, u->weights, &u->route, u->preference);
    unloader_merge_ahead(u, out, ready);
    u->timed = false;
}

double unloader_seconds(const struct unloader *u) {
    struct backend *b = u->pool->backend;
    double seconds = b->between ? b->between(b, MARK_BEGUN, MARK_MADE) : 0;
    return seconds > 0 ? seconds : 0; /* of a device that has failed it is NaN */
}
