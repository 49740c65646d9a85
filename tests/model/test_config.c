/* What of config.json is honoured, compared between models, or refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/config.h"

static const char vit[] =
    "{\"model_type\": \"vit\", \"hidden_size\": 16, \"num_hidden_layers\": 2, "
    "\"num_attention_heads\": 2, \"intermediate_size\": 32, \"image_size\": 32, "
    "\"patch_size\": 16, \"layer_norm_eps\": 1e-6}";
static const char gpt2[] =
    "{\"model_type\": \"gpt2\", \"n_embd\": 16, \"n_layer\": 2, \"n_head\": 2, "
    "\"n_positions\": 32, \"vocab_size\": 300, \"eos_token_id\": 299}";

static const char clip[] = "{\"model_type\": \"clip\", \"vision_config\": {}, "
                           "\"text_config\": {}}";

/* The model's config with one key set to a value, or taken out where that is NULL. */
static json_t *changed(const char *text, const char *key, const char *value) {
    json_t *config = json_loads(text, 0, NULL);
    assert_non_null(config);
    if (key && value)
        json_object_set_new(config, key, json_loads(value, JSON_DECODE_ANY, NULL));
    else if (key)
        json_object_del(config, key);
    return config;
}

static int read(const char *text, const char *key, const char *value,
                struct model_config *out, struct error *error) {
    json_t *config = changed(text, key, value);
    int status = model_config_read(config, NULL, "dir", out, error);
    json_decref(config);
    return status;
}

static void what_computes_otherwise_is_refused(void **state) {
    static const struct {
        const char *base, *key, *value, *because;
    } cases[] = {
        {vit, "hidden_act", "\"silu\"", "hidden_act \"silu\" is not supported"},
        {vit, "num_attention_heads", "3", "not divisible by num_attention_heads 3"},
        {vit, "quantization_config", "{\"bits\": 4}", "quantization_config"},
        {vit, "pruned_heads", "{\"0\": [1]}", "pruned_heads"},
        {vit, "problem_type", "\"regression\"", "problem_type is regression"},
        {vit, "layer_norm_eps", "\"NaN\"", "layer_norm_eps must lie"},
        {vit, "model_type", "\"deit\"", "model_type \"deit\""},
        {gpt2, "scale_attn_weights", "false", "scale_attn_weights is false"},
        {gpt2, "scale_attn_by_inverse_layer_idx", "true", "layer_idx is true"},
        {gpt2, "add_cross_attention", "true", "add_cross_attention is true"},
        {gpt2, "activation_function", "\"silu\"", "activation_function \"silu\""},
        {gpt2, "problem_type", "\"multi_label_classification\"", "problem_type is"},
        {vit, "hidden_act", "null", "hidden_act \"(no text)\""},
        {vit, "hidden_act", "[\"gelu\"]", "hidden_act \"(no text)\""},
        {vit, "is_causal", "true", "is_causal is true"},
        {vit, "image_size", "[32, 16]", "image_size must be that of a square"},
        {vit, "image_size", "[32, 32, 32]", "image_size must be that of a square"},
        {vit, "per_layer_config", "{\"0\": {\"hidden_act\": \"relu\"}}",
         "per_layer_config is not empty"},
        {gpt2, "is_causal", "false", "is_causal is false"},
        {gpt2, "num_attention_heads", "0", "num_attention_heads must be a whole"},
        {gpt2, "eos_token_id", "[3, 4]", "eos_token_id must be the number of a token"},
        {clip, "vision_config", "{\"is_causal\": true}", "is_causal is true"},
        {clip, "vision_config", "{\"per_layer_config\": {\"1\": {}}}",
         "per_layer_config is not empty"},
        {clip, "vision_config_dict", "{\"hidden_act\": \"gelu\"}",
         "vision_config and vision_config_dict say different things of hidden_act"},
        {gpt2, "eos_token_id", NULL, "neither pad_token_id nor eos_token_id"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config out;
        struct error error = {.text = ""};
        if (!read(cases[i].base, cases[i].key, cases[i].value, &out, &error) ||
            !strstr(error.text, cases[i].because))
            fail_msg("%s %s: \"%s\" does not say \"%s\"", cases[i].key, cases[i].value,
                     error.text, cases[i].because);
    }
}

static void what_changes_nothing_is_accepted(void **state) {
    static const char *const keys[][2] = {
        {"hidden_dropout_prob", "0.5"}, {"quantization_config", "null"},
        {"pruned_heads", "{}"},         {"initializer_range", "\"NaN\""},
        {"id2label", "{\"0\": \"a\"}"}, {"encoder_stride", "1e30"}};
    struct model_config wanted, has;
    struct error error;
    (void)state;
    assert_int_equal(read(vit, NULL, NULL, &wanted, &error), 0);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (read(vit, keys[i][0], keys[i][1], &has, &error) ||
            model_config_compare(&wanted, &has, "dir", &error))
            fail_msg("%s", error.text);
    }
}

