#include "model/config.h"

#include <string.h>

struct reader {
    const json_t *object;
    const char *where;
    struct error *error;
    bool failed;
};

static size_t read_size(struct reader *reader, const char *key, size_t fallback) {
    enum { LARGEST = 1 << 20 };
    const json_t *value = json_object_get(reader->object, key);
    if (!value || json_is_null(value))
        return fallback;
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 1 && number <= LARGEST)
        return (size_t)number;
    if (!reader->failed)
        error_set(reader->error,
                  "%s: config.json: %s must be a whole number from 1 to %d",
                  reader->where, key, (int)LARGEST);
    reader->failed = true;
    return 1;
}

static bool read_flag(struct reader *reader, const char *key, bool fallback) {
    const json_t *value = json_object_get(reader->object, key);
    if (!value || json_is_null(value))
        return fallback;
    if (!json_is_boolean(value)) {
        if (!reader->failed)
            error_set(reader->error, "%s: config.json: %s must be true or false",
                      reader->where, key);
        reader->failed = true;
    }
    return json_is_true(value);
}

static float read_epsilon(struct reader *reader, double fallback) {
    const json_t *value = json_object_get(reader->object, "layer_norm_eps");
    double number = value ? json_number_value(value) : fallback;
    if (!(number > 0 && number < 1)) {
        if (!reader->failed)
            error_set(reader->error,
                      "%s: config.json: layer_norm_eps must lie between 0 and 1",
                      reader->where);
        reader->failed = true;
    }
    return (float)number;
}

static enum activation read_activation(struct reader *reader, const char *fallback) {
    static const struct {
        const char *name;
        enum activation activation;
    } known[] = {{"gelu", ACTIVATION_GELU},
                 {"gelu_new", ACTIVATION_GELU_TANH},
                 {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
                 {"quick_gelu", ACTIVATION_QUICK_GELU},
                 {"relu", ACTIVATION_RELU}};
    const char *name = json_string_value(json_object_get(reader->object, "hidden_act"));
    if (!name)
        name = fallback;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].activation;
    if (!reader->failed)
        error_set(reader->error,
                  "%s: config.json: hidden_act \"%s\" is not known; gelu, gelu_new, "
                  "quick_gelu and relu are",
                  reader->where, name);
    reader->failed = true;
    return ACTIVATION_NONE;
}

const char *model_kind_name(enum model_kind kind) {
    switch (kind) {
    case MODEL_VIT:
        return "vit";
    case MODEL_CLIP_TEXT:
        return "clip-text";
    default:
        return "clip-vision";
    }
}

static int decide_kind(const json_t *config, const char *kind, const char *where,
                       enum model_kind *out, struct error *error) {
    const char *type = json_string_value(json_object_get(config, "model_type"));
    if (kind && strcmp(kind, "vit") == 0)
        *out = MODEL_VIT;
    else if (kind && strcmp(kind, "clip-vision") == 0)
        *out = MODEL_CLIP_VISION;
    else if (kind)
        return error_set(error, "model \"%s\" is not known; clip-vision and vit are",
                         kind);
    else if (type && strcmp(type, "vit") == 0)
        *out = MODEL_VIT;
    else if (type &&
             (strcmp(type, "clip") == 0 || strcmp(type, "clip_vision_model") == 0))
        *out = MODEL_CLIP_VISION;
    else
        return error_set(error,
                         "%s: config.json: model_type \"%s\" is not one of clip, "
                         "clip_vision_model, vit",
                         where, type ? type : "");
    return 0;
}

/* The projection's width of a CLIP model; what is read after it comes from the
 * named part of config.json where there is one. A whole CLIPModel keeps
 * projection_dim outside its parts too, and that one counts. */
static size_t enter_part(struct reader *reader, const char *name) {
    const json_t *whole = reader->object, *part = json_object_get(whole, name);
    if (!json_is_object(part))
        return read_size(reader, "projection_dim", 512);
    reader->object = part;
    size_t inside = read_size(reader, "projection_dim", 512);
    reader->object = whole;
    size_t projection = read_size(reader, "projection_dim", inside);
    reader->object = part;
    return projection;
}

