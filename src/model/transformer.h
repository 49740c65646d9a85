/* The pre-norm transformer: forward and backward, as two plain lists of backend calls
 * in mirrored order. CLIP's vision tower, ViT and GPT-2 are this one core with other
 * parts at its ends (config.h).
 *
 * Dimensions: B examples of R rows (images: R = patches + 1; texts: the tokens of the
 * longest of the batch), W width, F mlp_width, D features. A model object holds
 * activations for up to `images` images or texts; the weights are an arena laid out by
 * layout.h and given to each call, so that one object serves any number of merged
 * models.
 *
 * Texts are filled up at their ends. Attention looks back only, so that nothing which
 * is read depends on what stands there, and no gradient comes from there: the rows are
 * exactly 0 in the backward pass. */
#ifndef PWEMOE_MODEL_TRANSFORMER_H
#define PWEMOE_MODEL_TRANSFORMER_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "data/preprocess.h"
#include "model/block.h"
#include "model/layout.h"

struct transformer;

/* training: keep what the backward pass needs. The layout and the backend must live
 * as long as the object. */
int transformer_new(struct backend *backend, const struct layout *layout,
                    const struct preprocess *preprocess, size_t images, bool training,
                    struct transformer **transformer, struct error *error);
/* The same for a model of texts, of at most `tokens` tokens each. */
int transformer_new_text(struct backend *backend, const struct layout *layout,
                         size_t texts, size_t tokens, bool training,
                         struct transformer **transformer, struct error *error);
void transformer_free(struct transformer *transformer); /* NULL is fine */

/* Pixels u8 [B, 3, size, size] on the device to the input of the first block. */
void transformer_embed(struct transformer *transformer, const real *weights,
                       const uint8_t *pixels, size_t images);

/* Texts on the device, until the backward pass is done. */
struct text_batch {
    size_t texts, tokens; /* tokens: of each text, filled up */
    const int32_t *ids;   /* (texts, tokens) */
    const int32_t *read;  /* (texts) the row of each, among all, that the head reads */
};
/* The texts' tokens to the input of the first block. */
void transformer_embed_text(struct transformer *transformer, const real *weights,
                            const struct text_batch *batch);
/* The input of the first block [B, R, W]: what transformer_embed wrote, and where
 * a stored one may be put instead of calling it. */
real *transformer_tokens(struct transformer *transformer);
/* The blocks and what follows them: tokens to features [B, D], which stay in the
 * object until the next call. */
const real *transformer_run(struct transformer *transformer, const real *weights,
                            size_t images);

/* The weights of the next embedding and run are being made beside: what is to be joined
 * (backend.h) before what lies before the blocks is read, each block, and what lies
 * behind them; [layers + 2], the caller's. NULL: they are there. */
void transformer_follow(struct transformer *transformer, const unsigned *ready);

/* From the next run on all rows of the last block are computed, though one an example
 * is read: for those who look at what the blocks compute. */
void transformer_all_rows(struct transformer *transformer);
/* From the next run on the blocks' products are in fp8 where the backend was opened so:
 * for those who measure. */
void transformer_in_fp8(struct transformer *transformer);
/* What a block of a training object computed in the last run: the inputs of its linear
 * layers are norm1, mixed, norm2 and after. Of the last block the second half (from
 * middle on) has one row an example, the one that is read, unless all rows are wanted.
 */
const struct block_activations *transformer_block(const struct transformer *transformer,
                                                  size_t block);

/* The gradient of a linear layer's weights as what it is made of: for each group
 * left^T right, (m, n) as they are stored, of its rows of left (.., m) and right (..,
 * n), which are `rows` an image, group after group. */
struct gradient_product {
    size_t offset; /* of the weights in the arena */
    const real *left, *right;
    size_t m, n, rows;
    const size_t *group_images; /* [groups] */
    size_t groups;
};

/* Which gradients of parameters are wanted, and where they go. Regions are runs of the
 * arena: a weight matrix, a bias, or the joined ones of queries, keys and values. */
struct gradient_sink {
    void *self;
    /* Not NULL: called in place of the other two for the weights of linear layers. */
    void (*product)(void *self, const struct gradient_product *product);
    /* f32 memory for the region's gradient, [groups] of them `*stride` elements
     * apart; NULL where it is not wanted. */
    float *(*place)(void *self, size_t offset, size_t count, size_t *stride);
    /* The region's gradient is complete (queued on the backend); NULL: nobody asks. */
    void (*ready)(void *self, size_t offset, size_t count);
    /* The gradients of all regions from `offset` of the arena on are complete (queued);
     * called after each block, and with 0 at the end. NULL: nobody asks. */
    void (*passed)(void *self, size_t offset);
    /* Not NULL: for Fisher's diagonal. Every group is then one image, and for the
     * weights of linear layers the other functions are not called: squares_scale times
     * the sum over groups of their squared gradients is added to squares (size). */
    float *squares;
    float squares_scale;
    bool accumulate; /* place() memory is added to rather than overwritten */
    /* A linear layer's weight and bias may be asked for together: what place gave for
     * the one lasts until the other is ready. */
    bool together;
    /* Nothing below this element of the arena is wanted: the backward pass ends there.
     */
    size_t lowest;
};

/* After transformer_run of a training object: gradients from dfeatures [B, D].
 * The images are `groups` runs of group_images[g] each, in order, whose gradients
 * are kept apart (one for all of LS, one a task for EPO). */
void transformer_backward(struct transformer *transformer, const real *weights,
                          const real *dfeatures, const size_t *group_images,
                          size_t groups, struct gradient_sink *sink);

/* Largest region a sink will see, in elements; but the token embedding of GPT-2, which
 * is asked for where sink->lowest lies in it, is one of its own size. */
size_t transformer_largest_region(const struct layout *layout);
/* The same for a sink with squares. */
size_t transformer_largest_vector(const struct layout *layout);

#endif
