#include "data/tokenizer_files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/memory.h"
#include "data/text_file.h"

enum { MOST_BYTES = 64 << 20 };

/* How a family cuts texts; NULL ends a list. */
struct family {
    const char *suffix;
    const char *const *classes;
    const char *const *refused; /* of tokenizer_config.json: not true */
    const char *const *needed;  /* not false */
    const char *const *normalizers, *const *pre_tokenizers; /* as JSON; "null" */
};

static const char *const gpt2_classes[] = {"GPT2Tokenizer", "GPT2TokenizerFast",
                                           "PreTrainedTokenizerFast",
                                           "TokenizersBackend", NULL};
static const char *const gpt2_refused[] = {
    "add_prefix_space", "add_bos_token", "add_eos_token", "split_special_tokens", NULL};
static const char *const none[] = {NULL};
static const char *const gpt2_normalizers[] = {"null", NULL};
static const char *const gpt2_pre_tokenizers[] = {
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}", NULL};

static const char *const clip_classes[] = {"CLIPTokenizer", "CLIPTokenizerFast",
                                           "PreTrainedTokenizerFast",
                                           "TokenizersBackend", NULL};
static const char *const clip_refused[] = {"split_special_tokens", NULL};
static const char *const clip_needed[] = {"do_lower_case", NULL};
static const char *const clip_normalizers[] = {
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\","
    "\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\" \"},{\"type\":\"Lowercase\"}]}",
    NULL};
#define CLIP_WORDS \
    "'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+"
#define CLIP_CUT(pattern)                                                        \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":" \
    "{\"Regex\":\"" pattern "\"},\"behavior\":\"Removed\",\"invert\":true},"     \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}]}"
/* Of transformers 4 and of 5; the second differs only in text that looks like a special
 * token, which is taken out before. */
static const char *const clip_pre_tokenizers[] = {
    CLIP_CUT(CLIP_WORDS),
    CLIP_CUT("<\\\\|startoftext\\\\|>|<\\\\|endoftext\\\\|>|" CLIP_WORDS), NULL};

static const struct family families[] = {
    [TOKENIZER_GPT2] = {"", gpt2_classes, gpt2_refused, none, gpt2_normalizers,
                        gpt2_pre_tokenizers},
    [TOKENIZER_CLIP] = {"</w>", clip_classes, clip_refused, clip_needed,
                        clip_normalizers, clip_pre_tokenizers},
};

/* --- vocab.json and merges.txt --------------------------------------------------- */

/* merges.txt: two tokens a line; a first line "#version: ..." is passed over. */
static int read_merges(const char *text, size_t size, json_t *merges,
                       struct error *error) {
    size_t number = 0;
    for (size_t at = 0, next; at < size; at = next) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        next = at + length + 1;
        number++;
        while (length && text[at + length - 1] == '\r')
            length--;
        if (length == 0 ||
            (number == 1 && length >= 8 && memcmp(text + at, "#version", 8) == 0))
            continue;
        json_t *line = json_stringn(text + at, length);
        if (!line)
            return error_set(error, "line %zu is not UTF-8 text", number);
        if (json_array_append_new(merges, line))
            return error_memory(error);
    }
    return 0;
}

static int read_pair(const char *directory, struct tokenizer_files *files,
                     struct error *error) {
    if (json_object_read(directory, "vocab.json", 1, &files->vocab, error))
        return -1;
    if (!files->vocab)
        return error_set(error,
                         "%s/vocab.json: missing, and so is tokenizer.json beside it",
                         directory);
    char *path = text_format("%s/merges.txt", directory), *text = NULL;
    size_t size = 0;
    files->merges = json_array();
    int status = -1;
    if (!path || !files->merges)
        error_memory(error);
    else if (access(path, F_OK))
        error_set(error, "%s: missing beside vocab.json", path);
    else if (text_file_read(path, MOST_BYTES, &text, &size, error))
        ; /* it says all */
    else if (read_merges(text, size, files->merges, error))
        error_prefix(error, "%s", path);
    else
        status = 0;
    free(text);
    free(path);
    return status;
}

