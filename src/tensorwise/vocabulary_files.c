#include "tensorwise/vocabulary_files.h"

#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/memory.h"

static const char *const names[VOCABULARY_FILES] = {
    "tokenizer.json", "tokenizer_config.json", "added_tokens.json"};

/* How a token is looked for in texts, where nobody says. */
static json_t *plain_entry(const char *token) {
    return json_pack("{s:s, s:b, s:b, s:b, s:b, s:b}", "content", token, "single_word",
                     0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1);
}

/* The entry of an added token in an expert's files, without a number; NULL where it is
 * none there, or memory is out. */
static json_t *entry_of(const char *path, const char *token) {
    json_t *file = NULL, *found = NULL, *entry;
    size_t i;
    if (json_object_read(path, names[0], 1, &file, NULL) == 0 && file) {
        json_array_foreach(json_object_get(file, "added_tokens"), i, entry) {
            const char *content = json_string_value(json_object_get(entry, "content"));
            if (!found && content && strcmp(content, token) == 0)
                found = json_deep_copy(entry);
        }
        json_object_del(found, "id");
    } else if (json_object_read(path, names[2], 1, &file, NULL) == 0 &&
               json_object_get(file, token)) {
        found = plain_entry(token);
    }
    json_decref(file);
    return found;
}

/* --- what comes ------------------------------------------------------------------- */

/* Into a tokenizer.json: {"id", ...} at the end of its list. */
static int add_to_tokenizer(json_t *file, json_int_t number, const json_t *entry) {
    json_t *list = json_object_get(file, "added_tokens");
    json_t *own = json_pack("{s:I}", "id", number);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(file, "added_tokens", list);
    }
    return own && json_object_update(own, (json_t *)(uintptr_t)entry) == 0
               ? json_array_append_new(list, own)
               : -1;
}

/* Into a tokenizer_config.json, where it lists added tokens by number. */
static int add_to_config(json_t *file, json_int_t number, const json_t *entry) {
    json_t *list = json_object_get(file, "added_tokens_decoder");
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)number);
    return json_is_object(list) ? json_object_set_new(list, key, json_deep_copy(entry))
                                : 0;
}

static int add_to_list(json_t *file, json_int_t number, const json_t *entry) {
    return json_object_set_new(file,
                               json_string_value(json_object_get(entry, "content")),
                               json_integer(number));
}

/* content: of the three files; NULL: the base model has none. */
static int add_token(json_t *const *content, json_int_t number, const json_t *entry) {
    static int (*const adders[VOCABULARY_FILES])(
        json_t *, json_int_t, const json_t *) = {add_to_tokenizer, add_to_config,
                                                 add_to_list};
    for (size_t i = 0; i < VOCABULARY_FILES; i++)
        if (content[i] && adders[i](content[i], number, entry))
            return -1;
    return 0;
}

static int add_all(const struct vocabulary *v, const char *base_path,
                   const char *const *paths, json_t *const *content,
                   struct error *error) {
    json_t *added;
    size_t i;
    json_array_foreach(v->added, i, added) {
        const char *token = json_string_value(json_object_get(added, "token"));
        size_t expert = (size_t)json_integer_value(json_object_get(added, "expert"));
        json_t *entry = entry_of(paths[expert], token);
        if (!entry)
            return error_set(error,
                             "%s: token \"%s\" is not an added token but one of its "
                             "vocabulary itself, which %s has not; give the models one "
                             "tokenizer first",
                             paths[expert], TEXT_CUT(token, 40), base_path);
        int failed = add_token(content, (json_int_t)(v->kept + i), entry);
        json_decref(entry);
        if (failed)
            return error_memory(error);
    }
    return 0;
}

/* --- what goes -------------------------------------------------------------------- */

/* Removes the added tokens from number `kept` on; how many they were into *count. */
static void drop_from_tokenizer(json_t *file, size_t kept, size_t *count) {
    json_t *list = json_object_get(file, "added_tokens");
    for (size_t i = json_array_size(list); i-- > 0;)
        if (json_integer_value(json_object_get(json_array_get(list, i), "id")) >=
            (json_int_t)kept) {
            json_array_remove(list, i);
            ++*count;
        }
}

static void drop_from_config(json_t *file, size_t kept) {
    json_t *list = json_object_get(file, "added_tokens_decoder"), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(list, next, key, value) {
        long long number;
        if (sscanf(key, "%lld", &number) == 1 && number >= (long long)kept)
            json_object_del(list, key);
    }
}

static void drop_from_list(json_t *file, size_t kept, size_t *count) {
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(file, next, key, value) {
        if (json_integer_value(value) >= (json_int_t)kept) {
            json_object_del(file, key);
            ++*count;
        }
    }
}

static int drop_all(const struct vocabulary *v, const char *base_path,
                    json_t *const *content, struct error *error) {
    size_t from_tokenizer = 0, from_list = 0;
    drop_from_tokenizer(content[0], v->kept, &from_tokenizer);
    drop_from_config(content[1], v->kept);
    drop_from_list(content[2], v->kept, &from_list);
    if ((content[0] ? from_tokenizer : from_list) == v->lost)
        return 0;
    return error_set(
        error,
        "%s: not all of its %zu last tokens are added tokens; those of its "
        "vocabulary itself cannot be left out: use --vocabulary union",
        base_path, v->lost);
}

/* --- files ------------------------------------------------------------------------ */

int vocabulary_files(const struct vocabulary *v, const char *base_path,
                     const char *const *paths,
                     struct vocabulary_file files[VOCABULARY_FILES], size_t *count,
                     struct error *error) {
    json_t *content[VOCABULARY_FILES] = {0};
    int result = 0;
    *count = 0;
    if (!v->lost && !json_array_size(v->added))
        return 0;
    for (size_t i = 0; i < VOCABULARY_FILES && result == 0; i++)
        result = json_object_read(base_path, names[i], 1, &content[i], error);
    if (result == 0 && !content[0] && !content[2] && !(content[2] = json_object()))
        result = error_memory(error); /* vocab.json alone */
    if (result == 0)
        result = v->lost ? drop_all(v, base_path, content, error)
                         : add_all(v, base_path, paths, content, error);
    for (size_t i = 0; i < VOCABULARY_FILES; i++) {
        if (content[i] && result == 0)
            files[(*count)++] = (struct vocabulary_file){names[i], content[i]};
        else
            json_decref(content[i]);
    }
    return result;
}

void vocabulary_files_release(struct vocabulary_file *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        json_decref(files[i].content);
}

void vocabulary_set_size(json_t *config, size_t rows) {
    json_t *text = json_object_get(config, "text_config");
    if (json_object_get(config, "vocab_size"))
        json_object_set_new(config, "vocab_size", json_integer((json_int_t)rows));
    if (json_object_get(text, "vocab_size"))
        json_object_set_new(text, "vocab_size", json_integer((json_int_t)rows));
}
