#include "eval/forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/feed.h"
#include "model/transformer.h"

/* Images a batch. A device is filled by more than one task's: with 256 images of 50
 * tokens a product has 12,800 rows, some waves of tiles on the largest card, and takes
 * milliseconds in all, which is what a new preference has to wait for at most. While
 * none interrupts they are twice as large, where their products would not fill the
 * card: a batch of 256 images of 197 tokens does. After an interruption the next
 * model's first ones are small. */
enum {
    HOST_BATCH = 64,
    DEVICE_BATCH = 256,
    DEVICE_BATCH_LARGE = 512,
    DEVICE_ROWS = 32768, /* of a product, that fill a card */
    DEVICE_SHARE = 64
};

/* Batches under way on a device: one that runs, one behind it. */
enum { DEVICE_SLOTS = 2 };

struct slot {
    struct part parts[FORWARD_PARTS_MAX];
    size_t part_count, examples;
    backend_ticket ticket; /* of the results, where they come late; 0: they are there */
    char *device, *host;   /* predictions i32 (batch), then losses f32 (batch) */
};

struct forward {
    struct backend *backend;
    size_t batch, share; /* examples at most */
    size_t first;        /* of the first batches after an interruption */
    size_t all, seen;    /* examples; those of the current model that were collected */
    bool interrupted;    /* the model before was left incomplete */
    struct transformer *transformer;
    struct feed *feed; /* of texts; NULL: images */
    struct inputs *inputs;
    const real *features; /* where the transformer leaves them */
    size_t width;         /* of one */

    struct slot slots[DEVICE_SLOTS];
    size_t slot_count;
    size_t queued, collected; /* batches, ever */

    struct head_bank *heads; /* those that outlive this; NULL: none are known */
    struct recorded *recorded;

    struct unloader *maker; /* of the weights of the next batch; NULL: they are made */
    real *made;             /* where to */
    unsigned *ready;        /* [layers + 2] its parts, where it goes beside the batch */
};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t forward_default(const struct model_config *config, bool device, bool large) {
    if (!device)
        return HOST_BATCH;
    bool more = large && !model_config_is_text(config) &&
                DEVICE_BATCH_LARGE * model_config_tokens(config) <= DEVICE_ROWS;
    return more ? DEVICE_BATCH_LARGE : DEVICE_BATCH;
}

static int make_transformer(struct forward *f, const struct layout *l,
                            const struct preprocess *preprocess,
                            const struct held_out *held_out, size_t tasks,
                            struct error *error) {
    if (!model_config_is_text(&l->config))
        return transformer_new(f->backend, l, preprocess, f->batch, false,
                               &f->transformer, error);
    const struct dataset **data = array_new(tasks, sizeof *data);
    if (!data)
        return error_memory(error);
    for (size_t t = 0; t < tasks; t++)
        data[t] = held_out[t].data;
    int result = feed_new(f->backend, l, data, tasks, f->batch, &f->feed, error) ||
                 feed_transformer(f->feed, preprocess, false, &f->transformer, error);
    free(data);
    return result ? -1 : 0;
}

