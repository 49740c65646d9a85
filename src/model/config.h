/* The shape of a model, from its config.json. */
#ifndef PWEMOE_MODEL_CONFIG_H
#define PWEMOE_MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/error.h"

/* MODEL_CLIP_TEXT is the text tower of a CLIPModel, of which zero-shot heads are made
 * (zero_shot.h); it is merged beside the vision tower or not at all (both_towers). */
enum model_kind { MODEL_CLIP_VISION, MODEL_VIT, MODEL_CLIP_TEXT, MODEL_GPT2 };

/* eos_token_id of CLIP models older than transformers 4.31, which is wrong there:
 * what is read is then the first position of the greatest token number. */
enum { MODEL_LEGACY_END = 2 };

struct model_config {
    enum model_kind kind;
    size_t layers, width, heads, mlp_width;
    size_t image_size, patch_size, channels; /* of images */
    size_t vocabulary, context;              /* of text: tokens known, positions */
    int32_t end;       /* of CLIP's text: the token whose first position is read */
    int32_t pad;       /* GPT-2: the token that texts are filled up with */
    size_t projection; /* width of the embedding; 0: no projection (ViT) */
    float epsilon;     /* of the layer norms */
    enum activation activation;
    bool conv1d; /* GPT-2: weights of linear layers are stored [inputs, outputs] */
    bool qkv_bias;
    bool patch_bias;
    bool pre_norm;    /* a layer norm before the first block (CLIP) */
    bool both_towers; /* of CLIP: the text tower is merged too */
};

/* Reads a config.json of CLIPModel, CLIPVisionModel(WithProjection),
 * ViTForImageClassification or GPT2ForSequenceClassification. A key that is absent has
 * transformers' default. kind: "clip-vision", "clip" (both towers), "vit",
 * "gpt2-classifier", or NULL to let model_type decide ("clip-vision" of CLIP). Errors
 * name the key; sizes that do not fit together (width not divisible by heads, image by
 * patch), a model_type that is not of that kind, and settings that compute something
 * else (quantization_config, pruned_heads, per_layer_config, is_causal, problem_type,
 * variants of GPT-2's attention) are errors. Keys that change no output of a trained
 * model (dropout, caches, initialisation, labels, the pooler, n_ctx, summary_*) are not
 * read. where names the directory.
 *
 * Of GPT-2 the general names (num_attention_heads for n_head and the like) count before
 * its own, as in transformers. vision_config_dict and text_config_dict, which old CLIP
 * models have too, must say the same as the objects without _dict, or stand alone.
 *
 * The pad token of GPT-2 is pad_token_id or, where it has none, eos_token_id. */
int model_config_read(const json_t *config, const char *kind, const char *where,
                      struct model_config *out, struct error *error);

/* Whether two models of one kind compute alike, by what their config.json files say:
 * sizes, heads, activation, epsilon, biases of queries, keys and values, GPT-2's pad
 * token, the end token of CLIP's text. The error names the first key that differs, with
 * both values, and where. */
int model_config_compare(const struct model_config *wanted,
                         const struct model_config *has, const char *where,
                         struct error *error);

/* The first key that model_config_compare would name, or NULL. */
const char *model_config_difference(const struct model_config *a,
                                    const struct model_config *b);

/* The text tower of a CLIPModel, from the same config.json. */
int model_config_read_text(const json_t *config, const char *where,
                           struct model_config *out, struct error *error);

const char *model_kind_name(enum model_kind kind);
bool model_kind_is(const char *name, enum model_kind kind);
/* Is this the name of a CLIP of which both towers are merged ("clip")? */
bool model_has_both_towers(const char *name);

static inline size_t model_config_patches(const struct model_config *config) {
    size_t edge = config->image_size / config->patch_size;
    return edge * edge;
}

/* Whether examples are texts, each of its own length, and not images. */
static inline bool model_config_is_text(const struct model_config *config) {
    return config->kind == MODEL_CLIP_TEXT || config->kind == MODEL_GPT2;
}

/* Rows of the transformer: an image's patches and the class token, or the positions
 * of text, which are the most that there can be. */
static inline size_t model_config_tokens(const struct model_config *config) {
    if (model_config_is_text(config))
        return config->context;
    return 1 + model_config_patches(config);
}

/* Width of what the heads read. */
static inline size_t model_config_features(const struct model_config *config) {
    return config->projection ? config->projection : config->width;
}

#endif
