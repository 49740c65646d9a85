/* The shape of a model, from its config.json. */
#ifndef PWEMOE_MODEL_CONFIG_H
#define PWEMOE_MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/backend.h"
#include "base/error.h"

enum model_kind { MODEL_CLIP_VISION, MODEL_VIT };

struct model_config {
    enum model_kind kind;
    size_t layers, width, heads, mlp_width;
    size_t image_size, patch_size, channels;
    size_t projection; /* width of the image embedding; 0: no projection (ViT) */
    float epsilon;     /* of the layer norms */
    enum activation activation;
    bool qkv_bias;
    bool patch_bias;
    bool pre_norm; /* a layer norm before the first block (CLIP) */
};

/* Reads a config.json of CLIPModel, CLIPVisionModel(WithProjection) or
 * ViTForImageClassification. A key that is absent has transformers' default. kind:
 * "clip-vision", "vit", or NULL to let model_type decide. Errors name the key;
 * sizes that do not fit together (width not divisible by heads, image by patch)
 * are errors. where names the directory. */
int model_config_read(const json_t *config, const char *kind, const char *where,
                      struct model_config *out, struct error *error);

const char *model_kind_name(enum model_kind kind);

static inline size_t model_config_patches(const struct model_config *config) {
    size_t edge = config->image_size / config->patch_size;
    return edge * edge;
}

/* Rows of the transformer an image becomes: its patches and the class token. */
static inline size_t model_config_tokens(const struct model_config *config) {
    return 1 + model_config_patches(config);
}

/* Width of what the heads read. */
static inline size_t model_config_features(const struct model_config *config) {
    return config->projection ? config->projection : config->width;
}

#endif
