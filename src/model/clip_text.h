/* The text tower of a CLIPModel, forward: tokens to text embeddings. Token and position
 * embeddings, blocks, final norm and projection run on the backend: the block of
 * block.h with causal attention. The row of the end token is what the final norm and
 * the projection read.
 *
 * weights are an arena of the tower's layout (MODEL_CLIP_TEXT) on the device: a
 * checkpoint's own (clip_text_load), or the part of a merged model's where both towers
 * are merged (layout.h: text_begin). */
#ifndef PWEMOE_MODEL_CLIP_TEXT_H
#define PWEMOE_MODEL_CLIP_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"
#include "checkpoint/directory.h"
#include "model/layout.h"

struct clip_text;

/* Whether the directory has a text tower whose tensors are as its config.json says. The
 * error names the first that is not. */
int clip_text_check(const struct model_directory *directory, struct error *error);

/* The layout and the weights (for the caller to free, on the backend to release) of a
 * directory's text tower. */
int clip_text_load(struct backend *backend, const struct model_directory *directory,
                   struct layout **layout, real **weights, struct error *error);

/* For up to `texts` texts at once. backend, layout and where, which names the model in
 * errors, must live as long as the object. */
int clip_text_new(struct backend *backend, const struct layout *layout,
                  const char *where, size_t texts, struct clip_text **text,
                  struct error *error);
void clip_text_free(struct clip_text *text); /* NULL is fine */

/* context: how many token numbers a text has; projection: width of an embedding. */
const struct model_config *clip_text_config(const struct clip_text *text);
/* exp(logit_scale), what cosines of image and text embeddings are multiplied by. */
int clip_text_scale(const struct clip_text *text, const real *weights, double *scale,
                    struct error *error);

/* Embeddings [count, projection], not normalised, of texts ids [count, context], on the
 * host. A number outside the vocabulary and a text without the end token are errors. */
int clip_text_embed(struct clip_text *text, const real *weights, const int32_t *ids,
                    size_t count, float *embeddings, struct error *error);

#endif
