#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/clip_tokenizer.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/tokenizer_files.h"

enum { LONGEST_TEXT = 1 << 20 };

#define START TOKENIZER_CLIP_START
#define END TOKENIZER_CLIP_END

/* After the special tokens' spellings, which here come from text in capitals,
 * transformers cuts once more at the change from signs to letters. */
static const char words[] =
    "(<\\|)(startoftext|endoftext)(\\|>)|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|"
    "[^" BPE_SPACES "\\p{L}\\p{N}]+";

static const char *const always[] = {START, END, NULL};

struct clip_tokenizer {
    struct bpe *bpe;
    struct added_tokens *added;
    pcre2_code *words;
    int32_t start, end;
    size_t longest;
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

/* Letters made small one by one, runs of white space one space. utf8proc has each
 * character's simple mapping; the one full mapping that is longer and always holds is
 * that of U+0130 (Unicode's SpecialCasing.txt): i and a dot above. Fresh memory. */
static char *to_small(const char *text) {
    size_t length = strlen(text), used = 0;
    char *small = malloc(3 * length + 1); /* no character grows more than that */
    if (!small)
        return NULL;
    bool space = false; /* the last character was one */
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t took = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(length - at), &c);
        if (took <= 0) /* cannot be: the text was composed from valid UTF-8 */
            break;
        at += (size_t)took;
        bool again = space;
        space = bpe_is_space(c);
        if (space && !again)
            small[used++] = ' ';
        if (space)
            continue;
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

/* Composed (NFC), white space made single, letters made small. Fresh memory; NULL where
 * memory is out. text is UTF-8. */
static char *normalise_text(const char *text) {
    utf8proc_uint8_t *composed = NULL;
    if (utf8proc_map((const utf8proc_uint8_t *)text, 0, &composed,
                     UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE) < 0)
        return NULL;
    char *small = to_small((const char *)composed);
    free(composed);
    return small;
}

/* Another token at an end of each text is another model's. */
static int check_end(const char *directory, const struct tokenizer_files *files,
                     const char *key, const char *wanted, struct error *error) {
    const json_t *value = json_object_get(files->specials, key);
    const json_t *text =
        json_is_object(value) ? json_object_get(value, "content") : value;
    if (!value ||
        (json_is_string(text) && strcmp(json_string_value(text), wanted) == 0))
        return 0;
    return error_set(error, "%s: tokenizer: %s is \"%s\"; CLIP's is %s", directory, key,
                     json_is_string(text) ? json_string_value(text) : "null", wanted);
}

static int take_files(struct clip_tokenizer *tokenizer, const char *directory,
                      const struct tokenizer_files *files, struct error *error) {
    if (find_special(files->vocab, START, &tokenizer->start, error) ||
        find_special(files->vocab, END, &tokenizer->end, error) ||
        bpe_new(files->vocab, files->merges, "</w>", tokenizer->end, &tokenizer->bpe,
                error))
        return error_prefix(error, "%s: tokenizer", directory);
    if (files->cut_left)
        return error_set(error,
                         "%s: tokenizer: truncation_side is left, which is not "
                         "supported for prompts",
                         directory);
    tokenizer->longest = files->longest;
    return check_end(directory, files, "bos_token", START, error) ||
                   check_end(directory, files, "eos_token", END, error) ||
                   added_tokens_read(directory, files, always, &tokenizer->added,
                                     error) ||
                   added_tokens_normalise(tokenizer->added, normalise_text, error)
               ? -1
               : 0;
}

static int fill(struct clip_tokenizer *tokenizer, const char *directory,
                struct error *error) {
    struct tokenizer_files files;
    if (tokenizer_files_read(directory, TOKENIZER_CLIP, &files, error))
        return -1;
    int status = take_files(tokenizer, directory, &files, error);
    tokenizer_files_clear(&files);
    return status ? -1 : bpe_pattern(words, &tokenizer->words, error);
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
    added_tokens_free(tokenizer->added);
    pcre2_code_free(tokenizer->words);
    free(tokenizer);
}

struct clip_encoding {
    const struct clip_tokenizer *tokenizer;
    pcre2_match_data *match;
    struct tokens *tokens;
};

/* The tokens of a normalised piece between added tokens. No word of the pattern has
 * white space. */
static int encode_words(void *self, const char *text, size_t size,
                        struct error *error) {
    const struct clip_encoding *e = self;
    for (size_t at = 0; at < size;) {
        int groups = pcre2_match(e->tokenizer->words, (PCRE2_SPTR)text, size, at, 0,
                                 e->match, NULL);
        if (groups == PCRE2_ERROR_NOMATCH)
            break;
        if (groups < 0)
            return error_set(error, "PCRE2 fails on the text (%d)", groups);
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(e->match);
        /* Group 0 alone, or the three parts of a special token's spelling. */
        for (int g = groups > 1; g < (groups > 1 ? groups : 1); g++)
            if (bpe_encode(e->tokenizer->bpe, text + ends[2 * g],
                           ends[2 * g + 1] - ends[2 * g], e->tokens, error))
                return -1;
        at = ends[1];
    }
    return 0;
}

static int append(void *self, int32_t id, struct error *error) {
    return tokens_append(((struct clip_encoding *)self)->tokens, id, error);
}

/* A piece between tokens that are looked for in the text as it is. */
static int encode_piece(void *self, const char *piece, size_t length,
                        struct error *error) {
    const struct clip_encoding *e = self;
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
    if (!text)
        return error_memory(error);
    int status = added_tokens_split(
        e->tokenizer->added, true, text, strlen(text),
        &(struct added_tokens_cut){encode_words, append, self}, error);
    free(text);
    return status;
}

static int encode_all(const struct clip_tokenizer *tokenizer, const char *text,
                      struct tokens *tokens, struct error *error) {
    struct clip_encoding e = {.tokenizer = tokenizer, .tokens = tokens};
    e.match = pcre2_match_data_create_from_pattern(tokenizer->words, NULL);
    if (!e.match)
        return error_memory(error);
    int status =
        added_tokens_split(tokenizer->added, false, text, strlen(text),
                           &(struct added_tokens_cut){encode_piece, append, &e}, error);
    pcre2_match_data_free(e.match);
    return status;
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
    size_t longest = context - 2;
    if (tokenizer->longest && tokenizer->longest < context)
        longest = tokenizer->longest > 2 ? tokenizer->longest - 2 : 0;
    int status = encode_all(tokenizer, text, &tokens, error);
    if (status == 0) {
        size_t kept = tokens.count < longest ? tokens.count : longest;
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
