/* Tokenizers' files, key by key: what transformers makes of strings with them
 * (tests/golden/make_tokenizer_keys.py), and what is refused because its releases
 * disagree or the tokenizer is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"
#include "data/clip_tokenizer.h"
#include "data/gpt2_tokenizer.h"
#include "files.h"

static const char *golden(const char *name) {
    static char path[4096];
    char below[512];
    snprintf(below, sizeof below, "../%s", name);
    snprintf(path, sizeof path, "%s", golden_path(below));
    return path;
}

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* A fresh folder with the files of tests/golden/BASE, `files` put into them. */
static char *make(const char *base, const json_t *files) {
    static const char *const names[] = {"vocab.json",        "merges.txt",
                                        "tokenizer.json",    "tokenizer_config.json",
                                        "added_tokens.json", "special_tokens_map.json"};
    char *folder = folder_new();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", base, names[i]);
        json_t *keys = json_object_get(files, names[i]), *value = NULL;
        FILE *there = fopen(golden(name), "r");
        if (there)
            fclose(there);
        size_t size = 0;
        char *text = there ? (char *)bytes_of(golden(name), &size) : NULL;
        if (keys) {
            struct error error; /* 1e30 is no number that jansson reads */
            value = text ? json_text_parse(text, size, name, &error) : json_object();
            assert_non_null(value);
            assert_int_equal(json_object_update_recursive(value, keys), 0);
            free(text);
            text = json_dumps(value, 0);
            size = strlen(text);
        }
        if (text)
            file_write(folder, names[i], text, size);
        free(text);
        json_decref(value);
    }
    return folder;
}

static void compare(const json_t *test, const json_t *string, const int32_t *ids,
                    size_t count) {
    const json_t *wanted = json_object_get(string, "ids");
    for (size_t i = 0; i < count && i < json_array_size(wanted); i++)
        if (ids[i] != json_integer_value(json_array_get(wanted, i)))
            fail_msg("%s, %s: \"%s\": token %zu is %d", text_of(test, "base"),
                     text_of(test, "what"), text_of(string, "text"), i, ids[i]);
    if (count != json_array_size(wanted))
        fail_msg("%s, %s: \"%s\": %zu tokens", text_of(test, "base"),
                 text_of(test, "what"), text_of(string, "text"), count);
}

static void check_gpt2(const json_t *test, const char *folder) {
    struct gpt2_tokenizer *tokenizer;
    struct error error;
    json_t *strings = json_object_get(test, "strings"), *string;
    size_t i, cut = (size_t)json_integer_value(json_object_get(test, "cut"));
    if (gpt2_tokenizer_open(folder, &tokenizer, &error))
        fail_msg("%s: %s", text_of(test, "what"), error.text);
    size_t longest = gpt2_tokenizer_longest(tokenizer);
    json_array_foreach(strings, i, string) {
        struct tokens tokens = {0};
        const char *text = text_of(string, "text");
        if (gpt2_tokenizer_encode(tokenizer, text, strlen(text), &tokens, &error))
            fail_msg("%s", error.text);
        gpt2_tokenizer_cut(tokenizer, &tokens, tokens.count,
                           longest && longest < cut ? longest : cut);
        compare(test, string, tokens.ids, tokens.count);
        free(tokens.ids);
    }
    gpt2_tokenizer_close(tokenizer);
}

static void check_clip(const json_t *test, const char *folder) {
    struct clip_tokenizer *tokenizer;
    struct error error;
    json_t *strings = json_object_get(test, "strings"), *string;
    size_t i, cut = (size_t)json_integer_value(json_object_get(test, "cut"));
    if (clip_tokenizer_open(folder, &tokenizer, &error))
        fail_msg("%s: %s", text_of(test, "what"), error.text);
    json_array_foreach(strings, i, string) {
        int32_t ids[64];
        size_t count;
        assert_in_range(cut, 2, 64);
        if (clip_tokenizer_encode(tokenizer, text_of(string, "text"), cut, ids, &count,
                                  &error))
            fail_msg("%s", error.text);
        compare(test, string, ids, count);
    }
    clip_tokenizer_close(tokenizer);
}

