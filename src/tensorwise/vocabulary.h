/* Tokens, and the rows of embeddings that belong to them: models whose tokenizers
 * differ by added tokens are merged token by token, not row by row. Facts of the
 * formats: tokenizer.json has "model"."vocab" (an object token to number, or pairs of
 * token and score) and "added_tokens" ({"id", "content", ...}); without it vocab.json
 * has the former and added_tokens.json the latter. For this folder. */
#ifndef PWEMOE_TENSORWISE_VOCABULARY_H
#define PWEMOE_TENSORWISE_VOCABULARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "checkpoint/directory.h"
#include "merge/coefficients.h"

enum vocabulary_mode {
    VOCABULARY_SAME,         /* it has to be one */
    VOCABULARY_UNION,        /* the base model's tokens, and behind them the experts' */
    VOCABULARY_INTERSECTION, /* those that all have, in the base model's order */
};

struct vocabulary {
    enum vocabulary_mode mode;
    size_t rows; /* of the embeddings that are written */
    size_t kept; /* numbers of the base model's that stay: below this */
    size_t lost; /* how many numbers of the base model's are left out */
    size_t count;
    int32_t *base;                      /* [rows] the row of the base model, or -1 */
    int32_t *experts[COEFFICIENTS_MAX]; /* [rows] that of an expert, or -1 */
    json_t *added; /* tokens that the base model lacks, in their order from `kept` on:
                      {"token", "expert"} */
};

/* Each token to its number, of the directory's tokenizer; NULL where there is none that
 * can be read. */
json_t *vocabulary_tokens(const char *directory);

/* Whether a tensor has a row for each token: it is called as embeddings and what turns
 * features into tokens are, and has no fewer rows than `tokens` has numbers, and as
 * many as config.json says where it does. */
bool vocabulary_indexes(const struct tensor *tensor, const json_t *tokens,
                        const json_t *config);

/* base_rows: of the base model's embeddings. paths: of the experts' directories; one
 * without a tokenizer has the base model's where `adapters` says so. Fails where a
 * directory has no tokenizer, and where an intersection leaves a gap between numbers.
 */
int vocabulary_join(enum vocabulary_mode mode, const char *base, size_t base_rows,
                    const char *const *paths, const bool *adapters, size_t count,
                    struct vocabulary *vocabulary, struct error *error);
void vocabulary_release(struct vocabulary *vocabulary);

/* That no token has one number in one directory and another in the other: rows would be
 * merged that belong to different tokens. */
int vocabulary_agree(const json_t *base, const char *base_path, const char *own_path,
                     struct error *error);

/* Whether two tensors look like embeddings of vocabularies of different sizes: they
 * differ in the number of rows alone, and a directory has a tokenizer. Then text says
 * which tokens one of them has and the other has not. */
bool vocabulary_differs(const struct tensor *base, const struct tensor *own,
                        const struct model_directory *base_directory,
                        const struct model_directory *own_directory,
                        struct error *text);

#endif
