/* LoRA adapters as experts of pwemoe merge-to, against PEFT's merge_and_unload, and
 * adapters that are refused. */
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

/* A product of rank 3 and a sum in f32, against the same in another order. */
static const double rounding = 4e-7;

/* Of `words`, $A are the adapters, $M the tiny models. */
static struct ran merge_to(const char *words) {
    char golden[1100];
    snprintf(golden, sizeof golden, "%s", golden_path(""));
    return shell("A='%s'adapters; M='%s'tensorwise; F='%s'; rm -rf $F/merged; "
                 "./pwemoe merge-to $F/merged %s",
                 golden, golden, folder(), words);
}

static void merge(const char *words) {
    struct ran ran = merge_to(words);
    if (ran.status)
        fail_msg("%s: %s", words, ran.err);
    ran_free(&ran);
}

static struct model_directory *merged(void) {
    struct model_directory *directory;
    struct error error;
    char path[1100];
    snprintf(path, sizeof path, "%s/merged", folder());
    if (model_directory_open_any(path, &directory, &error))
        fail_msg("%s", error.text);
    return directory;
}

static void compare(const struct safetensors *golden, const char *label) {
    struct model_directory *out = merged();
    char start[64];
    size_t seen = 0;
    snprintf(start, sizeof start, "%s/", label);
    for (size_t i = 0; i < safetensors_count(golden); i++) {
        const struct tensor *wanted = safetensors_at(golden, i), *got;
        struct error error;
        if (strncmp(wanted->name, start, strlen(start)) != 0)
            continue;
        got = model_directory_find(out, wanted->name + strlen(start));
        if (!got)
            fail_msg("%s is missing", wanted->name);
        float *values = calloc(wanted->count, sizeof *values);
        double *expected = golden_values(golden, wanted->name);
        assert_int_equal(got->count, wanted->count);
        if (tensor_to_f32(got, "merged", values, &error))
            fail_msg("%s", error.text);
        golden_close(wanted->name, values, expected, wanted->count, rounding);
        free(values);
        free(expected);
        seen++;
    }
    assert_true(seen > 10);
    model_directory_close(out);
}

#define WHOLE "--method task-arithmetic --scales 1 --pretrained "

static void test_against_peft(void **state) {
    static const char *const rows[][2] = {
        {"llama-a", WHOLE "$M/llama/base --expert $A/llama-a"},
        {"llama-b", WHOLE "$M/llama/base --expert $A/llama-b"},
        {"llama-b", "--method average --pretrained $M/llama/base --expert $A/llama-b"},
        {"llama-b", "--method karcher --pretrained $M/llama/base --expert $A/llama-b"},
        {"resnet", WHOLE "$M/resnet/base --expert $A/resnet --threads 1"},
        {"gpt2-a", WHOLE "$A/gpt2 --expert $A/gpt2-a"},
    };
    struct safetensors *golden = golden_open("adapters/results.safetensors");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        merge(rows[i][1]);
        compare(golden, rows[i][0]);
    }
    safetensors_close(golden);
}