static void test_keys(void **state) {
    (void)state;
    json_t *tests = json_load_file(golden("tokenizer_keys.json"), 0, NULL), *test;
    size_t i;
    assert_in_range(json_array_size(tests), 40, 1000);
    json_array_foreach(tests, i, test) {
        char *folder = make(text_of(test, "base"), json_object_get(test, "files"));
        if (strcmp(text_of(test, "family"), "gpt2") == 0)
            check_gpt2(test, folder);
        else
            check_clip(test, folder);
        folder_remove(folder);
    }
    json_decref(tests);
}

/* files: as in the golden file, with ' for ". */
static void refuse(const char *base, const char *files, const char *because) {
    char text[1024];
    struct error error = {.text = ""};
    snprintf(text, sizeof text, "%s", files);
    for (char *at = text; (at = strchr(at, '\''));)
        *at = '"';
    json_t *parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed);
    char *folder = make(base, parsed);
    struct gpt2_tokenizer *gpt2 = NULL;
    struct clip_tokenizer *clip = NULL;
    int status = strncmp(base, "gpt2", 4) == 0
                     ? gpt2_tokenizer_open(folder, &gpt2, &error)
                     : clip_tokenizer_open(folder, &clip, &error);
    assert_int_equal(status, -1);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
    folder_remove(folder);
    json_decref(parsed);
}

static void test_refused(void **state) {
    (void)state;
#define NEW "{'content': '[NEW]', 'special': true}"
    /* Numbers that no release gives, or not all. */
    refuse("gpt2/base",
           "{'tokenizer_config.json': {'added_tokens_decoder': {'350': " NEW "}}}",
           "the token \"[NEW]\" has the number 350; transformers gives it 300");
    refuse(
        "gpt2/base", "{'added_tokens.json': {'[A]': 300, '[B]': 302}}",
        "added_tokens.json: the token \"[B]\" has the number 302; transformers gives "
        "it 301");
    refuse("gpt2/base", "{'added_tokens.json': {'!': 300}}",
           "the token \"!\" has the number 300; transformers gives it 0");
    refuse("gpt2/added", "{'added_tokens.json': {'[SEP]': 309}}",
           "the token \"[SEP]\" has the number 309 here, 300 in another file");
    /* Found by some releases alone. */
    refuse("gpt2/added",
           "{'tokenizer_config.json': {'added_tokens_decoder': {'309': " NEW "}}}",
           "the token \"[SEP]\" of tokenizer.json is not in added_tokens_decoder");
    refuse("gpt2/base", "{'tokenizer_config.json': {'image_token': '[I]'}}",
           "the token \"[I]\" (image_token) is not among the added tokens");
    refuse("gpt2/base",
           "{'tokenizer_config.json': {'model_specific_special_tokens': "
           "{'image_token': '[I]'}}}",
           "the token \"[I]\" (image_token) is not among the added tokens");
    refuse("gpt2/base", "{'special_tokens_map.json': {'image_token': '[I]'}}",
           "the token \"[I]\" (image_token) is not among the added tokens");
    refuse("gpt2/v5", "{'tokenizer.json': {'padding': {'pad_token': '[P]'}}}",
           "tokenizer.json: the token \"[P]\" (padding) is not among the added tokens");
    /* Another tokenizer. */
    refuse("gpt2/base", "{'tokenizer_config.json': {'init_inputs': ['x']}}",
           "init_inputs is not empty");
    refuse("gpt2/base", "{'tokenizer_config.json': {'max_len': 'many'}}",
           "max_len is not a number");
    refuse("tokenizer", "{'tokenizer_config.json': {'eos_token': '!'}}",
           "eos_token is \"!\"; CLIP's is <|endoftext|>");
    refuse("tokenizer",
           "{'special_tokens_map.json': {'bos_token': {'content': '[B]'}}}",
           "bos_token is \"[B]\"; CLIP's is <|startoftext|>");
    refuse("tokenizer/v5", "{'tokenizer.json': {'truncation': {'direction': 'Left'}}}",
           "truncation_side is left, which is not supported for prompts");
    refuse("tokenizer/v5",
           "{'tokenizer.json': {'post_processor': {'type': 'RobertaProcessing', 'sep': "
           "['a', 5], 'cls': ['b', 6]}}}",
           "post_processor is {");
    refuse("tokenizer/v5",
           "{'tokenizer.json': {'post_processor': {'type': 'TemplateProcessing', "
           "'single': [{'SpecialToken': {'id': '!'}}, {'Sequence': {'id': 'A'}}, "
           "{'SpecialToken': {'id': '<|endoftext|>'}}]}}}",
           "post_processor is {");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
