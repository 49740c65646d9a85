#include "model/config.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST_SIZE = 1 << 20 };

struct config_reader {
    const json_t *object;
    const char *where;
    struct error *error;
    bool failed;
};

static size_t read_size(struct config_reader *reader, const char *key,
                        size_t fallback) {
    const json_t *value = json_object_get(reader->object, key);
    if (!value || json_is_null(value))
        return fallback;
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 1 && number <= LARGEST_SIZE)
        return (size_t)number;
    if (!reader->failed)
        error_set(reader->error,
                  "%s: config.json: %s must be a whole number from 1 to %d",
                  reader->where, key, (int)LARGEST_SIZE);
    reader->failed = true;
    return 1;
}

/* The edge of a square, given as a number or as [EDGE, EDGE]. */
static size_t read_edge(struct config_reader *reader, const char *key,
                        size_t fallback) {
    const json_t *pair = json_object_get(reader->object, key);
    if (!json_is_array(pair))
        return read_size(reader, key, fallback);
    json_int_t edge = json_integer_value(json_array_get(pair, 0));
    if (json_array_size(pair) == 2 && edge >= 1 && edge <= LARGEST_SIZE &&
        json_equal(json_array_get(pair, 0), json_array_get(pair, 1)))
        return (size_t)edge;
    if (!reader->failed)
        error_set(reader->error, "%s: config.json: %s must be that of a square",
                  reader->where, key);
    reader->failed = true;
    return 1;
}

static bool read_flag(struct config_reader *reader, const char *key, bool fallback) {
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

static float read_epsilon(struct config_reader *reader, const char *key,
                          double fallback) {
    const json_t *value = json_object_get(reader->object, key);
    double number = value ? json_number_value(value) : fallback;
    if (!(number > 0 && number < 1)) {
        if (!reader->failed)
            error_set(reader->error, "%s: config.json: %s must lie between 0 and 1",
                      reader->where, key);
        reader->failed = true;
    }
    return (float)number;
}

static enum activation read_activation(struct config_reader *reader, const char *key,
                                       const char *fallback) {
    static const struct {
        const char *name;
        enum activation activation;
    } known[] = {{"gelu", ACTIVATION_GELU},
                 {"gelu_new", ACTIVATION_GELU_TANH},
                 {"gelu_pytorch_tanh", ACTIVATION_GELU_TANH},
                 {"quick_gelu", ACTIVATION_QUICK_GELU},
                 {"relu", ACTIVATION_RELU}};
    const json_t *value = json_object_get(reader->object, key);
    const char *name = value ? json_string_value(value) : fallback;
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].activation;
    if (!reader->failed)
        error_set(reader->error,
                  "%s: config.json: %s \"%s\" is not supported; gelu, gelu_new, "
                  "quick_gelu and relu are",
                  reader->where, key, name ? name : "(no text)");
    reader->failed = true;
    return ACTIVATION_NONE;
}

const char *model_kind_name(enum model_kind kind) {
    switch (kind) {
    case MODEL_VIT:
        return "vit";
    case MODEL_CLIP_TEXT:
        return "clip-text";
    case MODEL_GPT2:
        return "gpt2-classifier";
    default:
        return "clip-vision";
    }
}

bool model_kind_is(const char *name, enum model_kind kind) {
    return strcmp(name, model_kind_name(kind)) == 0;
}

bool model_has_both_towers(const char *name) {
    return strcmp(name, "clip") == 0;
}

