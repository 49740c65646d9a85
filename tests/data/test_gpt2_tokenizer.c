/* GPT-2's tokenizer against transformers' (tests/golden/make_gpt2.py), and directories
 * that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/gpt2_tokenizer.h"
#include "files.h"

static const char *golden(const char *name) {
    static char path[4096];
    char below[256];
    snprintf(below, sizeof below, "../gpt2/%s", name);
    snprintf(path, sizeof path, "%s", golden_path(below));
    return path;
}

static struct gpt2_tokenizer *open_good(const char *directory) {
    struct gpt2_tokenizer *tokenizer;
    struct error error;
    if (gpt2_tokenizer_open(directory, &tokenizer, &error))
        fail_msg("%s", error.text);
    return tokenizer;
}

static void encode(const struct gpt2_tokenizer *tokenizer, const char *text,
                   struct tokens *tokens) {
    struct error error;
    if (gpt2_tokenizer_encode(tokenizer, text, strlen(text), tokens, &error))
        fail_msg("\"%s\": %s", text, error.text);
}

static void compare(const char *text, const struct tokens *tokens,
                    const json_t *wanted) {
    for (size_t i = 0; i < tokens->count && i < json_array_size(wanted); i++)
        if (tokens->ids[i] != json_integer_value(json_array_get(wanted, i)))
            fail_msg("\"%s\": token %zu is %d", text, i, tokens->ids[i]);
    if (tokens->count != json_array_size(wanted))
        fail_msg("\"%s\": %zu tokens", text, tokens->count);
}

static const char *text_of(const json_t *test, const char *key) {
    return json_string_value(json_object_get(test, key));
}

static void test_strings(void **state) {
    static const char *const directories[] = {"base", "v5"};
    (void)state;
    json_t *tests = json_load_file(golden("strings.json"), 0, NULL);
    assert_in_range(json_array_size(tests), 80, 1000);
    for (size_t d = 0; d < 2; d++) {
        struct gpt2_tokenizer *tokenizer = open_good(golden(directories[d]));
        assert_int_equal(gpt2_tokenizer_vocabulary(tokenizer), 300);
        for (size_t i = 0; i < json_array_size(tests); i++) {
            const json_t *test = json_array_get(tests, i);
            struct tokens tokens = {0};
            encode(tokenizer, text_of(test, "text"), &tokens);
            compare(text_of(test, "text"), &tokens, json_object_get(test, "ids"));
            free(tokens.ids);
        }
        gpt2_tokenizer_close(tokenizer);
    }
    json_decref(tests);
}

/* Special and added tokens, with each of their flags, as the files of transformers 5
 * and of transformers 4 name them (tests/golden/make_added.py). */
static void test_added_tokens(void **state) {
    static const char *const directories[] = {"added", "legacy"};
    static const size_t vocabulary[] = {309, 303};
    (void)state;
    for (size_t d = 0; d < 2; d++) {
        char name[64];
        snprintf(name, sizeof name, "%s/strings.json", directories[d]);
        json_t *tests = json_load_file(golden(name), 0, NULL);
        assert_in_range(json_array_size(tests), 30, 100);
        struct gpt2_tokenizer *tokenizer = open_good(golden(directories[d]));
        assert_int_equal(gpt2_tokenizer_vocabulary(tokenizer), vocabulary[d]);
        assert_int_equal(gpt2_tokenizer_longest(tokenizer), 0); /* 1e30 */
        for (size_t i = 0; i < json_array_size(tests); i++) {
            const json_t *test = json_array_get(tests, i);
            struct tokens tokens = {0};
            encode(tokenizer, text_of(test, "text"), &tokens);
            compare(text_of(test, "text"), &tokens, json_object_get(test, "ids"));
            free(tokens.ids);
        }
        gpt2_tokenizer_close(tokenizer);
        json_decref(tests);
    }
}

