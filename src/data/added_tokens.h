/* Tokens that a tokenizer finds in a text before its words are cut: special tokens and
 * those that somebody added to a vocabulary, as the files of transformers name them:
 * `added_tokens` of tokenizer.json, added_tokens.json, `added_tokens_decoder` and the
 * special tokens (eos_token, sep_token, ..., additional_special_tokens) of
 * tokenizer_config.json and special_tokens_map.json.
 *
 * At each place the longest one is taken, leftmost first. single_word: not beside a
 * letter, digit or underscore. lstrip, rstrip: the white space to its left, right goes
 * with it. normalized: it is looked for after the text was normalised, in what the
 * others have left. */
#ifndef PWEMOE_DATA_ADDED_TOKENS_H
#define PWEMOE_DATA_ADDED_TOKENS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/tokenizer_files.h"

struct added_tokens;

/* Of a model directory and its files; always: spellings that are special whatever the
 * files say, ended by NULL, each in the vocabulary. A special token that has no number
 * anywhere gets the next one, as transformers numbers it. Refused is what its releases
 * number or find differently: a number that is not the vocabulary's or the next one,
 * two numbers for one token, a token of tokenizer.json that added_tokens_decoder lacks,
 * and a special token under another name (image_token) that was not added. Errors name
 * file and token. The files may go away afterwards. */
int added_tokens_read(const char *directory, const struct tokenizer_files *files,
                      const char *const *always, struct added_tokens **tokens,
                      struct error *error);
void added_tokens_free(struct added_tokens *tokens); /* NULL is fine */

/* One more than the greatest number; 0 where there are none. */
size_t added_tokens_past(const struct added_tokens *tokens);

/* Replaces the spellings of normalised tokens by what `normalise` makes of them (fresh
 * memory, or NULL where memory is out). To be called once, before anything is split. */
int added_tokens_normalise(struct added_tokens *tokens,
                           char *(*normalise)(const char *), struct error *error);

/* Where a text is cut. Both are called in the text's order and return 0 or -1. */
struct added_tokens_cut {
    int (*piece)(void *self, const char *text, size_t length, struct error *error);
    int (*token)(void *self, int32_t id, struct error *error);
    void *self;
};

/* Finds the tokens whose flag is `normalized` in a UTF-8 text of `length` bytes. Pieces
 * between them are never empty. May be called from several threads at once. */
int added_tokens_split(const struct added_tokens *tokens, bool normalized,
                       const char *text, size_t length,
                       const struct added_tokens_cut *cut, struct error *error);

#endif
