/* GPT-2's tokenizer, as transformers' GPT2Tokenizer: <|endoftext|> and what was added
 * (added_tokens.h) are taken out of the text; the rest is cut into words by GPT-2's
 * pattern, a space before a word belonging to it, and these into tokens by byte-level
 * BPE. Nothing is normalised and nothing added at either end. */
#ifndef PWEMOE_DATA_GPT2_TOKENIZER_H
#define PWEMOE_DATA_GPT2_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/bpe.h"

struct gpt2_tokenizer;

/* From a model directory's files (tokenizer_files.h). */
int gpt2_tokenizer_open(const char *directory, struct gpt2_tokenizer **tokenizer,
                        struct error *error);
void gpt2_tokenizer_close(struct gpt2_tokenizer *tokenizer); /* NULL is fine */

/* One more than the greatest number that a token has. */
size_t gpt2_tokenizer_vocabulary(const struct gpt2_tokenizer *tokenizer);
/* model_max_length of its files; 0: none. */
size_t gpt2_tokenizer_longest(const struct gpt2_tokenizer *tokenizer);

/* Appends the tokens of a text of `length` bytes. Bytes that are not UTF-8 and texts
 * above a mebibyte are errors. May be called from several threads at once. */
int gpt2_tokenizer_encode(const struct gpt2_tokenizer *tokenizer, const char *text,
                          size_t length, struct tokens *tokens, struct error *error);

/* How many tokens are kept of a text of *first tokens and one of *second that follows
 * it (0: none) where `longest` are kept in all: of the longer one fewer, until both
 * have half (transformers' truncation "longest_first"). */
void gpt2_tokenizer_truncate(size_t *first, size_t *second, size_t longest);

/* Cuts the tokens of a text (the first `first` of them) and of one that follows it down
 * to that, at the end or, where the files say truncation_side left, at the beginning of
 * each. */
void gpt2_tokenizer_cut(const struct gpt2_tokenizer *tokenizer, struct tokens *tokens,
                        size_t first, size_t longest);

#endif
