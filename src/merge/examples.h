/* Some training examples of one task, one batch after another, through that task's
 * own expert: what Fisher merging and RegMean look at. */
#ifndef PWEMOE_MERGE_EXAMPLES_H
#define PWEMOE_MERGE_EXAMPLES_H

#include "merge/method.h"
#include "model/feed.h"
#include "model/transformer.h"
#include "moe/unloader.h"

struct examples {
    const struct merge_input *input;
    struct transformer *transformer; /* a training one, for `batch` examples */
    struct feed *feed;
    struct upscaling *upscaling; /* one row for the whole model */
    struct unloader *unloader;
    real *weights; /* (size) of the expert */
    size_t batch;
    size_t task, count; /* examples of it that are used */
    uint32_t *order;    /* of the task's dataset */
};

int examples_new(const struct merge_input *input, size_t batch, struct examples **out,
                 struct error *error);
void examples_free(struct examples *examples); /* NULL is fine */

/* Makes the task's expert the weights and chooses min(most, all) of its examples, the
 * same ones every time. */
int examples_begin(struct examples *examples, size_t task, size_t most,
                   struct error *error);
/* Runs n examples, at most `batch`, the i-th of which is number (first + i) / copies of
 * the examples chosen. Returns the features. */
const real *examples_run(struct examples *examples, size_t first, size_t n,
                         size_t copies);

#endif
