#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "model/config.h"

enum form { FORM_SIZE, FORM_TOKEN, FORM_FLAG, FORM_EPSILON, FORM_ACTIVATION };

/* What config.json says of how a model computes, key by key. */
static const struct {
    /* of images, of GPT-2, of CLIP's text_config; NULL: that family has no such key */
    const char *key, *gpt2, *text;
    enum form form;
    size_t offset;
} fields[] = {
    {"num_hidden_layers", "n_layer", "num_hidden_layers", FORM_SIZE,
     offsetof(struct model_config, layers)},
    {"hidden_size", "n_embd", "hidden_size", FORM_SIZE,
     offsetof(struct model_config, width)},
    {"num_attention_heads", "n_head", "num_attention_heads", FORM_SIZE,
     offsetof(struct model_config, heads)},
    {"intermediate_size", "n_inner", "intermediate_size", FORM_SIZE,
     offsetof(struct model_config, mlp_width)},
    {"image_size", NULL, NULL, FORM_SIZE, offsetof(struct model_config, image_size)},
    {"patch_size", NULL, NULL, FORM_SIZE, offsetof(struct model_config, patch_size)},
    {NULL, "n_positions", "max_position_embeddings", FORM_SIZE,
     offsetof(struct model_config, context)},
    {NULL, "vocab_size", "vocab_size", FORM_SIZE,
     offsetof(struct model_config, vocabulary)},
    {"hidden_act", "activation_function", "hidden_act", FORM_ACTIVATION,
     offsetof(struct model_config, activation)},
    {"layer_norm_eps", "layer_norm_epsilon", "layer_norm_eps", FORM_EPSILON,
     offsetof(struct model_config, epsilon)},
    {"qkv_bias", NULL, NULL, FORM_FLAG, offsetof(struct model_config, qkv_bias)},
    {NULL, "pad_token_id", NULL, FORM_TOKEN, offsetof(struct model_config, pad)},
    {NULL, NULL, "eos_token_id", FORM_TOKEN, offsetof(struct model_config, end)},
};

/* The wrong eos_token_id of old CLIP models reads the greatest token number: the same
 * as the right one where that is the greatest. */
static bool same_end(const struct model_config *a, const struct model_config *b) {
    bool old = a->end == MODEL_LEGACY_END || b->end == MODEL_LEGACY_END;
    size_t end = (size_t)(a->end > b->end ? a->end : b->end);
    return old && end + 1 == a->vocabulary;
}

static const char *activation_text(enum activation activation) {
    switch (activation) {
    case ACTIVATION_GELU:
        return "gelu";
    case ACTIVATION_GELU_TANH:
        return "gelu_new";
    case ACTIVATION_QUICK_GELU:
        return "quick_gelu";
    case ACTIVATION_RELU:
        return "relu";
    default:
        return "none";
    }
}

static void value_text(enum form form, const void *value, char *out, size_t size) {
    switch (form) {
    case FORM_SIZE:
        snprintf(out, size, "%zu", *(const size_t *)value);
        break;
    case FORM_TOKEN:
        snprintf(out, size, "%d", *(const int32_t *)value);
        break;
    case FORM_FLAG:
        snprintf(out, size, "%s", *(const bool *)value ? "true" : "false");
        break;
    case FORM_EPSILON:
        snprintf(out, size, "%g", (double)*(const float *)value);
        break;
    case FORM_ACTIVATION:
        snprintf(out, size, "%s", activation_text(*(const enum activation *)value));
        break;
    }
}

/* The first key that differs, what the two say of it, and in what form; NULL: none. */
static const char *difference(const struct model_config *wanted,
                              const struct model_config *has, char wants[32],
                              char said[32], enum form *form) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *key = wanted->kind == MODEL_GPT2        ? fields[i].gpt2
                          : wanted->kind == MODEL_CLIP_TEXT ? fields[i].text
                                                            : fields[i].key;
        const void *a = (const char *)wanted + fields[i].offset,
                   *b = (const char *)has + fields[i].offset;
        if (!key || (a == &wanted->end && same_end(wanted, has)))
            continue;
        *form = fields[i].form;
        value_text(*form, a, wants, 32);
        value_text(*form, b, said, 32);
        if (strcmp(wants, said) != 0)
            return key;
    }
    return NULL;
}

const char *model_config_difference(const struct model_config *a,
                                    const struct model_config *b) {
    char one[32], other[32];
    enum form form;
    return difference(a, b, one, other, &form);
}

int model_config_compare(const struct model_config *wanted,
                         const struct model_config *has, const char *where,
                         struct error *error) {
    char wants[32], said[32];
    enum form form;
    const char *key = difference(wanted, has, wants, said, &form);
    if (!key)
        return 0;
    return error_set(error,
                     "%s: config.json: %s%s is %s, the pretrained model's is %s; "
                     "use models fine-tuned from it%s",
                     where, wanted->kind == MODEL_CLIP_TEXT ? "text_config: " : "", key,
                     said, wants,
                     form == FORM_TOKEN ? ", or give all of them the same" : "");
}
