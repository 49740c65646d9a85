#include <config.h> /* memmem wants _GNU_SOURCE */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/gpt2_tokenizer.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LONGEST_TEXT = 1 << 20 };

static const char end_text[] = "<|endoftext|>";

/* The last two: white space leaves its last character to the word after it. */
static const char words[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BPE_SPACES "\\p{L}\\p{N}]+|"
    "[" BPE_SPACES "]+(?![^" BPE_SPACES "])|[" BPE_SPACES "]+";

struct gpt2_tokenizer {
    struct bpe *bpe;
    pcre2_code *words;
    int32_t end;
    size_t vocabulary;
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

static int fill(struct gpt2_tokenizer *tokenizer, const char *directory,
                struct error *error) {
    static const char *const flags[] = {"add_prefix_space", "add_bos_token", NULL};
    json_t *vocab, *merges;
    if (bpe_check_settings(directory, flags, error) ||
        bpe_read_files(directory, "", &vocab, &merges, error))
        return -1;
    int status = find_end(tokenizer, vocab, error);
    if (status == 0) /* which checks the numbers */
        status = bpe_new(vocab, merges, "", tokenizer->end, &tokenizer->bpe, error);
    if (status == 0) {
        const char *token;
        json_t *number;
        json_object_foreach(vocab, token, number) {
            size_t past = (size_t)json_integer_value(number) + 1;
            if (past > tokenizer->vocabulary)
                tokenizer->vocabulary = past;
        }
    }
    json_decref(vocab);
    json_decref(merges);
    if (status)
        return error_prefix(error, "%s: tokenizer", directory);
    int code;
    PCRE2_SIZE at;
    tokenizer->words = pcre2_compile((PCRE2_SPTR)words, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
    if (!tokenizer->words)
        return error_set(error,
                         "PCRE2 was built without Unicode, which tokenizers need");
    return 0;
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
    pcre2_code_free(tokenizer->words);
    free(tokenizer);
}

size_t gpt2_tokenizer_vocabulary(const struct gpt2_tokenizer *tokenizer) {
    return tokenizer->vocabulary;
}

/* The tokens of a piece between special tokens. */
static int encode_piece(const struct gpt2_tokenizer *tokenizer, pcre2_match_data *match,
                        const char *piece, size_t length, struct tokens *tokens,
                        struct error *error) {
    uint32_t flags = 0;
    for (size_t at = 0; at < length;) {
        int found = pcre2_match(tokenizer->words, (PCRE2_SPTR)piece, length, at, flags,
                                match, NULL);
        if (found == PCRE2_ERROR_NOMATCH) /* cannot be: some word begins anywhere */
            return 0;
        if (found < 0 && found >= PCRE2_ERROR_UTF8_ERR21 &&
            found <= PCRE2_ERROR_UTF8_ERR1)
            return error_set(error, "the text is not UTF-8");
        if (found < 0)
            return error_set(error, "PCRE2 fails on the text (%d)", found);
        flags = PCRE2_NO_UTF_CHECK; /* the whole piece has been checked now */
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);
        if (bpe_encode(tokenizer->bpe, piece + ends[0], ends[1] - ends[0], tokens,
                       error))
            return -1;
        at = ends[1];
    }
    return 0;
}

static int append(struct tokens *tokens, int32_t id, struct error *error) {
    if (array_reserve((void **)&tokens->ids, &tokens->capacity, tokens->count + 1,
                      sizeof *tokens->ids))
        return error_memory(error);
    tokens->ids[tokens->count++] = id;
    return 0;
}

int gpt2_tokenizer_encode(const struct gpt2_tokenizer *tokenizer, const char *text,
                          size_t length, struct tokens *tokens, struct error *error) {
    if (length > LONGEST_TEXT)
        return error_set(error, "a text of %zu bytes; it may have at most %d", length,
                         LONGEST_TEXT);
    pcre2_match_data *match =
        pcre2_match_data_create_from_pattern(tokenizer->words, NULL);
    if (!match)
        return error_memory(error);
    int status = 0;
    while (status == 0 && length) {
        const char *end = memmem(text, length, end_text, sizeof end_text - 1);
        size_t piece = end ? (size_t)(end - text) : length;
        status = encode_piece(tokenizer, match, text, piece, tokens, error);
        if (!end)
            break;
        if (status == 0)
            status = append(tokens, tokenizer->end, error);
        text += piece + sizeof end_text - 1;
        length -= piece + sizeof end_text - 1;
    }
    pcre2_match_data_free(match);
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
