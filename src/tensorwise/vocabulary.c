#include "tensorwise/vocabulary.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

json_t *vocabulary_tokens(const char *path) {
    json_t *file = NULL, *tokens = NULL, *entry;
    size_t i;
    if (json_object_read(path, "tokenizer.json", 1, &file, NULL) == 0 && file) {
        const json_t *vocabulary =
            json_object_get(json_object_get(file, "model"), "vocab");
        tokens = json_is_object(vocabulary) ? json_copy((json_t *)(uintptr_t)vocabulary)
                                            : json_object();
        if (json_is_array(vocabulary)) /* Unigram: pairs of token and score */
            json_array_foreach(vocabulary, i, entry) {
                const char *token = json_string_value(json_array_get(entry, 0));
                if (token)
                    json_object_set_new(tokens, token, json_integer((json_int_t)i));
            }
        json_array_foreach(json_object_get(file, "added_tokens"), i, entry) {
            const char *token = json_string_value(json_object_get(entry, "content"));
            if (token)
                json_object_set(tokens, token, json_object_get(entry, "id"));
        }
        json_decref(file);
        return tokens;
    }
    if (json_object_read(path, "vocab.json", 1, &tokens, NULL) == 0 && tokens &&
        json_object_read(path, "added_tokens.json", 1, &file, NULL) == 0 && file) {
        json_object_update(tokens, file);
        json_decref(file);
    }
    return tokens;
}

/* --- which tensors ---------------------------------------------------------------- */

static size_t numbers_of(const json_t *tokens) {
    const char *token;
    json_t *number;
    json_int_t most = -1;
    json_object_foreach((json_t *)(uintptr_t)tokens, token, number) {
        json_int_t value = json_integer_value(number);
        most = value > most ? value : most;
    }
    return (size_t)(most + 1);
}

/* What transformers call embeddings of tokens, and the layers and biases behind the
 * last block that have an output for each. */