/* --- tokenizer.json --------------------------------------------------------------- */

static int refuse(const char *directory, const char *key, const json_t *value,
                  struct error *error) {
    char *text = json_text_dump(value, JSON_ENCODE_ANY | JSON_COMPACT);
    error_set(error, "%s/tokenizer.json: %s is %s%s, which is not supported", directory,
              key, TEXT_CUT(text ? text : "missing", 120),
              text && strlen(text) > 120 ? "..." : "");
    free(text);
    return -1;
}

/* Whether value is as wanted: objects need not say what is false or true by default,
 * and may say more where it changes no tokens. */
static bool same(const json_t *value, const json_t *wanted) {
    if (json_is_array(wanted)) {
        size_t n = json_array_size(wanted);
        if (json_array_size(value) != n)
            return false;
        for (size_t i = 0; i < n; i++)
            if (!same(json_array_get(value, i), json_array_get(wanted, i)))
                return false;
        return true;
    }
    if (!json_is_object(wanted) || !json_is_object(value))
        return json_equal(value, wanted);
    const char *key;
    json_t *part;
    json_object_foreach((json_t *)wanted, key, part) {
        const json_t *found = json_object_get(value, key);
        /* use_regex came late, and is true where it is absent. */
        if (!found && strcmp(key, "use_regex") == 0)
            continue;
        if (!found || !same(found, part))
            return false;
    }
    return true;
}

static int check_stage(const char *directory, const json_t *tokenizer, const char *key,
                       const char *const *wanted, struct error *error) {
    json_t *value = json_object_get(tokenizer, key), *nothing = json_null();
    for (size_t i = 0; wanted[i]; i++) {
        json_t *one = json_loads(wanted[i], JSON_DECODE_ANY, NULL);
        bool fits = one && same(value ? value : nothing, one);
        json_decref(one);
        if (fits)
            return 0;
    }
    return refuse(directory, key, value ? value : nothing, error);
}

static bool is_text(const json_t *value, const char *wanted) {
    return json_is_string(value) && strcmp(json_string_value(value), wanted) == 0;
}

/* Whether a template adds no token, or, for CLIP, only its own two at the ends. */
static bool template_fits(const json_t *processor, bool ends) {
    static const char *const around[] = {TOKENIZER_CLIP_START, NULL,
                                         TOKENIZER_CLIP_END};
    const json_t *single = json_object_get(processor, "single");
    size_t n = json_array_size(single);
    if (n != (ends ? 3u : 1u))
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(single, i);
        const char *token = ends ? around[i] : NULL;
        const json_t *found =
            json_object_get(part, token ? "SpecialToken" : "Sequence");
        if (!json_is_object(found) ||
            (token && !is_text(json_object_get(found, "id"), token)))
            return false;
    }
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(processor, "pair"), i,
                       part) if (!ends &&
                                 !json_object_get(part, "Sequence")) return false;
    return true;
}

/* RobertaProcessing, which puts cls before a text and sep after it. */
static bool ends_fit(const json_t *processor) {
    const json_t *cls = json_object_get(processor, "cls"),
                 *sep = json_object_get(processor, "sep");
    return is_text(json_array_get(cls, 0), TOKENIZER_CLIP_START) &&
           is_text(json_array_get(sep, 0), TOKENIZER_CLIP_END);
}

static int check_processor(const char *directory, enum tokenizer_family family,
                           const json_t *tokenizer, struct error *error) {
    const json_t *processor = json_object_get(tokenizer, "post_processor");
    const char *type = json_string_value(json_object_get(processor, "type"));
    bool clip = family == TOKENIZER_CLIP;
    if (!processor || json_is_null(processor) ||
        (type &&
         ((!clip && strcmp(type, "ByteLevel") == 0) ||
          (clip && strcmp(type, "RobertaProcessing") == 0 && ends_fit(processor)) ||
          (strcmp(type, "TemplateProcessing") == 0 && template_fits(processor, clip)))))
        return 0;
    return refuse(directory, "post_processor", processor, error);
}

