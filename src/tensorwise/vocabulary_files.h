/* The tokenizer of a joined vocabulary: the base model's files, with the experts' added
 * tokens behind its own, or without those of its own that not all have. For this
 * folder.
 */
#ifndef PWEMOE_TENSORWISE_VOCABULARY_FILES_H
#define PWEMOE_TENSORWISE_VOCABULARY_FILES_H

#include <jansson.h>

#include "base/error.h"
#include "tensorwise/vocabulary.h"

/* tokenizer.json, tokenizer_config.json, added_tokens.json. */
enum { VOCABULARY_FILES = 3 };

struct vocabulary_file {
    const char *name;
    json_t *content;
};

/* Those of the base model's directory base_path that another vocabulary changes, in
 * files, their number in *count. Fails where a token that comes or goes is no added
 * token: it is part of how words are taken apart then, and cannot be moved by itself.
 */
int vocabulary_files(const struct vocabulary *vocabulary, const char *base_path,
                     const char *const *paths,
                     struct vocabulary_file files[VOCABULARY_FILES], size_t *count,
                     struct error *error);
void vocabulary_files_release(struct vocabulary_file *files, size_t count);

/* config.json says how many rows embeddings have. */
void vocabulary_set_size(json_t *config, size_t rows);

#endif
