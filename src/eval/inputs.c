#include "eval/inputs.h"

#include <stdlib.h>

#include "base/memory.h"

/* Memory that inputs of the first block may take where it is the host's. */
enum { HOST_BYTES_MAX = 1 << 29 };

struct kept { /* of one task, on the device, in the task's order */
    int32_t *labels;
    uint8_t *pixels; /* (count, image), or NULL */
    real *tokens;    /* (count, tokens, width) inputs of the first block, or NULL */
    size_t rows;     /* of them that are filled */
};

struct staging {     /* of one slot */
    uint8_t *host;   /* (batch, image), pinned where the backend has that */
    uint8_t *device; /* (batch, image) */
};

struct inputs {
    struct backend *backend;
    struct feed *feed;               /* of texts; NULL: images */
    const struct held_out *held_out; /* [tasks] */
    size_t tasks, batch, slots;
    size_t image;             /* bytes of one */
    size_t row;               /* elements of one input of the first block */
    struct kept *kept;        /* [tasks] */
    struct staging *stagings; /* [slots], or one where the pixels are kept */
    bool pixels_kept;
    bool tokens_fit, shared;
    float lambda; /* of the tokens that are kept */
};

/* --- making ---------------------------------------------------------------------- */

static size_t example_count(const struct inputs *in) {
    size_t count = 0;
    for (size_t t = 0; t < in->tasks; t++)
        count += in->held_out[t].data->count;
    return count;
}

/* What is kept for all models: half of what a device has free, so that the merging
 * methods find room; there the pixels come first, since tokens are no use to models
 * with routers below the blocks. */
static void plan(struct inputs *in) {
    struct backend *b = in->backend;
    if (in->feed)
        return;
    size_t count = example_count(in), bytes;
    size_t left = b->memory_left ? b->memory_left(b) / 2 : HOST_BYTES_MAX;
    in->pixels_kept =
        b->memory_left && size_multiply(count, in->image, &bytes) && bytes <= left;
    if (in->pixels_kept)
        left -= bytes;
    in->tokens_fit =
        size_multiply(count, in->row * b->real_size, &bytes) && bytes <= left;
}

static int staging_new(struct inputs *in, struct staging *s, bool device,
                       struct error *error) {
    struct backend *b = in->backend;
    size_t bytes = in->batch * in->image;
    if (device && b->allocate(b, bytes, (void **)&s->device, error))
        return -1;
    if (b->pin)
        return b->pin(b, bytes, (void **)&s->host, error);
    s->host = malloc(bytes);
    return s->host ? 0 : error_memory(error);
}

/* Labels, and pixels where they are kept, in the task's order. */
static int keep_task(struct inputs *in, size_t task, struct error *error) {
    struct backend *b = in->backend;
    const struct held_out *h = &in->held_out[task];
    struct kept *kept = &in->kept[task];
    size_t count = h->data->count;
    int32_t *labels = array_new(count, sizeof *labels);
    if (!labels)
        return error_memory(error);
    held_out_labels(h, 0, count, labels);
    int result = b->allocate(b, count * sizeof *labels, (void **)&kept->labels, error);
    if (result == 0) {
        b->upload(b, kept->labels, labels, count * sizeof *labels);
        result = b->synchronise(b, error);
    }
    free(labels);
    if (result || !in->pixels_kept)
        return result;
    if (b->allocate(b, count * in->image, (void **)&kept->pixels, error))
        return -1;
    for (size_t first = 0; first < count && result == 0; first += in->batch) {
        size_t n = count - first < in->batch ? count - first : in->batch;
        held_out_pixels(h, first, n, in->stagings->host);
        b->upload(b, kept->pixels + first * in->image, in->stagings->host,
                  n * in->image);
        result = b->synchronise(b, error);
    }
    return result;
}

int inputs_new(struct backend *b, const struct layout *l, struct feed *feed,
               const struct held_out *held_out, size_t tasks, size_t batch,
               size_t slots, struct inputs **out, struct error *error) {
    struct inputs *in = array_new(1, sizeof *in);
    if (!in)
        return error_memory(error);
    const struct model_config *m = &l->config;
    in->backend = b;
    in->feed = feed;
    in->held_out = held_out;
    in->tasks = tasks;
    in->batch = batch;
    in->image = m->channels * m->image_size * m->image_size;
    in->row = model_config_tokens(m) * m->width;
    plan(in);
    in->slots = feed ? 0 : in->pixels_kept ? 1 : slots;
    in->kept = array_new(tasks, sizeof *in->kept);
    in->stagings = array_new(in->slots, sizeof *in->stagings);
    if (!in->kept || !in->stagings) {
        error_memory(error);
        goto failed;
    }
    for (size_t s = 0; s < in->slots; s++)
        if (staging_new(in, &in->stagings[s], true, error))
            goto failed;
    for (size_t t = 0; t < tasks; t++)
        if (keep_task(in, t, error))
            goto failed;
    *out = in;
    return 0;
failed:
    inputs_free(in);
    return -1;
}

