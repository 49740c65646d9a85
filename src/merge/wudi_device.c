#include "merge/wudi_device.h"

#include <stdlib.h>

#include "base/memory.h"
#include "merge/layers.h"
#include "merge/layers_share.h"
#include "merge/layers_solve.h"
#include "merge/wudi.h"

/* Of the device's memory: the systems that are solved at a time. */
static const size_t chunk_bytes = (size_t)256 << 20;

/* Layers of one shape. Of each task: their systems, then their right sides. */
struct kept_layers {
    struct linear_layer shape;
    size_t *indices; /* [count] */
    size_t count, square, cells;
    float *parts; /* on the device (tasks, floats) */
};

struct wudi_device {
    struct pool *pool;
    const struct layers_method *layers;
    double ridge;
    struct kept_layers *chunks; /* [chunk_count] */
    size_t chunk_count;
    float *sums;     /* on the device, of the largest chunk */
    int32_t *failed; /* on the device, of all layers of all chunks */
    size_t solved;   /* how many those are */
    real *zeros;     /* (layout size) on the device: what a mean is added to */
    /* On the device, for the mean: one segment, or those that scale factors, and their
     * row of weights. */
    struct merge_segment *segments;
    size_t segment_count;
    float *weights;
};

static size_t floats_of(const struct kept_layers *c) {
    return c->count * (c->square + c->cells);
}

void wudi_device_free(struct wudi_device *d) {
    if (!d)
        return;
    struct backend *b = d->pool->backend;
    for (size_t i = 0; d->chunks && i < d->chunk_count; i++) {
        b->release(b, d->chunks[i].parts);
        free(d->chunks[i].indices);
    }
    free(d->chunks);
    b->release(b, d->sums);
    b->release(b, d->failed);
    b->release(b, d->zeros);
    b->release(b, d->segments);
    b->release(b, d->weights);
    free(d);
}

double wudi_device_ridge(const struct wudi_device *d) {
    return d->ridge;
}

/* --- which layers ----------------------------------------------------------------- */

static struct linear_layer shape_at(void *self, size_t index) {
    const struct wudi_device *d = self;
    size_t offset;
    return d->layers->at(d->pool->layout, index, &offset);
}

/* A layer's part of a task's vector: of all task vectors on the host, or where the pool
 * keeps factors (vectors is NULL) made into room [cells]. */
static const float *part_of(const struct wudi_device *d, const float *vectors,
                            size_t task, size_t offset, size_t cells, float *room) {
    double alone[POOL_TASKS_MAX] = {0};
    if (vectors)
        return vectors + task * d->pool->layout->size + offset;
    alone[task] = 1;
    task_factors_sum(d->pool->factors, alone, offset, cells, room);
    return room;
}

static size_t largest_layer(const struct wudi_device *d) {
    size_t most = 1, offset;
    for (size_t i = 0; i < d->layers->count(d->pool->layout); i++) {
        struct linear_layer layer = d->layers->at(d->pool->layout, i, &offset);
        if (layer.inputs * layer.outputs > most)
            most = layer.inputs * layer.outputs;
    }
    return most;
}

/* The layers that no task leaves as they are, into indices; those of which all do stay
 * 0. False where only some do. room: for the largest layer. */
static bool find_layers(const struct wudi_device *d, const float *vectors, float *room,
                        size_t *indices, size_t *count) {
    const struct layout *l = d->pool->layout;
    *count = 0;
    for (size_t i = 0; i < d->layers->count(l); i++) {
        size_t offset, there = 0;
        struct linear_layer layer = d->layers->at(l, i, &offset);
        for (size_t t = 0; t < d->pool->tasks; t++) {
            size_t at = 0, cells = layer.inputs * layer.outputs;
            const float *vector = part_of(d, vectors, t, offset, cells, room);
            while (at < cells && vector[at] == 0)
                at++;
            there += at < cells;
        }
        if (there > 0 && there < d->pool->tasks)
            return false;
        if (there)
            indices[(*count)++] = i;
    }
    return true;
}

/* Divides them into chunks. */
static int divide(struct wudi_device *d, size_t *indices, size_t count,
                  struct error *error) {
    const struct layers_systems systems = {.self = d, .shape = shape_at};
    d->chunks = array_new(count, sizeof *d->chunks);
    if (!d->chunks)
        return error_memory(error);
    while (count > 0) {
        size_t alike = layers_alike(&systems, indices, count);
        struct linear_layer shape = shape_at(d, *indices);
        size_t square = shape.inputs * shape.inputs;
        size_t cells = shape.inputs * shape.outputs;
        size_t most = chunk_bytes / ((square + cells) * sizeof(float));
        most = most < 1 ? 1 : most < alike ? most : alike;
        struct kept_layers *c = &d->chunks[d->chunk_count];
        *c = (struct kept_layers){.shape = shape,
                                  .indices = array_new(most, sizeof *c->indices),
                                  .count = most,
                                  .square = square,
                                  .cells = cells};
        if (!c->indices)
            return error_memory(error);
        d->chunk_count++;
        for (size_t i = 0; i < most; i++)
            c->indices[i] = indices[i];
        d->solved += most;
        indices += most;
        count -= most;
    }
    return 0;
}

