#include "train/task_batch.h"

#include <stdlib.h>

#include "base/memory.h"

/* Of two feeds, with the examples of a step and those that a caller gives. */
enum { REPEATED_MAX = 4 };

struct repeated {
    size_t count;
    bool none; /* nothing can be recorded */
    struct {
        size_t at, examples;
        unsigned kind;
        struct recording *recording; /* NULL: it was run once */
    } each[REPEATED_MAX];
};

static int allocate_host(struct backend *b, size_t count, float **memory,
                         struct error *error) {
    if (b->pin)
        return b->pin(b, count * sizeof **memory, (void **)memory, error);
    *memory = array_new(count, sizeof **memory);
    return *memory ? 0 : error_memory(error);
}

static int allocate(struct task_batch *t, size_t rows, size_t more,
                    struct error *error) {
    struct backend *b = t->backend;
    t->numbers = more + rows;
    if (b->allocate(b, t->numbers * sizeof(float), (void **)&t->more, error) ||
        b->allocate(b, rows * sizeof(float), (void **)&t->scale, error) ||
        allocate_host(b, t->numbers, &t->host_numbers, error) ||
        allocate_host(b, rows, &t->host_scale, error))
        return -1;
    t->loss = t->more + more;
    t->host_more = t->host_numbers;
    return 0;
}

int task_batch_new(struct backend *b, const struct layout *layout,
                   const struct dataset *const *datasets, size_t tasks, size_t batch,
                   size_t more, uint64_t seed, struct task_batch **out,
                   struct error *error) {
    struct task_batch *t = array_new(1, sizeof *t);
    if (!t)
        return error_memory(error);
    size_t rows = tasks * batch;
    t->backend = b;
    t->tasks = tasks;
    t->batch = t->drawn = t->examples = t->whole = batch;
    t->datasets = datasets;
    t->text = model_config_is_text(&layout->config);
    t->draws = array_new(tasks, sizeof *t->draws);
    t->seen = array_new(tasks, sizeof *t->seen);
    t->chosen = array_new(tasks, sizeof *t->chosen);
    t->repeated = array_new(1, sizeof *t->repeated);
    if (!t->draws || !t->seen || !t->chosen || !t->repeated) {
        error_memory(error);
        goto failed;
    }
    for (size_t i = 0; i < tasks; i++)
        if (batches_begin(&t->draws[i], datasets[i]->count, seed, i, error))
            goto failed;
    /* One will do where an upload is a copy that the host makes itself. */
    for (size_t i = 0; i < (b->pin ? 2 : 1); i++)
        if (feed_new_ahead(b, layout, datasets, tasks, rows, &t->feeds[i], error))
            goto failed;
    if (allocate(t, rows, more, error))
        goto failed;
    *out = t;
    return 0;
failed:
    task_batch_free(t);
    return -1;
}

void task_batch_free(struct task_batch *t) {
    if (!t)
        return;
    struct backend *b = t->backend;
    for (size_t i = 0; t->repeated && i < t->repeated->count; i++)
        if (t->repeated->each[i].recording)
            b->recording_free(b, t->repeated->each[i].recording);
    free(t->repeated);
    feed_free(t->feeds[0]);
    feed_free(t->feeds[1]);
    if (b->pin) {
        /* Nothing is on its way where a step was not collected. */
        if (t->fetched)
            b->wait(b, t->fetched, NULL);
        if (t->weighed)
            b->wait(b, t->weighed, NULL);
        b->unpin(b, t->host_numbers);
        b->unpin(b, t->host_scale);
    } else {
        free(t->host_numbers);
        free(t->host_scale);
    }
    b->release(b, t->more);
    b->release(b, t->scale);
    for (size_t i = 0; t->draws && i < t->tasks; i++)
        batches_end(&t->draws[i]);
    free(t->draws);
    free(t->seen);
    free(t->chosen);
    free(t);
}

int task_batch_choose(struct task_batch *t, size_t task, const uint32_t *numbers,
                      size_t count, struct error *error) {
    struct batches *draws = &t->draws[task];
    uint64_t seed = draws->seed;
    batches_end(draws);
    if (batches_begin(draws, count, seed, task, error))
        return -1;
    t->chosen[task] = numbers;
    return 0;
}

void task_batch_share(struct task_batch *t, size_t drawn, size_t first) {
    t->drawn = drawn;
    t->first = first;
}

int task_batch_transformer(const struct task_batch *t,
                           const struct preprocess *preprocess,
                           struct transformer **transformer, struct error *error) {
    return feed_transformer(t->feeds[0], preprocess, true, transformer, error);
}

/* --- which examples --------------------------------------------------------------- */

static void draw(struct task_batch *t, struct feed *feed) {
    for (size_t i = 0; i < t->tasks; i++) {
        for (size_t j = 0; j < t->drawn; j++) {
            uint32_t index;
            batches_next(&t->draws[i], 1, &index);
            if (j >= t->first && j - t->first < t->batch)
                feed_put(feed, i * t->batch + j - t->first, t->datasets[i],
                         t->chosen[i] ? t->chosen[i][index] : index);
        }
    }
    feed_send(feed, t->tasks * t->batch);
}