static int check_model(const char *directory, const struct family *family,
                       const json_t *model, struct error *error) {
    static const char *const flags[] = {"byte_fallback", "ignore_merges"};
    const json_t *type = json_object_get(model, "type");
    const char *suffix =
        json_string_value(json_object_get(model, "end_of_word_suffix"));
    const json_t *prefix = json_object_get(model, "continuing_subword_prefix");
    const json_t *dropout = json_object_get(model, "dropout");
    if (type && (!json_is_string(type) || strcmp(json_string_value(type), "BPE") != 0))
        return refuse(directory, "model.type", type, error);
    if (strcmp(suffix ? suffix : "", family->suffix) != 0)
        return error_set(error,
                         "%s/tokenizer.json: end_of_word_suffix is \"%s\", not \"%s\"",
                         directory, suffix ? suffix : "", family->suffix);
    if (json_string_length(prefix))
        return refuse(directory, "model.continuing_subword_prefix", prefix, error);
    if (json_number_value(dropout) > 0)
        return refuse(directory, "model.dropout", dropout, error);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (json_is_true(json_object_get(model, flags[i])))
            return error_set(error,
                             "%s/tokenizer.json: model.%s is true, which is not "
                             "supported",
                             directory, flags[i]);
    return 0;
}

static int read_tokenizer(const char *directory, enum tokenizer_family which,
                          struct tokenizer_files *files, struct error *error) {
    const struct family *family = &families[which];
    const json_t *whole = files->tokenizer, *model = json_object_get(whole, "model");
    if (check_model(directory, family, model, error) ||
        check_stage(directory, whole, "normalizer", family->normalizers, error) ||
        check_stage(directory, whole, "pre_tokenizer", family->pre_tokenizers, error) ||
        check_processor(directory, which, whole, error))
        return -1;
    files->vocab = json_incref(json_object_get(model, "vocab"));
    files->merges = json_incref(json_object_get(model, "merges"));
    if (!json_is_object(files->vocab) || !json_is_array(files->merges))
        return error_set(error, "%s/tokenizer.json: no model with vocab and merges",
                         directory);
    return 0;
}

/* --- tokenizer_config.json -------------------------------------------------------- */

static int check_flags(const char *directory, const json_t *settings,
                       const char *const *keys, bool refused, struct error *error) {
    for (size_t i = 0; keys[i]; i++) {
        const json_t *value = json_object_get(settings, keys[i]);
        if (json_is_boolean(value) && json_is_true(value) == refused)
            return error_set(error,
                             "%s/tokenizer_config.json: %s is %s, which is not "
                             "supported",
                             directory, keys[i], refused ? "true" : "false");
    }
    return 0;
}

/* Where nobody set a limit transformers writes 1e30, some write -1. max_len is the
 * older name. */
static int read_longest(const char *directory, struct tokenizer_files *files,
                        struct error *error) {
    const char *key = json_object_get(files->settings, "model_max_length")
                          ? "model_max_length"
                          : "max_len";
    const json_t *longest = json_object_get(files->settings, key);
    double number = json_number_value(longest);
    if (longest && !json_is_null(longest) && !json_is_number(longest))
        return error_set(error, "%s/tokenizer_config.json: %s is not a number",
                         directory, key);
    if (number >= 1 && number < 1e9)
        files->longest = (size_t)number;
    return 0;
}

/* truncation_side or, where that is not there, the direction of tokenizer.json. */
static int read_side(const char *directory, struct tokenizer_files *files,
                     struct error *error) {
    const json_t *truncation = json_object_get(files->tokenizer, "truncation");
    const json_t *set = json_object_get(files->settings, "truncation_side");
    const char *side = json_string_value(set);
    if (side && strcmp(side, "left") != 0 && strcmp(side, "right") != 0)
        return error_set(error,
                         "%s/tokenizer_config.json: truncation_side is \"%s\"; it can "
                         "be left or right",
                         directory, side);
    files->cut_left = set ? side && strcmp(side, "left") == 0
                          : is_text(json_object_get(truncation, "direction"), "Left");
    return 0;
}

