/* LoRA adapters extracted from models: errors against numpy's singular values, and the
 * models that they make. That PEFT reads them tests/golden/check_adapter.py shows. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/directory.h"
#include "command/run.h"
#include "support/golden.h"
#include "tensorwise/extraction.h"

static const char *golden_models(void) {
    static char path[1100];
    snprintf(path, sizeof path, "%s", golden_path("tensorwise"));
    return path;
}

static json_t *extract(const char *model, const char *more) {
    struct ran ran = shell("rm -rf '%s/adapter'", folder());
    ran_free(&ran);
    return json_of("extract-lora %1$s/adapter --pretrained %2$s/%3$s/base --expert "
                   "%2$s/%3$s/a --quiet --format json %4$s",
                   folder(), golden_models(), model, more);
}

static const json_t *row_of(const json_t *rows, const char *tensor) {
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) {
        if (strcmp(json_string_value(json_object_get(row, "tensor")), tensor) == 0)
            return row;
    }
    return NULL;
}

static double value_of(const json_t *row, const char *key) {
    return json_number_value(json_object_get(row, key));
}

/* The factors are f32, and so is the change. */
static void test_errors(void **state) {
    (void)state;
    char model[32], tensor[200];
    double norm, lost;
    size_t seen = 0;
    json_t *rows[2] = {extract("llama", "--rank 2"), extract("resnet", "--rank 2")};
    FILE *file = fopen(golden_path("extraction.txt"), "r");
    assert_non_null(file);
    while (fscanf(file, "%31s %199s %lf %lf", model, tensor, &norm, &lost) == 4) {
        const json_t *row = row_of(rows[strcmp(model, "resnet") == 0], tensor);
        if (!row)
            fail_msg("%s is lacking", tensor);
        assert_true(fabs(value_of(row, "norm") - norm) <= 1e-6 * norm);
        assert_true(fabs(value_of(row, "error") - lost) <= 1e-6);
        assert_true(value_of(row, "rank") == 2);
        seen++;
    }
    fclose(file);
    assert_int_equal(seen, json_array_size(rows[0]) + json_array_size(rows[1]));
    json_decref(rows[0]);
    json_decref(rows[1]);
}

static float *values_of(const char *model, const char *name, size_t *count) {
    struct model_directory *directory;
    struct error error;
    if (model_directory_open_any(model, &directory, &error))
        fail_msg("%s", error.text);
    const struct tensor *tensor = model_directory_find(directory, name);
    assert_non_null(tensor);
    float *values = malloc(tensor->count * sizeof *values);
    assert_non_null(values);
    assert_int_equal(tensor_to_f32(tensor, model, values, &error), 0);
    *count = (size_t)tensor->count;
    model_directory_close(directory);
    return values;
}

static void assert_like_expert(const char *model, const char *name) {
    char made[1200], expert[1200];
    size_t count, same;
    snprintf(made, sizeof made, "%s/made", folder());
    snprintf(expert, sizeof expert, "%s/%s/a", golden_models(), model);
    float *got = values_of(made, name, &count);
    float *values = values_of(expert, name, &same);
    double *expected = malloc(count * sizeof *expected);
    assert_non_null(expected);
    for (size_t i = 0; i < count; i++)
        expected[i] = (double)values[i];
    golden_close(name, got, expected, count, 1e-6);
    free(got);
    free(values);
    free(expected);
}

static void make(const char *model) {
    struct ran ran = shell("rm -rf '%s/made'", folder());
    ran_free(&ran);
    ran = run("merge-to %1$s/made --method task-arithmetic --scales 1 --pretrained "
              "%2$s/%3$s/base --expert %1$s/adapter --quiet",
              folder(), golden_models(), model);
    if (ran.status)
        fail_msg("%s", ran.err);
    ran_free(&ran);
}

/* With all of its rank a product is the whole change; ranks beyond a matrix's own are
 * that one's. */
static void test_whole_rank(void **state) {
    (void)state;
    json_t *rows = extract("llama", "--rank 99 --whole lm_head");
    const json_t *row = row_of(rows, "model.layers.0.self_attn.v_proj.weight");
    assert_true(value_of(row, "rank") == 4 && value_of(row, "error") < 1e-6);
    json_decref(rows);
    make("llama");
    assert_like_expert("llama", "model.layers.0.self_attn.v_proj.weight");
    assert_like_expert("llama", "model.layers.1.mlp.down_proj.weight");
    assert_like_expert("llama", "lm_head.weight");
    json_decref(extract("resnet", "--rank 99"));
    make("resnet");
    assert_like_expert("resnet",
                       "resnet.encoder.stages.1.layers.0.layer.0.convolution.weight");
}

/* An embedding's factors are called and lie as PEFT reads them, or it would pass them
 * over. */
static void test_embedding(void **state) {
    (void)state;
    char path[1200];
    struct safetensors *file;
    struct error error;
    json_t *rows = extract("llama", "--rank 99 --include '*embed_tokens*'");
    assert_int_equal(json_array_size(rows), 1);
    json_decref(rows);
    snprintf(path, sizeof path, "%s/adapter/adapter_model.safetensors", folder());
    assert_int_equal(safetensors_open(path, &file, &error), 0);
    const struct tensor *a =
        safetensors_find(file, "base_model.model.model.embed_tokens.lora_embedding_A");
    const struct tensor *b =
        safetensors_find(file, "base_model.model.model.embed_tokens.lora_embedding_B");
    assert_true(a && b && safetensors_count(file) == 2);
    assert_true(a->shape[0] == 8 && a->shape[1] == 14 && b->shape[0] == 8);
    safetensors_close(file);
    make("llama");
    assert_like_expert("llama", "model.embed_tokens.weight");
}

static void test_said_and_refused(void **state) {
    (void)state;
    struct ran ran = run("extract-lora %1$s/said --pretrained %2$s/llama/base --expert "
                         "%2$s/llama/a --rank 2 --dtype bf16",
                         folder(), golden_models());
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.err, "14 products; without them is 0.71 of the change"));
    assert_non_null(strstr(ran.err, "7 changed tensors are left out (lm_head.weight)"));
    ran_free(&ran);
    expect_error(2, "give both --pretrained and --expert", "extract-lora %s/no",
                 folder());
    expect_error(1, "have the same weights",
                 "extract-lora %1$s/no --pretrained %2$s/llama/base --expert "
                 "%2$s/llama/base",
                 folder(), golden_models());
    expect_error(1, "has no module score",
                 "extract-lora %1$s/no --pretrained %2$s/llama/base --expert "
                 "%2$s/llama/a --whole score",
                 folder(), golden_models());
    ran = shell("test ! -e %s/no", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
}

static void test_whole_modules(void **state) {
    static const char *const modules[] = {"score", "a.head"};
    const struct extraction_wish wish = {.whole = modules, .whole_count = 2};
    static const struct {
        const char *name;
        size_t module;
    } rows[] = {{"score.weight", 0},
                {"m.score.bias", 0},
                {"scores.0.score.weight", 0},
                {"a.head.weight", 1},
                {"m.a.head.weight", 1},
                {"head.weight", SIZE_MAX},
                {"score", SIZE_MAX},
                {"score.0.weight", SIZE_MAX},
                {"underscore.weight", SIZE_MAX}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (extraction_whole(&wish, rows[i].name) != rows[i].module)
            fail_msg("%s", rows[i].name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors), cmocka_unit_test(test_whole_rank),
        cmocka_unit_test(test_whole_modules), cmocka_unit_test(test_embedding),
        cmocka_unit_test(test_said_and_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
