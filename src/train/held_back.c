#include "train/held_back.h"

#include <math.h>
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
    *h = (struct held_back){.tasks = tasks, .least = INFINITY};
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
    for (size_t t = 0; t < tasks; t++)
        h->count += h->held_count[t];
    h->bounded = array_new(h->count, sizeof *h->bounded);
    return h->bounded ? 0 : error_memory(error);
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
    free(h->bounded);
    free(h->result);
    *h = (struct held_back){0};
}

bool held_back_any(const struct held_back *h) {
    return h->count > 0;
}

bool held_back_looks(const struct held_back *h, unsigned step, unsigned steps) {
    return held_back_any(h) && (step % h->every == 0 || step == steps);
}

bool held_back_ends(const struct held_back *h, unsigned step) {
    return h->result && step >= h->kept_step + h->patience;
}

/* --- which state is kept ---------------------------------------------------------- */

/* The mean over tasks of the mean of a - b, b NULL for zeros, and the standard error of
 * that: infinite where an example by itself is all there is of a task. */
static double compare(const struct held_back *h, const float *a, const float *b,
                      double *deviation) {
    double sum = 0, variance = 0, tasks = 0;
    for (size_t t = 0; t < h->tasks; t++) {
        double count = (double)h->held_count[t], mean = 0, squares = 0;
        if (h->held_count[t] == 0)
            continue;
        for (size_t i = 0; i < h->held_count[t]; i++)
            mean += ((double)a[i] - (b ? (double)b[i] : 0)) / count;
        for (size_t i = 0; i < h->held_count[t]; i++) {
            double off = (double)a[i] - (b ? (double)b[i] : 0) - mean;
            squares += off * off;
        }
        sum += mean;
        variance += count > 1 ? squares / (count - 1) / count : INFINITY;
        tasks++;
        a += h->held_count[t];
        b = b ? b + h->held_count[t] : NULL;
    }
    *deviation = sqrt(variance) / tasks;
    return sum / tasks;
}

bool held_back_keeps(struct held_back *h, float *losses, unsigned step) {
    double deviation;
    for (size_t i = 0; i < h->count; i++)
        losses[i] = -expm1f(-losses[i]);
    double mean = compare(h, losses, NULL, &deviation);
    bool keeps = !h->result;
    if (!isfinite(mean)) {
        mean = INFINITY;
    } else if (mean < h->least) {
        h->least = mean;
        h->least_step = step;
        memcpy(h->bounded, losses, h->count * sizeof *h->bounded);
        keeps = true;
    } else {
        double worse = compare(h, losses, h->bounded, &deviation);
        keeps = worse <= deviation;
    }
    if (keeps) {
        h->kept = mean;
        h->kept_step = step;
    }
    return keeps;
}

/* --- as bytes --------------------------------------------------------------------- */

/* Behind it are bounded [count], and the result's bytes. */
struct held_back_head {
    char magic[8];
    double least, kept;
    uint64_t least_step, kept_step, count, size;
};

static const char magic[8] = "PWEHELD2";

int held_back_save(const struct held_back *h, void **bytes, size_t *size,
                   struct error *error) {
    struct held_back_head head = {.least = h->least,
                                  .kept = h->kept,
                                  .least_step = h->least_step,
                                  .kept_step = h->kept_step,
                                  .count = h->count,
                                  .size = h->result_size};
    size_t bounded = h->count * sizeof *h->bounded;
    memcpy(head.magic, magic, sizeof magic);
    *size = sizeof head + bounded + h->result_size;
    char *at = *bytes = malloc(*size);
    if (!at)
        return error_memory(error);
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, h->bounded, bounded);
    if (h->result_size)
        memcpy(at + sizeof head + bounded, h->result, h->result_size);
    return 0;
}

int held_back_resume(struct held_back *h, const void *bytes, size_t size,
                     struct error *error) {
    struct held_back_head head;
    size_t bounded = h->count * sizeof *h->bounded;
    if (size < sizeof head)
        return error_set(error, "the saved state lacks what was held back");
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0)
        return error_set(error, "the saved state of what was held back is another "
                                "version's, or damaged");
    if (head.count != h->count || size - sizeof head < bounded ||
        head.size != size - sizeof head - bounded || head.least_step > UINT32_MAX ||
        head.kept_step > UINT32_MAX)
        return error_set(error, "the saved state of what was held back is damaged");
    const char *at = (const char *)bytes + sizeof head;
    void *result = head.size ? malloc((size_t)head.size) : NULL;
    if (head.size && !result)
        return error_memory(error);
    memcpy(h->bounded, at, bounded);
    if (result)
        memcpy(result, at + bounded, (size_t)head.size);
    free(h->result);
    h->result = result;
    h->result_size = (size_t)head.size;
    h->least = head.least;
    h->kept = head.kept;
    h->least_step = (unsigned)head.least_step;
    h->kept_step = (unsigned)head.kept_step;
    return 0;
}
