#include "data/added_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "data/added_tokens_state.h"

enum { MOST_TOKENS = 1 << 13, LONGEST_SPELLING = 1 << 12 };

/* What reading needs besides. */
struct token_reading {
    struct added_tokens *added;
    const json_t *vocab;
    size_t next; /* the number that a token without one gets */
    const char *directory, *file;
    const char *const *always;
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
    *token = (struct added_token){
        .spelling = copy, .length = strlen(copy), .id = -1, .file = r->file};
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

static int set_id(const struct token_reading *r, struct added_token *token,
                  int32_t number, struct error *error) {
    char text[80];
    snprintf(text, sizeof text, "has the number %d here, %d in another file", number,
             token->id);
    if (token->id >= 0 && token->id != number)
        return complain(r, token->spelling, text, error);
    token->id = number;
    return 0;
}

static int read_id(const struct token_reading *r, const json_t *value,
                   struct added_token *token, struct error *error) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number >= INT32_MAX)
        return complain(r, token->spelling, "has no number from 0 to 2147483646",
                        error);
    return set_id(r, token, (int32_t)number, error);
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
            read_id(r, json_object_get(entry, "id"), token, error))
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
        token->bare = !known;
        token->normalized = known ? token->normalized : true;
        if (read_id(r, number, token, error))
            return -1;
    }
    return 0;
}

static bool is_always(const struct token_reading *r, const char *spelling) {
    for (size_t i = 0; r->always[i]; i++)
        if (strcmp(r->always[i], spelling) == 0)
            return true;
    return false;
}

/* added_tokens_decoder of tokenizer_config.json: number to token. */
static int read_decoder(struct token_reading *r, const json_t *decoder,
                        struct error *error) {
    const char *key;
    json_t *entry;
    for (size_t i = 0; i < r->added->count; i++)
        r->added->tokens[i].listed = false;
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
        if (!token || read_flags(r, entry, token, error) ||
            set_id(r, token, (int32_t)number, error))
            return -1;
        token->listed = true;
    }
    for (size_t i = 0; i < r->added->count; i++) {
        const struct added_token *token = &r->added->tokens[i];
        if (!token->listed && !is_always(r, token->spelling))
            return complain(r, token->spelling,
                            "of tokenizer.json is not in added_tokens_decoder", error);
    }
    return 0;
}

static int read_special(struct token_reading *r, const json_t *value,
                        struct error *error) {
    const char *spelling = spelling_of(value);
    if (!spelling)
        return 0; /* null, or "" */
    struct added_token *token = find(r->added, spelling);
    if (token) { /* what it is like is said where it has its number */
        token->normalized = token->normalized && !token->bare;
        return 0;
    }
    token = put(r, spelling, error);
    if (!token || (json_is_object(value) && read_flags(r, value, token, error)))
        return -1;
    const json_t *number = json_object_get(r->vocab, spelling);
    return number ? read_id(r, number, token, error) : 0;
}

static const char *const special_keys[] = {"bos_token", "eos_token", "unk_token",
                                           "sep_token", "pad_token", "cls_token",
                                           "mask_token"};

static int read_specials(struct token_reading *r, const json_t *specials,
                         struct error *error) {
    for (size_t i = 0; i < sizeof special_keys / sizeof *special_keys; i++)
        if (read_special(r, json_object_get(specials, special_keys[i]), error))
            return -1;
    json_t *list = json_object_get(specials, "extra_special_tokens"), *entry;
    size_t n;
    const char *key;
    json_array_foreach(list, n, entry) if (read_special(r, entry, error)) return -1;
    if (json_is_object(list))
        json_object_foreach(list, key,
                            entry) if (read_special(r, entry, error)) return -1;
    return 0;
}

/* transformers 5 adds a special token of any name, older releases pass over it. */
static int check_other(const struct token_reading *r, const char *key,
                       const json_t *value, struct error *error) {
    const char *spelling = spelling_of(value);
    char text[256];
    if (!spelling || find(r->added, spelling))
        return 0;
    snprintf(text, sizeof text,
             "(%s) is not among the added tokens; add it to the tokenizer and save "
             "that, or take it away",
             TEXT_CUT(key, 80));
    return complain(r, spelling, text, error);
}

static int check_others(const struct token_reading *r, const json_t *specials,
                        struct error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)specials, key, value) {
        size_t length = strlen(key);
        bool other = length > 6 && strcmp(key + length - 6, "_token") == 0;
        for (size_t i = 0; i < sizeof special_keys / sizeof *special_keys; i++)
            other = other && strcmp(key, special_keys[i]) != 0;
        if (other && check_other(r, key, value, error))
            return -1;
    }
    json_object_foreach(json_object_get(specials, "model_specific_special_tokens"), key,
                        value) if (check_other(r, key, value, error)) return -1;
    return 0;
}

