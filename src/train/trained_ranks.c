/* Numbers that several ranks train: moments shared out, and everything as rank 0 has
 * it. */
#include <stdlib.h>

#include "base/memory.h"
#include "parallel/ranks.h"
#include "train/trained.h"

/* The others wait for what this rank has. */
static int fail_alone(struct ranks *ranks) {
    ranks_give_up(ranks);
    return -1;
}

/* From what each rank has of values [count] to all of it on every rank. */
static int gather(const struct trained *t, float *values, struct error *error) {
    for (size_t i = 0; i < t->pieces; i++)
        if (ranks_gather_parts(t->ranks, values + t->begins[i],
                               t->begins[i + 1] - t->begins[i], error))
            return -1;
    return 0;
}

void trained_take(struct backend *b, struct trained *t) {
    for (size_t i = 0; t->ranks && i < t->pieces; i++) {
        const struct trained_run *r = &t->runs[i];
        b->upload(b, t->gradient + r->begin, t->room + r->begin,
                  r->count * sizeof *t->room);
    }
}

int trained_reduce(struct backend *b, struct trained *t, struct error *error) {
    if (!t->ranks)
        return 0;
    if (b->download(b, t->room, t->gradient, t->count * sizeof *t->room, error))
        return fail_alone(t->ranks);
    for (size_t i = 0; i < t->pieces; i++)
        if (ranks_add_parts(t->ranks, t->room + t->begins[i],
                            t->begins[i + 1] - t->begins[i], error))
            return -1;
    trained_take(b, t);
    return 0;
}

int trained_gather(struct backend *b, struct trained *t, struct error *error) {
    if (!t->ranks)
        return 0;
    for (size_t i = 0; i < t->pieces; i++) {
        const struct trained_run *r = &t->runs[i];
        if (b->download(b, t->room + r->begin, t->values + r->begin,
                        r->count * sizeof *t->room, error))
            return fail_alone(t->ranks);
    }
    if (gather(t, t->room, error))
        return -1;
    return trained_put(b, t, t->room, error) ? fail_alone(t->ranks) : 0;
}

int trained_whole(struct backend *b, const struct trained *t, size_t part,
                  float *values, struct error *error) {
    const float *from = trained_part(t, part);
    if (!trained_part_shared(t, part))
        return b->download(b, values, from, t->count * sizeof *values, error);
    for (size_t i = 0; i < t->pieces; i++) {
        const struct trained_run *r = &t->runs[i];
        if (b->download(b, values + r->begin, from + r->at, r->count * sizeof *values,
                        error))
            return fail_alone(t->ranks);
    }
    return gather(t, values, error);
}

/* --- as rank 0 has it ------------------------------------------------------------- */

/* One part of an array; values [count]. Rank 0 has those moments that it shares out in
 * the state's file alone. */
static int spread_part(struct backend *b, struct trained *const *list, size_t index,
                       size_t part, const char *path, float *values,
                       struct ranks *ranks, struct error *error) {
    struct trained *t = list[index];
    int result = 0;
    if (ranks_rank(ranks) == 0 && trained_part_shared(t, part))
        result = trained_read(path, list, index, part, values, error);
    else if (ranks_rank(ranks) == 0)
        result = trained_whole(b, t, part, values, error);
    result = ranks_agree(ranks, result, error);
    if (result == 0)
        result = ranks_broadcast(ranks, values, t->count * sizeof *values, error);
    if (result == 0 && ranks_rank(ranks))
        result = trained_set(b, t, part, values, error);
    return ranks_agree(ranks, result, error);
}

int trained_spread(struct backend *b, struct trained *const *list, size_t count,
                   const char *path, struct ranks *ranks, struct error *error) {
    bool resumed = path != NULL;
    int result = ranks_broadcast(ranks, &resumed, sizeof resumed, error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        struct trained *t = list[i];
        float *values = array_unset(t->count, sizeof *values);
        result = ranks_agree(ranks, values ? 0 : error_memory(error), error);
        for (size_t part = 0; result == 0 && part < TRAINED_PARTS; part++)
            if (trained_part(t, part) && (resumed || !trained_part_shared(t, part)))
                result = spread_part(b, list, i, part, path, values, ranks, error);
        free(values);
    }
    return result;
}