/* Another value of any of these computes another model from the same tensors. */
static void differences_are_named(void **state) {
    static const struct {
        const char *base, *key, *value, *because;
    } cases[] = {
        {vit, "hidden_act", "\"relu\"",
         "hidden_act is relu, the pretrained model's is "
         "gelu"},
        {vit, "num_attention_heads", "4", "num_attention_heads is 4"},
        {vit, "layer_norm_eps", NULL, "layer_norm_eps is 1e-12"},
        {vit, "qkv_bias", "false", "qkv_bias is false"},
        {vit, "patch_size", "8", "patch_size is 8"},
        {gpt2, "pad_token_id", "0", "pad_token_id is 0, the pretrained model's is 299"},
        {gpt2, "n_head", "4", "n_head is 4"},
        {gpt2, "activation_function", "\"gelu\"", "activation_function is gelu, "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config wanted, has;
        struct error error = {.text = ""};
        assert_int_equal(read(cases[i].base, NULL, NULL, &wanted, &error), 0);
        if (read(cases[i].base, cases[i].key, cases[i].value, &has, &error))
            fail_msg("%s", error.text);
        if (!model_config_compare(&wanted, &has, "dir", &error) ||
            !strstr(error.text, cases[i].because))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].key, error.text,
                     cases[i].because);
    }
}

/* Of CLIP's text, which is read where heads are made of it or both towers merged. */
static void a_text_tower_is_read_whole(void **state) {
    static const struct {
        const char *key, *value, *because; /* NULL: accepted */
    } cases[] = {
        {"text_config", "{\"is_causal\": false}", "is_causal is false"},
        {"text_config_dict", "{\"layer_norm_eps\": 0.1}",
         "text_config and text_config_dict say different things of layer_norm_eps"},
        {"text_config_dict", "{\"num_hidden_layers\": 12}", NULL},
        /* Both find the end: the greatest number of all (transformers before 4.31). */
        {"text_config_dict", "{\"eos_token_id\": 2, \"vocab_size\": 49408}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model_config out;
        struct error error = {.text = ""};
        json_t *config = changed(clip, cases[i].key, cases[i].value);
        int status = model_config_read_text(config, "dir", &out, &error);
        json_decref(config);
        if (!cases[i].because != !status ||
            (cases[i].because && !strstr(error.text, cases[i].because)))
            fail_msg("%s %s: \"%s\"", cases[i].key, cases[i].value, error.text);
    }
}

/* The recipe's word for the kind does not make another model of a config.json. */
static void a_kind_must_be_the_models(void **state) {
    struct model_config out;
    struct error error = {.text = ""};
    json_t *config = changed(vit, NULL, NULL);
    (void)state;
    assert_int_equal(model_config_read(config, "vit", "dir", &out, &error), 0);
    assert_int_equal(model_config_read(config, "clip-vision", "dir", &out, &error), -1);
    assert_non_null(strstr(error.text, "model_type \"vit\" is not that of a clip"));
    assert_int_equal(model_config_read(config, "bert", "dir", &out, &error), -1);
    assert_non_null(strstr(error.text, "model \"bert\" is not supported"));
    json_object_del(config, "model_type");
    assert_int_equal(model_config_read(config, "vit", "dir", &out, &error), 0);
    json_decref(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_computes_otherwise_is_refused),
        cmocka_unit_test(what_changes_nothing_is_accepted),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(a_text_tower_is_read_whole),
        cmocka_unit_test(a_kind_must_be_the_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
