/* Heads that learn along with D: their changes X_t, y_t (moe/correction_heads.h), one
 * array that Adam trains by the same loss. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "moe/correction_heads.h"
#include "parallel/ranks.h"
#include "train/distillation_state.h"

/* Where a task's change begins, so that the device's products find it aligned. */
enum { ALIGNED = 64 };

static size_t aligned(size_t count) {
    return (count + ALIGNED - 1) / ALIGNED * ALIGNED;
}

/* The changes as parts of what `values` has, which may be NULL. Returns how many
 * numbers they are. */
static size_t place(struct distillation *d, float *values) {
    size_t at = 0;
    for (size_t t = 0; t < d->pool->tasks; t++) {
        const struct head *own = &d->pool->heads[t];
        struct head *change = &d->head_part.changes[t];
        *change = (struct head){.classes = own->classes, .features = own->features};
        change->weight = values ? values + at : NULL;
        at += aligned(own->classes * own->features);
        if (!own->bias)
            continue;
        change->bias = values ? values + at : NULL;
        at += aligned(own->classes);
    }
    return at;
}

/* The mean magnitude of a weight of the tasks' own heads. */
static double magnitude(const struct pool *pool) {
    double sum = 0;
    size_t count = 0;
    for (size_t t = 0; t < pool->tasks; t++) {
        const struct head *h = &pool->heads[t];
        size_t numbers = h->classes * h->features;
        for (size_t i = 0; i < numbers; i++)
            sum += fabs((double)h->weight[i]);
        count += numbers;
    }
    return sum / (double)count;
}

int distillation_heads_new(struct distillation *d, struct error *error) {
    struct backend *b = d->pool->backend;
    struct head_part *part = &d->head_part;
    if (!d->options.heads || d->pool->text || d->options.form == CORRECTION_LINEAR)
        return 0;
    part->changes = array_new(d->pool->tasks, sizeof *part->changes);
    if (!part->changes)
        return error_memory(error);
    size_t count = place(d, NULL);
    part->values = array_new(count, sizeof *part->values);
    if (!part->values)
        return error_memory(error);
    place(d, part->values);
    part->rate = DISTILLATION_RATE_OF_HEADS * magnitude(d->pool);
    return trained_new(b, &part->numbers, count, NULL, NULL, error) ||
                   trained_put(b, &part->numbers, part->values, error)
               ? -1
               : 0;
}

void distillation_heads_free(struct distillation *d) {
    trained_free(d->pool->backend, &d->head_part.numbers);
    free(d->head_part.values);
    free(d->head_part.changes);
}

void distillation_heads_slope(struct distillation *d, size_t task) {
    struct head_part *part = &d->head_part;
    if (!part->changes)
        return;
    const struct head *change = &part->changes[task];
    float *gradient = part->numbers.gradient;
    head_bank_gradient(d->heads, gradient + (change->weight - part->values),
                       change->bias ? gradient + (change->bias - part->values) : NULL);
}

/* The changes, or their gradient, to the host. */
static int fetch(struct distillation *d, const float *from, struct error *error) {
    struct backend *b = d->pool->backend;
    struct head_part *part = &d->head_part;
    return b->download(b, part->values, from, part->numbers.count * sizeof *from,
                       error);
}

int distillation_heads_gather(struct distillation *d, struct error *error) {
    struct backend *b = d->pool->backend;
    struct head_part *part = &d->head_part;
    if (!part->changes || !d->sharing.ranks)
        return 0;
    if (fetch(d, part->numbers.gradient, error) ||
        ranks_add_floats(d->sharing.ranks, part->values, part->numbers.count, error))
        return -1;
    b->upload(b, part->numbers.gradient, part->values,
              part->numbers.count * sizeof *part->values);
    return b->synchronise(b, error);
}

int distillation_heads_put(struct distillation *d, const double *preference,
                           struct error *error) {
    struct pool *pool = d->pool;
    if (!d->head_part.changes)
        return 0;
    if (fetch(d, d->head_part.numbers.values, error))
        return -1;
    struct head *heads =
        correction_heads_at(pool->heads, d->head_part.changes, pool->tasks,
                            correction_weight(preference, pool->tasks), error);
    if (!heads)
        return -1;
    for (size_t t = 0; t < pool->tasks; t++)
        head_bank_put(d->heads, t, &heads[t]);
    int result = pool->backend->synchronise(pool->backend, error);
    correction_heads_free(heads, pool->tasks);
    return result;
}

int distillation_heads_part(struct distillation *d, struct correction_parts *parts,
                            struct error *error) {
    if (!d->head_part.changes)
        return 0;
    parts->heads = d->head_part.changes;
    parts->tasks = d->pool->tasks;
    return fetch(d, d->head_part.numbers.values, error);
}

int distillation_set_heads(struct distillation *d, const struct head *changes,
                           struct error *error) {
    struct head_part *part = &d->head_part;
    for (size_t t = 0; t < d->pool->tasks; t++) {
        struct head *to = &part->changes[t];
        memcpy(to->weight, changes[t].weight,
               to->classes * to->features * sizeof *to->weight);
        if (to->bias)
            memcpy(to->bias, changes[t].bias, to->classes * sizeof *to->bias);
    }
    return trained_put(d->pool->backend, &part->numbers, part->values, error);
}

const struct head *distillation_heads_slopes(struct distillation *d,
                                             struct error *error) {
    struct head_part *part = &d->head_part;
    return fetch(d, part->numbers.gradient, error) ? NULL : part->changes;
}
