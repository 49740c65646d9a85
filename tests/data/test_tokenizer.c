/* CLIP's tokenizer against transformers' (tests/golden/make_tokenizer.py), and
 * vocabularies that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/bpe.h"
#include "data/clip_tokenizer.h"
#include "files.h"

static const char *tokenizer_path(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s", golden_path("../tokenizer"));
    if (*name)
        snprintf(path, sizeof path, "%s/%s", golden_path("../tokenizer"), name);
    return path;
}

static struct clip_tokenizer *open_good(const char *directory) {
    struct clip_tokenizer *tokenizer;
    struct error error;
    if (clip_tokenizer_open(directory, &tokenizer, &error))
        fail_msg("%s", error.text);
    return tokenizer;
}

static void check(const struct clip_tokenizer *tokenizer, const json_t *test) {
    const char *text = json_string_value(json_object_get(test, "text"));
    const json_t *wanted = json_object_get(test, "ids");
    size_t context = json_array_size(wanted), count = 0;
    int32_t *ids = calloc(context, sizeof *ids);
    struct error error;
    if (clip_tokenizer_encode(tokenizer, text, context, ids, &count, &error))
        fail_msg("\"%s\": %s", text, error.text);
    for (size_t i = 0; i < context; i++)
        if (ids[i] != json_integer_value(json_array_get(wanted, i)))
            fail_msg("\"%s\": token %zu is %d", text, i, ids[i]);
    assert_int_equal(count, json_integer_value(json_object_get(test, "count")));
    free(ids);
}

static void test_encode(void **state) {
    static const char *const directories[] = {"", "v5"};
    (void)state;
    json_t *tests = json_load_file(tokenizer_path("expected.json"), 0, NULL);
    assert_in_range(json_array_size(tests), 80, 1000);
    for (size_t d = 0; d < 2; d++) {
        struct clip_tokenizer *tokenizer = open_good(tokenizer_path(directories[d]));
        for (size_t i = 0; i < json_array_size(tests); i++)
            check(tokenizer, json_array_get(tests, i));
        clip_tokenizer_close(tokenizer);
    }
    json_decref(tests);
}

/* Special and added tokens, with each of their flags (tests/golden/make_added.py). */
static void test_added_tokens(void **state) {
    (void)state;
    json_t *tests = json_load_file(tokenizer_path("added/strings.json"), 0, NULL);
    assert_in_range(json_array_size(tests), 30, 100);
    struct clip_tokenizer *tokenizer = open_good(tokenizer_path("added"));
    for (size_t i = 0; i < json_array_size(tests); i++)
        check(tokenizer, json_array_get(tests, i));
    clip_tokenizer_close(tokenizer);
    json_decref(tests);
}

static void test_refused_texts(void **state) {
    int32_t ids[4];
    size_t count;
    struct error error;
    (void)state;
    struct clip_tokenizer *tokenizer = open_good(tokenizer_path(""));
    assert_int_equal(clip_tokenizer_encode(tokenizer, "a", 1, ids, &count, &error), -1);
    assert_int_equal(clip_tokenizer_encode(tokenizer, "a\xc3", 4, ids, &count, &error),
                     -1);
    assert_string_equal(error.text, "the text is not UTF-8");
    assert_int_equal(clip_tokenizer_encode(tokenizer, "abc", 2, ids, &count, &error),
                     0);
    assert_int_equal(count, 2);
    /* A mebibyte without white space is one word, and no trouble. */
    char *text = malloc((1 << 20) + 2);
    memset(text, 'e', (1 << 20) + 1);
    text[(1 << 20) + 1] = '\0';
    assert_int_equal(clip_tokenizer_encode(tokenizer, text, 4, ids, &count, &error),
                     -1);
    text[1 << 20] = '\0';
    assert_int_equal(clip_tokenizer_encode(tokenizer, text, 4, ids, &count, &error), 0);
    assert_int_equal(count, 4);
    free(text);
    clip_tokenizer_close(tokenizer);
}

static void refuse(const char *vocab, const char *merges, const char *because) {
    char *folder = folder_new();
    struct clip_tokenizer *tokenizer;
    struct error error = {.text = ""};
    if (vocab)
        file_write(folder, "vocab.json", vocab, strlen(vocab));
    if (merges)
        file_write(folder, "merges.txt", merges, strlen(merges));
    assert_int_equal(clip_tokenizer_open(folder, &tokenizer, &error), -1);
    assert_null(tokenizer);
    if (!strstr(error.text, because))
        fail_msg("\"%s\" does not say \"%s\"", error.text, because);
    folder_remove(folder);
}

#define SPECIAL "\"<|startoftext|>\": 0, \"<|endoftext|>\": 1"

static void test_refused_files(void **state) {
    (void)state;
    refuse(NULL, NULL, "vocab.json: missing");
    refuse("{" SPECIAL "}", NULL, "merges.txt: missing");
    refuse("{\"a\": ", "", "vocab.json: not valid JSON");
    refuse("{\"a\": 1, \"a\": 2}", "", "duplicate");
    refuse("{\"a\": 1}", "", "no <|startoftext|>");
    refuse("[]", "", "vocab.json: does not hold a JSON object");
    refuse("{" SPECIAL ", \"a\": -1}", "", "number of token \"a\"");
    refuse("{" SPECIAL ", \"a\": \"2\"}", "", "number of token \"a\"");
    refuse("{" SPECIAL ", \"a\": 4294967296}", "", "number of token \"a\"");
    refuse("{" SPECIAL ", \"a\": 2, \"b\": 3}", "#version: 0.2\na b\n",
           "merge 1: \"ab\" is not in the vocabulary");
    refuse("{" SPECIAL ", \"a\": 2, \"aa\": 3}", "a a\na b\n", "merge 2: \"b\"");
    refuse("{" SPECIAL ", \"a\": 2, \"aa\": 3}", "a a a\n",
           "merge 1 is not two tokens");
    refuse("{" SPECIAL ", \"a\": 2, \"aa\": 3}", "aa\n", "merge 1 is not two tokens");
    refuse("{" SPECIAL ", \"a\": 2, \"aa\": 3}", "a \n", "merge 1 is not two tokens");
    refuse("{" SPECIAL "}", "\xff \xfe\n", "merges.txt: line 1 is not UTF-8");
}

/* Bytes that the vocabulary lacks become the end token, as transformers has it. */
static void test_unknown_bytes(void **state) {
    static const char vocab[] = "{" SPECIAL ", \"a\": 2, \"a</w>\": 3, \"aa</w>\": 4}";
    static const int32_t wanted[] = {0, 1, 4, 1, 1, 1};
    int32_t ids[6];
    size_t count;
    struct error error;
    (void)state;
    char *folder = folder_new();
    file_write(folder, "vocab.json", vocab, sizeof vocab - 1);
    file_write(folder, "merges.txt", "a a</w>", 7);
    struct clip_tokenizer *tokenizer = open_good(folder);
    assert_int_equal(clip_tokenizer_encode(tokenizer, "baa b", 6, ids, &count, &error),
                     0);
    assert_int_equal(count, 5);
    assert_memory_equal(ids, wanted, sizeof ids);
    clip_tokenizer_close(tokenizer);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),        cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_refused_texts), cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_unknown_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