static bool is_called_so(const char *name) {
    static const char *const words[] = {"embed",   "wte",         "shared.weight",
                                        "lm_head", "predictions", "output_layer"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

static json_t *size_in(const json_t *config) {
    json_t *size = json_object_get(config, "vocab_size");
    return size ? size
                : json_object_get(json_object_get(config, "text_config"), "vocab_size");
}

bool vocabulary_indexes(const struct tensor *tensor, const json_t *tokens,
                        const json_t *config) {
    const json_t *size = size_in(config);
    return (tensor->rank == 1 || tensor->rank == 2) && is_called_so(tensor->name) &&
           tensor->shape[0] >= numbers_of(tokens) && json_object_size(tokens) > 0 &&
           (!size || (uint64_t)json_integer_value(size) == tensor->shape[0]);
}

int vocabulary_agree(const json_t *base, const char *base_path, const char *own_path,
                     struct error *error) {
    json_t *own = vocabulary_tokens(own_path), *number;
    const char *token;
    int result = 0;
    json_object_foreach(own, token, number) {
        json_t *other = json_object_get(base, token);
        if (other && !json_equal(other, number) && result == 0)
            result = error_set(error,
                               "%s: token \"%s\" has number %lld, in %s %lld: rows of "
                               "embeddings are not those of the same tokens; "
                               "merge-to --vocabulary union merges token by token",
                               own_path, TEXT_CUT(token, 40),
                               (long long)json_integer_value(number), base_path,
                               (long long)json_integer_value(other));
    }
    json_decref(own);
    return result;
}

/* --- one vocabulary of several ---------------------------------------------------- */

/* Tokenizers, while they are joined. */
struct joining {
    struct vocabulary *out;
    const char *base_path;
    const char *const *paths;
    json_t *base, *own[COEFFICIENTS_MAX];
    size_t numbers; /* of the base model's */
};

/* The tokens in the order of their numbers, NULL where a number has none. */
static const char **by_number(const json_t *tokens, size_t count) {
    const char **at = array_new(count, sizeof *at);
    const char *token;
    json_t *number;
    if (at)
        json_object_foreach((json_t *)(uintptr_t)tokens, token, number)
            at[json_integer_value(number)] = token;
    return at;
}

/* Numbers index arrays here. */
static int check_numbers(const json_t *tokens, const char *path, struct error *error) {
    enum { MOST = 1 << 24 };
    const char *token;
    json_t *number;
    json_object_foreach((json_t *)(uintptr_t)tokens, token, number) if (
        !json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) >=
            MOST) return error_set(error, "%s: token \"%s\" has no number from 0 to %d",
                                   path, TEXT_CUT(token, 40), MOST - 1);
    return 0;
}

static int read_all(struct joining *j, const bool *adapters, size_t base_rows,
                    struct error *error) {
    static const char missing[] =
        "%s: has no tokenizer.json and no vocab.json, which --vocabulary goes by";
    j->base = vocabulary_tokens(j->base_path);
    if (!j->base)
        return error_set(error, missing, j->base_path);
    if (check_numbers(j->base, j->base_path, error))
        return -1;
    j->numbers = numbers_of(j->base);
    if (j->numbers > base_rows)
        return error_set(error,
                         "%s: its tokenizer has numbers up to %zu, its embeddings "
                         "have %zu rows",
                         j->base_path, j->numbers - 1, base_rows);
    for (size_t t = 0; t < j->out->count; t++) {
        j->own[t] = vocabulary_tokens(j->paths[t]);
        if (!j->own[t] && !adapters[t])
            return error_set(error, missing, j->paths[t]);
        if (!j->own[t])
            j->own[t] = json_incref(j->base);
        if (check_numbers(j->own[t], j->paths[t], error))
            return -1;
    }
    return 0;
}

/* The experts' own tokens, each once, expert after expert in the order of numbers. */
static int list_added(struct joining *j, struct error *error) {
    json_t *seen = json_object();
    int result = seen && j->out->added ? 0 : error_memory(error);
    for (size_t t = 0; result == 0 && t < j->out->count; t++) {
        size_t count = numbers_of(j->own[t]);
        const char **tokens = by_number(j->own[t], count);
        if (!tokens)
            result = error_memory(error);
        for (size_t i = 0; result == 0 && i < count; i++)
            if (tokens[i] && !json_object_get(j->base, tokens[i]) &&
                !json_object_get(seen, tokens[i]) &&
                (json_object_set_new(seen, tokens[i], json_true()) ||
                 json_array_append_new(
                     j->out->added,
                     json_pack("{s:s, s:i}", "token", tokens[i], "expert", (int)t))))
                result = error_memory(error);
        free(tokens);
    }
    json_decref(seen);
    return result;
}

static bool all_have(const struct joining *j, const char *token, size_t *lacking) {
    for (*lacking = 0; *lacking < j->out->count; ++*lacking)
        if (!json_object_get(j->own[*lacking], token))
            return false;
    return true;
}

/* What not all have has to be the last of the base model's: with a gap, every text
 * would be other numbers than before. */
static int drop_last(struct joining *j, const char *const *tokens,
                     struct error *error) {
    size_t first = SIZE_MAX, lacking = 0, by = 0;
    for (size_t i = 0; i < j->numbers; i++) {
        if (!tokens[i])
            continue;
        bool all = all_have(j, tokens[i], &lacking);
        if (all && first != SIZE_MAX)
            return error_set(
                error,
                "%s: token \"%s\" of %s is missing in it and not among the "
                "last: with --vocabulary intersection later tokens would "
                "get other numbers; use --vocabulary union",
                j->paths[by], TEXT_CUT(tokens[first], 40), j->base_path);
        if (!all && first == SIZE_MAX) {
            first = i;
            by = lacking;
        }
    }
    if (first != SIZE_MAX)
        j->out->kept = first;
    j->out->lost = j->numbers - j->out->kept;
    return 0;
}

/* tokens [numbers] of the base model. */
static int map_rows(struct joining *j, const char *const *tokens, size_t base_rows,
                    struct error *error) {
    struct vocabulary *v = j->out;
    size_t added = json_array_size(v->added);
    v->base = array_new(v->rows, sizeof *v->base);
    if (!v->base)
        return error_memory(error);
    for (size_t t = 0; t < v->count; t++)
        if (!(v->experts[t] = array_new(v->rows, sizeof *v->experts[t])))
            return error_memory(error);
    for (size_t i = 0; i < v->rows; i++) {
        bool is_new = i >= v->kept && i - v->kept < added;
        size_t row = i < v->kept ? i : i + v->lost; /* behind tokens: padding */
        const char *token = is_new
                                ? json_string_value(json_object_get(
                                      json_array_get(v->added, i - v->kept), "token"))
                            : i < v->kept ? tokens[i]
                                          : NULL;
        v->base[i] = is_new || row >= base_rows ? -1 : (int32_t)row;
        for (size_t t = 0; t < v->count; t++) {
            const json_t *number = token ? json_object_get(j->own[t], token) : NULL;
            v->experts[t][i] = number ? (int32_t)json_integer_value(number) : -1;
        }
    }
    return 0;
}

static int join(struct joining *j, size_t base_rows, struct error *error) {
    struct vocabulary *v = j->out;
    const char **tokens = by_number(j->base, j->numbers);
    v->kept = j->numbers;
    v->added = json_array();
    int result = tokens ? 0 : error_memory(error);
    if (result == 0)
        result = v->mode == VOCABULARY_UNION
                     ? list_added(j, error)
                     : drop_last(j, (const char *const *)tokens, error);
    size_t written = v->kept + json_array_size(v->added);
    v->rows = base_rows - v->lost > written ? base_rows - v->lost : written;
    if (result == 0)
        result = map_rows(j, (const char *const *)tokens, base_rows, error);
    free(tokens);
    return result;
}

int vocabulary_join(enum vocabulary_mode mode, const char *base, size_t base_rows,
                    const char *const *paths, const bool *adapters, size_t count,
                    struct vocabulary *vocabulary, struct error *error) {
    *vocabulary = (struct vocabulary){.mode = mode, .count = count};
    struct joining j = {.out = vocabulary, .base_path = base, .paths = paths};
    int result =
        read_all(&j, adapters, base_rows, error) || join(&j, base_rows, error) ? -1 : 0;
    json_decref(j.base);
    for (size_t t = 0; t < count; t++)
        json_decref(j.own[t]);
    if (result)
        vocabulary_release(vocabulary);
    return result;
}

void vocabulary_release(struct vocabulary *v) {
    free(v->base);
    for (size_t t = 0; t < v->count; t++)
        free(v->experts[t]);
    json_decref(v->added);
    *v = (struct vocabulary){0};
}

/* --- what differs ----------------------------------------------------------------- */

/* How many tokens `more` has and `less` has not, the first few named in text. */
static size_t list_new(const json_t *more, const json_t *less, char *text,
                       size_t size) {
    size_t count = 0, used = 0;
    void *at = json_object_iter((json_t *)(uintptr_t)more);
    *text = '\0';
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)more, at)) {
        const char *token = json_object_iter_key(at);
        if (json_object_get(less, token))
            continue;
        if (++count <= 4 && used < size)
            used += (size_t)snprintf(
                text + used, size - used, "%s\"%s\" (%lld)", used ? ", " : "",
                TEXT_CUT(token, 40),
                (long long)json_integer_value(json_object_iter_value(at)));
        else if (count == 5 && used < size)
            snprintf(text + used, size - used, ", ...");
    }
    return count;
}

bool vocabulary_differs(const struct tensor *base, const struct tensor *own,
                        const struct model_directory *base_directory,
                        const struct model_directory *own_directory,
                        struct error *text) {
    if (base->rank != 2 || own->rank != 2 || base->shape[1] != own->shape[1])
        return false;
    json_t *of_base = vocabulary_tokens(model_directory_path(base_directory));
    json_t *of_own = vocabulary_tokens(model_directory_path(own_directory));
    bool more = own->shape[0] > base->shape[0], found = of_base && of_own;
    if (found) {
        char tokens[400];
        size_t count = more ? list_new(of_own, of_base, tokens, sizeof tokens)
                            : list_new(of_base, of_own, tokens, sizeof tokens);
        if (count)
            error_set(
                text,
                "it has %zu token%s %s: %s; --vocabulary union or intersection merges "
                "token by token",
                count, count == 1 ? "" : "s", more ? "more" : "fewer", tokens);
        else
            error_set(text,
                      "the tokenizers have the same tokens, so one of them is padded "
                      "to another number of rows; --vocabulary union merges token by "
                      "token");
    }
    json_decref(of_base);
    json_decref(of_own);
    return found;
}
