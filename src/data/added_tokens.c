#include "data/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "data/bpe.h"

enum { MOST_TOKENS = 1 << 13, LONGEST_SPELLING = 1 << 12 };

struct added_token {
    char *spelling;
    size_t length;
    int32_t id;
    bool normalized, single_word, lstrip, rstrip;
};

struct added_tokens {
    struct added_token *tokens; /* sorted: by first byte, then the longest first */
    size_t count, capacity;
    size_t first[257]; /* where the spellings that begin with a byte begin */
    size_t past;
};

/* What reading needs besides. */
struct token_reading {
    struct added_tokens *added;
    const json_t *vocab;
    size_t next; /* the number that a token without one gets */
    const char *directory, *file;
};

static struct added_token *find(struct added_tokens *added, const char *spelling) {
    for (size_t i = 0; i < added->count; i++)
        if (strcmp(added->tokens[i].spelling, spelling) == 0)
            return &added->tokens[i];
    return NULL;
}

static int complain(const struct token_reading *r, const char *token, const char *what,
                    struct error *error) {
    return error_set(error, "%s/%s: the token \"%s\" %s", r->directory, r->file, token,
                     what);
}

/* Makes room for a token, or takes over the one with this spelling. */
static struct added_token *put(struct token_reading *r, const char *spelling,
                               struct error *error) {
    struct added_tokens *added = r->added;
    struct added_token *token = find(added, spelling);
    if (token)
        return token;
    if (added->count == MOST_TOKENS) {
        error_set(error, "%s/%s: over %d added tokens", r->directory, r->file,
                  MOST_TOKENS);
        return NULL;
    }
    if (array_reserve((void **)&added->tokens, &added->capacity, added->count + 1,
                      sizeof *added->tokens)) {
        error_memory(error);
        return NULL;
    }
    char *copy = strdup(spelling);
    if (!copy) {
        error_memory(error);
        return NULL;
    }
    token = &added->tokens[added->count++];
    *token = (struct added_token){.spelling = copy, .length = strlen(copy), .id = -1};
    return token;
}

static int read_flag(const struct token_reading *r, const json_t *object,
                     const char *key, const char *spelling, bool *flag,
                     struct error *error) {
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_boolean(value) && !json_is_null(value))
        return complain(r, spelling, "has a flag that is neither true nor false",
                        error);
    if (json_is_boolean(value))
        *flag = json_is_true(value);
    return 0;
}

static int read_flags(const struct token_reading *r, const json_t *object,
                      struct added_token *token, struct error *error) {
    return read_flag(r, object, "normalized", token->spelling, &token->normalized,
                     error) ||
                   read_flag(r, object, "single_word", token->spelling,
                             &token->single_word, error) ||
                   read_flag(r, object, "lstrip", token->spelling, &token->lstrip,
                             error) ||
                   read_flag(r, object, "rstrip", token->spelling, &token->rstrip,
                             error)
               ? -1
               : 0;
}

static int read_id(const struct token_reading *r, const json_t *value,
                   const char *spelling, int32_t *id, struct error *error) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number >= INT32_MAX)
        return complain(r, spelling, "has no number from 0 to 2147483646", error);
    *id = (int32_t)number;
    return 0;
}

/* The spelling of a token given as text or as an object with `content`; NULL where it
 * is neither or cannot be one. */
static const char *spelling_of(const json_t *value) {
    const char *text = json_is_object(value)
                           ? json_string_value(json_object_get(value, "content"))
                           : json_string_value(value);
    return text && *text && strlen(text) <= LONGEST_SPELLING ? text : NULL;
}

/* The list of tokenizer.json. */
static int read_list(struct token_reading *r, const json_t *list, struct error *error) {
    size_t i;
    json_t *entry;
    if (list && !json_is_null(list) && !json_is_array(list))
        return error_set(error, "%s/%s: added_tokens is not a list", r->directory,
                         r->file);
    json_array_foreach(list, i, entry) {
        const char *spelling = json_is_object(entry) ? spelling_of(entry) : NULL;
        if (!spelling)
            return error_set(error, "%s/%s: entry %zu of added_tokens has no content",
                             r->directory, r->file, i + 1);
        struct added_token *token = put(r, spelling, error);
        if (!token || read_flags(r, entry, token, error) ||
            read_id(r, json_object_get(entry, "id"), spelling, &token->id, error))
            return -1;
    }
    return 0;
}

/* added_tokens.json: spelling to number. Those that are not special are normalised. */
static int read_map(struct token_reading *r, const json_t *map, struct error *error) {
    const char *spelling;
    json_t *number;
    json_object_foreach((json_t *)map, spelling, number) {
        if (!*spelling || strlen(spelling) > LONGEST_SPELLING)
            return error_set(error, "%s/%s: a token whose text is missing or too long",
                             r->directory, r->file);
        bool known = find(r->added, spelling) != NULL;
        struct added_token *token = put(r, spelling, error);
        if (!token)
            return -1;
        token->normalized = known ? token->normalized : true;
        if (read_id(r, number, spelling, &token->id, error))
            return -1;
    }
    return 0;
}

