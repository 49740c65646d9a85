#include "data/clip_tokenizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "data/byte_tokenizer.h"

#define START TOKENIZER_CLIP_START
#define END TOKENIZER_CLIP_END

/* After the special tokens' spellings, which here come from text in capitals,
 * transformers cuts once more at the change from signs to letters: the groups. */
static const char words[] =
    "(<\\|)(startoftext|endoftext)(\\|>)|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|"
    "[^" BPE_SPACES "\\p{L}\\p{N}]+";

static const char *const always[] = {START, END, NULL};

struct clip_tokenizer {
    struct byte_tokenizer bytes;
    int32_t start, end;
    size_t longest;
};

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

/* Composed (NFC), white space made single, letters made small. Fresh memory. */
static char *normalise_piece(const char *piece, size_t length, struct error *error) {
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t made =
        utf8proc_map((const utf8proc_uint8_t *)piece, (utf8proc_ssize_t)length,
                     &composed, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    char *small = made < 0 ? NULL : to_small((const char *)composed);
    free(composed);
    if (made == UTF8PROC_ERROR_INVALIDUTF8)
        error_set(error, "the text is not UTF-8");
    else if (!small)
        error_memory(error);
    return small;
}

/* The same of a whole text that is UTF-8. */
static char *normalise_text(const char *text) {
    struct error error;
    return normalise_piece(text, strlen(text), &error);
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

static int take_files(void *self, const char *directory,
                      const struct tokenizer_files *files, struct error *error) {
    struct clip_tokenizer *tokenizer = self;
    struct byte_tokenizer *bytes = &tokenizer->bytes;
    if (byte_tokenizer_number(files->vocab, START, "CLIP", &tokenizer->start, error) ||
        byte_tokenizer_number(files->vocab, END, "CLIP", &tokenizer->end, error) ||
        bpe_new(files->vocab, files->merges, "</w>", tokenizer->end, &bytes->bpe,
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
                   added_tokens_read(directory, files, always, &bytes->added, error) ||
                   added_tokens_normalise(bytes->added, normalise_text, error)
               ? -1
               : 0;
}

int clip_tokenizer_open(const char *directory, struct clip_tokenizer **out,
                        struct error *error) {
    *out = NULL;
    struct clip_tokenizer *tokenizer = array_new(1, sizeof *tokenizer);
    if (!tokenizer)
        return error_memory(error);
    if (byte_tokenizer_open(&tokenizer->bytes, directory, TOKENIZER_CLIP, words,
                            take_files, tokenizer, error)) {
        clip_tokenizer_close(tokenizer);
        return -1;
    }
    *out = tokenizer;
    return 0;
}

void clip_tokenizer_close(struct clip_tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    byte_tokenizer_clear(&tokenizer->bytes);
    free(tokenizer);
}

int clip_tokenizer_encode(const struct clip_tokenizer *tokenizer, const char *text,
                          size_t context, int32_t *ids, size_t *count,
                          struct error *error) {
    struct tokens tokens = {0};
    if (context < 2)
        return error_set(error, "a context of %zu tokens has no room for start and end",
                         context);
    size_t longest = context - 2;
    if (tokenizer->longest && tokenizer->longest < context)
        longest = tokenizer->longest > 2 ? tokenizer->longest - 2 : 0;
    int status = byte_tokenizer_encode(&tokenizer->bytes, normalise_piece, text,
                                       strlen(text), &tokens, error);
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