/* --- what is kept ----------------------------------------------------------------- */

/* One task's part of a chunk, on the host. */
struct task_share {
    const struct wudi_device *device;
    const struct kept_layers *chunk;
    size_t task;
    const float *vectors; /* (tasks, layout size), or NULL as for part_of */
    float *host;
};

static int fill(void *self, size_t at, struct error *error) {
    const struct task_share *f = self;
    const struct kept_layers *c = f->chunk;
    size_t offset, inputs = c->shape.inputs;
    f->device->layers->at(f->device->pool->layout, c->indices[at], &offset);
    float *room = f->vectors ? NULL : array_new(c->cells, sizeof *room);
    if (!f->vectors && !room)
        return error_memory(error);
    const float *vector =
        part_of(f->device, f->vectors, f->task, offset, c->cells, room);
    struct wudi_products products = {.gram = f->host + at * c->square,
                                     .cube = f->host + c->count * c->square +
                                             at * c->cells};
    float ridge = (float)f->device->ridge;
    int result = wudi_prepare(&c->shape, vector, &products, error);
    for (size_t i = 0; result == 0 && i < inputs; i++)
        products.gram[i * inputs + i] += ridge;
    for (size_t i = 0; result == 0 && i < c->cells; i++)
        products.cube[i] += ridge * vector[i];
    free(room);
    return result;
}

static int keep_chunk(struct wudi_device *d, struct kept_layers *c,
                      const struct merge_input *input, const float *vectors,
                      struct error *error) {
    struct backend *b = d->pool->backend;
    struct task_share f = {.device = d, .chunk = c, .vectors = vectors};
    size_t floats = floats_of(c), side = c->shape.inputs;
    side = side < c->shape.outputs ? side : c->shape.outputs;
    f.host = array_new(floats, sizeof *f.host);
    int result = f.host ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < d->pool->tasks; t++) {
        f.task = t;
        result = layers_make(input, NULL, c->count,
                             (side * side + (vectors ? 0 : c->cells)) * sizeof(float),
                             fill, &f, error);
        if (result == 0)
            b->upload(b, c->parts + t * floats, f.host, floats * sizeof *f.host);
    }
    free(f.host);
    return result;
}

/* What the mean is made with. 0; 1: the device has not the room. */
static int place_segments(struct wudi_device *d) {
    struct backend *b = d->pool->backend;
    const struct task_factors *factors = d->pool->factors;
    const struct merge_segment whole = {.begin = 0, .count = d->pool->layout->size};
    struct merge_segment *scaling = NULL;
    struct error error;
    d->segment_count = 1;
    if (factors &&
        !(scaling = task_factors_segments(factors, NULL, &d->segment_count, &error)))
        return 1;
    size_t bytes = d->segment_count * sizeof *d->segments;
    int result = b->allocate(b, bytes, (void **)&d->segments, NULL) ? 1 : 0;
    if (result == 0)
        b->upload(b, d->segments, scaling ? scaling : &whole, bytes);
    free(scaling);
    return result;
}

/* 0; 1: the device has not the room. */
static int make_room(struct wudi_device *d) {
    struct backend *b = d->pool->backend;
    size_t tasks = d->pool->tasks, size = d->pool->layout->size;
    size_t largest = 0, all = 0, own = size * b->real_size;
    for (size_t i = 0; i < d->chunk_count; i++) {
        size_t floats = floats_of(&d->chunks[i]);
        largest = floats > largest ? floats : largest;
        all += tasks * floats;
    }
    if (!b->memory_left ||
        (all + largest) * sizeof(float) + 2 * own > b->memory_left(b) / 2)
        return 1;
    if (b->allocate(b, largest * sizeof(float), (void **)&d->sums, NULL) ||
        b->allocate(b, d->solved * sizeof *d->failed, (void **)&d->failed, NULL) ||
        b->allocate(b, own, (void **)&d->zeros, NULL) ||
        b->allocate(b, tasks * sizeof *d->weights, (void **)&d->weights, NULL))
        return 1;
    for (size_t i = 0; i < d->chunk_count; i++)
        if (b->allocate(b, tasks * floats_of(&d->chunks[i]) * sizeof(float),
                        (void **)&d->chunks[i].parts, NULL))
            return 1;
    return place_segments(d);
}

