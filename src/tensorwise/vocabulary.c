#include "tensorwise/vocabulary.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

/* Every token to its number, of tokenizer.json; or of vocab.json and
 * added_tokens.json. NULL where there are none that can be read. */
static json_t *tokens_of(const struct model_directory *directory) {
    const char *path = model_directory_path(directory);
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
    json_t *of_base = tokens_of(base_directory), *of_own = tokens_of(own_directory);
    bool more = own->shape[0] > base->shape[0], found = of_base && of_own;
    if (found) {
        char tokens[400];
        size_t count = more ? list_new(of_own, of_base, tokens, sizeof tokens)
                            : list_new(of_base, of_own, tokens, sizeof tokens);
        if (count)
            error_set(text,
                      "it has %zu token%s %s: %s; give all models one vocabulary first",
                      count, count == 1 ? "" : "s", more ? "more" : "fewer", tokens);
        else
            error_set(text,
                      "the tokenizers have the same tokens, so one of them is padded "
                      "to another number of rows; give all models one size first");
    }
    json_decref(of_base);
    json_decref(of_own);
    return found;
}
