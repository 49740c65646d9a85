/* pwemoe merge-to --vocabulary: embeddings of tokenizers with added tokens, token by
 * token, against mergekit; the tokenizer that is written; and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"
#include "checkpoint/directory.h"
#include "command/run.h"
#include "support/golden.h"

#define BASE " --pretrained $M/base"
#define TWO " --expert $M/one --expert $M/two"
#define UNION " --vocabulary union"

/* Merges into folder()/merged; $M is the folder of the models, $F the test's. */
static struct ran merge(const char *words) {
    return shell("M='%s'; F='%s'; rm -rf $F/merged; ./pwemoe merge-to $F/merged %s",
                 golden_path("vocabulary"), folder(), words);
}

static void merged(const char *words) {
    struct ran ran = merge(words);
    if (ran.status)
        fail_msg("%s: %s", words, ran.err);
    ran_free(&ran);
}

static void refused(const char *what, const char *words) {
    struct ran ran = merge(words);
    if (ran.status != 1 || !strstr(ran.err, what))
        fail_msg("%s: status %d, %s", words, ran.status, ran.err);
    ran_free(&ran);
}

static struct model_directory *open_directory(const char *path) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open_any(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

static struct model_directory *made(void) {
    char path[1100];
    snprintf(path, sizeof path, "%s/merged", folder());
    return open_directory(path);
}

static float *values_of(const struct tensor *tensor) {
    struct error error;
    float *values = calloc(tensor->count, sizeof *values);
    if (tensor_to_f32(tensor, "merged", values, &error))
        fail_msg("%s", error.text);
    return values;
}

static void test_union(void **state) {
    static const struct {
        const char *label, *words;
    } rows[] = {
        {"average", "--method average" TWO UNION},
        {"average", "--method average --shard-size 200B" TWO UNION},
        {"task-arithmetic", "--method task-arithmetic --scales 0.4" BASE TWO UNION},
        {"ties", "--method ties --scales 0.5 --set keep=0.5,sum=mean" BASE TWO UNION},
        {"average", "--mergekit $F/union.yaml"},
    };
    struct safetensors *golden = golden_open("vocabulary/results.safetensors");
    (void)state;
    struct ran ran = shell(
        "M='%s'; printf '%%s\\n' 'merge_method: linear' 'tokenizer_source: union' "
        "'models:' \"  - {model: $M/one, parameters: {weight: 0.5}}\" "
        "\"  - {model: $M/two, parameters: {weight: 0.5}}\" >'%s/union.yaml'",
        golden_path("vocabulary"), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char start[64];
        size_t seen = 0;
        merged(rows[i].words);
        struct model_directory *out = made();
        snprintf(start, sizeof start, "%s/", rows[i].label);
        for (size_t k = 0; k < safetensors_count(golden); k++) {
            const struct tensor *wanted = safetensors_at(golden, k);
            if (strncmp(wanted->name, start, strlen(start)) != 0)
                continue;
            const struct tensor *got =
                model_directory_find(out, wanted->name + strlen(start));
            assert_non_null(got);
            assert_int_equal(got->shape[0], wanted->shape[0]);
            assert_int_equal(got->count, wanted->count);
            float *values = values_of(got);
            double *expected = golden_values(golden, wanted->name);
            golden_close(wanted->name, values, expected, wanted->count, 4e-7);
            free(values);
            free(expected);
            seen++;
        }
        assert_int_equal(seen, 12);
        model_directory_close(out);
    }
    safetensors_close(golden);
}

/* The number of an added token in folder()/merged/tokenizer.json; -1: it has none. */
static long long number_of(const char *token) {
    char path[1100];
    json_t *file, *entry;
    struct error error;
    size_t i;
    long long number = -1;
    snprintf(path, sizeof path, "%s/merged", folder());
    assert_int_equal(json_object_read(path, "tokenizer.json", 0, &file, &error), 0);
    json_array_foreach(
        json_object_get(file, "added_tokens"), i,
        entry) if (!strcmp(json_string_value(json_object_get(entry, "content")), token))
        number = json_integer_value(json_object_get(entry, "id"));
    json_decref(file);
    return number;
}

static void expect_size(long long rows) {
    char path[1100];
    json_t *file;
    struct error error;
    snprintf(path, sizeof path, "%s/merged", folder());
    assert_int_equal(json_object_read(path, "config.json", 0, &file, &error), 0);
    assert_int_equal(json_integer_value(json_object_get(file, "vocab_size")), rows);
    json_decref(file);
}

static void test_tokenizer(void **state) {
    (void)state;
    merged("--method average" BASE TWO UNION);
    assert_int_equal(number_of("</s>"), 7);
    assert_int_equal(number_of("<tool>"), 8);
    assert_int_equal(number_of("<think>"), 9);
    assert_int_equal(number_of("<end>"), 10);
    expect_size(11);
    /* The list of a slow tokenizer, and the one by numbers, where the model has them.
     */
    struct ran ran =
        shell("M='%s'; F='%s'; cp -r $M/base $F/lists && cd $F/lists && "
              "echo '{\"<s>\": 6, \"</s>\": 7}' >added_tokens.json && "
              "echo '{\"added_tokens_decoder\": {\"6\": {\"content\": \"<s>\"}}, "
              "\"model_max_length\": 1000000000000000019884624838656}' "
              ">tokenizer_config.json",
              golden_path("vocabulary"), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    merged("--method average --pretrained $F/lists" TWO UNION);
    ran = shell("cd '%s/merged' && grep -c '\"<end>\": 10' added_tokens.json && "
                "grep -A1 '\"10\": {' tokenizer_config.json",
                folder());
    assert_non_null(strstr(ran.out, "<end>"));
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

/* Of `one` the last two tokens are not the base model's. */
static void test_intersection(void **state) {
    (void)state;
    merged("--method average --pretrained $M/one --expert $M/one --expert $M/base "
           "--vocabulary intersection");
    assert_int_equal(number_of("</s>"), 7);
    assert_int_equal(number_of("<tool>"), -1);
    assert_int_equal(number_of("<think>"), -1);
    expect_size(8);
    struct model_directory *out = made();
    char path[1100];
    snprintf(path, sizeof path, "%s/one", golden_path("vocabulary"));
    struct model_directory *one = open_directory(path);
    snprintf(path, sizeof path, "%s/base", golden_path("vocabulary"));
    struct model_directory *base = open_directory(path);
    const char *name = "lm_head.weight";
    const struct tensor *got = model_directory_find(out, name);
    assert_int_equal(got->shape[0], 8);
    float *a = values_of(model_directory_find(one, name));
    float *b = values_of(model_directory_find(base, name)), *c = values_of(got);
    for (size_t i = 0; i < got->count; i++)
        assert_true(c[i] - (a[i] + b[i]) / 2 < 1e-6f &&
                    c[i] - (a[i] + b[i]) / 2 > -1e-6f);
    free(a);
    free(b);
    free(c);
    model_directory_close(out);
    model_directory_close(one);
    model_directory_close(base);
}

/* An adapter has the base model's tokens: as the model that PEFT makes of it. */
static void test_adapter(void **state) {
    struct safetensors *first;
    struct error error;
    char path[1100];
    (void)state;
    merged("--method task-arithmetic --scales 0.5" BASE
           " --expert $M/two --expert $M/lora" UNION);
    struct ran ran =
        shell("cd '%s' && mv merged/model.safetensors first.safetensors", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    merged("--method task-arithmetic --scales 0.5" BASE
           " --expert $M/two --expert $M/whole" UNION);
    snprintf(path, sizeof path, "%s/first.safetensors", folder());
    assert_int_equal(safetensors_open(path, &first, &error), 0);
    struct model_directory *out = made();
    for (size_t i = 0; i < safetensors_count(first); i++) {
        const struct tensor *a = safetensors_at(first, i);
        const struct tensor *b = model_directory_find(out, a->name);
        assert_int_equal(a->count, b->count);
        float *x = values_of(a);
        double *y = calloc(b->count, sizeof *y);
        float *other = values_of(b);
        for (size_t k = 0; k < b->count; k++)
            y[k] = (double)other[k];
        golden_close(a->name, x, y, a->count, 1e-6);
        free(x);
        free(y);
        free(other);
    }
    assert_true(safetensors_count(first) > 10);
    model_directory_close(out);
    safetensors_close(first);
}

static void test_refused(void **state) {
    (void)state;
    struct ran ran = shell(
        "M='%s'; F='%s'; cp -r $M/one $F/swapped && cp -r $M/two $F/foreign && "
        "cp -r $M/two $F/none && rm $F/none/tokenizer.json && "
        "cp -r $M/two $F/short && cp $M/one/model.safetensors $F/short && "
        "sed -i 's/\"id\": 8/\"id\": 0/; s/\"id\": 9/\"id\": 8/; s/\"id\": 0/\"id\": "
        "9/' $F/swapped/tokenizer.json && "
        "sed -i 's/\"abc\": 5/\"xyz\": 5/' $F/foreign/tokenizer.json && "
        "sed -i 's/\"id\": 9/\"id\": 11/' $F/short/tokenizer.json",
        golden_path("vocabulary"), folder());
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
    refused("it has 2 tokens more: \"<think>\" (8), \"<end>\" (9); --vocabulary",
            "--method average" BASE " --expert $M/two");
    refused("--vocabulary union merges token by token",
            "--method average --pretrained $M/one --expert $F/swapped --expert $M/one");
    refused("\"xyz\" is not an added token",
            "--method average" BASE " --expert $F/foreign --expert $M/one" UNION);
    refused("has no tokenizer.json and no vocab.json",
            "--method average" BASE " --expert $F/none --expert $M/one" UNION);
    refused("its tokenizer numbers up to 11",
            "--method average" BASE " --expert $F/short --expert $M/one" UNION);
    refused("later tokens would get other numbers",
            "--method average --pretrained $M/one --expert $M/two --expert $M/one "
            "--vocabulary intersection");
    refused(
        "has no tokenizer.json and no vocab.json, which --vocabulary is for",
        "--method average --pretrained $F/none --expert $M/one --expert $M/two" UNION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_union), cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_intersection), cmocka_unit_test(test_adapter),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
