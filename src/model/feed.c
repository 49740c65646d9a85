#include "model/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { ROUND = 8 };

struct feed {
    struct backend *backend;
    const struct layout *layout;
    size_t capacity, examples; /* examples of the batch on the device */
    /* Images. */
    size_t image;         /* bytes */
    uint8_t *host_pixels; /* (capacity, image) */
    uint8_t *pixels;
    /* Texts. */
    size_t most, tokens;        /* rows of a text, at most and of the batch */
    const int32_t **host_texts; /* [capacity], the datasets' */
    size_t *lengths;            /* [capacity] */
    int32_t *host_ids;          /* (capacity, most) */
    int32_t *host_read;         /* (capacity) */
    int32_t *ids, *read, *real_rows;
};

int example_form_read(const struct model_directory *directory,
                      const struct model_config *config, struct example_form *form,
                      struct error *error) {
    const char *where = model_directory_path(directory);
    *form = (struct example_form){0};
    if (!model_config_is_text(config))
        return preprocess_read(model_directory_preprocessor(directory),
                               config->kind == MODEL_CLIP_VISION, config->image_size,
                               &form->preprocess, error)
                   ? error_prefix(error, "%s", where)
                   : 0;
    form->longest = config->context;
    if (gpt2_tokenizer_open(where, &form->tokenizer, error))
        return -1;
    size_t known = gpt2_tokenizer_vocabulary(form->tokenizer);
    if (known <= config->vocabulary)
        return 0;
    example_form_clear(form);
    return error_set(
        error,
        "%s: the tokenizer has tokens up to %zu, the model's vocab_size is "
        "%zu",
        where, known - 1, config->vocabulary);
}

void example_form_clear(struct example_form *form) {
    gpt2_tokenizer_close(form->tokenizer);
    *form = (struct example_form){0};
}

size_t feed_rows(const struct model_config *config, const struct dataset *const *data,
                 size_t datasets) {
    size_t most = 1, context = config->context;
    if (!model_config_is_text(config))
        return model_config_tokens(config);
    for (size_t d = 0; d < datasets; d++)
        for (size_t i = 0; i < data[d]->count; i++) {
            size_t length = data[d]->begin[i + 1] - data[d]->begin[i];
            most = length > most ? length : most;
        }
    most = (most + ROUND - 1) / ROUND * ROUND;
    return most < context ? most : context;
}

static int allocate_texts(struct feed *feed, struct error *error) {
    struct backend *b = feed->backend;
    size_t n = feed->capacity, rows;
    if (!size_multiply(n, feed->most, &rows) || rows > INT32_MAX)
        return error_set(error,
                         "%zu texts of %zu tokens are too many; use a smaller batch", n,
                         feed->most);
    feed->host_texts = array_new(n, sizeof *feed->host_texts);
    feed->lengths = array_new(n, sizeof *feed->lengths);
    feed->host_ids = array_new(rows, sizeof *feed->host_ids);
    feed->host_read = array_new(n, sizeof *feed->host_read);
    if (!feed->host_texts || !feed->lengths || !feed->host_ids || !feed->host_read)
        return error_memory(error);
    return b->allocate(b, rows * sizeof(int32_t), (void **)&feed->ids, error) ||
                   b->allocate(b, n * sizeof(int32_t), (void **)&feed->read, error) ||
                   b->allocate(b, rows * sizeof(int32_t), (void **)&feed->real_rows,
                               error)
               ? -1
               : 0;
}

static int allocate_images(struct feed *feed, struct error *error) {
    struct backend *b = feed->backend;
    feed->host_pixels = array_new(feed->capacity, feed->image);
    if (!feed->host_pixels)
        return error_memory(error);
    return b->allocate(b, feed->capacity * feed->image, (void **)&feed->pixels, error);
}