void inputs_free(struct inputs *in) {
    if (!in)
        return;
    struct backend *b = in->backend;
    for (size_t s = 0; in->stagings && s < in->slots; s++) {
        b->release(b, in->stagings[s].device);
        if (b->pin)
            b->unpin(b, in->stagings[s].host);
        else
            free(in->stagings[s].host);
    }
    for (size_t t = 0; in->kept && t < in->tasks; t++) {
        b->release(b, in->kept[t].labels);
        b->release(b, in->kept[t].pixels);
        b->release(b, in->kept[t].tokens);
    }
    free(in->stagings);
    free(in->kept);
    free(in);
}

/* --- a model --------------------------------------------------------------------- */

void inputs_begin(struct inputs *in, bool shared, float lambda) {
    struct backend *b = in->backend;
    in->shared = shared && in->tokens_fit;
    for (size_t t = 0; in->shared && t < in->tasks; t++) {
        struct kept *kept = &in->kept[t];
        size_t bytes = in->held_out[t].data->count * in->row * b->real_size;
        if (in->lambda != lambda)
            kept->rows = 0;
        /* Without them everything is the same, only slower. */
        if (!kept->tokens && b->allocate(b, bytes, (void **)&kept->tokens, NULL))
            in->tokens_fit = in->shared = false;
    }
    if (in->shared)
        in->lambda = lambda;
}

/* Whether the part's tokens are there. */
static bool is_kept(const struct inputs *in, const struct part *part) {
    return in->shared && part->first + part->count <= in->kept[part->task].rows;
}

/* The pixels of all parts, side by side on the device. */
static const uint8_t *bring_pixels(struct inputs *in, const struct part *parts,
                                   size_t count, size_t slot) {
    struct backend *b = in->backend;
    struct staging *s = &in->stagings[in->pixels_kept ? 0 : slot];
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct part *p = &parts[i];
        if (in->pixels_kept)
            b->copy(b, s->device + at * in->image,
                    in->kept[p->task].pixels + p->first * in->image,
                    p->count * in->image);
        else
            held_out_pixels(&in->held_out[p->task], p->first, p->count,
                            s->host + at * in->image);
        at += p->count;
    }
    if (in->pixels_kept)
        return s->device;
    if (b->upload_early)
        b->follow(b, b->upload_early(b, s->device, s->host, at * in->image));
    else
        b->upload(b, s->device, s->host, at * in->image);
    return s->device;
}

static void bring_texts(struct inputs *in, struct transformer *transformer,
                        const real *weights, const struct part *parts, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct held_out *h = &in->held_out[parts[i].task];
        for (size_t j = 0; j < parts[i].count; j++)
            feed_put(in->feed, at++, h->data, h->order[parts[i].first + j]);
    }
    feed_embed(in->feed, transformer, weights, at);
}

void inputs_put(struct inputs *in, struct transformer *transformer, const real *weights,
                const struct part *parts, size_t count, size_t slot) {
    struct backend *b = in->backend;
    if (in->feed) {
        bring_texts(in, transformer, weights, parts, count);
        return;
    }
    real *tokens = transformer_tokens(transformer);
    size_t images = 0, at = 0;
    bool all_kept = true;
    for (size_t i = 0; i < count; i++) {
        images += parts[i].count;
        all_kept = all_kept && is_kept(in, &parts[i]);
    }
    if (!all_kept)
        transformer_embed(transformer, weights, bring_pixels(in, parts, count, slot),
                          images);
    for (size_t i = 0; i < count && in->shared; i++) {
        struct kept *kept = &in->kept[parts[i].task];
        size_t n = parts[i].count, bytes = n * in->row * b->real_size;
        real *here = backend_at(b, tokens, at * in->row);
        real *there = backend_at(b, kept->tokens, parts[i].first * in->row);
        if (all_kept) {
            b->copy(b, here, there, bytes);
        } else if (kept->rows == parts[i].first) {
            b->copy(b, there, here, bytes);
            kept->rows += n;
        }
        at += n;
    }
}

bool inputs_last(const struct inputs *in, const struct part *parts, size_t count,
                 bool *kept) {
    *kept = in->shared;
    for (size_t i = 0; i < count; i++)
        *kept = *kept && is_kept(in, &parts[i]);
    return !in->feed && (*kept || (in->pixels_kept && !in->shared));
}

const int32_t *inputs_labels(const struct inputs *in, const struct part *part) {
    return in->kept[part->task].labels + part->first;
}
