/* Tensors with a row for each token, brought into the order of one vocabulary
 * (vocabulary.h): seen from outside they are tensors like any other, which have data
 * only while they are merged. Of a token that a model lacks the row is the base
 * model's, so that the model changes nothing there; that of one that the base model
 * lacks, too, is the mean of the experts' that have it (what mergekit does by default).
 * For this folder. */
#ifndef PWEMOE_TENSORWISE_GATHERED_H
#define PWEMOE_TENSORWISE_GATHERED_H

#include "base/error.h"
#include "tensorwise/expert_tensor.h"
#include "tensorwise/vocabulary.h"

struct gathered {
    const struct vocabulary *vocabulary;
    const char *base_path;    /* for errors, as the next */
    const char *const *paths; /* [vocabulary->count] */
    size_t columns;
    struct tensor base; /* as merged; data only between fill and empty */
    const struct tensor *base_source;
    struct gathered_expert {
        struct tensor tensor;        /* as the base's, or F32 where dtypes differ */
        struct expert_tensor source; /* both NULL: unchanged, and no tensor */
    } * experts;                     /* [vocabulary->count] */
    unsigned char *room;
};

/* From what base and experts [vocabulary->count] have in their files; vocabulary and
 * the paths, which are for errors, are the caller's for as long as this lives. Fails
 * where a tensor has fewer rows than its tokenizer has numbers, or another width. */
int gathered_new(const struct vocabulary *vocabulary, const char *base_path,
                 const char *const *paths, const struct tensor *base,
                 const struct expert_tensor *experts, struct gathered **gathered,
                 struct error *error);
void gathered_free(struct gathered *gathered); /* NULL is fine */

/* Bytes that fill takes. */
uint64_t gathered_bytes(const struct gathered *gathered);
int gathered_fill(struct gathered *gathered, struct error *error);
void gathered_empty(struct gathered *gathered);

#endif
