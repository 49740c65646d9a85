#include "moe/correction.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct correction {
    struct pool *pool;
    enum correction_form form;
    size_t count, all; /* vectors D_k; those, the task vectors, and a base if any */
    struct routers *routers; /* NULL: none, as the next */
    struct upscaling *upscaling;
    size_t rows, segment_count;
    struct merge_segment *segments; /* on the device, as is what follows */
    float *weights;                 /* (rows, all) */
    float *host, *made; /* [rows, all] on the host: those, and what routers give */
    /* Where the pool keeps factors: what scales them (task_factors.h), and weights are
     * (rows, tasks), then (rows, all - tasks). */
    struct merge_segment *scaling;
    size_t scaling_count;
};

/* --- the weights ------------------------------------------------------------------ */

size_t correction_count(enum correction_form form, size_t tasks) {
    return form == CORRECTION_ONE || form == CORRECTION_WUDI ? 1
           : form == CORRECTION_PAIR                         ? tasks * (tasks - 1) / 2
                                                             : tasks;
}

double correction_weight(const double *preference, size_t tasks) {
    double squares = 0;
    for (size_t t = 0; t < tasks; t++)
        squares += preference[t] * preference[t];
    return tasks < 2 ? 0 : (1 - squares) / (1 - 1 / (double)tasks);
}

double correction_shares(enum correction_form form, const double *preference,
                         size_t tasks, double *shares) {
    double g = correction_weight(preference, tasks), products = 0;
    size_t k = 0;
    for (size_t t = 0; form == CORRECTION_PAIR && t < tasks; t++)
        for (size_t s = 0; s < t; s++)
            products += preference[s] * preference[t];
    switch (form) {
    case CORRECTION_ONE:
    case CORRECTION_WUDI:
        shares[0] = 1;
        return g;
    case CORRECTION_PAIR:
        for (size_t t = 0; t < tasks; t++)
            for (size_t s = 0; s < t; s++)
                shares[k++] =
                    products > 0 ? preference[s] * preference[t] / products : 0;
        return g;
    case CORRECTION_TASK:
    case CORRECTION_LINEAR:
        memcpy(shares, preference, tasks * sizeof *shares);
        return form == CORRECTION_TASK ? g : 1;
    }
    return g;
}

void correction_weights(enum correction_form form, const double *preference,
                        size_t tasks, double *weights) {
    size_t count = correction_count(form, tasks);
    double scale = correction_shares(form, preference, tasks, weights + tasks);
    memcpy(weights, preference, tasks * sizeof *weights);
    for (size_t k = 0; k < count; k++)
        weights[tasks + k] *= scale;
}

/* --- the vectors ------------------------------------------------------------------ */

/* upscaling: NULL for one row. */
static int place_scaling(struct correction *c, const struct upscaling *upscaling,
                         struct error *error) {
    struct backend *b = c->pool->backend;
    b->release(b, c->scaling);
    c->scaling = NULL;
    if (!c->pool->factors)
        return 0;
    struct merge_segment *made =
        task_factors_segments(c->pool->factors, upscaling, &c->scaling_count, error);
    size_t bytes = c->scaling_count * sizeof *made;
    int result = made ? b->allocate(b, bytes, (void **)&c->scaling, error) : -1;
    if (result == 0) {
        b->upload(b, c->scaling, made, bytes);
        result = b->synchronise(b, error);
    }
    free(made);
    return result;
}

/* Segments and room for so many rows, in place of what is there. */
static int place(struct correction *c, const struct upscaling *upscaling,
                 struct error *error) {
    struct backend *b = c->pool->backend;
    struct merge_segment whole = {.count = c->pool->layout->size};
    const struct merge_segment *segments = upscaling ? upscaling->segments : &whole;
    size_t segment_count = upscaling ? upscaling->segment_count : 1;
    size_t rows = upscaling ? upscaling->rows : 1;
    size_t bytes = segment_count * sizeof *segments, numbers = rows * c->all;
    if (place_scaling(c, upscaling, error))
        return -1;
    b->release(b, c->segments);
    b->release(b, c->weights);
    free(c->host);
    free(c->made);
    c->segments = NULL;
    c->weights = NULL;
    c->made = NULL;
    c->host = array_new(numbers, sizeof *c->host);
    if (c->host)
        c->made = array_new(numbers, sizeof *c->made);
    if (!c->host || !c->made)
        return error_memory(error);
    if (b->allocate(b, bytes, (void **)&c->segments, error) ||
        b->allocate(b, numbers * sizeof *c->weights, (void **)&c->weights, error))
        return -1;
    b->upload(b, c->segments, segments, bytes);
    c->segment_count = segment_count;
    c->rows = rows;
    return b->synchronise(b, error);
}

