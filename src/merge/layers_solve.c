#include "merge/layers_solve.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/layers.h"

/* Of the host's memory, for what goes to the device at a time. */
static const size_t chunk_bytes = (size_t)256 << 20;

/* Some layers of one size, on their way. */
struct chunk {
    const struct layers_systems *systems;
    const size_t *indices; /* [count] */
    size_t count, square, cells;
    struct linear_layer shape;
    float *host;     /* systems, then right sides */
    void *device;    /* the same, then what failed */
    int32_t *failed; /* [count] on the host */
};

static bool same_shape(struct linear_layer a, struct linear_layer b) {
    return a.inputs == b.inputs && a.outputs == b.outputs && a.turned == b.turned;
}

static int fill(void *self, size_t at, struct error *error) {
    const struct chunk *c = self;
    const struct layers_systems *s = c->systems;
    return s->fill(s->self, c->indices[at], c->host + at * c->square,
                   c->host + c->count * c->square + at * c->cells, error);
}

/* 0; 1: the device does not do such things. */
static int solve_chunk(const struct merge_input *input, struct chunk *c,
                       struct error *error) {
    struct backend *b = input->pool->backend;
    float *systems = c->device, *right = systems + c->count * c->square;
    size_t floats = c->count * (c->square + c->cells);
    int32_t *failed = (int32_t *)(void *)(systems + floats);
    if (layers_make(input, NULL, c->count, c->systems->room, fill, c, error))
        return -1;
    b->upload(b, systems, c->host, floats * sizeof(float));
    struct solve solve = {.n = c->shape.inputs,
                          .rows = c->shape.outputs,
                          .count = c->count,
                          .systems = systems,
                          .right = right,
                          .turned = c->shape.turned,
                          .failed = failed};
    if (b->solve(b, &solve, error))
        return backend_lost(b) ? -1 : 1;
    float *solved = c->host + c->count * c->square;
    if (b->download(b, c->failed, failed, c->count * sizeof *failed, error) ||
        b->download(b, solved, right, c->count * c->cells * sizeof *solved, error))
        return -1;
    for (size_t i = 0; i < c->count; i++) {
        if (c->failed[i])
            return c->systems->unsolved(c->systems->self, c->indices[i], error);
        c->systems->take(c->systems->self, c->indices[i], solved + i * c->cells);
    }
    return 0;
}

/* Those at indices [count], all of one shape, as many at a time as there is room for.
 */
static int solve_alike(const struct merge_input *input,
                       const struct layers_systems *systems, const size_t *indices,
                       size_t count, struct error *error) {
    struct backend *b = input->pool->backend;
    struct chunk c = {.systems = systems,
                      .shape = systems->shape(systems->self, indices[0])};
    c.square = c.shape.inputs * c.shape.inputs;
    c.cells = c.shape.inputs * c.shape.outputs;
    size_t each = (c.square + c.cells) * sizeof(float) + sizeof *c.failed;
    size_t most = chunk_bytes / each;
    most = most < 1 ? 1 : most < count ? most : count;
    c.host = array_new(most, each);
    c.failed = array_new(most, sizeof *c.failed);
    int result = 0;
    if (!c.host || !c.failed)
        result = error_memory(error);
    else if (b->allocate(b, most * each, &c.device, error))
        result = backend_lost(b) ? -1 : 1; /* too little memory */
    for (size_t i = 0; result == 0 && i < count; i += c.count) {
        c.indices = indices + i;
        c.count = count - i < most ? count - i : most;
        result = solve_chunk(input, &c, error);
    }
    if (c.device)
        b->release(b, c.device);
    free(c.host);
    free(c.failed);
    return result;
}

size_t layers_alike(const struct layers_systems *systems, size_t *indices,
                    size_t count) {
    struct linear_layer first = systems->shape(systems->self, indices[0]);
    size_t alike = 1;
    for (size_t i = 1; i < count; i++)
        if (same_shape(first, systems->shape(systems->self, indices[i]))) {
            size_t other = indices[alike];
            indices[alike++] = indices[i];
            indices[i] = other;
        }
    return alike;
}

int layers_solve(const struct merge_input *input, const struct layers_systems *systems,
                 bool *done, struct error *error) {
    const struct backend *b = input->pool->backend;
    *done = false;
    if (b->host_view || !b->solve || systems->count == 0)
        return 0;
    size_t *indices = array_new(systems->count, sizeof *indices);
    if (!indices)
        return error_memory(error);
    for (size_t i = 0; i < systems->count; i++)
        indices[i] = i;
    int result = 0;
    for (size_t i = 0, alike; result == 0 && i < systems->count; i += alike) {
        alike = layers_alike(systems, indices + i, systems->count - i);
        result = solve_alike(input, systems, indices + i, alike, error);
    }
    free(indices);
    *done = result == 0;
    return result < 0 ? -1 : 0;
}
