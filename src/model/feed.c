#include "model/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { ROUND = 8, ALIGN = 256 };

struct feed {
    struct backend *backend;
    const struct layout *layout;
    size_t capacity, examples; /* examples of the batch on the device */
    bool beside;               /* batches go up beside what runs */
    bool sent;                 /* the batch at hand is, and has not arrived */
    bool arrived;              /* and was not embedded */
    backend_ticket ticket; /* of one that is on its way, followed by nothing; or 0 */
    /* A batch, on the host (pinned if beside) and on the device: labels i32 (capacity);
     * of texts `read` i32 (capacity); from `body` on the images or ids. */
    char *host, *device;
    size_t body;
    /* Images u8 (capacity, image). */
    size_t image; /* bytes */
    /* Texts; ids i32 (capacity, most). */
    size_t most, tokens;        /* rows of a text, at most and of the batch */
    const int32_t **host_texts; /* [capacity], the datasets' */
    size_t *lengths;            /* [capacity] */
    int32_t *host_real_rows;    /* (capacity, most) */
    int32_t *real_rows;
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
                   ? error_prefix(error, "%s/%s", where,
                                  model_directory_preprocessor_name(directory))
                   : 0;
    form->longest = config->context;
    if (gpt2_tokenizer_open(where, &form->tokenizer, error))
        return -1;
    size_t known = gpt2_tokenizer_vocabulary(form->tokenizer);
    size_t most = gpt2_tokenizer_longest(form->tokenizer);
    form->longest = most && most < form->longest ? most : form->longest;
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

/* The bytes of a batch, of examples of so many bytes each. */
static int allocate_batch(struct feed *feed, size_t example, struct error *error) {
    struct backend *b = feed->backend;
    size_t labels, bytes;
    if (!size_multiply(feed->capacity, sizeof(int32_t), &labels) ||
        !size_add(labels, ALIGN - 1, &labels) ||
        !size_multiply(labels / ALIGN * ALIGN, feed->most ? 2 : 1, &feed->body) ||
        !size_multiply(feed->capacity, example, &bytes) ||
        !size_add(bytes, feed->body, &bytes))
        return error_memory(error);
    if (feed->beside && b->pin(b, bytes, (void **)&feed->host, error))
        return -1;
    if (!feed->beside && !(feed->host = array_new(bytes, 1)))
        return error_memory(error);
    return b->allocate(b, bytes, (void **)&feed->device, error);
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
    feed->host_real_rows = array_new(rows, sizeof *feed->host_real_rows);
    if (!feed->host_texts || !feed->lengths || !feed->host_real_rows)
        return error_memory(error);
    return allocate_batch(feed, feed->most * sizeof(int32_t), error) ||
                   b->allocate(b, rows * sizeof(int32_t), (void **)&feed->real_rows,
                               error)
               ? -1
               : 0;
}

static int make(struct backend *b, const struct layout *layout,
                const struct dataset *const *data, size_t datasets, size_t capacity,
                bool beside, struct feed **out, struct error *error) {
    struct feed *feed = array_new(1, sizeof *feed);
    if (!feed)
        return error_memory(error);
    const struct model_config *config = &layout->config;
    feed->backend = b;
    feed->layout = layout;
    feed->capacity = capacity;
    feed->beside = beside;
    int status;
    if (model_config_is_text(config)) {
        feed->most = feed_rows(config, data, datasets);
        status = allocate_texts(feed, error);
    } else {
        feed->image = 3 * config->image_size * config->image_size;
        status = allocate_batch(feed, feed->image, error);
    }
    if (status) {
        feed_free(feed);
        return -1;
    }
    *out = feed;
    return 0;
}

int feed_new(struct backend *b, const struct layout *layout,
             const struct dataset *const *data, size_t datasets, size_t capacity,
             struct feed **feed, struct error *error) {
    return make(b, layout, data, datasets, capacity, false, feed, error);
}

int feed_new_ahead(struct backend *b, const struct layout *layout,
                   const struct dataset *const *data, size_t datasets, size_t capacity,
                   struct feed **feed, struct error *error) {
    return make(b, layout, data, datasets, capacity, b->pin != NULL, feed, error);
}

/* The host's part of the batch is no longer read. */
static void settle(struct feed *feed) {
    if (feed->ticket)
        feed->backend->wait(feed->backend, feed->ticket, NULL);
    feed->ticket = 0;
}

void feed_free(struct feed *feed) {
    if (!feed)
        return;
    struct backend *b = feed->backend;
    if (feed->beside) {
        b->synchronise(b, NULL); /* what was embedded has arrived */
        settle(feed);
        b->unpin(b, feed->host);
    } else {
        free(feed->host);
    }
    b->release(b, feed->device);
    b->release(b, feed->real_rows);
    free(feed->host_texts);
    free(feed->lengths);
    free(feed->host_real_rows);
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

/* --- a batch ---------------------------------------------------------------------- */

/* `read` of texts, in a batch on the host or the device. */
static int32_t *read_of(const struct feed *feed, char *batch) {
    return (int32_t *)(void *)(batch + feed->body / 2);
}

static int32_t *ids_of(const struct feed *feed, char *batch) {
    return (int32_t *)(void *)(batch + feed->body);
}

void feed_put(struct feed *feed, size_t i, const struct dataset *data, size_t index) {
    settle(feed); /* where a batch was sent and never embedded */
    feed->sent = false;
    ((int32_t *)(void *)feed->host)[i] = data->labels[index];
    if (feed->most) {
        size_t length = data->begin[index + 1] - data->begin[index];
        feed->host_texts[i] = data->tokens + data->begin[index];
        feed->lengths[i] = length < feed->most ? length : feed->most;
    } else {
        memcpy(feed->host + feed->body + i * feed->image,
               data->pixels + index * feed->image, feed->image);
    }
}

/* Lays n texts side by side. */
static void lay_out(struct feed *feed, size_t n) {
    int32_t pad = feed->layout->config.pad, *read = read_of(feed, feed->host);
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = feed->lengths[i] > most ? feed->lengths[i] : most;
    most = (most + ROUND - 1) / ROUND * ROUND;
    size_t tokens = feed->tokens = most < feed->most ? most : feed->most;
    for (size_t i = 0; i < n; i++) {
        int32_t *row = ids_of(feed, feed->host) + i * tokens;
        size_t length = feed->lengths[i], last = 0;
        for (size_t k = 0; k < tokens; k++) {
            row[k] = k < length ? feed->host_texts[i][k] : pad;
            if (row[k] != pad)
                last = k;
        }
        read[i] = (int32_t)(i * tokens + last);
    }
}

void feed_send(struct feed *feed, size_t n) {
    struct backend *b = feed->backend;
    if (feed->most)
        lay_out(feed, n);
    size_t bytes =
        feed->body + n * (feed->most ? feed->tokens * sizeof(int32_t) : feed->image);
    if (feed->beside)
        feed->ticket = b->upload_early(b, feed->device, feed->host, bytes);
    else
        b->upload(b, feed->device, feed->host, bytes);
    feed->sent = true;
    feed->arrived = false;
}

void feed_arrive(struct feed *feed, size_t n) {
    if (!feed->sent)
        feed_send(feed, n);
    if (feed->ticket)
        feed->backend->follow(feed->backend, feed->ticket);
    feed->ticket = 0;
    feed->sent = false;
    feed->arrived = true;
    feed->examples = n;
}

void feed_embed(struct feed *feed, struct transformer *transformer, const real *weights,
                size_t n) {
    if (!feed->arrived || feed->sent)
        feed_arrive(feed, n);
    feed->arrived = false;
    if (!feed->most) {
        transformer_embed(transformer, weights,
                          (const uint8_t *)feed->device + feed->body, n);
        return;
    }
    struct text_batch batch = {.texts = n,
                               .tokens = feed->tokens,
                               .ids = ids_of(feed, feed->device),
                               .read = read_of(feed, feed->device)};
    transformer_embed_text(transformer, weights, &batch);
}

const int32_t *feed_labels(const struct feed *feed) {
    return (const int32_t *)(const void *)feed->device;
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
            feed->host_real_rows[found++] = (int32_t)(i * feed->tokens + k);
    }
    b->upload(b, feed->real_rows, feed->host_real_rows, found * sizeof(int32_t));
    *count = found;
    return feed->real_rows;
}