int forward_new(struct backend *b, const struct layout *l,
                const struct preprocess *preprocess, const struct held_out *held_out,
                size_t tasks, size_t batch, struct forward **out, struct error *error) {
    struct forward *f = array_new(1, sizeof *f);
    if (!f)
        return error_memory(error);
    size_t examples = 0;
    for (size_t t = 0; t < tasks; t++)
        examples += held_out[t].data->count;
    bool beside = b->pin != NULL;
    f->backend = b;
    f->width = model_config_features(&l->config);
    f->first = batch ? batch : forward_default(&l->config, beside, false);
    f->batch = batch ? batch : forward_default(&l->config, beside, true);
    if (beside)
        f->batch = smaller(f->batch, examples > 0 ? examples : 1);
    f->first = smaller(f->first, f->batch);
    f->all = examples;
    f->share = beside ? smaller(f->batch, DEVICE_SHARE) : f->batch;
    f->slot_count = beside ? DEVICE_SLOTS : 1;
    size_t bytes = f->batch * (sizeof(int32_t) + sizeof(float));
    f->ready = array_new(l->config.layers + 2, sizeof *f->ready);
    if (!f->ready) {
        error_memory(error);
        goto failed;
    }
    /* Texts differ in length from batch to batch: nothing to be recorded. */
    if (recorded_new(b, b->record_begin && !model_config_is_text(&l->config),
                     &f->recorded, error) ||
        make_transformer(f, l, preprocess, held_out, tasks, error))
        goto failed;
    transformer_in_fp8(f->transformer);
    for (size_t s = 0; s < f->slot_count; s++) {
        struct slot *slot = &f->slots[s];
        if (b->allocate(b, bytes, (void **)&slot->device, error) ||
            (beside && b->pin(b, bytes, (void **)&slot->host, error)))
            goto failed;
        if (!beside && !(slot->host = malloc(bytes))) {
            error_memory(error);
            goto failed;
        }
    }
    /* Last: it takes its share of what is left. */
    if (inputs_new(b, l, f->feed, held_out, tasks, f->batch, f->slot_count, &f->inputs,
                   error))
        goto failed;
    *out = f;
    return 0;
failed:
    forward_free(f);
    return -1;
}

void forward_free(struct forward *f) {
    if (!f)
        return;
    struct backend *b = f->backend;
    b->synchronise(b, NULL); /* nothing is on its way to what is freed */
    for (size_t s = 0; s < f->slot_count; s++) {
        struct slot *slot = &f->slots[s];
        if (slot->ticket)
            b->wait(b, slot->ticket, NULL);
        b->release(b, slot->device);
        if (b->pin)
            b->unpin(b, slot->host);
        else
            free(slot->host);
    }
    recorded_free(f->recorded);
    free(f->ready);
    inputs_free(f->inputs);
    transformer_free(f->transformer);
    feed_free(f->feed);
    free(f);
}

void forward_heads(struct forward *f, struct head_bank *heads) {
    f->heads = heads;
}

void forward_begin(struct forward *f, bool shared, float lambda) {
    if (f->queued > 0) /* it may be begun in two steps */
        f->interrupted = f->seen < f->all;
    /* What was queued is waited for by its slot, before that serves again. */
    f->collected = f->queued = f->seen = 0;
    f->maker = NULL;
    inputs_begin(f->inputs, shared, lambda);
}

void forward_make(struct forward *f, struct unloader *maker, real *weights) {
    f->maker = maker;
    f->made = weights;
}

void forward_make_now(struct forward *f) {
    if (f->maker)
        unloader_merge_aimed(f->maker, f->made);
    f->maker = NULL;
}

void forward_forget(struct forward *f, const struct unloader *maker) {
    recorded_forget(f->recorded, maker);
    if (f->maker == maker)
        f->maker = NULL;
}

size_t forward_batch_size(const struct forward *f) {
    return f->batch;
}

size_t forward_room(const struct forward *f) {
    return f->interrupted && f->queued < f->slot_count ? f->first : f->batch;
}

size_t forward_share(const struct forward *f) {
    return f->share;
}

size_t forward_parts(const struct forward *f) {
    return f->slot_count == 1 ? 1 : FORWARD_PARTS_MAX;
}

size_t forward_queued(const struct forward *f) {
    return f->queued - f->collected;
}

bool forward_has_room(const struct forward *f) {
    return forward_queued(f) < f->slot_count;
}

/* --- one batch ------------------------------------------------------------------ */

/* The transformer's tokens to f->features. */
static void run_blocks(void *self, const struct batch *batch) {
    struct forward *f = self;
    f->features = transformer_run(f->transformer, batch->weights, batch->examples);
}

