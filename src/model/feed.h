/* What a model reads: the examples of a batch, images as pixels or texts as tokens, put
 * together on the host and sent to the device in one piece, their labels with them.
 *
 * Texts of a batch are filled up with the model's pad token to the length of the
 * longest, rounded up to a multiple of 8. What the head reads is the row of a text's
 * last token that is no pad token, or its first where all are, as transformers'
 * GPT2ForSequenceClassification has it; a text of no tokens is one pad token. */
#ifndef PWEMOE_MODEL_FEED_H
#define PWEMOE_MODEL_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/dataset.h"
#include "model/layout.h"
#include "model/transformer.h"

/* What one example is to a model, and how it is made of what a file has. */
struct example_form {
    struct preprocess preprocess;     /* of images */
    struct gpt2_tokenizer *tokenizer; /* of texts, owned; NULL: images */
    size_t longest;                   /* of texts: tokens that are kept */
};

/* From the pretrained model's directory. Errors name it. */
int example_form_read(const struct model_directory *directory,
                      const struct model_config *config, struct example_form *form,
                      struct error *error);
void example_form_clear(struct example_form *form);

/* Rows of the transformer for one example: for texts those of the longest of the
 * datasets, rounded up. */
size_t feed_rows(const struct model_config *config, const struct dataset *const *data,
                 size_t datasets);

struct feed;

/* Room for `capacity` examples of any of the datasets. */
int feed_new(struct backend *backend, const struct layout *layout,
             const struct dataset *const *data, size_t datasets, size_t capacity,
             struct feed **feed, struct error *error);
/* The same for batches that are sent ahead by feed_send: put together in pinned memory,
 * where the backend has transfers beside what runs. Before the next batch is put
 * together, the caller has waited for something that was queued after feed_embed of the
 * last one, and nothing that is queued reads that batch any more. */
int feed_new_ahead(struct backend *backend, const struct layout *layout,
                   const struct dataset *const *data, size_t datasets, size_t capacity,
                   struct feed **feed, struct error *error);
void feed_free(struct feed *feed); /* NULL is fine */

/* A transformer with room for the same. preprocess is of images. */
int feed_transformer(const struct feed *feed, const struct preprocess *preprocess,
                     bool training, struct transformer **transformer,
                     struct error *error);

/* Example i of the next batch is number `index` of a dataset. */
void feed_put(struct feed *feed, size_t i, const struct dataset *data, size_t index);
/* Sends examples 0 to n - 1 to the device, beside what is queued where feed_new_ahead
 * made the feed, else after it. */
void feed_send(struct feed *feed, size_t n);
/* What is called from now on comes after their arrival; sends them before where
 * feed_send has not. feed_embed does it where nobody has: it is for those who record
 * what follows.
 */
void feed_arrive(struct feed *feed, size_t n);
/* Makes them the input of the transformer's first block; they stay until the next batch
 * is sent. */
void feed_embed(struct feed *feed, struct transformer *transformer, const real *weights,
                size_t n);
/* Their labels i32 [n] on the device, to be read by what is queued after feed_embed. */
const int32_t *feed_labels(const struct feed *feed);

/* Rows of the largest batch, in all; and those of the batch on the device that are no
 * padding: how many, and which, i32 [*count] on the device, or NULL: all. */
size_t feed_rows_max(const struct feed *feed);
const int32_t *feed_real_rows(struct feed *feed, size_t *count);

#endif