static int keep(struct wudi_device *d, const struct merge_input *input, bool *there,
                struct error *error) {
    size_t count = d->layers->count(d->pool->layout);
    size_t *indices = array_new(count, sizeof *indices);
    bool dense = !d->pool->factors;
    const float *vectors = indices && dense ? merge_host_vectors(input, error) : NULL;
    float *room = dense ? NULL : array_new(largest_layer(d), sizeof *room);
    int result = !indices || (!dense && !room) ? error_memory(error)
                 : dense && !vectors           ? -1
                                               : 0;
    *there = result == 0 && find_layers(d, vectors, room, indices, &count) && count > 0;
    if (*there)
        result = divide(d, indices, count, error);
    if (result == 0 && *there)
        *there = make_room(d) == 0;
    for (size_t i = 0; result == 0 && *there && i < d->chunk_count; i++)
        result = keep_chunk(d, &d->chunks[i], input, vectors, error);
    if (vectors)
        merge_host_free(input, vectors);
    free(room);
    free(indices);
    return result;
}

int wudi_device_new(const struct merge_input *input, double ridge,
                    struct wudi_device **out, struct error *error) {
    const struct backend *b = input->pool->backend;
    bool there = false;
    *out = NULL;
    if (b->host_view)
        return 0;
    struct wudi_device *d = array_new(1, sizeof *d);
    if (!d)
        return error_memory(error);
    d->pool = input->pool;
    d->layers = input->method->layers;
    d->ridge = ridge;
    int result = keep(d, input, &there, error);
    if (result || !there) {
        wudi_device_free(d);
        return result;
    }
    *out = d;
    return 0;
}

/* --- a preference ----------------------------------------------------------------- */

/* -1; 0; 1: the device has not the libraries. */
static int solve_chunk(struct wudi_device *d, const struct kept_layers *c,
                       const float *weights, int32_t *failed, real *out,
                       struct error *error) {
    struct backend *b = d->pool->backend;
    float *right = d->sums + c->count * c->square;
    size_t offset, floats = floats_of(c);
    b->weighted_sum(b, d->sums, c->parts, floats, weights, d->pool->tasks, floats);
    const struct solve solve = {.n = c->shape.inputs,
                                .rows = c->shape.outputs,
                                .count = c->count,
                                .systems = d->sums,
                                .right = right,
                                .turned = c->shape.turned,
                                .failed = failed};
    if (b->solve(b, &solve, error))
        return backend_lost(b) ? -1 : 1;
    for (size_t i = 0; i < c->count; i++) {
        d->layers->at(d->pool->layout, c->indices[i], &offset);
        b->narrow(b, backend_at(b, out, offset), right + i * c->cells, c->cells);
    }
    return 0;
}

/* The error of the first that could not be solved, where there is one. */
static int check_solved(struct wudi_device *d, struct error *error) {
    struct backend *b = d->pool->backend;
    int32_t *failed = array_new(d->solved, sizeof *failed), *of = failed;
    int result =
        failed ? b->download(b, failed, d->failed, d->solved * sizeof *failed, error)
               : error_memory(error);
    for (size_t i = 0; result == 0 && i < d->chunk_count; of += d->chunks[i++].count)
        for (size_t j = 0; result == 0 && j < d->chunks[i].count; j++)
            if (of[j])
                result = wudi_unsolved(&d->chunks[i].shape, d->ridge, error);
    free(failed);
    return result;
}

int wudi_device_merge(struct wudi_device *d, const double *weights, real *out,
                      bool *done, struct error *error) {
    struct pool *pool = d->pool;
    struct backend *b = pool->backend;
    float given[POOL_TASKS_MAX];
    int32_t *failed = d->failed;
    int result = 0;
    for (size_t t = 0; t < pool->tasks; t++)
        given[t] = (float)weights[t];
    b->upload(b, d->weights, given, pool->tasks * sizeof *given);
    if (pool->factors)
        task_factors_merge(pool->factors, pool->layout, d->segments, d->segment_count,
                           d->weights, d->zeros, out);
    else
        b->merge(b, out, d->zeros, pool->vectors, pool->layout->size, pool->tasks,
                 d->segments, d->segment_count, d->weights);
    for (size_t i = 0; result == 0 && i < d->chunk_count; i++) {
        result = solve_chunk(d, &d->chunks[i], given, failed, out, error);
        failed += d->chunks[i].count;
    }
    *done = result == 0;
    return result < 0 ? -1 : result == 0 ? check_solved(d, error) : 0;
}
