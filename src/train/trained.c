#include "train/trained.h"

#include <stdlib.h>

#include "base/memory.h"
#include "parallel/ranks.h"

/* What is this process's of each piece. */
static int split_up(struct trained *t, const struct trained_split *split,
                    struct error *error) {
    bool whole = !split || !split->begins;
    t->pieces = whole ? 1 : split->pieces;
    t->ranks = split ? split->ranks : NULL;
    t->runs = array_new(t->pieces, sizeof *t->runs);
    t->begins = array_new(t->pieces + 1, sizeof *t->begins);
    if (!t->runs || !t->begins)
        return error_memory(error);
    unsigned rank = ranks_rank(t->ranks);
    for (size_t i = 0; i < t->pieces; i++) {
        size_t begin = whole ? 0 : split->begins[i];
        size_t count = (whole ? t->count : split->begins[i + 1]) - begin;
        size_t first = ranks_part(t->ranks, count, rank);
        size_t end = ranks_part(t->ranks, count, rank + 1);
        t->begins[i + 1] = begin + count;
        t->runs[i] = (struct trained_run){begin + first, end - first, t->kept};
        t->kept += end - first;
    }
    if (t->ranks && !(t->room = array_new(t->count, sizeof *t->room)))
        return error_memory(error);
    return 0;
}

int trained_new(struct backend *b, struct trained *t, size_t count, real *compute,
                const struct trained_split *split, struct error *error) {
    size_t bytes = count * sizeof(float);
    bool same = b->real_size == sizeof(float);
    *t = (struct trained){.count = count, .compute = compute, .owns_compute = !compute};
    if (split_up(t, split, error))
        return -1;
    if (t->owns_compute &&
        b->allocate(b, count * b->real_size, (void **)&t->compute, error))
        return -1;
    if (same)
        t->values = (float *)t->compute;
    else if (b->allocate(b, bytes, (void **)&t->values, error))
        return -1;
    bytes = t->kept * sizeof *t->first;
    return b->allocate(b, count * sizeof *t->gradient, (void **)&t->gradient, error) ||
                   b->allocate(b, bytes, (void **)&t->first, error) ||
                   b->allocate(b, bytes, (void **)&t->second, error)
               ? -1
               : 0;
}

static bool one_array(const struct trained *t) {
    return (void *)t->values == (void *)t->compute;
}

void trained_free(struct backend *b, struct trained *t) {
    if (!one_array(t))
        b->release(b, t->values);
    if (t->owns_compute)
        b->release(b, t->compute);
    b->release(b, t->gradient);
    b->release(b, t->first);
    b->release(b, t->second);
    b->release(b, t->average);
    free(t->runs);
    free(t->begins);
    free(t->room);
}

int trained_put(struct backend *b, struct trained *t, const float *values,
                struct error *error) {
    b->upload(b, t->values, values, t->count * sizeof *values);
    if (!one_array(t))
        b->upload_real(b, t->compute, values, t->count);
    return b->synchronise(b, error);
}

int trained_keep_average(struct backend *b, struct trained *t, struct error *error) {
    return b->allocate(b, t->count * sizeof *t->average, (void **)&t->average, error);
}

void trained_average(struct backend *b, struct trained *t, double window) {
    float share = (float)(1 / window);
    b->add_scaled(b, t->average, t->average, -share, t->count);
    b->add_scaled(b, t->average, t->values, share, t->count);
}

int trained_show_average(struct backend *b, struct trained *t, float *values,
                         struct error *error) {
    size_t bytes = t->count * sizeof *values;
    float *average = array_new(t->count, sizeof *average);
    int result = average ? 0 : error_memory(error);
    if (result == 0 && (b->download(b, values, t->values, bytes, error) ||
                        b->download(b, average, t->average, bytes, error)))
        result = -1;
    if (result == 0)
        result = trained_put(b, t, average, error);
    free(average);
    return result;
}

void trained_step(struct backend *b, struct trained *t, double rate, double decay,
                  unsigned step) {
    struct adam adam = {.learning_rate = (float)rate,
                        .beta1 = 0.9f,
                        .beta2 = 0.999f,
                        .epsilon = 1e-8f,
                        .weight_decay = (float)decay,
                        .step = step + 1};
    for (size_t i = 0; t->count && i < t->pieces; i++) {
        const struct trained_run *r = &t->runs[i];
        b->adam(b, t->values + r->begin,
                one_array(t) ? NULL : backend_at(b, t->compute, r->begin),
                t->gradient + r->begin, t->first + r->at, t->second + r->at, r->count,
                &adam);
    }
}

/* --- parts ------------------------------------------------------------------------ */

float *trained_part(const struct trained *t, size_t part) {
    float *const parts[TRAINED_PARTS] = {t->values, t->first, t->second, t->average};
    return parts[part];
}

bool trained_part_shared(const struct trained *t, size_t part) {
    return t->ranks && (part == TRAINED_FIRST || part == TRAINED_SECOND);
}

int trained_set(struct backend *b, struct trained *t, size_t part, const float *values,
                struct error *error) {
    float *to = trained_part(t, part);
    if (part == TRAINED_VALUES)
        return trained_put(b, t, values, error);
    if (!trained_part_shared(t, part))
        b->upload(b, to, values, t->count * sizeof *values);
    else
        for (size_t i = 0; i < t->pieces; i++)
            b->upload(b, to + t->runs[i].at, values + t->runs[i].begin,
                      t->runs[i].count * sizeof *values);
    return b->synchronise(b, error);
}