int correction_new(struct pool *pool, enum correction_form form,
                   struct correction **out, struct error *error) {
    size_t count = correction_count(form, pool->tasks);
    size_t room = count + (form == CORRECTION_WUDI);
    if (pool->tasks + room > ROUTE_TASKS_MAX)
        return error_set(error,
                         "%zu vectors beside those of %zu tasks are more than there is "
                         "room for (%d in all); train fewer: --vectors one",
                         room, pool->tasks, ROUTE_TASKS_MAX);
    struct correction *c = array_new(1, sizeof *c);
    if (!c)
        return error_memory(error);
    *c = (struct correction){
        .pool = pool, .form = form, .count = count, .all = pool->tasks + room};
    if (pool_make_room(pool, room, error) || place(c, NULL, error)) {
        correction_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void correction_free(struct correction *c) {
    if (!c)
        return;
    struct backend *b = c->pool->backend;
    b->release(b, c->segments);
    b->release(b, c->weights);
    b->release(b, c->scaling);
    upscaling_free(c->upscaling);
    routers_free(c->routers);
    free(c->host);
    free(c->made);
    free(c);
}

int correction_use_routers(struct correction *c, struct routers *routers,
                           struct error *error) {
    struct upscaling *upscaling;
    if (upscaling_new(c->pool->layout, routers->granularity, &upscaling, error))
        return -1;
    if (routers->tasks != c->all || routers->modules != upscaling->modules) {
        error_set(error,
                  "routers of %zu numbers for %zu modules do not fit this correction "
                  "of %zu and %zu",
                  routers->tasks, routers->modules, c->all, upscaling->modules);
        upscaling_free(upscaling);
        return -1;
    }
    if (place(c, upscaling, error)) {
        upscaling_free(upscaling);
        return -1;
    }
    upscaling_free(c->upscaling);
    routers_free(c->routers);
    c->upscaling = upscaling;
    c->routers = routers;
    return 0;
}

struct routers *correction_routers(const struct correction *c) {
    return c->routers;
}

const struct upscaling *correction_upscaling(const struct correction *c) {
    return c->upscaling;
}

enum correction_form correction_form(const struct correction *c) {
    return c->form;
}

real *correction_vector(const struct correction *c) {
    return c->pool->more;
}

real *correction_base(const struct correction *c) {
    size_t behind = c->pool->tasks + c->count;
    return behind < c->all ? backend_at(c->pool->backend, c->pool->more,
                                        c->count * c->pool->layout->size)
                           : NULL;
}

/* c->host at a preference. */
static void make_rows(struct correction *c, const double *preference) {
    double weights[ROUTE_TASKS_MAX];
    float g = (float)correction_weight(preference, c->pool->tasks);
    correction_weights(c->form, preference, c->pool->tasks, weights);
    if (c->form == CORRECTION_WUDI) {
        memset(weights, 0, c->pool->tasks * sizeof *weights);
        weights[c->pool->tasks + c->count] = 1;
    }
    if (c->routers)
        routers_forward(c->routers, weights, c->made);
    for (size_t row = 0; row < c->rows; row++)
        for (size_t i = 0; i < c->all; i++) {
            bool routed = c->routers && row < c->routers->modules;
            c->host[row * c->all + i] =
                (float)weights[i] + (routed ? g * c->made[row * c->all + i] : 0);
        }
}

/* The D_k by one pass over them, and what is products beside them. */
static void merge_factors(struct correction *c, real *out) {
    struct pool *pool = c->pool;
    struct backend *b = pool->backend;
    size_t tasks = pool->tasks, others = c->all - tasks;
    float *of_tasks = c->made, *of_others = of_tasks + c->rows * tasks;
    for (size_t row = 0; row < c->rows; row++) {
        const float *from = c->host + row * c->all;
        memcpy(of_tasks + row * tasks, from, tasks * sizeof *from);
        memcpy(of_others + row * others, from + tasks, others * sizeof *from);
    }
    b->upload(b, c->weights, c->made, c->rows * c->all * sizeof *c->made);
    b->merge(b, out, pool->base, pool->more, pool->layout->size, others, c->segments,
             c->segment_count, c->weights + c->rows * tasks);
    task_factors_merge(pool->factors, pool->layout, c->scaling, c->scaling_count,
                       c->weights, out, out);
}

void correction_merge(struct correction *c, const double *preference, real *out) {
    struct pool *pool = c->pool;
    struct backend *b = pool->backend;
    make_rows(c, preference);
    if (pool->factors) {
        merge_factors(c, out);
        return;
    }
    b->upload(b, c->weights, c->host, c->rows * c->all * sizeof *c->host);
    b->merge(b, out, pool->base, pool->vectors, pool->layout->size, c->all, c->segments,
             c->segment_count, c->weights);
}

const float *correction_row(const struct correction *c, size_t offset) {
    return c->host + (c->upscaling ? upscaling_row(c->upscaling, offset) : 0) * c->all;
}