static int decide_kind(const json_t *config, const char *kind, const char *where,
                       enum model_kind *out, struct error *error) {
    static const struct {
        const char *kind, *type;
        enum model_kind value;
    } known[] = {{"vit", "vit", MODEL_VIT},
                 {"clip-vision", "clip", MODEL_CLIP_VISION},
                 {"clip-vision", "clip_vision_model", MODEL_CLIP_VISION},
                 {"clip", "clip", MODEL_CLIP_VISION},
                 {"gpt2-classifier", "gpt2", MODEL_GPT2}};
    const char *type = json_string_value(json_object_get(config, "model_type"));
    bool known_kind = !kind;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool named = kind && strcmp(known[i].kind, kind) == 0;
        known_kind |= named;
        if ((!kind || named) && (type ? strcmp(known[i].type, type) == 0 : named)) {
            *out = known[i].value;
            return 0;
        }
    }
    if (!known_kind)
        return error_set(
            error,
            "model \"%s\" is not supported; clip-vision, vit and gpt2-classifier are",
            kind);
    if (!kind)
        return error_set(error,
                         "%s: config.json: model_type \"%s\" is not one of clip, "
                         "clip_vision_model, vit, gpt2",
                         where, type ? type : "");
    return error_set(error,
                     "%s: config.json: model_type \"%s\" is not that of a %s model",
                     where, type, kind);
}

/* What no family of ours computes. */
static int check_common(struct config_reader *reader, struct error *error) {
    const json_t *quantised = json_object_get(reader->object, "quantization_config");
    const json_t *pruned = json_object_get(reader->object, "pruned_heads");
    const json_t *layers = json_object_get(reader->object, "per_layer_config");
    const char *problem =
        json_string_value(json_object_get(reader->object, "problem_type"));
    if (quantised && !json_is_null(quantised))
        return error_set(error,
                         "%s: config.json: quantization_config: quantised weights are "
                         "not supported; save the model dequantised",
                         reader->where);
    if (json_object_size(pruned))
        return error_set(error,
                         "%s: config.json: pruned_heads is not empty, which is not "
                         "supported",
                         reader->where);
    if (json_object_size(layers))
        return error_set(error,
                         "%s: config.json: per_layer_config is not empty; layers that "
                         "differ are not supported",
                         reader->where);
    if (problem && strcmp(problem, "single_label_classification") != 0)
        return error_set(error,
                         "%s: config.json: problem_type is %s; only "
                         "single_label_classification is supported",
                         reader->where, problem);
    return 0;
}

/* Of text every token sees those before it, of an image every patch all others. */
static int check_causal(struct config_reader *reader, bool causal,
                        struct error *error) {
    if (reader->failed || read_flag(reader, "is_causal", causal) == causal)
        return reader->failed ? -1 : 0;
    return error_set(error, "%s: config.json: is_causal is %s, which is not supported",
                     reader->where, causal ? "false" : "true");
}

/* The projection's width of a CLIP model; what is read after it comes from `part` where
 * that is an object. A whole CLIPModel keeps projection_dim outside its parts too, and
 * that one counts. */
static size_t enter_part(struct config_reader *reader, const json_t *part) {
    const json_t *whole = reader->object;
    if (!json_is_object(part))
        return read_size(reader, "projection_dim", 512);
    reader->object = part;
    size_t inside = read_size(reader, "projection_dim", 512);
    reader->object = whole;
    size_t projection = read_size(reader, "projection_dim", inside);
    reader->object = part;
    return projection;
}

/* A tower of CLIP, from `name` of config.json or, where that is no object, from the
 * same with _dict after it. Where both are there CLIPModel reads the second and the
 * towers' own classes the first: then they must say the same. */
typedef int read_tower(const json_t *config, const json_t *part, const char *where,
                       struct model_config *out, struct error *error);

static int read_either(const json_t *config, const char *name, read_tower *read,
                       const char *where, struct model_config *out,
                       struct error *error) {
    char second[32];
    snprintf(second, sizeof second, "%s_dict", name);
    const json_t *part = json_object_get(config, name),
                 *dict = json_object_get(config, second);
    bool both = json_is_object(part) && json_is_object(dict);
    if (read(config, json_is_object(part) ? part : dict, where, out, error))
        return -1;
    struct model_config other = *out;
    if (both && read(config, dict, where, &other, error))
        return -1;
    const char *key = both ? model_config_difference(out, &other) : NULL;
    return key ? error_set(
                     error,
                     "%s: config.json: %s and %s say different things of %s; make "
                     "them the same",
                     where, name, second, key)
               : 0;
}

