#include "merge/layers_share.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "merge/layers.h"

struct layers_groups {
    const struct merge_input *input;
    const float *vectors; /* [tasks, size]; NULL where the pool keeps factors */
    float *merged;
    size_t *indices; /* [count], those that cost most first */
    size_t count, each;
};

static struct linear_layer layer_at(const struct merge_input *input, size_t index,
                                    size_t *offset) {
    return input->method->layers->at(input->pool->layout, index, offset);
}

static size_t cells_at(const struct merge_input *input, size_t index) {
    size_t offset;
    struct linear_layer layer = layer_at(input, index, &offset);
    return layer.inputs * layer.outputs;
}

/* --- some layers ------------------------------------------------------------------ */

/* Where the layers' task vectors lie in whole ones [tasks, size]. */
static void point_into(const struct merge_input *input, const float *whole,
                       const size_t *indices, size_t count, const float **vectors) {
    size_t tasks = input->pool->tasks, size = input->pool->layout->size;
    for (size_t i = 0; i < count; i++) {
        size_t offset;
        layer_at(input, indices[i], &offset);
        for (size_t t = 0; t < tasks; t++)
            vectors[i * tasks + t] = whole + t * size + offset;
    }
}

int layers_vectors_find(const struct merge_input *input, const struct layers_part *part,
                        size_t at, struct layers_vectors *vectors,
                        struct error *error) {
    const struct pool *pool = input->pool;
    size_t offset, cells = cells_at(input, part->indices[at]);
    *vectors = (struct layers_vectors){0};
    for (size_t t = 0; part->vectors && t < pool->tasks; t++)
        vectors->of[t] = part->vectors[at * pool->tasks + t];
    if (part->vectors)
        return 0;
    vectors->own = array_new(cells, pool->tasks * sizeof *vectors->own);
    if (!vectors->own)
        return error_memory(error);
    layer_at(input, part->indices[at], &offset);
    for (size_t t = 0; t < pool->tasks; t++) {
        float *to = vectors->own + t * cells;
        if (pool_vector(pool, t, offset, cells, to, error)) {
            layers_vectors_free(vectors);
            return -1;
        }
        vectors->of[t] = to;
    }
    return 0;
}

void layers_vectors_free(struct layers_vectors *vectors) {
    free(vectors->own);
    vectors->own = NULL;
}

size_t layers_vectors_room(const struct merge_input *input, size_t cells) {
    return input->pool->factors ? input->pool->tasks * cells * sizeof(float) : 0;
}

int layers_group_make(struct layers_groups *g, size_t group, struct error *error) {
    const struct merge_input *input = g->input;
    size_t count, tasks = input->pool->tasks;
    const size_t *indices = layers_group(g, group, &count);
    const float **vectors =
        g->vectors ? array_new(count, tasks * sizeof *vectors) : NULL;
    float **made = array_new(count, sizeof *made);
    int result = (vectors || !g->vectors) && made ? 0 : error_memory(error);
    if (result == 0) {
        if (vectors)
            point_into(input, g->vectors, indices, count, vectors);
        for (size_t i = 0; i < count; i++) {
            size_t offset;
            layer_at(input, indices[i], &offset);
            made[i] = g->merged + offset;
        }
        result =
            input->method->layers->make(input,
                                        &(struct layers_part){.indices = indices,
                                                              .count = count,
                                                              .vectors = vectors,
                                                              .made = made,
                                                              .before = group * g->each,
                                                              .total = g->count},
                                        error);
    }
    free(vectors);
    free(made);
    return result;
}

/* --- the groups of a model -------------------------------------------------------- */

size_t layers_group_count(const struct layers_groups *g) {
    return (g->count + g->each - 1) / g->each;
}

const struct merge_input *layers_group_input(const struct layers_groups *g) {
    return g->input;
}

const size_t *layers_group(const struct layers_groups *g, size_t group, size_t *count) {
    size_t first = group * g->each;
    *count = g->count - first < g->each ? g->count - first : g->each;
    return g->indices + first;
}

size_t layers_group_cells(const struct layers_groups *g, size_t group) {
    size_t count, cells = 0;
    const size_t *indices = layers_group(g, group, &count);
    for (size_t i = 0; i < count; i++)
        cells += cells_at(g->input, indices[i]);
    return cells;
}

void layers_group_get(const struct layers_groups *g, size_t group, float *cells) {
    size_t count;
    const size_t *indices = layers_group(g, group, &count);
    for (size_t i = 0; i < count; i++) {
        size_t offset, of_layer = cells_at(g->input, indices[i]);
        layer_at(g->input, indices[i], &offset);
        memcpy(cells, g->merged + offset, of_layer * sizeof *cells);
        cells += of_layer;
    }
}

int layers_group_put(struct layers_groups *g, size_t group, const void *bytes,
                     size_t size, struct error *error) {
    size_t count, cells = layers_group_cells(g, group);
    const size_t *indices = layers_group(g, group, &count);
    const float *from = bytes;
    if (size != cells * sizeof *from)
        return error_set(error,
                         "another process made %zu bytes of %zu layers instead of %zu",
                         size, count, cells * sizeof *from);
    for (size_t i = 0; i < count; i++) {
        size_t offset;
        struct linear_layer layer = layer_at(g->input, indices[i], &offset);
        cells = layer.inputs * layer.outputs;
        memcpy(g->merged + offset, from, cells * sizeof *from);
        from += cells;
    }
    return 0;
}

/* The work of a layer grows as the square of its inputs for each of its outputs. */
struct priced {
    size_t index;
    double cost;
};

