/* CLIP's tokenizer, as transformers' CLIPTokenizer: special and added tokens are taken
 * out of the text (added_tokens.h); the rest is composed (NFC), runs of white space
 * become one space, and letters become small; it is cut into words by CLIP's pattern,
 * and these into tokens by byte-level BPE with "</w>" at a word's end. */
#ifndef PWEMOE_DATA_CLIP_TOKENIZER_H
#define PWEMOE_DATA_CLIP_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct clip_tokenizer;

/* From a model directory's files (tokenizer_files.h). */
int clip_tokenizer_open(const char *directory, struct clip_tokenizer **tokenizer,
                        struct error *error);
void clip_tokenizer_close(struct clip_tokenizer *tokenizer); /* NULL is fine */

/* ids [context] receives start, the text's tokens (those that do not fit, into
 * model_max_length where that is less, are left out), end, and the end's number again
 * up to `context` (at least 2; 77 for the published models); *count is how many there
 * are with the first end. text is UTF-8; other bytes and texts above a mebibyte are
 * errors. May be called from several threads at once. */
int clip_tokenizer_encode(const struct clip_tokenizer *tokenizer, const char *text,
                          size_t context, int32_t *ids, size_t *count,
                          struct error *error);

#endif