int feed_new(struct backend *b, const struct layout *layout,
             const struct dataset *const *data, size_t datasets, size_t capacity,
             struct feed **out, struct error *error) {
    struct feed *feed = array_new(1, sizeof *feed);
    if (!feed)
        return error_memory(error);
    const struct model_config *config = &layout->config;
    feed->backend = b;
    feed->layout = layout;
    feed->capacity = capacity;
    int status;
    if (model_config_is_text(config)) {
        feed->most = feed_rows(config, data, datasets);
        status = allocate_texts(feed, error);
    } else {
        feed->image = 3 * config->image_size * config->image_size;
        status = allocate_images(feed, error);
    }
    if (status) {
        feed_free(feed);
        return -1;
    }
    *out = feed;
    return 0;
}

void feed_free(struct feed *feed) {
    if (!feed)
        return;
    struct backend *b = feed->backend;
    b->release(b, feed->pixels);
    b->release(b, feed->ids);
    b->release(b, feed->read);
    b->release(b, feed->real_rows);
    free(feed->host_pixels);
    free(feed->host_texts);
    free(feed->lengths);
    free(feed->host_ids);
    free(feed->host_read);
    free(feed);
}

int feed_transformer(const struct feed *feed, const struct preprocess *preprocess,
                     bool training, struct transformer **transformer,
                     struct error *error) {
    if (feed->most)
        return transformer_new_text(feed->backend, feed->layout, feed->capacity,
                                    feed->most, training, transformer, error);
    return transformer_new(feed->backend, feed->layout, preprocess, feed->capacity,
                           training, transformer, error);
}

void feed_put(struct feed *feed, size_t i, const struct dataset *data, size_t index) {
    if (feed->most) {
        size_t length = data->begin[index + 1] - data->begin[index];
        feed->host_texts[i] = data->tokens + data->begin[index];
        feed->lengths[i] = length < feed->most ? length : feed->most;
    } else {
        memcpy(feed->host_pixels + i * feed->image, data->pixels + index * feed->image,
               feed->image);
    }
}

/* Lays n texts side by side. */
static void lay_out(struct feed *feed, size_t n) {
    int32_t pad = feed->layout->config.pad;
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = feed->lengths[i] > most ? feed->lengths[i] : most;
    most = (most + ROUND - 1) / ROUND * ROUND;
    size_t tokens = feed->tokens = most < feed->most ? most : feed->most;
    for (size_t i = 0; i < n; i++) {
        int32_t *row = feed->host_ids + i * tokens;
        size_t length = feed->lengths[i], last = 0;
        for (size_t k = 0; k < tokens; k++) {
            row[k] = k < length ? feed->host_texts[i][k] : pad;
            if (row[k] != pad)
                last = k;
        }
        feed->host_read[i] = (int32_t)(i * tokens + last);
    }
}

void feed_embed(struct feed *feed, struct transformer *transformer, const real *weights,
                size_t n) {
    struct backend *b = feed->backend;
    feed->examples = n;
    if (!feed->most) {
        b->upload(b, feed->pixels, feed->host_pixels, n * feed->image);
        transformer_embed(transformer, weights, feed->pixels, n);
        return;
    }
    lay_out(feed, n);
    b->upload(b, feed->ids, feed->host_ids, n * feed->tokens * sizeof *feed->host_ids);
    b->upload(b, feed->read, feed->host_read, n * sizeof *feed->host_read);
    struct text_batch batch = {
        .texts = n, .tokens = feed->tokens, .ids = feed->ids, .read = feed->read};
    transformer_embed_text(transformer, weights, &batch);
}

size_t feed_rows_max(const struct feed *feed) {
    return feed->capacity *
           (feed->most ? feed->most : model_config_tokens(&feed->layout->config));
}

const int32_t *feed_real_rows(struct feed *feed, size_t *count) {
    struct backend *b = feed->backend;
    *count = feed->examples * model_config_tokens(&feed->layout->config);
    if (!feed->most)
        return NULL;
    size_t found = 0;
    for (size_t i = 0; i < feed->examples; i++) {
        size_t length = feed->lengths[i] ? feed->lengths[i] : 1;
        for (size_t k = 0; k < length; k++)
            feed->host_ids[found++] = (int32_t)(i * feed->tokens + k);
    }
    b->upload(b, feed->real_rows, feed->host_ids, found * sizeof(int32_t));
    *count = found;
    return feed->real_rows;
}
