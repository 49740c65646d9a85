#include "moe/correction_heads.h"

#include <stdlib.h>

#include "base/memory.h"

void correction_heads_free(struct head *heads, size_t tasks) {
    for (size_t t = 0; heads && t < tasks; t++)
        head_clear(&heads[t]);
    free(heads);
}

/* x + factor y of `count` numbers, NULL being zeros; NULL without memory. */
static float *sum(const float *x, double factor, const float *y, size_t count) {
    float *to = array_new(count, sizeof *to);
    for (size_t i = 0; to && i < count; i++)
        to[i] = (float)((x ? (double)x[i] : 0) + factor * (y ? (double)y[i] : 0));
    return to;
}

int correction_heads_fit(const struct head *changes, const struct head *own,
                         size_t tasks, struct error *error) {
    for (size_t t = 0; t < tasks; t++)
        if (changes[t].classes != own[t].classes ||
            changes[t].features != own[t].features)
            return error_set(error,
                             "the correction's head %zu is of %zu classes and %zu "
                             "features; the task's has %zu and %zu",
                             t + 1, changes[t].classes, changes[t].features,
                             own[t].classes, own[t].features);
    return 0;
}

struct head *correction_heads_at(const struct head *own, const struct head *changes,
                                 size_t tasks, double g, struct error *error) {
    struct head *heads = array_new(tasks, sizeof *heads);
    int result = heads ? 0 : -1;
    for (size_t t = 0; result == 0 && t < tasks; t++) {
        const struct head *a = &own[t], *b = &changes[t];
        heads[t] = (struct head){.classes = a->classes, .features = a->features};
        heads[t].weight = sum(a->weight, g, b->weight, a->classes * a->features);
        if (a->bias || b->bias)
            heads[t].bias = sum(a->bias, g, b->bias, a->classes);
        if (!heads[t].weight || ((a->bias || b->bias) && !heads[t].bias))
            result = -1;
    }
    if (result == 0)
        return heads;
    correction_heads_free(heads, tasks);
    error_memory(error);
    return NULL;
}