/* Which end of a text goes, of one and of two. */
static void test_cut(void **state) {
    (void)state;
    for (int left = 0; left < 2; left++) {
        char *folder = folder_new();
        static const char vocab[] = "{\"<|endoftext|>\": 0}";
        const char *settings = left ? "{\"truncation_side\": \"left\"}" : "{}";
        file_write(folder, "vocab.json", vocab, strlen(vocab));
        file_write(folder, "merges.txt", "", 0);
        file_write(folder, "tokenizer_config.json", settings, strlen(settings));
        struct gpt2_tokenizer *tokenizer = open_good(folder);
        int32_t ids[] = {1, 2, 3, 4, 5, 6, 7};
        struct tokens tokens = {.ids = ids, .count = 7, .capacity = 7};
        gpt2_tokenizer_cut(tokenizer, &tokens, 5, 4);
        assert_int_equal(tokens.count, 4);
        static const int32_t wanted[2][4] = {{1, 2, 6, 7}, {4, 5, 6, 7}};
        assert_memory_equal(tokens.ids, wanted[left], sizeof wanted[left]);
        gpt2_tokenizer_cut(tokenizer, &tokens, 4, 1);
        assert_int_equal(tokens.count, 1);
        assert_int_equal(tokens.ids[0], wanted[left][left ? 3 : 0]);
        gpt2_tokenizer_close(tokenizer);
        folder_remove(folder);
    }
}

/* Two texts one after the other, cut as "longest_first" cuts. */
static void test_pairs(void **state) {
    (void)state;
    json_t *tests = json_load_file(golden("pairs.json"), 0, NULL);
    assert_in_range(json_array_size(tests), 20, 1000);
    struct gpt2_tokenizer *tokenizer = open_good(golden("base"));
    for (size_t i = 0; i < json_array_size(tests); i++) {
        const json_t *test = json_array_get(tests, i);
        struct tokens first = {0}, second = {0}, both = {0};
        encode(tokenizer, text_of(test, "first"), &first);
        encode(tokenizer, text_of(test, "second"), &second);
        size_t n = first.count, m = second.count;
        gpt2_tokenizer_truncate(
            &n, &m, (size_t)json_integer_value(json_object_get(test, "longest")));
        assert_true(n <= first.count && m <= second.count);
        both.ids = calloc(n + m + 1, sizeof *both.ids);
        for (size_t k = 0; k < n + m; k++)
            both.ids[k] = k < n ? first.ids[k] : second.ids[k - n];
        both.count = n + m;
        compare(text_of(test, "first"), &both, json_object_get(test, "ids"));
        free(first.ids);
        free(second.ids);
        free(both.ids);
    }
    gpt2_tokenizer_close(tokenizer);
    json_decref(tests);
}

static void test_refused_texts(void **state) {
    struct tokens tokens = {0};
    struct error error;
    (void)state;
    struct gpt2_tokenizer *tokenizer = open_good(golden("base"));
    assert_int_equal(gpt2_tokenizer_encode(tokenizer, "a\xc3", 2, &tokens, &error), -1);
    assert_string_equal(error.text, "the text is not UTF-8");
    /* The end of the text is its length, not a zero byte behind it. */
    assert_int_equal(gpt2_tokenizer_encode(tokenizer, "a\xc3\xa9", 1, &tokens, &error),
                     0);
    assert_int_equal(tokens.count, 1);
    char *text = malloc((1 << 20) + 1);
    memset(text, 'e', (1 << 20) + 1);
    assert_int_equal(
        gpt2_tokenizer_encode(tokenizer, text, (1 << 20) + 1, &tokens, &error), -1);
    assert_non_null(strstr(error.text, "1048577 bytes"));
    assert_int_equal(gpt2_tokenizer_encode(tokenizer, text, 1 << 20, &tokens, &error),
                     0);
    free(text);
    free(tokens.ids);
    gpt2_tokenizer_close(tokenizer);
}

