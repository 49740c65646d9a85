#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/gpt2_tokenizer.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/added_tokens.h"
#include "data/tokenizer_files.h"

enum { LONGEST_TEXT = 1 << 20 };

/* What is special whatever the files say. */
static const char end_text[] = "<|endoftext|>";
static const char *const always[] = {end_text, NULL};

/* The last two: white space leaves its last character to the word after it. */
static const char words[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BPE_SPACES "\\p{L}\\p{N}]+|"
    "[" BPE_SPACES "]+(?![^" BPE_SPACES "])|[" BPE_SPACES "]+";

struct gpt2_tokenizer {
    struct bpe *bpe;
    struct added_tokens *added;
    pcre2_code *words;
    int32_t end;
    size_t vocabulary, longest;
    bool cut_left;
};

static int find_end(struct gpt2_tokenizer *tokenizer, const json_t *vocab,
                    struct error *error) {
    const json_t *found = json_object_get(vocab, end_text);
    if (!json_is_integer(found) || json_integer_value(found) < 0 ||
        json_integer_value(found) > INT32_MAX)
        return error_set(error, "the vocabulary has no %s; it is not GPT-2's",
                         end_text);
    tokenizer->end = (int32_t)json_integer_value(found);
    return 0;
}

/* One more than the greatest number of the vocabulary, whose numbers are checked. */
static size_t past_all(const json_t *vocab) {
    size_t most = 0;
    const char *token;
    json_t *number;
    json_object_foreach((json_t *)vocab, token, number) {
        size_t past = (size_t)json_integer_value(number) + 1;
        most = past > most ? past : most;
    }
    return most;
}

static int take_files(struct gpt2_tokenizer *tokenizer, const char *directory,
                      const struct tokenizer_files *files, struct error *error) {
    if (find_end(tokenizer, files->vocab, error) || /* bpe_new checks the numbers */
        bpe_new(files->vocab, files->merges, "", tokenizer->end, &tokenizer->bpe,
                error))
        return error_prefix(error, "%s: tokenizer", directory);
    if (added_tokens_read(directory, files, always, &tokenizer->added, error))
        return -1;
    size_t known = past_all(files->vocab), past = added_tokens_past(tokenizer->added);
    tokenizer->vocabulary = known > past ? known : past;
    tokenizer->longest = files->longest;
    tokenizer->cut_left = files->cut_left;
    return 0;
}

static int fill(struct gpt2_tokenizer *tokenizer, const char *directory,
                struct error *error) {
    struct tokenizer_files files;
    if (tokenizer_files_read(directory, TOKENIZER_GPT2, &files, error))
        return -1;
    int status = take_files(tokenizer, directory, &files, error);
    tokenizer_files_clear(&files);
    return status ? -1 : bpe_pattern(words, &tokenizer->words, error);
}

int gpt2_tokenizer_open(const char *directory, struct gpt2_tokenizer **out,
                        struct error *error) {
    *out = NULL;
    struct gpt2_tokenizer *tokenizer = array_new(1, sizeof *tokenizer);
    if (!tokenizer)
        return error_memory(error);
    if (fill(tokenizer, directory, error)) {
        gpt2_tokenizer_close(tokenizer);
        return -1;
    }
    *out = tokenizer;
    return 0;
}

void gpt2_tokenizer_close(struct gpt2_tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    bpe_free(tokenizer->bpe);
    added_tokens_free(tokenizer->added);
    pcre2_code_free(tokenizer->words);
    free(tokenizer);
}

size_t gpt2_tokenizer_vocabulary(const struct gpt2_tokenizer *tokenizer) {
    return tokenizer->vocabulary;
}

size_t gpt2_tokenizer_longest(const struct gpt2_tokenizer *tokenizer) {
    return tokenizer->longest;
}

struct gpt2_encoding {
    const struct gpt2_tokenizer *tokenizer;
    pcre2_match_data *match;
    struct tokens *tokens;
};

/* The tokens of a piece between added tokens. */
static int encode_words(void *self, const char *piece, size_t length,
                        struct error *error) {
    const struct gpt2_encoding *e = self;
    uint32_t flags = 0;
    for (size_t at = 0; at < length;) {
        int found = pcre2_match(e->tokenizer->words, (PCRE2_SPTR)piece, length, at,
                                flags, e->match, NULL);
        if (found == PCRE2_ERROR_NOMATCH) /* cannot be: some word begins anywhere */
            return 0;
        if (found < 0 && found >= PCRE2_ERROR_UTF8_ERR21 &&
            found <= PCRE2_ERROR_UTF8_ERR1)
            return error_set(error, "the text is not UTF-8");
        if (found < 0)
            return error_set(error, "PCRE2 fails on the text (%d)", found);
        flags = PCRE2_NO_UTF_CHECK; /* the whole piece has been checked now */
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(e->match);
        if (bpe_encode(e->tokenizer->bpe, piece + ends[0], ends[1] - ends[0], e->tokens,
                       error))
            return -1;
        at = ends[1];
    }
    return 0;
}

static int append(void *self, int32_t id, struct error *error) {
    return tokens_append(((struct gpt2_encoding *)self)->tokens, id, error);
}

/* Nothing is normalised, so that these are only looked for later. */
static int encode_piece(void *self, const char *piece, size_t length,
                        struct error *error) {
    const struct gpt2_encoding *e = self;
    return added_tokens_split(e->tokenizer->added, true, piece, length,
                              &(struct added_tokens_cut){encode_words, append, self},
                              error);
}

int gpt2_tokenizer_encode(const struct gpt2_tokenizer *tokenizer, const char *text,
                          size_t length, struct tokens *tokens, struct error *error) {
    if (length > LONGEST_TEXT)
        return error_set(error, "a text of %zu bytes; it may have at most %d", length,
                         LONGEST_TEXT);
    struct gpt2_encoding e = {.tokenizer = tokenizer, .tokens = tokens};
    e.match = pcre2_match_data_create_from_pattern(tokenizer->words, NULL);
    if (!e.match)
        return error_memory(error);
    int status =
        added_tokens_split(tokenizer->added, false, text, length,
                           &(struct added_tokens_cut){encode_piece, append, &e}, error);
    pcre2_match_data_free(e.match);
    return status;
}

void gpt2_tokenizer_truncate(size_t *first, size_t *second, size_t longest) {
    size_t *shorter = *first <= *second ? first : second;
    size_t *longer = shorter == first ? second : first;
    if (*first + *second <= longest)
        return;
    size_t half = longest / 2;
    if (*shorter <= half) {
        *longer = longest - *shorter;
    } else {
        *shorter = half;
        *longer = longest - half;
    }
}

void gpt2_tokenizer_cut(const struct gpt2_tokenizer *tokenizer, struct tokens *tokens,
                        size_t first, size_t longest) {
    size_t second = tokens->count - first, kept = first, kept_second = second;
    gpt2_tokenizer_truncate(&kept, &kept_second, longest);
    const int32_t *from = tokens->ids, *from_second = tokens->ids + first;
    if (tokenizer->cut_left) {
        from += first - kept;
        from_second += second - kept_second;
    }
    if (kept && from != tokens->ids)
        memmove(tokens->ids, from, kept * sizeof *from);
    if (kept_second && from_second != tokens->ids + kept)
        memmove(tokens->ids + kept, from_second, kept_second * sizeof *from);
    tokens->count = kept + kept_second;
}
