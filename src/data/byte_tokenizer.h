/* What tokenizers of byte-level BPE share: special and added tokens are taken out of a
 * text (added_tokens.h), what is between them is cut into words by a pattern, and these
 * into tokens (bpe.h). */
#ifndef PWEMOE_DATA_BYTE_TOKENIZER_H
#define PWEMOE_DATA_BYTE_TOKENIZER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/tokenizer_files.h"

struct pcre2_real_code_8;

struct byte_tokenizer {
    struct bpe *bpe;
    struct added_tokens *added;
    struct pcre2_real_code_8 *words; /* the pattern, compiled */
};

/* Reads the files of a model directory; `take` makes bpe and added of them and keeps
 * what else it wants. Cleared by the caller, also after a failure. */
int byte_tokenizer_open(struct byte_tokenizer *tokenizer, const char *directory,
                        enum tokenizer_family family, const char *pattern,
                        int (*take)(void *self, const char *directory,
                                    const struct tokenizer_files *files,
                                    struct error *error),
                        void *self, struct error *error);
void byte_tokenizer_clear(struct byte_tokenizer *tokenizer);

/* The number of a token that a family's vocabulary has to have. */
int byte_tokenizer_number(const json_t *vocab, const char *token, const char *family,
                          int32_t *number, struct error *error);

/* Appends the tokens of a text of `length` bytes. normalise, or NULL, makes fresh text
 * of a piece between tokens that are looked for in the text as it is. Bytes that are
 * not UTF-8 and texts above a mebibyte are errors. May be called from several threads
 * at once. */
int byte_tokenizer_encode(const struct byte_tokenizer *tokenizer,
                          char *(*normalise)(const char *piece, size_t length,
                                             struct error *error),
                          const char *text, size_t length, struct tokens *tokens,
                          struct error *error);

#endif
