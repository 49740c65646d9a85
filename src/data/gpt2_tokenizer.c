#include "data/gpt2_tokenizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/byte_tokenizer.h"

/* What is special whatever the files say. */
static const char end_text[] = "<|endoftext|>";
static const char *const always[] = {end_text, NULL};

/* The last two: white space leaves its last character to the word after it. */
static const char words[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BPE_SPACES "\\p{L}\\p{N}]+|"
    "[" BPE_SPACES "]+(?![^" BPE_SPACES "])|[" BPE_SPACES "]+";

struct gpt2_tokenizer {
    struct byte_tokenizer bytes;
    int32_t end;
    size_t vocabulary, longest;
    bool cut_left;
};

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

static int take_files(void *self, const char *directory,
                      const struct tokenizer_files *files, struct error *error) {
    struct gpt2_tokenizer *tokenizer = self;
    struct byte_tokenizer *bytes = &tokenizer->bytes;
    if (byte_tokenizer_number(files->vocab, end_text, "GPT-2", &tokenizer->end,
                              error) || /* bpe_new checks the numbers */
        bpe_new(files->vocab, files->merges, "", tokenizer->end, &bytes->bpe, error))
        return error_prefix(error, "%s: tokenizer", directory);
    if (added_tokens_read(directory, files, always, &bytes->added, error))
        return -1;
    size_t known = past_all(files->vocab), past = added_tokens_past(bytes->added);
    tokenizer->vocabulary = known > past ? known : past;
    tokenizer->longest = files->longest;
    tokenizer->cut_left = files->cut_left;
    return 0;
}

int gpt2_tokenizer_open(const char *directory, struct gpt2_tokenizer **out,
                        struct error *error) {
    *out = NULL;
    struct gpt2_tokenizer *tokenizer = array_new(1, sizeof *tokenizer);
    if (!tokenizer)
        return error_memory(error);
    if (byte_tokenizer_open(&tokenizer->bytes, directory, TOKENIZER_GPT2, words,
                            take_files, tokenizer, error)) {
        gpt2_tokenizer_close(tokenizer);
        return -1;
    }
    *out = tokenizer;
    return 0;
}

void gpt2_tokenizer_close(struct gpt2_tokenizer *tokenizer) {
    if (!tokenizer)
        return;
    byte_tokenizer_clear(&tokenizer->bytes);
    free(tokenizer);
}

size_t gpt2_tokenizer_vocabulary(const struct gpt2_tokenizer *tokenizer) {
    return tokenizer->vocabulary;
}

size_t gpt2_tokenizer_longest(const struct gpt2_tokenizer *tokenizer) {
    return tokenizer->longest;
}

int gpt2_tokenizer_encode(const struct gpt2_tokenizer *tokenizer, const char *text,
                          size_t length, struct tokens *tokens, struct error *error) {
    return byte_tokenizer_encode(&tokenizer->bytes, NULL, text, length, tokens, error);
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
    if (tokens->count == 0) /* of empty texts: there may be no ids */
        return;
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