/* PEFT goes by the kind of each layer, and writes what the last one was. */
static void test_fan_in(void **state) {
    struct safetensors *golden = golden_open("adapters/results.safetensors");
    (void)state;
    struct ran ran =
        shell("cp -r '%s/gpt2-a' '%s/fan' && chmod -R u+w '%s/fan' && grep -q "
              "'\"fan_in_fan_out\": true' '%s/fan/adapter_config.json' && "
              "sed -i '/fan_in_fan_out/s/true/false/' "
              "'%s/fan/adapter_config.json'",
              golden_path("adapters"), folder(), folder(), folder(), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    merge(WHOLE "$A/gpt2 --expert $F/fan");
    compare(golden, "gpt2-a");
    safetensors_close(golden);
}

/* An adapter is the model that it makes, whatever is done with it: what TIES makes of
 * two adapters is what it makes of the models that they are merged into. */
static void test_as_models(void **state) {
    struct ran ran;
    (void)state;
    merge(WHOLE "$M/llama/base --expert $A/llama-a");
    ran = shell("mv '%s/merged' '%s/dense-a'", folder(), folder());
    ran_free(&ran);
    merge(WHOLE "$M/llama/base --expert $A/llama-b");
    ran = shell("mv '%s/merged' '%s/dense-b'", folder(), folder());
    ran_free(&ran);
    static const char *const methods[] = {
        "--method ties --set keep=0.5",
        "--method wudi --set ridge=0.1 --preference 0.7,0.3", "--method model-stock",
        "--method slerp"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char words[512];
        snprintf(words, sizeof words,
                 "%s --pretrained $M/llama/base --expert $F/dense-a --expert "
                 "$F/dense-b",
                 methods[i]);
        merge(words);
        ran = shell("rm -rf '%s/dense'; mv '%s/merged' '%s/dense'", folder(), folder(),
                    folder());
        ran_free(&ran);
        snprintf(words, sizeof words,
                 "%s --pretrained $M/llama/base --expert $A/llama-a --expert "
                 "$F/dense-b",
                 methods[i]);
        merge(words);
        struct model_directory *out = merged(), *dense;
        struct error error;
        char path[1100];
        snprintf(path, sizeof path, "%s/dense", folder());
        assert_int_equal(model_directory_open_any(path, &dense, &error), 0);
        for (size_t k = 0; k < model_directory_count(out); k++) {
            const struct tensor *got = model_directory_at(out, k);
            const struct tensor *same = model_directory_find(dense, got->name);
            double *expected = calloc(got->count, sizeof *expected);
            float *values = calloc(got->count, sizeof *values);
            assert_int_equal(tensor_to_f32(same, "dense", values, &error), 0);
            for (size_t c = 0; c < got->count; c++)
                expected[c] = (double)values[c];
            assert_int_equal(tensor_to_f32(got, "merged", values, &error), 0);
            /* Task vectors have the rounding of whole weights here, none there. */
            golden_close(got->name, values, expected, got->count, 2e-5);
            free(expected);
            free(values);
        }
        model_directory_close(out);
        model_directory_close(dense);
    }
}

static void refused(const char *says, const char *words) {
    struct ran ran = merge_to(words);
    if (ran.status != 1 || !is_one_line(ran.err) || !strstr(ran.err, says))
        fail_msg("%s: %d, %s", words, ran.status, ran.err);
    ran_free(&ran);
}

static void test_refused(void **state) {
    (void)state;
    refused("DoRA", WHOLE "$M/llama/base --expert $A/dora");
    refused("for another model", WHOLE "$M/llama/base --expert $A/gpt2-a");
    refused("give the model it changes", "--method average --expert $A/llama-a");
    struct ran ran = merge_to(WHOLE "$M/llama/base --expert $A/llama-b && cp -r "
                                    "$A/llama-a $A/llama-b $F && sed -i "
                                    "'s/\"LORA\"/\"IA3\"/' "
                                    "$F/llama-b/adapter_config.json");
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    refused("peft_type is IA3", WHOLE "$M/llama/base --expert $F/llama-b");
    /* The embeddings that were saved beside the product are another model's. */
    refused("other values than the model has", WHOLE "$M/llama/a --expert $F/llama-a");
    refused("changes", WHOLE "$M/bert/base --expert $F/llama-a");
    ran = merge_to("--plan " WHOLE "$M/llama/base --expert $A/llama-b; rm "
                   "$F/llama-a/adapter_model.safetensors");
    ran_free(&ran);
    refused("No such file", WHOLE "$M/llama/base --expert $F/llama-a");
}

/* The adapter llama-b with this setting; says: of the refusal, NULL for none. */
static void with_setting(const char *says, const char *setting) {
    char config[4096];
    struct ran ran;
    snprintf(config, sizeof config,
             "{\"peft_type\":\"LORA\",\"lora_alpha\":4,\"use_rslora\":true,%s}",
             setting);
    write_file("set/adapter_config.json", config);
    ran = merge_to("--plan " WHOLE "$M/llama/base --expert $F/set");
    if (ran.status != (says != NULL) ||
        (says && (!is_one_line(ran.err) || !strstr(ran.err, says))))
        fail_msg("%s: %d, %s", setting, ran.status, ran.err);
    ran_free(&ran);
}

/* Settings by which an adapter's model is another than its products say, and patterns
 * that the C library's expressions would end the process at. */
static void test_settings(void **state) {
    char setting[3000], deep[1024];
    (void)state;
    struct ran ran =
        shell("cp -r '%s/llama-b' '%s/set'", golden_path("adapters"), folder());
    assert_int_equal(ran.status, 0);
    ran_free(&ran);
    with_setting(NULL, "\"init_lora_weights\":\"gaussian\"");
    with_setting("init_lora_weights is pissa_niter_4",
                 "\"init_lora_weights\":\"pissa_niter_4\"");
    with_setting("own weights before training", "\"init_lora_weights\":\"olora\"");
    with_setting("alora_invocation_tokens", "\"alora_invocation_tokens\":[1,2]");
    with_setting(NULL, "\"alpha_pattern\":{\"layers\\\\.\\\\d+\\\\.mlp.up_proj\":8}");
    static const char *const patterns[] = {
        "a{2}", "(a)\\\\1", "[\\\\d]", "a\\\\", "(((((((((a)+)+)+)+)+)+)+)+)+", "(a"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        snprintf(setting, sizeof setting, "\"alpha_pattern\":{\"%s\":8}", patterns[i]);
        with_setting("is not understood", setting);
    }
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    snprintf(setting, sizeof setting, "\"alpha_pattern\":{\"%s\":8}", deep);
    with_setting("is not understood", setting);
    with_setting("is not given a number", "\"alpha_pattern\":{\"up_proj\":\"8\"}");
}

static void write_zeros(const char *name, const struct tensor_source *sources,
                        size_t count) {
    char path[1100];
    struct error error;
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    if (zeros_write(path, sources, count, &error))
        fail_msg("%s", error.text);
}

/* A product for weights of a kind that nothing is added to is not left out. */
static void test_eight_bits(void **state) {
    static const struct tensor_source
        base[] = {{"layers.0.mlp.weight", "F8_E4M3", 2, {4, 4}, 16}},
        factors[] = {
            {"base_model.model.layers.0.mlp.lora_A.weight", "F32", 2, {2, 4}, 32},
            {"base_model.model.layers.0.mlp.lora_B.weight", "F32", 2, {4, 2}, 32}};
    (void)state;
    struct ran ran = shell("mkdir '%s/eight' '%s/on-eight'", folder(), folder());
    ran_free(&ran);
    write_file("eight/config.json", "{}");
    write_zeros("eight/model.safetensors", base, 1);
    write_file("on-eight/adapter_config.json",
               "{\"peft_type\":\"LORA\",\"lora_alpha\":2}");
    write_zeros("on-eight/adapter_model.safetensors", factors, 2);
    refused("is F8_E4M3; only F64, F32, F16 and BF16 are merged",
            WHOLE "$F/eight --expert $F/on-eight");
}

/* Whose layers are [inputs, outputs]. */
static void test_turned(void **state) {
    static const struct {
        const char *config;
        bool turned;
    } rows[] = {{"{\"model_type\":\"gpt2\"}", true},
                {"{\"model_type\":\"openai-gpt\"}", true},
                {"{\"model_type\":\"imagegpt\"}", true},
                {"{\"model_type\":\"decision_transformer\"}", true},
                {"{\"model_type\":\"gpt_bigcode\"}", false},
                {"{}", false}};
    char path[1100];
    (void)state;
    snprintf(path, sizeof path, "%s/eight", folder()); /* of the test before */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model_directory *model;
        struct error error;
        write_file("eight/config.json", rows[i].config);
        assert_int_equal(model_directory_open_any(path, &model, &error), 0);
        if (model_directory_is_turned(model, "h.0.attn.c_attn.weight") !=
                rows[i].turned ||
            model_directory_is_turned(model, "score.weight"))
            fail_msg("%s", rows[i].config);
        model_directory_close(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_peft), cmocka_unit_test(test_as_models),
        cmocka_unit_test(test_fan_in),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_settings),     cmocka_unit_test(test_eight_bits),
        cmocka_unit_test(test_turned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
