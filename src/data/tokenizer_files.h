/* A byte-level BPE tokenizer's files in a model directory, as transformers reads them:
 * vocabulary and merges from tokenizer.json where there is one, else from vocab.json
 * and merges.txt; tokenizer_config.json beside them. Everything in them that changes
 * which tokens a text gives is honoured by the tokenizers (gpt2_tokenizer.h,
 * clip_tokenizer.h, added_tokens.h) or refused here by name:
 *
 *   tokenizer.json: normalizer, pre_tokenizer, post_processor and the model's type,
 *   continuing_subword_prefix, end_of_word_suffix, byte_fallback, ignore_merges and
 *   dropout must be those of the family; of truncation the direction is handed on, of
 *   padding its token must be a known one; the decoder is for decoding only.
 *   tokenizer_config.json: tokenizer_class, add_prefix_space, add_bos_token,
 *   add_eos_token, do_lower_case, split_special_tokens, init_inputs; model_max_length
 *   (of old files max_len) and truncation_side are handed on; padding_side changes
 *   nothing of a text by itself.
 *   special_tokens_map.json, read where tokenizer_config.json has no
 *   added_tokens_decoder: its tokens take the place of those of tokenizer_config.json.
 */
#ifndef PWEMOE_DATA_TOKENIZER_FILES_H
#define PWEMOE_DATA_TOKENIZER_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* What CLIP's texts begin and end with. */
#define TOKENIZER_CLIP_START "<|startoftext|>"
#define TOKENIZER_CLIP_END "<|endoftext|>"

enum tokenizer_family { TOKENIZER_GPT2, TOKENIZER_CLIP };

struct tokenizer_files {
    json_t *tokenizer, *settings; /* tokenizer.json, tokenizer_config.json, or NULL */
    json_t *specials; /* the special tokens: settings with special_tokens_map.json */
    json_t *vocab, *merges; /* token to number; "LEFT RIGHT" or [LEFT, RIGHT] */
    size_t longest;         /* model_max_length; 0: none, or without meaning */
    bool cut_left;          /* truncation_side: the beginning of a text goes */
};

/* Errors name the file and the key. On failure nothing is to be freed. */
int tokenizer_files_read(const char *directory, enum tokenizer_family family,
                         struct tokenizer_files *files, struct error *error);
void tokenizer_files_clear(struct tokenizer_files *files);

#endif