struct core_defaults {
    size_t width, heads, mlp_width;
};

static void read_core(struct reader *reader, const struct core_defaults *defaults,
                      struct model_config *out) {
    out->layers = read_size(reader, "num_hidden_layers", 12);
    out->width = read_size(reader, "hidden_size", defaults->width);
    out->heads = read_size(reader, "num_attention_heads", defaults->heads);
    out->mlp_width = read_size(reader, "intermediate_size", defaults->mlp_width);
}

static int check_core(const struct model_config *config, const char *where,
                      struct error *error) {
    if (config->layers > 1024)
        return error_set(error, "%s: config.json: num_hidden_layers %zu is over 1024",
                         where, config->layers);
    if (config->width % config->heads)
        return error_set(error,
                         "%s: config.json: hidden_size %zu is not divisible by "
                         "num_attention_heads %zu",
                         where, config->width, config->heads);
    return 0;
}

int model_config_read(const json_t *config, const char *kind, const char *where,
                      struct model_config *out, struct error *error) {
    if (!json_is_object(config))
        return error_set(error, "%s: config.json: is no JSON object", where);
    if (decide_kind(config, kind, where, &out->kind, error))
        return -1;
    struct reader reader = {.object = config, .where = where, .error = error};
    bool clip = out->kind == MODEL_CLIP_VISION;
    out->projection = clip ? enter_part(&reader, "vision_config") : 0;
    read_core(&reader, &(struct core_defaults){768, 12, 3072}, out);
    out->image_size = read_size(&reader, "image_size", 224);
    out->patch_size = read_size(&reader, "patch_size", clip ? 32 : 16);
    out->channels = read_size(&reader, "num_channels", 3);
    out->epsilon = read_epsilon(&reader, clip ? 1e-5 : 1e-12);
    out->activation = read_activation(&reader, clip ? "quick_gelu" : "gelu");
    out->qkv_bias = clip || read_flag(&reader, "qkv_bias", true);
    out->patch_bias = !clip;
    out->pre_norm = clip;
    if (reader.failed || check_core(out, where, error))
        return -1;
    if (out->image_size % out->patch_size)
        return error_set(
            error, "%s: config.json: image_size %zu is not divisible by patch_size %zu",
            where, out->image_size, out->patch_size);
    if (out->image_size > 4096)
        return error_set(error, "%s: config.json: image_size %zu is over 4096", where,
                         out->image_size);
    if (out->channels != 3)
        return error_set(error,
                         "%s: config.json: num_channels is %zu; only models of RGB "
                         "images are supported",
                         where, out->channels);
    return 0;
}

int model_config_read_text(const json_t *config, const char *where,
                           struct model_config *out, struct error *error) {
    if (!json_is_object(config))
        return error_set(error, "%s: config.json: is no JSON object", where);
    struct reader reader = {.object = config, .where = where, .error = error};
    *out = (struct model_config){.kind = MODEL_CLIP_TEXT, .qkv_bias = true};
    out->projection = enter_part(&reader, "text_config");
    if (reader.object == config) /* no part of its own: all is as transformers has it */
        reader.object = NULL;
    read_core(&reader, &(struct core_defaults){512, 8, 2048}, out);
    out->vocabulary = read_size(&reader, "vocab_size", 49408);
    out->context = read_size(&reader, "max_position_embeddings", 77);
    out->end = (int32_t)read_size(&reader, "eos_token_id", 49407);
    out->epsilon = read_epsilon(&reader, 1e-5);
    out->activation = read_activation(&reader, "quick_gelu");
    if (reader.failed || check_core(out, where, error))
        return -1;
    if (out->context < 2 || out->context > 65536)
        return error_set(error,
                         "%s: config.json: max_position_embeddings %zu is not from 2 "
                         "to 65536",
                         where, out->context);
    return 0;
}