/* added_tokens_decoder of tokenizer_config.json: number to token. */
static int read_decoder(struct token_reading *r, const json_t *decoder,
                        struct error *error) {
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)decoder, key, entry) {
        const char *spelling = json_is_object(entry) ? spelling_of(entry) : NULL;
        char *end;
        unsigned long number = strtoul(key, &end, 10);
        if (!spelling || *end || end == key || number >= INT32_MAX)
            return error_set(error,
                             "%s/%s: added_tokens_decoder: \"%s\" is not the number of "
                             "a token with content",
                             r->directory, r->file, key);
        struct added_token *token = put(r, spelling, error);
        if (!token || read_flags(r, entry, token, error))
            return -1;
        token->id = (int32_t)number;
    }
    return 0;
}

static int read_special(struct token_reading *r, const json_t *value,
                        struct error *error) {
    const char *spelling = spelling_of(value);
    if (!spelling)
        return 0; /* null, or "" */
    struct added_token *token = find(r->added, spelling);
    if (token) {
        if (!json_is_object(value))
            token->normalized = false;
        return json_is_object(value) ? read_flags(r, value, token, error) : 0;
    }
    token = put(r, spelling, error);
    if (!token || (json_is_object(value) && read_flags(r, value, token, error)))
        return -1;
    const json_t *number = json_object_get(r->vocab, spelling);
    return number ? read_id(r, number, spelling, &token->id, error) : 0;
}

/* The special tokens that tokenizer_config.json or special_tokens_map.json name. */
static int read_specials(struct token_reading *r, const json_t *object,
                         struct error *error) {
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token",
                                       "sep_token", "pad_token", "cls_token",
                                       "mask_token"};
    static const char *const lists[] = {"additional_special_tokens",
                                        "extra_special_tokens"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (read_special(r, json_object_get(object, keys[i]), error))
            return -1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_t *list = json_object_get(object, lists[i]), *entry;
        size_t n;
        const char *key;
        json_array_foreach(list, n, entry) if (read_special(r, entry, error)) return -1;
        if (json_is_object(list))
            json_object_foreach(list, key,
                                entry) if (read_special(r, entry, error)) return -1;
    }
    return 0;
}

/* A file beside the tokenizer's, through one of the readers above. */
static int read_file(struct token_reading *r, const char *name,
                     int (*read)(struct token_reading *, const json_t *,
                                 struct error *),
                     struct error *error) {
    json_t *object;
    r->file = name;
    if (json_object_read(r->directory, name, 1, &object, error))
        return -1;
    int status = object ? read(r, object, error) : 0;
    json_decref(object);
    return status;
}

static int compare(const void *left, const void *right) {
    const struct added_token *a = left, *b = right;
    unsigned char x = (unsigned char)*a->spelling, y = (unsigned char)*b->spelling;
    if (x != y)
        return x < y ? -1 : 1;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return strcmp(a->spelling, b->spelling);
}

static void sort(struct added_tokens *added) {
    if (added->count)
        qsort(added->tokens, added->count, sizeof *added->tokens, compare);
    size_t at = 0;
    for (unsigned byte = 0; byte <= 256; byte++) {
        while (at < added->count && (unsigned char)*added->tokens[at].spelling < byte)
            at++;
        added->first[byte] = at;
    }
}

static int read_all(struct token_reading *r, const json_t *tokenizer,
                    const json_t *settings, const char *const *always,
                    struct error *error) {
    r->file = "tokenizer.json";
    if (read_list(r, json_object_get(tokenizer, "added_tokens"), error) ||
        read_file(r, "added_tokens.json", read_map, error))
        return -1;
    r->file = "tokenizer_config.json";
    if (read_decoder(r, json_object_get(settings, "added_tokens_decoder"), error) ||
        read_specials(r, settings, error) ||
        read_file(r, "special_tokens_map.json", read_specials, error))
        return -1;
    for (size_t i = 0; always[i]; i++) {
        json_t *name = json_string(always[i]);
        int status = name ? read_special(r, name, error) : error_memory(error);
        json_decref(name);
        if (status)
            return -1;
    }
    return 0;
}

/* Those without a number get the next ones, in the order in which they were named. */
static void number(struct token_reading *r) {
    const char *token;
    json_t *value;
    json_object_foreach((json_t *)r->vocab, token, value) {
        size_t past = (size_t)json_integer_value(value) + 1;
        r->next = past > r->next && past <= INT32_MAX ? past : r->next;
    }
    struct added_tokens *added = r->added;
    for (size_t i = 0; i < added->count; i++)
        if (added->tokens[i].id >= (int32_t)r->next)
            r->next = (size_t)added->tokens[i].id + 1;
    for (size_t i = 0; i < added->count; i++) {
        if (added->tokens[i].id < 0)
            added->tokens[i].id = (int32_t)r->next++;
        size_t past = (size_t)added->tokens[i].id + 1;
        added->past = past > added->past ? past : added->past;
    }
}

int added_tokens_read(const char *directory, const json_t *tokenizer,
                      const json_t *settings, const json_t *vocab,
                      const char *const *always, struct added_tokens **tokens,
                      struct error *error) {
    struct token_reading r = {.directory = directory, .vocab = vocab};
    *tokens = NULL;
    r.added = array_new(1, sizeof *r.added);
    if (!r.added)
        return error_memory(error);
    if (read_all(&r, tokenizer, settings, always, error)) {
        added_tokens_free(r.added);
        return -1;
    }
    number(&r);
    sort(r.added);
    *tokens = r.added;
    return 0;
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
    sort(added);
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
