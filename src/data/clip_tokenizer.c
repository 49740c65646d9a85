#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/clip_tokenizer.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "data/bpe.h"

enum { LONGEST_TEXT = 1 << 20 };

#define START "<|startoftext|>"
#define END "<|endoftext|>"

/* After the special tokens' spellings, which here come from text in capitals,
 * transformers cuts once more at the change from signs to letters. */
static const char words[] =
    "(<\\|)(startoftext|endoftext)(\\|>)|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|"
    "[^" BPE_SPACES "\\p{L}\\p{N}]+";

struct clip_tokenizer {
    struct bpe *bpe;
    pcre2_code *words;
    int32_t start, end;
};

static int find_special(const json_t *vocab, const char *token, int32_t *number,
                        struct error *error) {
    const json_t *found = json_object_get(vocab, token);
    if (!json_is_integer(found) || json_integer_value(found) < 0 ||
        json_integer_value(found) > INT32_MAX)
        return error_set(error, "the vocabulary has no %s; it is not CLIP's", token);
    *number = (int32_t)json_integer_value(found);
    return 0;
}

static int fill(struct clip_tokenizer *tokenizer, const char *directory,
                struct error *error) {
    static const char suffix[] = "</w>";
    json_t *vocab, *merges;
    if (bpe_read_files(directory, suffix, &vocab, &merges, error))
        return -1;
    int status = find_special(vocab, START, &tokenizer->start, error);
    if (status == 0)
        status = find_special(vocab, END, &tokenizer->end, error);
    if (status == 0)
        status = bpe_new(vocab, merges, suffix, tokenizer->end, &tokenizer->bpe, error);
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

int clip_tokenizer_open(const char *directory, struct clip_tokenizer **out,
                        struct error *error) {
    *out = NULL;
    struct clip_tokenizer *tokenizer = array_new(1, sizeof *tokenizer);
    if (!tokenizer)
        return error_memory(error);
    if (fill(tokenizer, directory, error)) {
        clip_tokenizer_close(tokenizer);
        return -1;
    }
    *out = tokenizer;
    return 0;
}

void clip_tokenizer_close(struct clip_tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    bpe_free(tokenizer->bpe);
    pcre2_code_free(tokenizer->words);
    free(tokenizer);
}

int32_t clip_tokenizer_start(const struct clip_tokenizer *tokenizer) {
    return tokenizer->start;
}

int32_t clip_tokenizer_end(const struct clip_tokenizer *tokenizer) {
    return tokenizer->end;
}

/* Letters made small one by one. utf8proc has each character's simple mapping; the
 * one full mapping that is longer and always holds is that of U+0130 (Unicode's
 * SpecialCasing.txt): i and a dot above. Fresh memory. */
static char *to_small(const char *text) {
    size_t length = strlen(text), used = 0;
    char *small = malloc(3 * length + 1); /* no character grows more than that */
    if (!small)
        return NULL;
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t took = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(length - at), &c);
        if (took <= 0) /* cannot be: the text was composed from valid UTF-8 */
            break;
        at += (size_t)took;
        bool dotted = c == 0x130;
        used += (size_t)utf8proc_encode_char(dotted ? 'i' : utf8proc_tolower(c),
                                             (utf8proc_uint8_t *)small + used);
        if (dotted)
            used +=
                (size_t)utf8proc_encode_char(0x307, (utf8proc_uint8_t *)small + used);
    }
    small[used] = '\0';
    return small;
}

/* The tokens of a piece between special tokens. What becomes of white space need not
 * be made: no word of the pattern has any. */
static int encode_piece(const struct clip_tokenizer *tokenizer, const char *piece,
                        size_t length, struct tokens *tokens, struct error *error) {
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t made =
        utf8proc_map((const utf8proc_uint8_t *)piece, (utf8proc_ssize_t)length,
                     &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (made == UTF8PROC_ERROR_INVALIDUTF8)
        return error_set(error, "the text is not UTF-8");
    if (made < 0)
        return error_memory(error);
    char *text = to_small((const char *)composed);
    free(composed);
    pcre2_match_data *match =
        pcre2_match_data_create_from_pattern(tokenizer->words, NULL);
    int status = text && match ? 0 : error_memory(error);
    size_t size = text ? strlen(text) : 0;
    for (size_t at = 0; status == 0 && at < size;) {
        int groups =
            pcre2_match(tokenizer->words, (PCRE2_SPTR)text, size, at, 0, match, NULL);
        if (groups == PCRE2_ERROR_NOMATCH)
            break;
        if (groups < 0)
            status = error_set(error, "PCRE2 fails on the text (%d)", groups);
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match);
        /* Group 0 alone, or the three parts of a special token's spelling. */
        for (int g = groups > 1; status == 0 && g < (groups > 1 ? groups : 1); g++)
            status = bpe_encode(tokenizer->bpe, text + ends[2 * g],
                                ends[2 * g + 1] - ends[2 * g], tokens, error);
        if (status == 0)
            at = ends[1];
    }
    pcre2_match_data_free(match);
    free(text);
    return status;
}

static int append(struct tokens *tokens, int32_t id, struct error *error) {
    if (array_reserve((void **)&tokens->ids, &tokens->capacity, tokens->count + 1,
                      sizeof *tokens->ids))
        return error_memory(error);
    tokens->ids[tokens->count++] = id;
    return 0;
}

static int encode_all(const struct clip_tokenizer *tokenizer, const char *text,
                      size_t most, struct tokens *tokens, struct error *error) {
    while (*text && tokens->count < most) {
        const char *start = strstr(text, START), *end = strstr(text, END);
        const char *next = !start || (end && end < start) ? end : start;
        size_t length = next ? (size_t)(next - text) : strlen(text);
        if (encode_piece(tokenizer, text, length, tokens, error))
            return -1;
        if (!next)
            return 0;
        bool is_start = next == start;
        if (append(tokens, is_start ? tokenizer->start : tokenizer->end, error))
            return -1;
        text = next + strlen(is_start ? START : END);
    }
    return 0;
}

int clip_tokenizer_encode(const struct clip_tokenizer *tokenizer, const char *text,
                          size_t context, int32_t *ids, size_t *count,
                          struct error *error) {
    struct tokens tokens = {0};
    if (context < 2)
        return error_set(error, "a context of %zu tokens has no room for start and end",
                         context);
    if (strlen(text) > LONGEST_TEXT)
        return error_set(error, "a text of %zu bytes; a prompt has at most %d",
                         strlen(text), LONGEST_TEXT);
    int status = encode_all(tokenizer, text, context - 2, &tokens, error);
    if (status == 0) {
        size_t kept = tokens.count < context - 2 ? tokens.count : context - 2;
        ids[0] = tokenizer->start;
        if (kept)
            memcpy(ids + 1, tokens.ids, kept * sizeof *ids);
        for (size_t i = kept + 1; i < context; i++)
            ids[i] = tokenizer->end;
        *count = kept + 2;
    }
    free(tokens.ids);
    return status;
}