static void at_hand(struct task_batch *t, size_t at, size_t examples, size_t whole) {
    t->at = at;
    t->examples = examples;
    t->whole = whole;
    t->labels = feed_labels(t->feeds[at]);
}

void task_batch_next(struct task_batch *t) {
    size_t at = t->ahead ? 1 - t->at : t->at;
    if (!t->ahead)
        draw(t, t->feeds[at]);
    t->ahead = false;
    at_hand(t, at, t->batch, t->drawn);
}

void task_batch_ahead(struct task_batch *t) {
    if (!t->feeds[1] || t->ahead)
        return;
    /* The batch that lay there was the last step's, which is collected. */
    draw(t, t->feeds[1 - t->at]);
    t->ahead = true;
}

void task_batch_done(struct task_batch *t) {
    for (size_t i = 0; i < t->tasks; i++)
        t->seen[i] = t->draws[i].drawn - (t->ahead ? t->drawn : 0);
}

void task_batch_resume(struct task_batch *t, size_t task, uint64_t seen) {
    for (size_t i = 0; t->ahead && i < t->tasks; i++)
        t->draws[i].drawn -= t->drawn;
    t->ahead = false;
    t->seen[task] = t->draws[task].drawn = seen;
}

void task_batch_given(struct task_batch *t, const struct dataset *const *datasets,
                      size_t n) {
    struct feed *feed = t->feeds[t->at];
    for (size_t i = 0; i < t->tasks; i++)
        for (size_t j = 0; j < n; j++)
            feed_put(feed, i * n + j, datasets[i], j);
    feed_send(feed, t->tasks * n);
    at_hand(t, t->at, n, n);
}

/* --- a step ----------------------------------------------------------------------- */

/* NULL: it cannot be recorded, and was not run. */
static struct recording *record(struct backend *b, void (*run)(void *), void *self) {
    struct recording *made = NULL;
    if (b->record_begin(b, NULL))
        return NULL;
    run(self);
    return b->record_end(b, &made, NULL) ? NULL : made;
}

void task_batch_run(struct task_batch *t, unsigned kind, void (*run)(void *),
                    void *self) {
    struct backend *b = t->backend;
    struct repeated *r = t->repeated;
    feed_arrive(t->feeds[t->at], t->tasks * t->examples);
    size_t i = 0;
    while (i < r->count && (r->each[i].at != t->at || r->each[i].kind != kind ||
                            r->each[i].examples != t->examples))
        i++;
    bool known = i < r->count, records = b->record_begin && !t->text && !r->none;
    if (records && known && !r->each[i].recording) {
        r->each[i].recording = record(b, run, self);
        r->none = !r->each[i].recording;
    }
    if (records && known && r->each[i].recording) {
        b->replay(b, r->each[i].recording);
        return;
    }
    run(self);
    if (records && !known && i < REPEATED_MAX) {
        r->each[i].at = t->at;
        r->each[i].kind = kind;
        r->each[i].examples = t->examples;
        r->count++;
    }
}

void task_batch_embed(struct task_batch *t, struct transformer *transformer,
                      const real *weights) {
    feed_embed(t->feeds[t->at], transformer, weights, t->tasks * t->examples);
}

void task_batch_weigh(struct task_batch *t, const double *weights) {
    struct backend *b = t->backend;
    size_t rows = t->tasks * t->examples, bytes = rows * sizeof *t->host_scale;
    for (size_t i = 0; i < rows; i++)
        t->host_scale[i] = (float)(weights[i / t->examples] / (double)t->whole);
    if (!b->upload_early) {
        b->upload(b, t->scale, t->host_scale, bytes);
        return;
    }
    t->weighed = b->upload_early(b, t->scale, t->host_scale, bytes);
    b->follow(b, t->weighed);
}

void task_batch_fetch(struct task_batch *t) {
    struct backend *b = t->backend;
    if (b->download_late)
        t->fetched = b->download_late(b, t->host_numbers, t->more,
                                      t->numbers * sizeof *t->host_numbers);
}

/* All numbers on the host. Without a ticket the backend has failed, which is then
 * told. */
static int bring(struct task_batch *t, struct error *error) {
    struct backend *b = t->backend;
    if (!b->download_late)
        return b->download(b, t->host_numbers, t->more,
                           t->numbers * sizeof *t->host_numbers, error);
    if (!t->fetched)
        return b->synchronise(b, error);
    if (b->wait(b, t->fetched, error))
        return -1;
    t->fetched = t->weighed = 0;
    return 0;
}

int task_batch_collect(struct task_batch *t, double *losses, struct error *error) {
    if (bring(t, error))
        return -1;
    const float *loss = t->host_numbers + (t->loss - t->more);
    for (size_t i = 0; i < t->tasks; i++) {
        losses[i] = 0;
        for (size_t j = 0; j < t->examples; j++)
            losses[i] += loss[i * t->examples + j];
        losses[i] /= (double)t->whole;
    }
    return 0;
}
