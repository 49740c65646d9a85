/* LoRA adapters as models: PEFT's merge_and_unload of the same, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/directory.h"
#include "command/run.h"
#include "support/golden.h"
#include "support/zeros.h"

static struct model_directory *open_kind(const char *kind) {
    char name[64], pretrained[600];
    struct model_directory *directory;
    struct error error;
    snprintf(name, sizeof name, "model/%s", kind);
    snprintf(pretrained, sizeof pretrained, "%s", golden_path(name));
    snprintf(name, sizeof name, "lora/%s", kind);
    if (model_directory_open_expert(golden_path(name), pretrained, &directory, &error))
        fail_msg("%s", error.text);
    assert_true(model_directory_is_adapted(directory));
    return directory;
}

/* The products are sums of two or three f32 numbers in some order. */
static void check(const char *kind) {
    struct safetensors *golden = golden_open("lora.safetensors");
    struct model_directory *directory = open_kind(kind);
    size_t length = strlen(kind) + 1, seen = 0;
    for (size_t i = 0; i < safetensors_count(golden); i++) {
        const struct tensor *expected = safetensors_at(golden, i);
        if (strncmp(expected->name, kind, length - 1) != 0 ||
            expected->name[length - 1] != '.')
            continue;
        const struct tensor *tensor =
            model_directory_find(directory, expected->name + length);
        if (!tensor)
            fail_msg("%s is lacking", expected->name);
        assert_int_equal(tensor->count, expected->count);
        double *values = golden_values(golden, expected->name);
        float *got = malloc(tensor->count * sizeof *got);
        struct error error;
        assert_non_null(got);
        assert_int_equal(tensor_to_f32(tensor, "it", got, &error), 0);
        golden_close(expected->name, got, values, tensor->count, 4e-7);
        free(got);
        free(values);
        seen++;
    }
    assert_int_equal(seen, model_directory_count(directory));
    model_directory_close(directory);
    safetensors_close(golden);
}

static void test_vit(void **state) {
    (void)state;
    check("vit");
}

static void test_clip(void **state) {
    (void)state;
    check("clip");
}

static void test_gpt2(void **state) {
    (void)state;
    check("gpt2");
}

static void expect(const char *adapter, const char *pretrained, const char *says) {
    char path[600];
    struct model_directory *directory;
    struct error error;
    snprintf(path, sizeof path, "%s", golden_path(pretrained));
    assert_int_equal(
        model_directory_open_expert(golden_path(adapter), path, &directory, &error),
        -1);
    if (!strstr(error.text, says))
        fail_msg("'%s' is not in: %s", says, error.text);
}

static void test_refused(void **state) {
    (void)state;
    expect("lora/vit", "model/clip", "an adapter for another model");
    expect("lora/gpt2", "model/vit", "an adapter for another model");
    expect("adapters/dora", "tensorwise/llama/base", "DoRA");
}

/* What an adapter adds is also its configuration's: another alpha, another model. */
static void test_fingerprint(void **state) {
    (void)state;
    struct fingerprint one, other;
    struct error error;
    char path[600];
    struct ran ran = shell("mkdir %s/adapter", folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    snprintf(path, sizeof path, "%s/adapter", folder());
    write_file("adapter/adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":2}");
    write_file("adapter/adapter_model.safetensors", "any");
    assert_int_equal(model_directory_fingerprint(path, &one, NULL, &error), 0);
    write_file("adapter/adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":3}");
    assert_int_equal(model_directory_fingerprint(path, &other, NULL, &error), 0);
    assert_string_not_equal(one.sha256, other.sha256);
    assert_int_equal(one.size, other.size);
}

/* Two names of an adapter for one tensor, one with the model's prefix. */
static void test_changed_twice(void **state) {
    (void)state;
    struct model_directory *directory;
    struct error error;
    char pretrained[600], path[600];
    snprintf(pretrained, sizeof pretrained, "%s", golden_path("model/vit"));
    assert_int_equal(model_directory_open(pretrained, &directory, &error), 0);
    const struct tensor *norm = model_directory_find(directory, "vit.layernorm.weight");
    assert_non_null(norm);
    struct tensor_source sources[2] = {
        {.name = "base_model.model.vit.layernorm.weight"},
        {.name = "base_model.model.layernorm.weight"}};
    for (size_t i = 0; i < 2; i++) {
        sources[i].dtype_name = norm->dtype_name;
        sources[i].rank = 1;
        sources[i].shape[0] = norm->shape[0];
        sources[i].bytes = norm->bytes;
    }
    struct ran ran = shell("mkdir %s/twice", folder());
    ran_free(&ran);
    write_file("twice/adapter_config.json",
               "{\"peft_type\":\"LORA\",\"lora_alpha\":2}");
    snprintf(path, sizeof path, "%s/twice/adapter_model.safetensors", folder());
    assert_int_equal(zeros_write(path, sources, 2, &error), 0);
    model_directory_close(directory);
    snprintf(path, sizeof path, "%s/twice", folder());
    assert_int_equal(model_directory_open_expert(path, pretrained, &directory, &error),
                     -1);
    if (!strstr(error.text, "vit.layernorm.weight is changed twice"))
        fail_msg("%s", error.text);
}

/* A folder that has both a model and an adapter is known by both: which of the two is
 * read depends on what it is given as. */
static void test_fingerprint_of_both(void **state) {
    (void)state;
    struct fingerprint one, other;
    struct error error;
    char path[600];
    struct ran ran = shell("mkdir %s/both", folder());
    ran_free(&ran);
    snprintf(path, sizeof path, "%s/both", folder());
    write_file("both/adapter_config.json", "{\"peft_type\":\"LORA\",\"r\":2}");
    write_file("both/model.safetensors", "any");
    write_file("both/adapter_model.safetensors", "one");
    assert_int_equal(model_directory_fingerprint(path, &one, NULL, &error), 0);
    write_file("both/adapter_model.safetensors", "two");
    assert_int_equal(model_directory_fingerprint(path, &other, NULL, &error), 0);
    assert_string_not_equal(one.sha256, other.sha256);
    write_file("both/model.safetensors", "new");
    assert_int_equal(model_directory_fingerprint(path, &one, NULL, &error), 0);
    assert_string_not_equal(one.sha256, other.sha256);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vit),
                                       cmocka_unit_test(test_clip),
                                       cmocka_unit_test(test_gpt2),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_fingerprint),
                                       cmocka_unit_test(test_changed_twice),
                                       cmocka_unit_test(test_fingerprint_of_both)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