static void refuse(const char *vocab, const char *settings, const char *because) {
    char *folder = folder_new();
    struct gpt2_tokenizer *tokenizer;
    struct error error = {.text = ""};
    if (vocab)
        file_write(folder, "vocab.json", vocab, strlen(vocab));
    file_write(folder, "merges.txt", "#version: 0.2\n", 14);
    if (settings)
        file_write(folder, "tokenizer_config.json", settings, strlen(settings));
    assert_int_equal(gpt2_tokenizer_open(folder, &tokenizer, &error), -1);
    assert_null(tokenizer);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
    folder_remove(folder);
}

static void test_refused_files(void **state) {
    static const char good[] = "{\"<|endoftext|>\": 0}";
    (void)state;
    refuse(NULL, NULL, "vocab.json: missing");
    refuse("{\"a\": 1}", NULL, "no <|endoftext|>");
    refuse("{\"<|endoftext|>\": -1}", NULL, "no <|endoftext|>");
    refuse("{\"<|endoftext|>\": 1, \"a\": 2147483648}", NULL, "number of token \"a\"");
    refuse(good, "{\"add_prefix_space\": true}", "add_prefix_space is true");
    refuse(good, "{\"add_bos_token\": true}", "add_bos_token is true");
    refuse(good, "{\"add_eos_token\": true}", "add_eos_token is true");
    refuse(good, "{\"split_special_tokens\": true}", "split_special_tokens is true");
    refuse(good, "{\"tokenizer_class\": \"RobertaTokenizer\"}",
           "tokenizer_class is RobertaTokenizer");
    refuse(good, "{\"model_max_length\": \"many\"}",
           "model_max_length is not a number");
    refuse(good, "{\"truncation_side\": \"middle\"}", "truncation_side is \"middle\"");
    refuse(good, "{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}",
           "added_tokens_decoder: \"x\"");
    refuse(good, "{", "tokenizer_config.json: not valid JSON");
}

/* tokenizer.json with something else than GPT-2's stages. */
static void refuse_json(const char *stage, const char *because) {
    char *folder = folder_new(), whole[1024];
    struct gpt2_tokenizer *tokenizer;
    struct error error = {.text = ""};
    snprintf(whole, sizeof whole,
             "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"<|endoftext|>\": 0}, "
             "\"merges\": []}, %s}",
             stage);
    file_write(folder, "tokenizer.json", whole, strlen(whole));
    int status = gpt2_tokenizer_open(folder, &tokenizer, &error);
    if (because && !strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
    assert_int_equal(status, because ? -1 : 0);
    gpt2_tokenizer_close(tokenizer);
    folder_remove(folder);
}

static void test_stages(void **state) {
#define CUT "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}"
    (void)state;
    refuse_json(CUT, NULL);
    refuse_json("\"decoder\": null", "tokenizer.json: pre_tokenizer is null");
    refuse_json(
        "\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true}",
        "tokenizer.json: pre_tokenizer is {");
    refuse_json(CUT ", \"normalizer\": {\"type\": \"Lowercase\"}",
                "tokenizer.json: normalizer is {\"type\":\"Lowercase\"}");
    refuse_json(CUT
                ", \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
                "[{\"Sequence\": {\"id\": \"A\"}}], \"pair\": []}",
                NULL);
    refuse_json(CUT
                ", \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
                "[{\"Sequence\": {\"id\": \"A\"}}, {\"SpecialToken\": {}}]}",
                "tokenizer.json: post_processor is {");
    refuse_json(CUT ", \"added_tokens\": [{\"content\": \"x\"}]",
                "the token \"x\" has no number");
    refuse_json(CUT ", \"added_tokens\": [{\"id\": 1}]", "entry 1 of added_tokens");
    refuse_json(CUT ", \"added_tokens\": [{\"id\": 1e9, \"content\": \"x\"}]",
                "has no number");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_refused_texts), cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