/* f->features to the slot's predictions and losses. */
static void run_heads(struct forward *f, const struct batch *batch,
                      struct head_bank *heads) {
    char *device = f->slots[batch->slot].device;
    int32_t *predictions = (int32_t *)(void *)device;
    float *loss = (float *)(void *)(device + f->batch * sizeof *predictions);
    for (size_t i = 0, at = 0; i < batch->count; i++) {
        const struct part *part = &batch->parts[i];
        head_bank_loss(heads, part->task,
                       backend_at(f->backend, f->features, at * f->width), part->count,
                       inputs_labels(f->inputs, part), loss + at, NULL, NULL);
        head_bank_predict(heads, predictions + at);
        at += part->count;
    }
}

static void run_inputs(struct forward *f, const struct batch *batch) {
    inputs_put(f->inputs, f->transformer, batch->weights, batch->parts, batch->count,
               batch->slot);
}

static void run_whole(void *self, const struct batch *batch) {
    struct forward *f = self;
    if (batch->maker) {
        unloader_merge_aimed_ahead(batch->maker, batch->weights, f->ready);
        transformer_follow(f->transformer, f->ready);
    }
    run_inputs(f, batch);
    run_blocks(f, batch);
    run_heads(f, batch, batch->heads);
    transformer_follow(f->transformer, NULL);
}

/* As one recording where all of it lasts, or with the blocks as one. What makes its
 * weights is in the former, or comes before. */
static void run_batch(struct forward *f, struct batch *batch, struct head_bank *heads) {
    bool lasts = heads == f->heads &&
                 inputs_last(f->inputs, batch->parts, batch->count, &batch->kept);
    batch->heads = lasts ? heads : NULL;
    batch->maker = f->maker;
    if (lasts && f->maker && recorded_run(f->recorded, batch, run_whole, f)) {
        f->maker = NULL;
        return;
    }
    batch->maker = NULL;
    forward_make_now(f);
    if (lasts && recorded_run(f->recorded, batch, run_whole, f))
        return;
    batch->heads = NULL;
    run_inputs(f, batch);
    if (!recorded_run(f->recorded, batch, run_blocks, f))
        run_blocks(f, batch);
    run_heads(f, batch, heads);
}

int forward_queue(struct forward *f, real *weights, struct head_bank *heads,
                  const struct part *parts, size_t count, struct error *error) {
    struct backend *b = f->backend;
    size_t number = f->queued % f->slot_count;
    struct slot *slot = &f->slots[number];
    struct batch batch = {.weights = weights, .slot = number, .count = count};
    if (slot->ticket && b->wait(b, slot->ticket, error))
        return -1;
    slot->ticket = 0;
    memcpy(batch.parts, parts, count * sizeof *parts);
    memcpy(slot->parts, parts, count * sizeof *parts);
    for (size_t i = 0; i < count; i++)
        batch.examples += parts[i].count;
    slot->part_count = count;
    slot->examples = batch.examples;
    run_batch(f, &batch, heads);
    if (b->download_late)
        slot->ticket = b->download_late(b, slot->host, slot->device,
                                        f->batch * (sizeof(int32_t) + sizeof(float)));
    f->queued++;
    return 0;
}

int forward_collect(struct forward *f, struct forward_result *result,
                    struct error *error) {
    struct backend *b = f->backend;
    struct slot *slot = &f->slots[f->collected % f->slot_count];
    const size_t loss = f->batch * sizeof(int32_t);
    int status;
    if (b->download_late) {
        /* Without a ticket the backend has failed, which is then told. */
        status =
            slot->ticket ? b->wait(b, slot->ticket, error) : b->synchronise(b, error);
        slot->ticket = 0;
    } else {
        status = b->download(b, slot->host, slot->device,
                             slot->examples * sizeof(int32_t), error);
        if (status == 0)
            status = b->download(b, slot->host + loss, slot->device + loss,
                                 slot->examples * sizeof(float), error);
    }
    f->collected++;
    f->seen += slot->examples;
    *result =
        (struct forward_result){.parts = slot->parts,
                                .count = slot->part_count,
                                .predictions = (const int32_t *)(void *)slot->host,
                                .loss = (const float *)(void *)(slot->host + loss)};
    return status;
}
