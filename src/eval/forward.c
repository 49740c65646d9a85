#include "eval/forward.h"

#include <stdlib.h>

#include "base/memory.h"
#include "model/feed.h"
#include "model/transformer.h"

/* Device memory that stored inputs of the first block may take. */
enum { STEM_BYTES_MAX = 1 << 29 };

struct stem {     /* inputs of the first block, of one task */
    real *tokens; /* (count, tokens, width), or NULL */
    size_t rows;  /* of them that are filled */
};

struct forward {
    struct backend *backend;
    const struct layout *layout;
    const struct held_out *held_out; /* [tasks] */
    size_t tasks, batch;
    struct transformer *transformer;
    struct feed *feed; /* of texts; NULL: images */

    struct stem *stems; /* [tasks] */
    bool stem_fits, stem_stored;
    float stem_lambda; /* of the stored inputs */

    uint8_t *pixels; /* (batch, image) on the device */
    int32_t *labels, *predictions;
    float *loss;
    uint8_t *host_pixels;
    int32_t *host_labels, *host_predictions;
    float *host_loss;
    struct forward_result queued; /* count 0: none */
};

static int make_transformer(struct forward *f, const struct preprocess *preprocess,
                            struct error *error) {
    if (!model_config_is_text(&f->layout->config))
        return transformer_new(f->backend, f->layout, preprocess, f->batch, false,
                               &f->transformer, error);
    const struct dataset **data = array_new(f->tasks, sizeof *data);
    if (!data)
        return error_memory(error);
    for (size_t t = 0; t < f->tasks; t++)
        data[t] = f->held_out[t].data;
    int result =
        feed_new(f->backend, f->layout, data, f->tasks, f->batch, &f->feed, error) ||
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
    f->backend = b;
    f->layout = l;
    f->held_out = held_out;
    f->tasks = tasks;
    f->batch = batch;
    size_t image = 3 * l->config.image_size * l->config.image_size;
    if (make_transformer(f, preprocess, error) ||
        b->allocate(b, batch * image, (void **)&f->pixels, error) ||
        b->allocate(b, batch * sizeof(int32_t), (void **)&f->labels, error) ||
        b->allocate(b, batch * sizeof(int32_t), (void **)&f->predictions, error) ||
        b->allocate(b, batch * sizeof(float), (void **)&f->loss, error)) {
        forward_free(f);
        return -1;
    }
    f->stems = array_new(tasks, sizeof *f->stems);
    f->host_pixels = array_new(batch, image);
    f->host_labels = array_new(batch, sizeof *f->host_labels);
    f->host_predictions = array_new(batch, sizeof *f->host_predictions);
    f->host_loss = array_new(batch, sizeof *f->host_loss);
    if (!f->stems || !f->host_pixels || !f->host_labels || !f->host_predictions ||
        !f->host_loss) {
        forward_free(f);
        return error_memory(error);
    }
    size_t images = 0;
    for (size_t t = 0; t < tasks; t++)
        images += held_out[t].data->count;
    size_t one = model_config_tokens(&l->config) * l->config.width * b->real_size;
    f->stem_fits = !f->feed && images <= STEM_BYTES_MAX / one;
    *out = f;
    return 0;
}

void forward_free(struct forward *f) {
    if (!f)
        return;
    struct backend *b = f->backend;
    for (size_t t = 0; f->stems && t < f->tasks; t++)
        b->release(b, f->stems[t].tokens);
    free(f->stems);
    b->release(b, f->pixels);
    b->release(b, f->labels);
    b->release(b, f->predictions);
    b->release(b, f->loss);
    free(f->host_pixels);
    free(f->host_labels);
    free(f->host_predictions);
    free(f->host_loss);
    transformer_free(f->transformer);
    feed_free(f->feed);
    free(f);
}

void forward_begin(struct forward *f, bool shared, float lambda) {
    f->queued.count = 0;
    f->stem_stored = shared && f->stem_fits;
    if (f->stem_stored && f->stem_lambda != lambda) {
        f->stem_lambda = lambda;
        for (size_t t = 0; t < f->tasks; t++)
            f->stems[t].rows = 0;
    }
}

size_t forward_depth(const struct forward *f) {
    (void)f;
    return 1;
}

size_t forward_batch_size(const struct forward *f) {
    return f->batch;
}

/* The inputs of the first block for n examples: stored ones where the part below
 * the blocks does not depend on the preference. */
static int embed(struct forward *f, const real *weights, size_t task, size_t first,
                 size_t n, struct error *error) {
    struct backend *b = f->backend;
    const struct held_out *h = &f->held_out[task];
    struct stem *stem = &f->stems[task];
    const struct model_config *config = &f->layout->config;
    if (f->feed) {
        for (size_t i = 0; i < n; i++)
            feed_put(f->feed, i, h->data, h->order[first + i]);
        feed_embed(f->feed, f->transformer, weights, n);
        return 0;
    }
    size_t one = model_config_tokens(config) * config->width;
    real *tokens = transformer_tokens(f->transformer);
    size_t image = 3 * h->data->size * h->data->size;
    if (f->stem_stored && !stem->tokens &&
        b->allocate(b, h->data->count * one * b->real_size, (void **)&stem->tokens,
                    error))
        return -1;
    if (f->stem_stored && stem->rows >= first + n) {
        b->copy(b, tokens, backend_at(b, stem->tokens, first * one),
                n * one * b->real_size);
        return 0;
    }
    held_out_pixels(h, first, n, f->host_pixels);
    b->upload(b, f->pixels, f->host_pixels, n * image);
    transformer_embed(f->transformer, weights, f->pixels, n);
    if (f->stem_stored && stem->rows == first) {
        b->copy(b, backend_at(b, stem->tokens, first * one), tokens,
                n * one * b->real_size);
        stem->rows += n;
    }
    return 0;
}

int forward_queue(struct forward *f, const real *weights, struct head_bank *heads,
                  size_t task, size_t first, size_t n, struct error *error) {
    struct backend *b = f->backend;
    held_out_labels(&f->held_out[task], first, n, f->host_labels);
    b->upload(b, f->labels, f->host_labels, n * sizeof *f->host_labels);
    if (embed(f, weights, task, first, n, error))
        return -1;
    const real *features = transformer_run(f->transformer, weights, n);
    head_bank_loss(heads, task, features, n, f->labels, f->loss, NULL, NULL);
    head_bank_predict(heads, f->predictions);
    f->queued = (struct forward_result){.task = task,
                                        .count = n,
                                        .predictions = f->host_predictions,
                                        .loss = f->host_loss};
    return 0;
}

int forward_collect(struct forward *f, struct forward_result *result,
                    struct error *error) {
    struct backend *b = f->backend;
    size_t n = f->queued.count;
    *result = f->queued;
    f->queued.count = 0;
    return b->download(b, f->host_predictions, f->predictions, n * sizeof(int32_t),
                       error) ||
                   b->download(b, f->host_loss, f->loss, n * sizeof(float), error)
               ? -1
               : 0;
}
