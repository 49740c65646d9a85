#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/byte_tokenizer.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_TEXT = 1 << 20 };

static int compile(const char *pattern, pcre2_code **code, struct error *error) {
    int why;
    PCRE2_SIZE at;
    *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                          PCRE2_UTF | PCRE2_UCP, &why, &at, NULL);
    return *code ? 0
                 : error_set(error, "PCRE2 was built without Unicode, which tokenizers "
                                    "need");
}

int byte_tokenizer_open(struct byte_tokenizer *tokenizer, const char *directory,
                        enum tokenizer_family family, const char *pattern,
                        int (*take)(void *self, const char *directory,
                                    const struct tokenizer_files *files,
                                    struct error *error),
                        void *self, struct error *error) {
    struct tokenizer_files files;
    if (tokenizer_files_read(directory, family, &files, error))
        return -1;
    int status = take(self, directory, &files, error);
    tokenizer_files_clear(&files);
    return status ? -1 : compile(pattern, &tokenizer->words, error);
}

void byte_tokenizer_clear(struct byte_tokenizer *tokenizer) {
    bpe_free(tokenizer->bpe);
    added_tokens_free(tokenizer->added);
    pcre2_code_free(tokenizer->words);
    *tokenizer = (struct byte_tokenizer){0};
}

int byte_tokenizer_number(const json_t *vocab, const char *token, const char *family,
                          int32_t *number, struct error *error) {
    const json_t *found = json_object_get(vocab, token);
    if (!json_is_integer(found) || json_integer_value(found) < 0 ||
        json_integer_value(found) > INT32_MAX)
        return error_set(error, "the vocabulary has no %s; it is not %s's", token,
                         family);
    *number = (int32_t)json_integer_value(found);
    return 0;
}

/* --- encoding --------------------------------------------------------------------- */

struct encoding {
    const struct byte_tokenizer *tokenizer;
    char *(*normalise)(const char *piece, size_t length, struct error *error);
    pcre2_match_data *match;
    struct tokens *tokens;
};

/* The tokens of a piece between added tokens. A word that matches with groups is these
 * and nothing between them. */
static int encode_words(void *self, const char *piece, size_t length,
                        struct error *error) {
    const struct encoding *e = self;
    uint32_t flags = 0;
    for (size_t at = 0; at < length;) {
        int groups = pcre2_match(e->tokenizer->words, (PCRE2_SPTR)piece, length, at,
                                 flags, e->match, NULL);
        if (groups == PCRE2_ERROR_NOMATCH) /* white space that is no word's */
            return 0;
        if (groups < 0 && groups >= PCRE2_ERROR_UTF8_ERR21 &&
            groups <= PCRE2_ERROR_UTF8_ERR1)
            return error_set(error, "the text is not UTF-8");
        if (groups < 0)
            return error_set(error, "PCRE2 fails on the text (%d)", groups);
        flags = PCRE2_NO_UTF_CHECK; /* the whole piece has been checked now */
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(e->match);
        for (int g = groups > 1; g < (groups > 1 ? groups : 1); g++)
            if (bpe_encode(e->tokenizer->bpe, piece + ends[2 * g],
                           ends[2 * g + 1] - ends[2 * g], e->tokens, error))
                return -1;
        at = ends[1];
    }
    return 0;
}

static int append(void *self, int32_t id, struct error *error) {
    return tokens_append(((struct encoding *)self)->tokens, id, error);
}

/* A piece between tokens that are looked for in the text as it is. */
static int encode_piece(void *self, const char *piece, size_t length,
                        struct error *error) {
    const struct encoding *e = self;
    char *text = NULL;
    if (e->normalise) {
        text = e->normalise(piece, length, error);
        if (!text)
            return -1;
        piece = text;
        length = strlen(text);
    }
    int status = added_tokens_split(
        e->tokenizer->added, true, piece, length,
        &(struct added_tokens_cut){encode_words, append, self}, error);
    free(text);
    return status;
}

int byte_tokenizer_encode(const struct byte_tokenizer *tokenizer,
                          char *(*normalise)(const char *piece, size_t length,
                                             struct error *error),
                          const char *text, size_t length, struct tokens *tokens,
                          struct error *error) {
    if (length > LONGEST_TEXT)
        return error_set(error, "a text of %zu bytes; it may have at most %d", length,
                         LONGEST_TEXT);
    struct encoding e = {tokenizer, normalise,
                         pcre2_match_data_create_from_pattern(tokenizer->words, NULL),
                         tokens};
    if (!e.match)
        return error_memory(error);
    int status =
        added_tokens_split(tokenizer->added, false, text, length,
                           &(struct added_tokens_cut){encode_piece, append, &e}, error);
    pcre2_match_data_free(e.match);
    return status;
}