static int read_settings(const char *directory, const struct family *family,
                         struct tokenizer_files *files, struct error *error) {
    const json_t *settings = files->settings;
    const char *name = json_string_value(json_object_get(settings, "tokenizer_class"));
    bool known = !name;
    for (size_t i = 0; !known && family->classes[i]; i++)
        known = strcmp(name, family->classes[i]) == 0;
    if (!known)
        return error_set(error,
                         "%s/tokenizer_config.json: tokenizer_class is %s; %s and %s "
                         "are supported",
                         directory, name, family->classes[0], family->classes[1]);
    if (check_flags(directory, settings, family->refused, true, error) ||
        check_flags(directory, settings, family->needed, false, error))
        return -1;
    if (json_array_size(json_object_get(settings, "init_inputs")))
        return error_set(error,
                         "%s/tokenizer_config.json: init_inputs is not empty, which is "
                         "not supported",
                         directory);
    return read_longest(directory, files, error) || read_side(directory, files, error)
               ? -1
               : 0;
}

/* The special tokens of special_tokens_map.json take the place of those of
 * tokenizer_config.json, its extra_special_tokens come after them, and it is not read
 * where the latter has added_tokens_decoder. */
static int take_map(struct tokenizer_files *files, const json_t *map) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value) {
        json_t *known = json_object_get(files->specials, key);
        bool longer = strcmp(key, "extra_special_tokens") == 0 &&
                      json_is_array(value) && json_is_array(known);
        if (longer ? json_array_extend(known, value)
                   : json_object_set(files->specials, key, value))
            return -1;
    }
    return 0;
}

/* additional_special_tokens is the older name of extra_special_tokens, which counts
 * where both are there. */
static int rename_extra(json_t *specials, bool empty_too) {
    json_t *older = json_object_get(specials, "additional_special_tokens"),
           *extra = json_object_get(specials, "extra_special_tokens");
    bool without =
        !extra || (empty_too && (json_is_null(extra) ||
                                 !(json_array_size(extra) || json_object_size(extra))));
    if (older && without && json_object_set(specials, "extra_special_tokens", older))
        return -1;
    return older ? json_object_del(specials, "additional_special_tokens") : 0;
}

static int read_specials(const char *directory, struct tokenizer_files *files,
                         struct error *error) {
    json_t *map = NULL;
    files->specials = files->settings ? json_deep_copy(files->settings) : json_object();
    bool decoder = json_object_get(files->settings, "added_tokens_decoder");
    if (!decoder &&
        json_object_read(directory, "special_tokens_map.json", 1, &map, error))
        return -1;
    bool whole = files->specials && !rename_extra(files->specials, true) &&
                 !take_map(files, map) && !rename_extra(files->specials, false);
    json_decref(map);
    return whole ? 0 : error_memory(error);
}

int tokenizer_files_read(const char *directory, enum tokenizer_family family,
                         struct tokenizer_files *files, struct error *error) {
    *files = (struct tokenizer_files){0};
    int status =
        json_object_read(directory, "tokenizer_config.json", 1, &files->settings,
                         error) ||
        json_object_read(directory, "tokenizer.json", 1, &files->tokenizer, error) ||
        read_settings(directory, &families[family], files, error) ||
        read_specials(directory, files, error);
    if (status == 0)
        status = files->tokenizer ? read_tokenizer(directory, family, files, error)
                                  : read_pair(directory, files, error);
    if (status)
        tokenizer_files_clear(files);
    return status ? -1 : 0;
}

void tokenizer_files_clear(struct tokenizer_files *files) {
    json_decref(files->tokenizer);
    json_decref(files->settings);
    json_decref(files->specials);
    json_decref(files->vocab);
    json_decref(files->merges);
    *files = (struct tokenizer_files){0};
}
