#include "train/host_state.h"

#include <stdlib.h>
#include <string.h>

struct host_state_head {
    char magic[8];
    uint64_t step, tasks, count;
    /* then: struct random where there is one, drawn u64 [tasks], parameters, first,
     * second f32 [count] */
};

static size_t saved_size(const struct host_state *s) {
    return sizeof(struct host_state_head) + (s->random ? sizeof *s->random : 0) +
           s->tasks * sizeof(uint64_t) + 3 * s->count * sizeof(float);
}

/* Appends bytes, and gives the place after them. */
static char *put(char *at, const void *from, size_t size) {
    memcpy(at, from, size);
    return at + size;
}

int host_state_save(const struct host_state *s, void **bytes, size_t *size,
                    struct error *error) {
    struct host_state_head head = {
        .step = *s->step, .tasks = s->tasks, .count = s->count};
    memcpy(head.magic, s->magic, sizeof head.magic);
    *size = saved_size(s);
    char *at = *bytes = malloc(*size);
    if (!at)
        return error_memory(error);
    at = put(at, &head, sizeof head);
    if (s->random)
        at = put(at, s->random, sizeof *s->random);
    at = put(at, s->batch->seen, s->tasks * sizeof(uint64_t));
    at = put(at, s->parameters, s->count * sizeof *s->parameters);
    at = put(at, s->first, s->count * sizeof *s->first);
    put(at, s->second, s->count * sizeof *s->second);
    return 0;
}

/* Reads bytes, and gives the place after them. */
static const char *take(const char *at, void *to, size_t size) {
    memcpy(to, at, size);
    return at + size;
}

int host_state_resume(const struct host_state *s, const void *bytes, size_t size,
                      struct error *error) {
    struct host_state_head head = {0};
    struct random random;
    const char *at = bytes;
    if (size == saved_size(s))
        at = take(at, &head, sizeof head);
    if (size != saved_size(s) || memcmp(head.magic, s->magic, sizeof head.magic) != 0 ||
        head.tasks != s->tasks || head.count != s->count || head.step > s->steps)
        return error_set(error, "the saved state is of another run; start a new one");
    if (s->random) {
        at = take(at, &random, sizeof random);
        if (!random_usable(&random))
            return error_set(error, "the saved state is damaged; start a new run");
        *s->random = random;
    }
    *s->step = (unsigned)head.step;
    for (size_t t = 0; t < s->tasks; t++) {
        uint64_t seen;
        at = take(at, &seen, sizeof seen);
        task_batch_resume(s->batch, t, seen);
    }
    at = take(at, s->parameters, s->count * sizeof *s->parameters);
    at = take(at, s->first, s->count * sizeof *s->first);
    take(at, s->second, s->count * sizeof *s->second);
    return 0;
}
