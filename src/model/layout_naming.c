#include "model/layout_naming.h"

static const struct naming clip_naming = {
    .prefixes = {"vision_model.", "", NULL},
    .class_vector = "embeddings.class_embedding",
    .patch_weight = "embeddings.patch_embedding.weight",
    .position = "embeddings.position_embedding.weight",
    .pre_norm = "pre_layrnorm",
    .post_norm = "post_layernorm",
    .projection = "visual_projection.weight",
    .block = "encoder.layers.",
    .norm1 = "layer_norm1",
    .norm2 = "layer_norm2",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .out = "self_attn.out_proj",
    .fc1 = "mlp.fc1",
    .fc2 = "mlp.fc2"};

static const struct naming vit_naming = {
    .prefixes = {"vit.", "", NULL},
    .class_vector = "embeddings.cls_token",
    .patch_weight = "embeddings.patch_embeddings.projection.weight",
    .patch_bias = "embeddings.patch_embeddings.projection.bias",
    .position = "embeddings.position_embeddings",
    .post_norm = "layernorm",
    .block = "encoder.layer.",
    .norm1 = "layernorm_before",
    .norm2 = "layernorm_after",
    .query = "attention.attention.query",
    .key = "attention.attention.key",
    .value = "attention.attention.value",
    .out = "attention.output.dense",
    .fc1 = "intermediate.dense",
    .fc2 = "output.dense"};

static const struct naming clip_text_naming = {
    .prefixes = {"text_model.", NULL},
    .tokens = "embeddings.token_embedding.weight",
    .position = "embeddings.position_embedding.weight",
    .post_norm = "final_layer_norm",
    .projection = "text_projection.weight",
    .block = "encoder.layers.",
    .norm1 = "layer_norm1",
    .norm2 = "layer_norm2",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .out = "self_attn.out_proj",
    .fc1 = "mlp.fc1",
    .fc2 = "mlp.fc2"};

static const struct naming gpt2_naming = {.prefixes = {"transformer.", "", NULL},
                                          .tokens = "wte.weight",
                                          .position = "wpe.weight",
                                          .post_norm = "ln_f",
                                          .block = "h.",
                                          .norm1 = "ln_1",
                                          .norm2 = "ln_2",
                                          .qkv = "attn.c_attn",
                                          .out = "attn.c_proj",
                                          .fc1 = "mlp.c_fc",
                                          .fc2 = "mlp.c_proj"};

const struct naming *naming_of(enum model_kind kind) {
    static const struct naming *const namings[] = {[MODEL_CLIP_VISION] = &clip_naming,
                                                   [MODEL_VIT] = &vit_naming,
                                                   [MODEL_GPT2] = &gpt2_naming,
                                                   [MODEL_CLIP_TEXT] =
                                                       &clip_text_naming};
    return namings[kind];
}
