#include "train/held_back.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/draw.h"

/* Looks in all, and after how many in vain training ends; fewer steps than `least`
 * between two are not worth the look. */
enum { LOOKS = 24, IN_VAIN = 6, EVERY_LEAST = 25 };

/* The others of `count`; held ascends. */
static void complement(const uint32_t *held, size_t held_count, size_t count,
                       uint32_t *used) {
    size_t next = 0, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (next < held_count && held[next] == i)
            next++;
        else
            used[at++] = i;
    }
}

static int choose_task(struct held_back *h, size_t t, const struct dataset *data,
                       size_t wanted, struct error *error) {
    size_t most = data->count / 10;
    h->held_count[t] = wanted < most ? wanted : most;
    h->used_count[t] = data->count - h->held_count[t];
    h->used[t] = array_new(data->count, sizeof **h->used);
    if (!h->used[t])
        return error_memory(error);
    if (h->held_count[t] && draw_examples(data->labels, data->count, data->classes,
                                          h->held_count[t], &h->held[t], error))
        return -1;
    complement(h->held[t], h->held_count[t], data->count, h->used[t]);
    return 0;
}

int held_back_choose(struct held_back *h, const struct dataset *const *train,
                     size_t tasks, size_t wanted, unsigned steps, struct error *error) {
    unsigned every = steps / LOOKS;
    *h = (struct held_back){.tasks = tasks};
    h->every = every < EVERY_LEAST ? EVERY_LEAST : every;
    h->patience = IN_VAIN * h->every;
    h->held = array_new(tasks, sizeof *h->held);
    h->used = array_new(tasks, sizeof *h->used);
    h->held_count = array_new(tasks, sizeof *h->held_count);
    h->used_count = array_new(tasks, sizeof *h->used_count);
    if (!h->held || !h->used || !h->held_count || !h->used_count)
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++)
        if (choose_task(h, t, train[t], wanted, error))
            return -1;
    return 0;
}

void held_back_clear(struct held_back *h) {
    for (size_t t = 0; t < h->tasks; t++) {
        if (h->held)
            free(h->held[t]);
        if (h->used)
            free(h->used[t]);
    }
    free(h->held);
    free(h->used);
    free(h->held_count);
    free(h->used_count);
    free(h->result);
    *h = (struct held_back){0};
}

bool held_back_any(const struct held_back *h) {
    for (size_t t = 0; t < h->tasks; t++)
        if (h->held_count[t])
            return true;
    return false;
}

bool held_back_looks(const struct held_back *h, unsigned step, unsigned steps) {
    return held_back_any(h) && (step % h->every == 0 || step == steps);
}

bool held_back_ends(const struct held_back *h, unsigned step) {
    return h->result && step >= h->best_step + h->patience;
}

/* --- as bytes --------------------------------------------------------------------- */

struct held_back_head {
    char magic[8];
    double best;
    uint64_t best_step, size;
};

static const char magic[8] = "PWEHELD";

int held_back_save(const struct held_back *h, void **bytes, size_t *size,
                   struct error *error) {
    struct held_back_head head = {
        .best = h->best, .best_step = h->best_step, .size = h->result_size};
    memcpy(head.magic, magic, sizeof magic);
    *size = sizeof head + h->result_size;
    *bytes = malloc(*size);
    if (!*bytes)
        return error_memory(error);
    memcpy(*bytes, &head, sizeof head);
    if (h->result_size)
        memcpy((char *)*bytes + sizeof head, h->result, h->result_size);
    return 0;
}

int held_back_resume(struct held_back *h, const void *bytes, size_t size,
                     struct error *error) {
    struct held_back_head head;
    if (size < sizeof head)
        return error_set(error, "the saved state lacks what was held back");
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 ||
        head.size != size - sizeof head || head.best_step > UINT32_MAX)
        return error_set(error, "the saved state of what was held back is damaged");
    void *result = head.size ? malloc((size_t)head.size) : NULL;
    if (head.size && !result)
        return error_memory(error);
    if (result)
        memcpy(result, (const char *)bytes + sizeof head, (size_t)head.size);
    free(h->result);
    h->result = result;
    h->result_size = (size_t)head.size;
    h->best = head.best;
    h->best_step = (unsigned)head.best_step;
    return 0;
}
