#include "data/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "data/added_tokens_state.h"
#include "data/bpe.h"

static int compare(const void *left, const void *right) {
    const struct added_token *a = left, *b = right;
    unsigned char x = (unsigned char)*a->spelling, y = (unsigned char)*b->spelling;
    if (x != y)
        return x < y ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return strcmp(a->spelling, b->spelling);
}

void added_tokens_sort(struct added_tokens *added) {
    if (added->count)
        qsort(added->tokens, added->count, sizeof *added->tokens, compare);
    size_t at = 0;
    for (unsigned byte = 0; byte <= 256; byte++) {
        while (at < added->count && (unsigned char)*added->tokens[at].spelling < byte)
            at++;
        added->first[byte] = at;
    }
}

void added_tokens_free(struct added_tokens *added) {
    if (!added)
        return;
    for (size_t i = 0; i < added->count; i++)
        free(added->tokens[i].spelling);
    free(added->tokens);
    free(added);
}

size_t added_tokens_past(const struct added_tokens *added) {
    return added->past;
}

int added_tokens_normalise(struct added_tokens *added, char *(*normalise)(const char *),
                           struct error *error) {
    for (size_t i = 0; i < added->count; i++) {
        struct added_token *token = &added->tokens[i];
        if (!token->normalized)
            continue;
        char *made = normalise(token->spelling);
        if (!made)
            return error_memory(error);
        free(token->spelling);
        token->spelling = made;
        token->length = strlen(made);
    }
    added_tokens_sort(added);
    return 0;
}

static bool is_word(utf8proc_int32_t c) {
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return c == 0x200c || c == 0x200d; /* join controls */
    }
}

/* The character at `at`, or -1 at the end and for bytes that are not UTF-8. */
static utf8proc_int32_t character(const char *text, size_t length, size_t at,
                                  size_t *size) {
    utf8proc_int32_t c = -1;
    utf8proc_ssize_t took = at < length
                                ? utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                   (utf8proc_ssize_t)(length - at), &c)
                                : 0;
    *size = took > 0 ? (size_t)took : 0;
    return took > 0 ? c : -1;
}

/* The character that ends before `at`. */
static utf8proc_int32_t character_before(const char *text, size_t at, size_t *size) {
    for (size_t back = 1; back <= 4 && back <= at; back++)
        if (((unsigned char)text[at - back] & 0xc0) != 0x80)
            return character(text, at, at - back, size);
    *size = 0;
    return -1;
}

static bool stands_alone(const char *text, size_t length, size_t begin, size_t end) {
    size_t size;
    utf8proc_int32_t before = character_before(text, begin, &size);
    utf8proc_int32_t after = character(text, length, end, &size);
    return !(before >= 0 && is_word(before)) && !(after >= 0 && is_word(after));
}

/* The longest token that is spelt at `at`, or NULL. */
static const struct added_token *token_at(const struct added_tokens *added,
                                          bool normalized, const char *text,
                                          size_t length, size_t at) {
    unsigned char byte = (unsigned char)text[at];
    for (size_t i = added->first[byte]; i < added->first[byte + 1]; i++) {
        const struct added_token *token = &added->tokens[i];
        if (token->normalized == normalized && token->length &&
            token->length <= length - at &&
            memcmp(token->spelling, text + at, token->length) == 0)
            return token;
    }
    return NULL;
}

int added_tokens_split(const struct added_tokens *added, bool normalized,
                       const char *text, size_t length,
                       const struct added_tokens_cut *cut, struct error *error) {
    size_t done = 0;
    for (size_t at = 0; at < length;) {
        const struct added_token *token = token_at(added, normalized, text, length, at);
        if (!token) {
            at++;
            continue;
        }
        size_t begin = at, end = at + token->length, size;
        at = end;
        if (token->single_word && !stands_alone(text, length, begin, end))
            continue;
        if (token->lstrip)
            while (begin > done && bpe_is_space(character_before(text, begin, &size)))
                begin -= size;
        if (token->rstrip)
            while (bpe_is_space(character(text, length, end, &size)))
                end += size;
        if (begin < done) /* inside what the one before has taken along */
            begin = done;
        if (begin > done && cut->piece(cut->self, text + done, begin - done, error))
            return -1;
        if (cut->token(cut->self, token->id, error))
            return -1;
        done = end;
        at = end > at ? end : at;
    }
    return done < length ? cut->piece(cut->self, text + done, length - done, error) : 0;
}