/* What tokenizer.json pads with is a special token for some releases only. */
static int check_padding(struct token_reading *r, const struct tokenizer_files *files,
                         struct error *error) {
    const json_t *padding = json_object_get(files->tokenizer, "padding");
    const json_t *named = json_object_get(files->specials, "pad_token");
    r->file = "tokenizer.json";
    return named && !json_is_null(named)
               ? 0
               : check_other(r, "padding", json_object_get(padding, "pad_token"),
                             error);
}

static int read_map_file(struct token_reading *r, struct error *error) {
    json_t *object;
    r->file = "added_tokens.json";
    if (json_object_read(r->directory, r->file, 1, &object, error))
        return -1;
    int status = object ? read_map(r, object, error) : 0;
    json_decref(object);
    return status;
}

/* added_tokens.json is what releases wrote that knew no added_tokens_decoder. */
static int read_added(struct token_reading *r, const struct tokenizer_files *files,
                      struct error *error) {
    const json_t *decoder = json_object_get(files->settings, "added_tokens_decoder");
    r->file = "tokenizer.json";
    if (read_list(r, json_object_get(files->tokenizer, "added_tokens"), error))
        return -1;
    if (!decoder)
        return read_map_file(r, error);
    r->file = "tokenizer_config.json";
    return read_decoder(r, decoder, error);
}

static int read_all(struct token_reading *r, const struct tokenizer_files *files,
                    struct error *error) {
    if (read_added(r, files, error))
        return -1;
    r->file = "tokenizer_config.json";
    if (check_others(r, files->specials, error) ||
        read_specials(r, files->specials, error))
        return -1;
    for (size_t i = 0; r->always[i]; i++) {
        json_t *name = json_string(r->always[i]);
        int status = name ? read_special(r, name, error) : error_memory(error);
        json_decref(name);
        if (status)
            return -1;
    }
    return check_padding(r, files, error);
}

static int check_id(struct token_reading *r, const struct added_token *token,
                    struct error *error) {
    const json_t *known = json_object_get(r->vocab, token->spelling);
    json_int_t wanted = known ? json_integer_value(known) : (json_int_t)r->next;
    char text[80];
    snprintf(text, sizeof text, "has the number %d; transformers gives it %lld",
             token->id, (long long)wanted);
    r->file = token->file;
    if (token->id != wanted)
        return complain(r, token->spelling, text, error);
    r->next += !known;
    return 0;
}

static int by_id(const void *left, const void *right) {
    const struct added_token *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

/* A token of the vocabulary has its number there, the others those that follow it, as
 * the tokenizers library numbers them whatever a file says. Those without one come
 * last, in the order in which they were named. */
static int number(struct token_reading *r, struct error *error) {
    struct added_tokens *added = r->added;
    const char *token;
    json_t *value;
    json_object_foreach((json_t *)r->vocab, token, value) {
        size_t past = (size_t)json_integer_value(value) + 1;
        r->next = past > r->next && past <= INT32_MAX ? past : r->next;
    }
    size_t named = 0;
    struct added_token *sorted = array_new(added->count + 1, sizeof *sorted);
    if (!sorted)
        return error_memory(error);
    for (size_t i = 0; i < added->count; i++)
        if (added->tokens[i].id >= 0)
            sorted[named++] = added->tokens[i];
    qsort(sorted, named, sizeof *sorted, by_id);
    int status = 0;
    for (size_t i = 0; i < named && status == 0; i++)
        status = check_id(r, &sorted[i], error);
    free(sorted);
    for (size_t i = 0; i < added->count; i++) {
        if (added->tokens[i].id < 0)
            added->tokens[i].id = (int32_t)r->next++;
        size_t past = (size_t)added->tokens[i].id + 1;
        added->past = past > added->past ? past : added->past;
    }
    return status;
}

int added_tokens_read(const char *directory, const struct tokenizer_files *files,
                      const char *const *always, struct added_tokens **tokens,
                      struct error *error) {
    struct token_reading r = {
        .directory = directory, .vocab = files->vocab, .always = always};
    *tokens = NULL;
    r.added = array_new(1, sizeof *r.added);
    if (!r.added)
        return error_memory(error);
    if (read_all(&r, files, error) || number(&r, error)) {
        added_tokens_free(r.added);
        return -1;
    }
    added_tokens_sort(r.added);
    *tokens = r.added;
    return 0;
}