struct core_defaults {
    size_t width, heads, mlp_width;
};

/* What config.json calls the sizes of the blocks. */
struct core_keys {
    const char *layers, *width, *heads, *mlp_width;
};

static const struct core_keys usual_keys = {"num_hidden_layers", "hidden_size",
                                            "num_attention_heads", "intermediate_size"};
static const struct core_keys gpt2_keys = {"n_layer", "n_embd", "n_head", "n_inner"};

/* Of GPT-2 the general name counts where it is there too, as in transformers. */
static size_t read_renamed(struct config_reader *reader, const char *usual,
                           const char *key, size_t fallback) {
    bool there = json_object_get(reader->object, usual);
    return read_size(reader, there ? usual : key, fallback);
}

static void read_core(struct config_reader *reader,
                      const struct core_defaults *defaults, struct model_config *out) {
    out->layers = read_size(reader, usual_keys.layers, 12);
    out->width = read_size(reader, usual_keys.width, defaults->width);
    out->heads = read_size(reader, usual_keys.heads, defaults->heads);
    out->mlp_width = read_size(reader, usual_keys.mlp_width, defaults->mlp_width);
}

static int check_core(const struct model_config *config, const struct core_keys *keys,
                      const char *where, struct error *error) {
    if (config->layers > 1024)
        return error_set(error, "%s: config.json: %s %zu is over 1024", where,
                         keys->layers, config->layers);
    if (config->width % config->heads)
        return error_set(error, "%s: config.json: %s %zu is not divisible by %s %zu",
                         where, keys->width, config->width, keys->heads, config->heads);
    return 0;
}

/* The number of a token; -1 where there is none. */
static int32_t read_token(struct config_reader *reader, const char *key,
                          int32_t fallback) {
    const json_t *value = json_object_get(reader->object, key);
    if (!value)
        return fallback;
    if (json_is_null(value))
        return -1;
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 0 && number <= INT32_MAX)
        return (int32_t)number;
    if (!reader->failed)
        error_set(reader->error, "%s: config.json: %s must be the number of a token",
                  reader->where, key);
    reader->failed = true;
    return -1;
}

