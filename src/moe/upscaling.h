/* Which modules get a router, and which run of the arena each row of routing
 * weights applies to. Rows 0 .. modules-1 belong to the routers, in order of
 * depth; row `modules` to everything that is not upscaled and holds the scaling
 * coefficient for every task (task arithmetic). Where a CLIP's text tower is merged
 * beside routers, which see images alone, one more row is the preference itself: the
 * text tower is the experts' weighted mean. */
#ifndef PWEMOE_MOE_UPSCALING_H
#define PWEMOE_MOE_UPSCALING_H

#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"
#include "model/layout.h"

enum granularity {
    UPSCALE_NONE,     /* no routers: one row for the whole model */
    UPSCALE_MLP,      /* the MLP of each block */
    UPSCALE_ATTN_MLP, /* attention and MLP of each block */
    /* Those, every layer norm and the patch embedding. Embeddings of tokens and
     * positions, of which a batch sees a few rows, follow the scaling coefficient. */
    UPSCALE_ALL,
    /* Of coefficients that are no functions of the preference (train/adamerging.h): one
     * row for the whole model, or one for each tensor. */
    UPSCALE_WHOLE,
    UPSCALE_TENSOR,
    /* As `all`, with a router for each linear layer of the blocks (queries, keys and
     * values are one) in place of one for attention and one for the MLP. */
    UPSCALE_LINEAR
};

/* "none", "mlp", "attn+mlp", "all", "whole", "tensor", "linear"; and back, but for
 * none: -1 with an error for any other text. */
const char *granularity_name(enum granularity granularity);
int granularity_parse(const char *text, enum granularity *out, struct error *error);

struct upscaling {
    const struct layout *layout;
    enum granularity granularity;
    size_t modules; /* routers */
    size_t rows;    /* modules + 1, or + 2 with the text tower's */
    size_t *module; /* [modules] index into layout->modules; of `tensor` parameters; of
                       `linear` the two layers of one follow each other */
    struct merge_segment *segments; /* host; they cover the arena in order */
    size_t segment_count;
    size_t lowest; /* first element of the arena that a router steers */
};

int upscaling_new(const struct layout *layout, enum granularity granularity,
                  struct upscaling **upscaling, struct error *error);
void upscaling_free(struct upscaling *upscaling); /* NULL is fine */

/* Fills the text tower's row of weights [rows, tasks], where there is one. */
void upscaling_put_text(const struct upscaling *upscaling, const double *preference,
                        size_t tasks, float *weights);

/* "block 3 mlp", or a tensor's name, cut where it does not fit; returns out. */
char *upscaling_module_name(const struct upscaling *upscaling, size_t module, char *out,
                            size_t size);

/* The row of routing weights that the parameter at an arena offset follows. */
size_t upscaling_row(const struct upscaling *upscaling, size_t offset);

#endif