static int dearer_first(const void *a, const void *b) {
    const struct priced *left = a, *right = b;
    if (left->cost != right->cost)
        return left->cost < right->cost ? 1 : -1;
    return left->index < right->index ? -1 : 1;
}

static int sort_by_cost(struct layers_groups *g, struct error *error) {
    struct priced *priced = array_new(g->count, sizeof *priced);
    g->indices = array_new(g->count, sizeof *g->indices);
    if (!priced || !g->indices) {
        free(priced);
        return error_memory(error);
    }
    for (size_t i = 0; i < g->count; i++) {
        size_t offset;
        struct linear_layer layer = layer_at(g->input, i, &offset);
        priced[i] = (struct priced){i, (double)layer.inputs * (double)layer.inputs *
                                           (double)layer.outputs};
    }
    qsort(priced, g->count, sizeof *priced, dearer_first);
    for (size_t i = 0; i < g->count; i++)
        g->indices[i] = priced[i].index;
    free(priced);
    return 0;
}

/* As many at a time as there are threads, while each process has some. */
static size_t group_size(const struct merge_input *input, size_t count,
                         unsigned others) {
    size_t share = count / ((size_t)others + 1),
           threads = input->pool->backend->threads;
    if (others && input->share->threads)
        threads = input->share->threads;
    if (others == 0)
        return count;
    return share < 1 ? 1 : share < threads ? share : threads;
}

static int make_all(struct layers_groups *g, struct error *error) {
    const struct merge_share *share = g->input->share;
    unsigned others = share ? share->others(share->self) : 0;
    g->each = group_size(g->input, g->count, others);
    if (g->count == 0)
        return 0;
    if (sort_by_cost(g, error))
        return -1;
    return others ? share->run(share->self, g, error) : layers_group_make(g, 0, error);
}

int layers_merge(const struct merge_input *input, const double *weights, float *merged,
                 struct error *error) {
    struct layers_groups g = {.input = input,
                              .merged = merged,
                              .count =
                                  input->method->layers->count(input->pool->layout)};
    if (!input->pool->factors && !(g.vectors = merge_host_vectors(input, error)))
        return -1;
    layers_mean(input, g.vectors, weights, 1, merged);
    int result = make_all(&g, error);
    free(g.indices);
    if (g.vectors)
        merge_host_free(input, g.vectors);
    return result;
}

/* --- in another process ----------------------------------------------------------- */

/* What layers_serve works on. */
struct served {
    const float **vectors; /* [count, tasks]; NULL where the pool keeps factors */
    float **made;          /* [count] */
    float *copies;         /* of the vectors, where the device has them; or NULL */
    float *bytes;          /* what is made, one layer after the other */
    size_t cells;          /* of it */
};

static int check_indices(const struct merge_input *input, const size_t *indices,
                         size_t count, size_t *cells, struct error *error) {
    if (!input->method->layers)
        return error_set(error, "%s does not make layers one by one",
                         input->method->name);
    size_t there = input->method->layers->count(input->pool->layout);
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= there)
            return error_set(error, "this model has %zu linear layers, not %zu", there,
                             indices[i] + 1);
        *cells += cells_at(input, indices[i]);
    }
    return 0;
}

/* No more of the task vectors than is asked for leaves the device. */
static int copy_vectors(const struct merge_input *input, const size_t *indices,
                        size_t count, struct served *s, struct error *error) {
    struct pool *pool = input->pool;
    struct backend *b = pool->backend;
    s->copies = array_new(s->cells, pool->tasks * sizeof *s->copies);
    if (!s->copies)
        return error_memory(error);
    float *to = s->copies;
    for (size_t i = 0; i < count; i++) {
        size_t offset, cells = cells_at(input, indices[i]);
        layer_at(input, indices[i], &offset);
        for (size_t t = 0; t < pool->tasks; t++, to += cells) {
            const real *from =
                backend_at(b, pool->vectors, t * pool->layout->size + offset);
            if (b->download_real(b, to, from, cells, error))
                return -1;
            s->vectors[i * pool->tasks + t] = to;
        }
    }
    return 0;
}

static int make_served(const struct merge_input *input, const size_t *indices,
                       size_t count, struct served *s, struct error *error) {
    struct pool *pool = input->pool;
    struct backend *b = pool->backend;
    if (!pool->factors)
        s->vectors = array_new(count, pool->tasks * sizeof *s->vectors);
    s->made = array_new(count, sizeof *s->made);
    s->bytes = array_new(s->cells, sizeof *s->bytes);
    if ((!s->vectors && !pool->factors) || !s->made || !s->bytes)
        return error_memory(error);
    if (b->synchronise(b, error))
        return -1;
    if (!pool->factors && b->host_view)
        point_into(input, b->host_view(b, pool->vectors), indices, count, s->vectors);
    else if (!pool->factors && copy_vectors(input, indices, count, s, error))
        return -1;
    float *to = s->bytes;
    for (size_t i = 0; i < count; i++) {
        s->made[i] = to;
        to += cells_at(input, indices[i]);
    }
    return input->method->layers->make(input,
                                       &(struct layers_part){.indices = indices,
                                                             .count = count,
                                                             .vectors = s->vectors,
                                                             .made = s->made,
                                                             .total = count},
                                       error);
}

int layers_serve(const struct merge_input *input, const size_t *indices, size_t count,
                 void **bytes, size_t *size, struct error *error) {
    struct served s = {0};
    if (check_indices(input, indices, count, &s.cells, error))
        return -1;
    int result = make_served(input, indices, count, &s, error);
    free(s.vectors);
    free(s.made);
    free(s.copies);
    if (result) {
        free(s.bytes);
        return -1;
    }
    *bytes = s.bytes;
    *size = s.cells * sizeof *s.bytes;
    return 0;
}
