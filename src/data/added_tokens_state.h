/* What added tokens are inside: read from files by added_tokens_read.c, looked for in
 * texts by added_tokens.c. */
#ifndef PWEMOE_DATA_ADDED_TOKENS_STATE_H
#define PWEMOE_DATA_ADDED_TOKENS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct added_tokens;

struct added_token {
    char *spelling;
    size_t length;
    int32_t id;
    bool normalized, single_word, lstrip, rstrip;
    bool bare;        /* known from added_tokens.json alone, which has no flags */
    bool listed;      /* in added_tokens_decoder */
    const char *file; /* that named it first */
};

struct added_tokens {
    struct added_token *tokens; /* sorted: by first byte, then the longest first */
    size_t count, capacity;
    size_t first[257]; /* where the spellings that begin with a byte begin */
    size_t past;
};

/* Sorts tokens as the search wants them, and fills `first`. */
void added_tokens_sort(struct added_tokens *added);

#endif