/* Variants of GPT-2 that compute something else. */
static int check_gpt2_variant(struct config_reader *reader, struct error *error) {
    static const struct {
        const char *key;
        bool only;
    } flags[] = {{"scale_attn_weights", true},
                 {"scale_attn_by_inverse_layer_idx", false},
                 {"add_cross_attention", false}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (read_flag(reader, flags[i].key, flags[i].only) != flags[i].only &&
            !reader->failed)
            return error_set(error, "%s: config.json: %s is %s, which is not supported",
                             reader->where, flags[i].key,
                             flags[i].only ? "false" : "true");
    return 0;
}

static int read_gpt2(struct config_reader *reader, struct model_config *out,
                     struct error *error) {
    *out = (struct model_config){.kind = MODEL_GPT2, .conv1d = true, .qkv_bias = true};
    out->layers = read_renamed(reader, usual_keys.layers, gpt2_keys.layers, 12);
    out->width = read_renamed(reader, usual_keys.width, gpt2_keys.width, 768);
    out->heads = read_renamed(reader, usual_keys.heads, gpt2_keys.heads, 12);
    out->mlp_width = read_size(reader, gpt2_keys.mlp_width, 4 * out->width);
    out->vocabulary = read_size(reader, "vocab_size", 50257);
    out->context = read_renamed(reader, "max_position_embeddings", "n_positions", 1024);
    out->epsilon = read_epsilon(reader, "layer_norm_epsilon", 1e-5);
    out->activation = read_activation(reader, "activation_function", "gelu_new");
    out->pad = read_token(reader, "pad_token_id", -1);
    if (out->pad < 0)
        out->pad = read_token(reader, "eos_token_id", 50256);
    if (reader->failed || check_gpt2_variant(reader, error) || reader->failed ||
        check_causal(reader, true, error) ||
        check_core(out, &gpt2_keys, reader->where, error))
        return -1;
    if (out->pad < 0 || (size_t)out->pad >= out->vocabulary)
        return error_set(error,
                         "%s: config.json: neither pad_token_id nor eos_token_id is a "
                         "token of the %zu of vocab_size",
                         reader->where, out->vocabulary);
    return 0;
}

/* What the transformers of images have; of CLIP `part` is its vision_config. */
static int read_images(const json_t *config, const json_t *part, const char *where,
                       struct model_config *out, struct error *error) {
    struct config_reader reader = {.object = config, .where = where, .error = error};
    bool clip = out->kind == MODEL_CLIP_VISION;
    out->projection = clip ? enter_part(&reader, part) : 0;
    if (check_common(&reader, error))
        return -1;
    read_core(&reader, &(struct core_defaults){768, 12, 3072}, out);
    out->image_size = read_edge(&reader, "image_size", 224);
    out->patch_size = read_edge(&reader, "patch_size", clip ? 32 : 16);
    out->channels = read_size(&reader, "num_channels", 3);
    out->epsilon = read_epsilon(&reader, "layer_norm_eps", clip ? 1e-5 : 1e-12);
    out->activation =
        read_activation(&reader, "hidden_act", clip ? "quick_gelu" : "gelu");
    out->qkv_bias = clip || read_flag(&reader, "qkv_bias", true);
    out->patch_bias = !clip;
    out->pre_norm = clip;
    if (check_causal(&reader, false, error) ||
        check_core(out, &usual_keys, where, error))
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

int model_config_read(const json_t *config, const char *kind, const char *where,
                      struct model_config *out, struct error *error) {
    if (!json_is_object(config))
        return error_set(error, "%s: config.json: is not a JSON object", where);
    if (decide_kind(config, kind, where, &out->kind, error))
        return -1;
    struct config_reader reader = {.object = config, .where = where, .error = error};
    if (check_common(&reader, error))
        return -1;
    if (out->kind == MODEL_GPT2)
        return read_gpt2(&reader, out, error);
    *out = (struct model_config){.kind = out->kind,
                                 .both_towers = kind && model_has_both_towers(kind)};
    if (out->kind == MODEL_CLIP_VISION)
        return read_either(config, "vision_config", read_images, where, out, error);
    return read_images(config, NULL, where, out, error);
}

static int read_text(const json_t *config, const json_t *part, const char *where,
                     struct model_config *out, struct error *error) {
    struct config_reader reader = {.object = config, .where = where, .error = error};
    *out = (struct model_config){.kind = MODEL_CLIP_TEXT, .qkv_bias = true};
    out->projection = enter_part(&reader, part);
    if (reader.object == config) /* no part of its own: all is as transformers has it */
        reader.object = NULL;
    if (check_common(&reader, error))
        return -1;
    read_core(&reader, &(struct core_defaults){512, 8, 2048}, out);
    out->vocabulary = read_size(&reader, "vocab_size", 49408);
    out->context = read_size(&reader, "max_position_embeddings", 77);
    out->end = (int32_t)read_size(&reader, "eos_token_id", 49407);
    out->epsilon = read_epsilon(&reader, "layer_norm_eps", 1e-5);
    out->activation = read_activation(&reader, "hidden_act", "quick_gelu");
    if (check_causal(&reader, true, error) ||
        check_core(out, &usual_keys, where, error))
        return -1;
    if (out->context < 2 || out->context > 65536)
        return error_set(error,
                         "%s: config.json: max_position_embeddings %zu is not from 2 "
                         "to 65536",
                         where, out->context);
    return 0;
}

int model_config_read_text(const json_t *config, const char *where,
                           struct model_config *out, struct error *error) {
    if (!json_is_object(config))
        return error_set(error, "%s: config.json: is not a JSON object", where);
    return read_either(config, "text_config", read_text, where, out, error);
}
